"""What the purposes took over goes; objections."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import consent.types


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0003_purposes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        migrations.swappable_dependency(settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="processingitem",
            name="purpose",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="items",
                to="consent.processingpurpose",
            ),
        ),
        migrations.RemoveField(model_name="processingitem", name="optional"),
        migrations.RemoveField(model_name="processing", name="purpose"),
        migrations.RemoveField(model_name="processing", name="purpose_en"),
        migrations.RemoveField(model_name="processing", name="legal_basis"),
        migrations.RemoveField(model_name="processing", name="retention"),
        migrations.RemoveField(model_name="processing", name="retention_en"),
        migrations.AlterField(
            model_name="disclosure",
            name="legal_basis",
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name="consent",
            name="origin",
            field=models.CharField(
                choices=[("page", "page montrée avant l’ouverture de l’outil"), ("own_data", "« Mes données »")],
                default=consent.types.Origin["PAGE"],
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="Objection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("items", models.JSONField(default=list)),
                ("at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="objections",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "purpose",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="objections",
                        to="consent.processingpurpose",
                    ),
                ),
                (
                    "tool",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="objections",
                        to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["member", "tool"], name="objection_member")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("member", "purpose"),
                        name="one_live_objection",
                    )
                ],
            },
        ),
    ]

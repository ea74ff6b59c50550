"""A sheet has several purposes, each with its legal basis; what rests on legitimate interest can be objected to.

What is declared today becomes a sheet with one purpose.  An item that rested on consent and could not be refused
without leaving the tool aside can be refused from now on; decisions that were taken stay as they are.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

BASES = [
    ("consent", "consentement"),
    ("contract", "exécution du contrat"),
    ("legal_duty", "obligation légale"),
    ("vital_interest", "intérêt vital"),
    ("public_task", "mission d’intérêt public"),
    ("legitimate_interest", "intérêt légitime"),
]


def one_purpose_each(apps, schema_editor):
    Processing, Purpose = apps.get_model("consent", "Processing"), apps.get_model("consent", "ProcessingPurpose")
    for processing in Processing.objects.iterator():
        purpose = Purpose.objects.create(
            processing=processing,
            text=processing.purpose,
            text_en=processing.purpose_en,
            legal_basis=processing.legal_basis,
            retention=processing.retention,
            retention_en=processing.retention_en,
        )
        processing.items.update(purpose=purpose)


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0002_channels"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        migrations.swappable_dependency(settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ProcessingPurpose",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField()),
                ("text_en", models.TextField(blank=True)),
                ("legal_basis", models.CharField(choices=BASES, max_length=20)),
                ("retention", models.CharField(max_length=200)),
                ("retention_en", models.CharField(blank=True, max_length=200)),
                ("order", models.PositiveSmallIntegerField(default=0)),
                (
                    "processing",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="purposes",
                        to="consent.processing",
                    ),
                ),
            ],
            options={"ordering": ["order", "id"]},
        ),
        migrations.AddField(
            model_name="processingitem",
            name="purpose",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="items",
                to="consent.processingpurpose",
            ),
        ),
        migrations.RunPython(one_purpose_each, migrations.RunPython.noop),
    ]

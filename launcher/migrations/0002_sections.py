"""The five sections that were fixed become the first rows; tools keep the word by which they name theirs."""

import django.db.models.deletion
from django.db import migrations, models

FIRST = (
    ("management", "Gérer mon activité", "Running my business", "management"),
    ("files", "Fichiers et agenda", "Files and calendar", "files"),
    ("learning", "Se former", "Learning", "learning"),
    ("together", "Vivre la coopérative", "Life of the cooperative", "together"),
    ("other", "Autres outils", "Other tools", "other"),
)


def carry(apps, _schema_editor):
    section = apps.get_model("launcher", "Section")
    section.objects.bulk_create(
        section(slug=slug, name=name, name_en=name_en, icon=icon, order=order)
        for order, (slug, name, name_en, icon) in enumerate(FIRST)
    )


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "__first__"),
        ("launcher", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Section",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=60)),
                ("name_en", models.CharField(blank=True, max_length=60)),
                (
                    "icon",
                    models.CharField(
                        choices=[
                            ("management", "une mallette"),
                            ("files", "un dossier"),
                            ("learning", "un livre"),
                            ("together", "des personnes"),
                            ("other", "des carrés"),
                        ],
                        default="other",
                        max_length=12,
                    ),
                ),
                ("order", models.PositiveSmallIntegerField(default=0)),
                (
                    "collective",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="directory.collective",
                    ),
                ),
            ],
            options={"ordering": ["order", "slug"]},
        ),
        migrations.RunPython(carry, migrations.RunPython.noop),
    ]

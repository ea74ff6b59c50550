"""A decision can be taken among one's own choices."""

from django.db import migrations, models

import consent.types


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0008_notice_copies"),
    ]

    operations = [
        migrations.AlterField(
            model_name="consent",
            name="origin",
            field=models.CharField(
                choices=[
                    ("page", "page montrée avant l’ouverture de l’outil"),
                    ("own_data", "« Mes données », par une opposition"),
                    ("choice", "« Mes données », par un choix"),
                ],
                default=consent.types.Origin["PAGE"],
                max_length=10,
            ),
        ),
    ]

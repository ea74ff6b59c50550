from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "0013_erased_from_the_journal"),
    ]

    operations = [
        migrations.AddField(
            model_name="directorysource",
            name="tried",
            field=models.JSONField(default=list, editable=False),
        ),
    ]

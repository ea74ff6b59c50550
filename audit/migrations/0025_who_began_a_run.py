"""Who started a run of the rules that no night did."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0024_lasting_keys'),
    ]

    operations = [
        migrations.AddField(
            model_name='removal',
            name='begun_by',
            field=models.UUIDField(null=True),
        ),
    ]

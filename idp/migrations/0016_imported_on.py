"""When a tool came from another hub."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('idp', '0015_erasure_mails'),
    ]

    operations = [
        migrations.AddField(
            model_name='tool',
            name='imported_on',
            field=models.DateField(blank=True, null=True),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('audit', '0017_saved_searches'),
    ]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                fields=["reason", "-at"], name="event_reason", condition=models.Q(("reason__gt", ""))
            ),
        ),
    ]

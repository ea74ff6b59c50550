from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("launcher", "0006_people")]

    operations = [
        migrations.AddField(
            model_name="arrangement",
            name="one_key",
            field=models.BooleanField(default=True),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("consent", "0025_hub_notice")]

    operations = [
        migrations.AddField(model_name="erasureholder", name="read_on", field=models.DateField(null=True)),
    ]

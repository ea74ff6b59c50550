"""A tool names its section by a word: which there are, the launcher knows."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("idp", "0016_imported_on")]

    operations = [
        migrations.AlterField(
            model_name="tool",
            name="section",
            field=models.SlugField(db_index=False, default="other", max_length=40),
        ),
        migrations.AlterModelOptions(name="tool", options={"ordering": ["order", "name"]}),
    ]

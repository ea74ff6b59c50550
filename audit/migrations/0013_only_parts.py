from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0012_parts_of_what_was_written"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='event',
            name='event_subject',
        ),
        migrations.RemoveField(
            model_name='event',
            name='actor',
        ),
        migrations.RemoveField(
            model_name='event',
            name='session',
        ),
        migrations.RemoveField(
            model_name='event',
            name='subject',
        ),
        migrations.AlterField(
            model_name='event',
            name='action',
            field=models.CharField(max_length=40),
        ),
    ]

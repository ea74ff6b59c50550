"""Who agrees to the destruction of a log does so signed in; what was proposed on a shell's word is proposed anew."""

from django.db import migrations, models


def forget_open(apps, schema_editor):
    apps.get_model("audit", "Destruction").objects.filter(done_at=None).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0025_who_began_a_run'),
    ]

    operations = [
        migrations.RunPython(forget_open, migrations.RunPython.noop),
        migrations.AddField(
            model_name='destruction',
            name='approved_at',
            field=models.DateTimeField(null=True),
        ),
    ]

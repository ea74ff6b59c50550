from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('directory', '0011_indexes'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='syncissue',
            name='one_issue_per_entry_and_code',
        ),
        migrations.AddConstraint(
            model_name='syncissue',
            constraint=models.UniqueConstraint(
                condition=models.Q(('code', 'entry_elsewhere'), _negated=True),
                fields=('entry_uuid', 'code'),
                name='one_issue_per_entry_and_code',
            ),
        ),
        migrations.AddConstraint(
            model_name='syncissue',
            constraint=models.UniqueConstraint(
                condition=models.Q(('code', 'entry_elsewhere')),
                fields=('entry_uuid', 'source'),
                name='one_elsewhere_per_entry_and_source',
            ),
        ),
    ]

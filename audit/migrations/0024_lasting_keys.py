"""Keys that an erasure makes for what outlives it, and holds that name nobody once whom they named is erased."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0023_one_run_at_once'),
    ]

    operations = [
        migrations.AddField(
            model_name='personkey',
            name='lasting',
            field=models.BooleanField(default=False),
        ),
        migrations.RemoveConstraint(
            model_name='hold',
            name='hold_person_or_class',
        ),
        migrations.AddConstraint(
            model_name='hold',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('person__isnull', False), ('retention', '')), models.Q(('person__isnull', True), models.Q(('retention', ''), _negated=True)), models.Q(('lifted_at__isnull', False), ('retention', '')), models.Q(('retention', ''), ('until__isnull', False)), _connector='OR'), name='hold_person_or_class'),
        ),
    ]

"""Modes of tools that came from another hub, and by which one an item left that is not declared."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('consent', '0015_erasures'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        migrations.swappable_dependency(settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='disclosure',
            name='mode',
            field=models.CharField(blank=True, default='', max_length=10),
        ),
        migrations.CreateModel(
            name='ToolMode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mode', models.CharField(choices=[('observe', 'observation'), ('warn', 'avertissement'), ('enforce', 'strict')], max_length=10)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('since', models.DateTimeField()),
                ('until', models.DateField(null=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tool', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='modes', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL)),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('mode', 'enforce'), ('until', None)), models.Q(models.Q(('mode', 'enforce'), _negated=True), models.Q(('until', None), _negated=True)), _connector='OR'), name='lenient_until_a_day')],
            },
        ),
    ]

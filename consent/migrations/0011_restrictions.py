"""Restriction of data (GDPR article 18), and the steps of a request that tell of it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('consent', '0010_requests'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        migrations.swappable_dependency(settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='requeststep',
            name='step',
            field=models.CharField(choices=[('made', 'Demande reçue'), ('message', 'Message à la personne'), ('reply', 'Message de la personne'), ('note', 'Note interne'), ('identity_asked', 'Justificatif demandé, délai suspendu'), ('identity_settled', 'Identité vérifiée'), ('extended', 'Délai prolongé de deux mois'), ('answered', 'Réponse envoyée'), ('refused', 'Demande refusée'), ('withdrawn', 'Demande reprise'), ('restricted', 'Données gelées'), ('end_announced', 'Fin du gel annoncée'), ('freed', 'Gel levé')], max_length=16),
        ),
        migrations.CreateModel(
            name='Restriction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('announced_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('member', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='restrictions', to=settings.AUTH_USER_MODEL)),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='restrictions', to='consent.subjectrequest')),
                ('tool', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='restrictions', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('ended_at', None)), fields=['member'], name='restriction_live')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('request',), name='one_live_restriction')],
            },
        ),
    ]

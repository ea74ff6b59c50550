"""Requests of data subjects, their steps and files, and the letters they are answered from."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('consent', '0009_choices'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        migrations.swappable_dependency(settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='RequestStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('step', models.CharField(choices=[('made', 'Demande reçue'), ('message', 'Message à la personne'), ('reply', 'Message de la personne'), ('note', 'Note interne'), ('identity_asked', 'Justificatif demandé, délai suspendu'), ('identity_settled', 'Identité vérifiée'), ('extended', 'Délai prolongé de deux mois'), ('answered', 'Réponse envoyée'), ('refused', 'Demande refusée'), ('withdrawn', 'Demande reprise')], max_length=16)),
                ('at', models.DateTimeField()),
                ('text', models.TextField(blank=True)),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('letter', models.CharField(blank=True, max_length=40)),
                ('told_at', models.DateTimeField(null=True)),
                ('emptied_at', models.DateTimeField(null=True)),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='RequestFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('media_type', models.CharField(max_length=100)),
                ('size', models.PositiveIntegerField()),
                ('digest', models.CharField(max_length=64)),
                ('content', models.BinaryField()),
                ('emptied_at', models.DateTimeField(null=True)),
                ('step', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='consent.requeststep')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='SubjectRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(max_length=20, unique=True)),
                ('kind', models.CharField(choices=[('access', 'Consulter mes données'), ('rectification', 'Faire corriger mes données'), ('erasure', 'Faire effacer mes données'), ('restriction', 'Geler mes données'), ('portability', 'Emporter mes données ailleurs'), ('objection', 'M’opposer à un usage'), ('complaint', 'Faire une réclamation')], max_length=14)),
                ('came', models.CharField(choices=[('page', 'Mes données'), ('mail', 'courriel'), ('paper', 'courrier postal'), ('spoken', 'de vive voix')], default='page', max_length=8)),
                ('language', models.CharField(max_length=8)),
                ('state', models.CharField(choices=[('open', 'à traiter'), ('waiting', 'en attente d’un justificatif'), ('answered', 'répondue'), ('refused', 'refusée'), ('withdrawn', 'reprise par la personne')], default='open', max_length=10)),
                ('identity', models.CharField(choices=[('session', 'prouvée par la session'), ('unchecked', 'à vérifier'), ('doubted', 'un justificatif est demandé'), ('checked', 'vérifiée')], max_length=10)),
                ('received_on', models.DateField()),
                ('due_on', models.DateField()),
                ('waiting_since', models.DateField(null=True)),
                ('paused_days', models.PositiveSmallIntegerField(default=0)),
                ('extended_on', models.DateField(null=True)),
                ('closed_on', models.DateField(null=True)),
                ('reminded_for', models.DateField(null=True)),
                ('overdue_told_for', models.DateField(null=True)),
                ('member', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='subject_requests', to=settings.AUTH_USER_MODEL)),
                ('tool', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='subject_requests', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL)),
            ],
        ),
        migrations.AddField(
            model_name='requeststep',
            name='request',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='consent.subjectrequest'),
        ),
        migrations.CreateModel(
            name='LetterVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('letter', models.CharField(choices=[('answer_access', 'Réponse : consulter'), ('answer_rectification', 'Réponse : corriger'), ('answer_erasure', 'Réponse : effacer'), ('answer_restriction', 'Réponse : geler'), ('answer_portability', 'Réponse : emporter'), ('answer_objection', 'Réponse : opposition'), ('answer_complaint', 'Réponse : réclamation'), ('refusal', 'Refus'), ('extension', 'Prolongation du délai'), ('identity', 'Demande d’un justificatif')], max_length=24)),
                ('language', models.CharField(max_length=8)),
                ('version', models.PositiveIntegerField()),
                ('text', models.TextField()),
                ('at', models.DateTimeField()),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('letter', 'language', 'version'), name='one_letter_version')],
            },
        ),
        migrations.AddIndex(
            model_name='subjectrequest',
            index=models.Index(fields=['state', 'due_on'], name='request_due'),
        ),
        migrations.AddIndex(
            model_name='subjectrequest',
            index=models.Index(fields=['member', '-received_on'], name='request_member'),
        ),
        migrations.AddIndex(
            model_name='requeststep',
            index=models.Index(condition=models.Q(('told_at', None)), fields=['id'], name='step_untold'),
        ),
    ]

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('idp', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Switched off until here, so nothing of worth can be waiting; a row without a tool could not be kept.
        migrations.RunSQL("DELETE FROM idp_devicegrant", migrations.RunSQL.noop),
        migrations.CreateModel(
            name='InitialAccessToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('label', models.CharField(max_length=120)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('uses_left', models.PositiveSmallIntegerField(default=1)),
            ],
        ),
        migrations.CreateModel(
            name='KnownSubject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sector', models.CharField(max_length=255)),
                ('value', models.CharField(max_length=255)),
            ],
        ),
        migrations.CreateModel(
            name='PushedRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('pairs', models.JSONField()),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('used_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='SeenIdentifier',
            fields=[
                ('digest', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('expires_at', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='ToolPair',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scopes', models.CharField(default='openid', max_length=255)),
                ('created_at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='accesstoken',
            name='acr',
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddField(
            model_name='accesstoken',
            name='actor',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
        ),
        migrations.AddField(
            model_name='accesstoken',
            name='auth_time',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='accesstoken',
            name='binding',
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AddField(
            model_name='accesstoken',
            name='family',
            field=models.UUIDField(db_index=True, null=True),
        ),
        migrations.AddField(
            model_name='accesstoken',
            name='claims',
            field=models.TextField(blank=True, default=''),
        ),
        migrations.AddField(
            model_name='devicegrant',
            name='acr',
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddField(
            model_name='devicegrant',
            name='auth_time',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='devicegrant',
            name='binding',
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AddField(
            model_name='devicegrant',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='devicegrant',
            name='decided_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='devicegrant',
            name='methods',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='devicegrant',
            name='nonce',
            field=models.TextField(blank=True, default=''),
        ),
        migrations.AddField(
            model_name='devicegrant',
            name='opened_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='idp.hubsession'),
        ),
        migrations.AddField(
            model_name='devicegrant',
            name='tool',
            field=models.ForeignKey(default=1, on_delete=django.db.models.deletion.CASCADE, related_name='device_grants', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='devicegrant',
            name='tool_session',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='device_grants', to='idp.toolsession'),
        ),
        migrations.AddField(
            model_name='devicegrant',
            name='used_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='grant',
            name='dpop_jkt',
            field=models.CharField(blank=True, max_length=43),
        ),
        migrations.AddField(
            model_name='refreshtoken',
            name='binding',
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AddField(
            model_name='refreshtoken',
            name='claims',
            field=models.TextField(blank=True, default=''),
        ),
        migrations.AddField(
            model_name='signingkey',
            name='gone_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='tool',
            name='access_token_format',
            field=models.CharField(choices=[('opaque', 'Opaque'), ('jwt', 'JWT (RFC 9068)')], default='opaque', max_length=8),
        ),
        migrations.AddField(
            model_name='tool',
            name='authorization_signed_response_alg',
            field=models.CharField(blank=True, choices=[('RS256', 'Rs256'), ('PS256', 'Ps256'), ('ES256', 'Es256'), ('Ed25519', 'Ed25519')], max_length=10),
        ),
        migrations.AddField(
            model_name='tool',
            name='client_jwks',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='tool',
            name='client_jwks_uri',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name='tool',
            name='client_uri',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name='tool',
            name='contacts',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='tool',
            name='default_max_age',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='tool',
            name='dpop_bound_access_tokens',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='tool',
            name='frontchannel_logout_session_required',
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name='tool',
            name='frontchannel_logout_uri',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name='tool',
            name='grant_types',
            field=models.CharField(default='authorization_code', max_length=255),
        ),
        migrations.AddField(
            model_name='tool',
            name='id_token_encrypted_response_alg',
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddField(
            model_name='tool',
            name='id_token_encrypted_response_enc',
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddField(
            model_name='tool',
            name='introspection_signed_response_alg',
            field=models.CharField(blank=True, choices=[('RS256', 'Rs256'), ('PS256', 'Ps256'), ('ES256', 'Es256'), ('Ed25519', 'Ed25519')], max_length=10),
        ),
        migrations.AddField(
            model_name='tool',
            name='logo_uri',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name='tool',
            name='policy_uri',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name='tool',
            name='refresh_grace_seconds',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='tool',
            name='registration_access_token',
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='tool',
            name='require_pushed_authorization_requests',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='tool',
            name='require_signed_request_object',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='tool',
            name='required_acr',
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddField(
            model_name='tool',
            name='resource_identifier',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name='tool',
            name='resources',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='tool',
            name='sealed_client_secret',
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name='tool',
            name='security_profile',
            field=models.CharField(blank=True, choices=[('', 'règles ordinaires'), ('fapi2', 'FAPI 2.0 Security Profile'), ('fapi2_signed', 'FAPI 2.0 Message Signing')], default='', max_length=14),
        ),
        migrations.AddField(
            model_name='tool',
            name='self_registered',
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name='tool',
            name='session_iframe',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='tool',
            name='tls_client_auth_san_dns',
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name='tool',
            name='tls_client_auth_san_uri',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name='tool',
            name='tls_client_auth_subject_dn',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name='tool',
            name='tls_client_certificate_bound_access_tokens',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='tool',
            name='tos_uri',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name='tool',
            name='userinfo_encrypted_response_alg',
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddField(
            model_name='tool',
            name='userinfo_encrypted_response_enc',
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddField(
            model_name='tool',
            name='userinfo_signed_response_alg',
            field=models.CharField(blank=True, choices=[('RS256', 'Rs256'), ('PS256', 'Ps256'), ('ES256', 'Es256'), ('Ed25519', 'Ed25519')], max_length=10),
        ),
        migrations.AlterField(
            model_name='tool',
            name='algorithm',
            field=models.CharField(choices=[('RS256', 'Rs256'), ('PS256', 'Ps256'), ('ES256', 'Es256'), ('Ed25519', 'Ed25519')], default='RS256', max_length=10),
        ),
        migrations.AlterField(
            model_name='tool',
            name='token_endpoint_auth_method',
            field=models.CharField(choices=[('none', 'None'), ('client_secret_basic', 'Basic'), ('client_secret_post', 'Post'), ('client_secret', 'Either'), ('client_secret_jwt', 'Secret Jwt'), ('private_key_jwt', 'Private Key Jwt'), ('tls_client_auth', 'Tls'), ('self_signed_tls_client_auth', 'Self Signed Tls')], default='client_secret_basic', max_length=30),
        ),
        migrations.AddIndex(
            model_name='devicegrant',
            index=models.Index(fields=['expires'], name='device_grant_expires'),
        ),
        migrations.AddField(
            model_name='knownsubject',
            name='member',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='known_subjects', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='pushedrequest',
            name='tool',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pushed_requests', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
        ),
        migrations.AddField(
            model_name='toolpair',
            name='source',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pairs_out', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
        ),
        migrations.AddField(
            model_name='toolpair',
            name='target',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pairs_in', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
        ),
        migrations.AddConstraint(
            model_name='knownsubject',
            constraint=models.UniqueConstraint(fields=('sector', 'value'), name='one_holder_per_subject'),
        ),
        migrations.AddConstraint(
            model_name='knownsubject',
            constraint=models.UniqueConstraint(fields=('sector', 'member'), name='one_subject_per_member_and_sector'),
        ),
        migrations.AddConstraint(
            model_name='toolpair',
            constraint=models.UniqueConstraint(fields=('source', 'target'), name='one_pair_per_direction'),
        ),
    ]

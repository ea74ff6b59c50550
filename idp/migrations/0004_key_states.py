from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("idp", "0003_device_and_registration")]

    operations = [
        migrations.AddField(
            model_name="signingkey",
            name="noted",
            field=models.CharField(
                choices=[
                    ("published", "Published"),
                    ("active", "Active"),
                    ("retired", "Retired"),
                    ("gone", "Gone"),
                ],
                default="published",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="signingkey",
            name="algorithm",
            field=models.CharField(
                choices=[("RS256", "Rs256"), ("PS256", "Ps256"), ("ES256", "Es256"), ("Ed25519", "Ed25519")],
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="signingkey",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retired_at", None)),
                fields=("algorithm",),
                name="one_latest_key_per_algorithm",
            ),
        ),
    ]

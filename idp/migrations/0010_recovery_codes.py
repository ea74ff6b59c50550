"""Recovery codes of the release before were a seed that could be read with the key; what is kept now are digests."""

from django.db import migrations

from audit.sealing import InvalidToken
from idp.services.accounts.recovery_codes import from_seed


def digest(apps, schema_editor):
    Authenticator = apps.get_model("mfa", "Authenticator")
    for row in Authenticator.objects.filter(type="recovery_codes"):
        if "seed" in row.data:
            try:
                row.data = from_seed(row)
            except InvalidToken:
                # Of a key that is gone: nobody could use these codes before either.
                row.data = {"salt": "", "digests": []}
            row.save(update_fields=["data"])


class Migration(migrations.Migration):
    dependencies = [("idp", "0009_accounts"), ("mfa", "0003_authenticator_type_uniq")]
    operations = [migrations.RunPython(digest, migrations.RunPython.noop)]

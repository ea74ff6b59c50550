"""People and groups of the release before came from the one directory of the operator's settings."""

from django.db import migrations

SETTINGS_SOURCE = "Annuaire"


def assign(apps, schema_editor):
    models = [apps.get_model("directory", name) for name in ("Member", "Collective")]
    rows = [model.objects.exclude(entry_uuid=None) for model in models]
    if not any(each.exists() for each in rows):
        return
    source = apps.get_model("directory", "DirectorySource").objects.create(
        name=SETTINGS_SOURCE, state="active", from_settings=True
    )
    for each in rows:
        each.update(source=source)
    for name in ("SyncRun", "SyncIssue"):
        apps.get_model("directory", name).objects.update(source=source)
    last = apps.get_model("directory", "SyncRun").objects.filter(status__in=("ok", "problems", "held")).order_by("-id")
    source.watermark = last[0].watermark if last else ""
    source.save()


def forget(apps, schema_editor):
    for name in ("Member", "Collective", "SyncRun", "SyncIssue"):
        apps.get_model("directory", name).objects.update(source=None)
    apps.get_model("directory", "DirectorySource").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("directory", "0003_sources")]
    operations = [migrations.RunPython(assign, forget)]

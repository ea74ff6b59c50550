"""Members whose details were erased before the journal could: the worker takes them out of it too."""

from django.db import migrations
from django.utils import timezone


def ask(apps, schema_editor):
    Member, PersonKey = apps.get_model("directory", "Member"), apps.get_model("audit", "PersonKey")
    Removal, now = apps.get_model("audit", "Removal"), timezone.now()
    erased = Member.objects.exclude(erased_at=None).values_list("pk", flat=True)
    for person in erased.iterator():
        Removal.objects.create(kind="erasure", state="going", person=person, began_at=now)
        PersonKey.objects.filter(person_id=person).update(retired_at=now)


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "0012_an_issue_of_each_source"),
        ("audit", "0016_keeping"),
    ]

    operations = [migrations.RunPython(ask, migrations.RunPython.noop)]

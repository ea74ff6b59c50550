from django.db import migrations, models
from django.db.models import Exists, OuterRef, Q


def find_proofs(apps, schema_editor):
    """Those of before: joined to a note while it was not known who asks, and before it was."""
    files = apps.get_model("consent", "RequestFile").objects.using(schema_editor.connection.alias)
    steps = apps.get_model("consent", "RequestStep").objects.using(schema_editor.connection.alias)
    same = steps.filter(request=OuterRef("step__request"))
    asked = same.filter(step="identity_asked", pk__lt=OuterRef("step"))
    settled = same.filter(step="identity_settled", pk__gt=OuterRef("step"))
    doubted = Exists(settled) | Q(step__request__identity__in=["unchecked", "doubted"])
    came = ~Q(step__request__came="page") | Exists(asked)
    notes = files.filter(came, doubted, step__step="note", emptied_at=None)
    files.filter(pk__in=list(notes.values_list("pk", flat=True))).update(proves_identity=True)


class Migration(migrations.Migration):
    dependencies = [("consent", "0020_directions")]

    operations = [
        migrations.AddField(
            model_name="requestfile",
            name="proves_identity",
            field=models.BooleanField(default=False),
        ),
        migrations.RunPython(find_proofs, migrations.RunPython.noop),
    ]

"""Lines of the release before: whom they name goes into sealed parts, and all of them enter the log."""

from datetime import UTC, datetime, timedelta
from os import urandom
from uuid import uuid4

from django.db import migrations
from django.utils import timezone

from audit.keyring import KEY_BYTES, PURPOSE, half_year
from audit.parts import Role, make_part, seal_part
from audit.sealing import wrap

AT_ONCE = 1000
COLUMNS = ["salt", "by", "facts", "subject_key", "subject_sealed", "actor_key", "actor_sealed"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def seal_people(apps, schema_editor):
    Event, PersonKey = apps.get_model("audit", "Event"), apps.get_model("audit", "PersonKey")
    Pending = apps.get_model("audit", "Pending")
    now, secrets = timezone.now(), {}

    def key_of(person, at):
        name = person, half_year(at)
        if name not in secrets:
            key = PersonKey(id=uuid4(), person_id=person, half_year=name[1])
            secret = urandom(KEY_BYTES)
            key.sealed = wrap(secret, purpose=PURPOSE)
            key.save(force_insert=True)
            secrets[name] = key.pk, secret
        return secrets[name]

    last = 0
    while rows := list(Event.objects.filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        pending = []
        for row in rows:
            row.by, row.facts = _by(row), _whole(row.facts)
            contents = [make_part(Role.COMMON, _common(row))]
            row.salt = contents[0].salt
            for role, person, said in _personal(row):
                content = make_part(role, said)
                contents.append(content)
                key, secret = key_of(person, row.at)
                sealed = seal_part(secret, content, reference=row.reference)
                if role is Role.SUBJECT:
                    row.subject_key_id, row.subject_sealed = key, sealed
                else:
                    row.actor_key_id, row.actor_sealed = key, sealed
            commitments = b"".join(each.role.encode() + each.commitment for each in contents)
            pending.append(Pending(reference=row.reference, action=row.action, commitments=commitments, since=now))
        Event.objects.bulk_update(rows, COLUMNS)
        Pending.objects.bulk_create(pending)
        last = rows[-1].pk


def _whole(value):
    """A part holds no broken number: hours were one once (``overlap_hours``)."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else str(value)
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    return [_whole(each) for each in value] if isinstance(value, list) else value


def _by(row):
    if row.actor_id is not None:
        return "self" if row.actor_id == row.subject_id else "member"
    return "tool" if row.actor_tool_id is not None else "hub"


def _personal(row):
    session = {"session": str(row.session)} if row.session else {}
    if row.subject_id is not None:
        yield Role.SUBJECT, row.subject_id, {"person": str(row.subject_id), **session}
    if row.by == "member":
        yield Role.ACTOR, row.actor_id, {"person": str(row.actor_id), **({} if row.subject_id else session)}


def _common(row):
    said = {
        "at": (row.at - EPOCH) // MICROSECOND,
        "by": row.by,
        "actor_tool": row.actor_tool_id,
        "tool": row.tool_id,
        "refused": row.refused,
        "reason": row.reason,
        "facts": row.facts,
    }
    return {name: value for name, value in said.items() if value}


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0011_log"),
    ]

    operations = [migrations.RunPython(seal_people, migrations.RunPython.noop)]

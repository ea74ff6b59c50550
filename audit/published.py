"""What of the logs may be read by anybody: nothing in here says anything of a person.  One statement each."""

from audit import merkle
from audit.models import Checkpoint, Leaf, Log, Tile

# No log is as long, and databases take no number beyond.
LAST = 2**63 - 1 - merkle.WIDTH


def public_keys() -> list[str]:
    """Of every log that its signer has met, the newest first."""
    return list(Log.objects.exclude(key="").order_by("-pk").values_list("key", flat=True))


def newest(name: str) -> str | None:
    """The newest checkpoint of this log."""
    return Checkpoint.objects.filter(log__name=name).order_by("-size").values_list("note", flat=True).first()


def hashes(name: str, level: int, number: int, width: int) -> bytes | None:
    """The first ``width`` hashes of a tile; None where there are not so many yet."""
    found = Tile.objects.filter(log__name=name, level=level, number=number).values_list("hashes", flat=True).first()
    wanted = bytes(found or b"")[: width * merkle.HASH]
    return wanted if len(wanted) == width * merkle.HASH else None


def entries(name: str, number: int, width: int) -> bytes | None:
    """The first ``width`` entries of a bundle; None where there are not so many yet."""
    start = number * merkle.WIDTH
    if start > LAST:
        return None
    rows = Leaf.objects.filter(log__name=name, index__range=(start, start + width - 1)).order_by("index")
    found = [bytes(entry) for entry in rows.values_list("entry", flat=True)]
    return merkle.entry_bundle(found) if len(found) == width else None

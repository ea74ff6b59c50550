"""What asks for somebody, and how much there is."""

from dataclasses import dataclass

from directory.following.absence import absent
from directory.following.held import waiting
from directory.following.settling import open_issues
from directory.models import Collective, DirectorySource, Member
from directory.types import Kind, SourceState


@dataclass(frozen=True, slots=True)
class Todo:
    waiting: tuple[DirectorySource, ...]
    issues: int
    absent: int


def todo() -> Todo:
    return Todo(waiting(), open_issues().count(), absent().count())


def are_several() -> bool:
    """Whether a page that tells of all directories should say which one it means."""
    return DirectorySource.objects.exclude(state__in=[SourceState.DRAFT, SourceState.RETIRED]).count() > 1


def brings_people(source: DirectorySource) -> bool:
    """Whether anybody came from it already."""
    return Member.objects.filter(source=source).exists()


def collectives_of(source: DirectorySource) -> int:
    return Collective.objects.filter(source=source, present=True).exclude(kind=Kind.STATUS).count()

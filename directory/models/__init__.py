"""Tables of the directory."""

from directory.models.collectives import Collective, Membership
from directory.models.corrections import ItemChange
from directory.models.members import Departure, Member, MemberManager, RoleGrant, StatusPeriod
from directory.models.photos import MemberPhoto
from directory.models.profiles import Profile
from directory.models.runs import SyncIssue, SyncRun
from directory.models.sources import DirectorySource

__all__ = [
    "Collective",
    "Departure",
    "DirectorySource",
    "ItemChange",
    "Member",
    "MemberManager",
    "MemberPhoto",
    "Membership",
    "Profile",
    "RoleGrant",
    "StatusPeriod",
    "SyncIssue",
    "SyncRun",
]

"""The tables of the journal, of its proof, and of how long what is kept."""

from audit.models.events import Event
from audit.models.keeping import DataPeriod, Destruction, Hold, Removal, RetentionRules
from audit.models.keys import PersonKey
from audit.models.proof import Checkpoint, Leaf, Log, Pending, Tile
from audit.models.reconciliation import Gap, Reconciliation
from audit.models.releases import ReleaseProfile
from audit.models.searches import SavedSearch
from audit.models.stream import StreamCursor
from audit.models.witnesses import AlarmMailed, Contradiction, Cosignature, Mailing, MailsKept, Witness

__all__ = [
    "AlarmMailed",
    "Checkpoint",
    "Contradiction",
    "Cosignature",
    "DataPeriod",
    "Destruction",
    "Event",
    "Gap",
    "Hold",
    "Leaf",
    "Log",
    "Mailing",
    "MailsKept",
    "Pending",
    "PersonKey",
    "Reconciliation",
    "ReleaseProfile",
    "Removal",
    "RetentionRules",
    "SavedSearch",
    "StreamCursor",
    "Tile",
    "Witness",
]

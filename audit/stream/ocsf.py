"""Lines of the journal under the names of OCSF 1.3 (Open Cybersecurity Schema Framework), which SIEMs know.

Pure.  What kind of thing happened goes along, when, whether it was refused and why, the tool, and people under the name
that the caller gives them.  Facts stay behind: they say more than a SIEM needs.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from audit.types import Action, By

VERSION = "1.3.0"


class Class(IntEnum):
    """``class_uid``; its thousands are the category."""

    FINDING = 2004
    ACCOUNT_CHANGE = 3001
    AUTHENTICATION = 3002
    ENTITY_MANAGEMENT = 3004
    USER_ACCESS = 3005
    GROUP_MANAGEMENT = 3006
    API_ACTIVITY = 6003


CLASS_NAMES = {
    Class.FINDING: "Detection Finding",
    Class.ACCOUNT_CHANGE: "Account Change",
    Class.AUTHENTICATION: "Authentication",
    Class.ENTITY_MANAGEMENT: "Entity Management",
    Class.USER_ACCESS: "User Access Management",
    Class.GROUP_MANAGEMENT: "Group Management",
    Class.API_ACTIVITY: "API Activity",
}
CATEGORY_NAMES = {2: "Findings", 3: "Identity & Access Management", 6: "Application Activity"}
OTHER = 99
ACTIVITY_NAMES: dict[Class, dict[int, str]] = {
    Class.FINDING: {1: "Create", 2: "Update", 3: "Close"},
    Class.ACCOUNT_CHANGE: {
        1: "Create",
        2: "Enable",
        3: "Password Change",
        4: "Password Reset",
        5: "Disable",
        6: "Delete",
        10: "MFA Factor Enable",
        11: "MFA Factor Disable",
    },
    Class.AUTHENTICATION: {1: "Logon", 2: "Logoff", 3: "Authentication Ticket", 5: "Service Ticket Renew"},
    Class.ENTITY_MANAGEMENT: {1: "Create", 2: "Read", 3: "Update", 4: "Delete"},
    Class.USER_ACCESS: {1: "Assign Privileges", 2: "Revoke Privileges"},
    Class.GROUP_MANAGEMENT: {},
    Class.API_ACTIVITY: {1: "Create", 2: "Read", 3: "Update", 4: "Delete"},
}
_C = Class
# Each kind of event once; a test sees to it that none is missing.
MAPPING: dict[str, tuple[Class, int]] = {
    Action.SIGN_IN: (_C.AUTHENTICATION, 1),
    Action.SIGN_IN_REFUSED: (_C.AUTHENTICATION, 1),
    Action.REAUTHENTICATED: (_C.AUTHENTICATION, 1),
    Action.SIGN_OUT: (_C.AUTHENTICATION, 2),
    Action.TOOL_SESSION_ENDED: (_C.AUTHENTICATION, 2),
    Action.LINK_OPENED: (_C.AUTHENTICATION, OTHER),
    Action.LINK_REFUSED: (_C.AUTHENTICATION, OTHER),
    Action.BROWSER_ADDED: (_C.AUTHENTICATION, OTHER),
    Action.BROWSER_TRUSTED: (_C.AUTHENTICATION, OTHER),
    Action.BROWSER_FORGOTTEN: (_C.AUTHENTICATION, OTHER),
    Action.LOGOUT_REFUSED: (_C.AUTHENTICATION, 2),
    Action.LOGOUT_DELIVERED: (_C.AUTHENTICATION, 2),
    Action.LOGOUT_FAILED: (_C.AUTHENTICATION, 2),
    Action.LOGOUT_RETRIED: (_C.AUTHENTICATION, 2),
    Action.AUTHORIZATION_REFUSED: (_C.AUTHENTICATION, 3),
    Action.CODE_ISSUED: (_C.AUTHENTICATION, 3),
    Action.TOKEN_ISSUED: (_C.AUTHENTICATION, 3),
    Action.TOKEN_REFRESHED: (_C.AUTHENTICATION, 5),
    Action.TOKEN_REFUSED: (_C.AUTHENTICATION, 3),
    Action.TOKEN_REVOKED: (_C.AUTHENTICATION, OTHER),
    Action.DEVICE_STARTED: (_C.AUTHENTICATION, OTHER),
    Action.DEVICE_OPENED: (_C.AUTHENTICATION, OTHER),
    Action.DEVICE_APPROVED: (_C.AUTHENTICATION, 3),
    Action.DEVICE_DENIED: (_C.AUTHENTICATION, 3),
    Action.DEVICE_REFUSED: (_C.AUTHENTICATION, 3),
    Action.FACTOR_ADDED: (_C.ACCOUNT_CHANGE, 10),
    Action.FACTOR_REMOVED: (_C.ACCOUNT_CHANGE, 11),
    Action.FACTOR_RENAMED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.FACTORS_RESET: (_C.ACCOUNT_CHANGE, 11),
    Action.FACTOR_REQUIRED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.PASSWORD_CHANGED: (_C.ACCOUNT_CHANGE, 3),
    Action.PASSWORD_REFUSED: (_C.ACCOUNT_CHANGE, 3),
    Action.INVITED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.INVITATION_ENDED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.RESET_ASKED: (_C.ACCOUNT_CHANGE, 4),
    Action.RESET_REFUSED: (_C.ACCOUNT_CHANGE, 4),
    Action.FIRST_ACCOUNT_MADE: (_C.ACCOUNT_CHANGE, 1),
    Action.ACCOUNT_UNLOCKED: (_C.ACCOUNT_CHANGE, 2),
    Action.RECOVERY_ASKED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.RECOVERY_APPROVED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.RECOVERY_REFUSED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.RECOVERY_CANCELLED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.ACT_REFUSED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.PAGE_CHANGED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.PROFILE_CHANGED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.PROFILE_REFUSED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.MEMBER_JOINED: (_C.ACCOUNT_CHANGE, 1),
    Action.MEMBER_CHANGED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.MEMBER_LEFT: (_C.ACCOUNT_CHANGE, 5),
    Action.ABSENCE_ENDED: (_C.ACCOUNT_CHANGE, 5),
    Action.MEMBER_RETURNED: (_C.ACCOUNT_CHANGE, 2),
    Action.MEMBER_SUSPENDED: (_C.ACCOUNT_CHANGE, 5),
    Action.MEMBER_RESUMED: (_C.ACCOUNT_CHANGE, 2),
    Action.MEMBER_ERASED: (_C.ACCOUNT_CHANGE, 6),
    Action.PERSON_ERASED: (_C.ENTITY_MANAGEMENT, 4),
    Action.LOCAL_ACCOUNT_CREATED: (_C.ACCOUNT_CHANGE, 1),
    Action.DEPARTURE_PLANNED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.DEPARTURE_CANCELLED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.DEPARTURE_ANNOUNCED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.STATUS_CHANGED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.FAVOURITE_CHANGED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.COLLECTIVE_FOLLOWED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.PAGE_ARRANGED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.DIGEST_CHOSEN: (_C.ACCOUNT_CHANGE, OTHER),
    Action.LETTERS_MUTED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.LETTERS_HEARD: (_C.ACCOUNT_CHANGE, OTHER),
    Action.FEED_MADE: (_C.ACCOUNT_CHANGE, OTHER),
    Action.FEED_ENDED: (_C.ACCOUNT_CHANGE, OTHER),
    Action.ROLE_GRANTED: (_C.USER_ACCESS, 1),
    Action.ROLE_REVOKED: (_C.USER_ACCESS, 2),
    Action.CONSENT_GIVEN: (_C.USER_ACCESS, 1),
    Action.CONSENT_ASKED: (_C.USER_ACCESS, OTHER),
    Action.CONSENT_REFUSED: (_C.USER_ACCESS, 2),
    Action.CONSENT_WITHDRAWN: (_C.USER_ACCESS, 2),
    Action.OBJECTED: (_C.USER_ACCESS, 2),
    Action.OBJECTION_ENDED: (_C.USER_ACCESS, 1),
    Action.OBJECTION_REFUSED: (_C.USER_ACCESS, 1),
    Action.RESTRICTED: (_C.USER_ACCESS, 2),
    Action.RESTRICTION_ANNOUNCED: (_C.USER_ACCESS, OTHER),
    Action.RESTRICTION_ENDED: (_C.USER_ACCESS, 1),
    Action.COLLECTIVE_CHANGED: (_C.GROUP_MANAGEMENT, OTHER),
    Action.MEMBERSHIP_GIVEN: (_C.GROUP_MANAGEMENT, OTHER),
    Action.MEMBERSHIP_TAKEN: (_C.GROUP_MANAGEMENT, OTHER),
    Action.COLLECTIVE_DESCRIBED: (_C.GROUP_MANAGEMENT, OTHER),
    Action.COLLECTIVE_MARKED: (_C.GROUP_MANAGEMENT, OTHER),
    Action.FACTOR_POLICY_CHANGED: (_C.GROUP_MANAGEMENT, OTHER),
    Action.TOOL_CREATED: (_C.ENTITY_MANAGEMENT, 1),
    Action.ADMISSION_ASKED: (_C.USER_ACCESS, OTHER),
    Action.ADMISSION_GRANTED: (_C.USER_ACCESS, 1),
    Action.ADMISSION_REFUSED: (_C.USER_ACCESS, OTHER),
    Action.ADMISSION_ENDED: (_C.USER_ACCESS, 2),
    Action.TOOL_CHANGED: (_C.ENTITY_MANAGEMENT, 3),
    Action.SECTION_CHANGED: (_C.ENTITY_MANAGEMENT, 3),
    Action.TOOL_CLOSED: (_C.ENTITY_MANAGEMENT, 4),
    Action.TOOL_REFUSED: (_C.ENTITY_MANAGEMENT, 3),
    Action.TOOLS_PAIRED: (_C.ENTITY_MANAGEMENT, 3),
    Action.TOOLS_PARTED: (_C.ENTITY_MANAGEMENT, 3),
    Action.SECRET_ROTATED: (_C.ENTITY_MANAGEMENT, 3),
    Action.REGISTRATION_ALLOWED: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.REGISTRATION_REFUSED: (_C.ENTITY_MANAGEMENT, 1),
    Action.KEY_ROTATED: (_C.ENTITY_MANAGEMENT, 1),
    Action.KEY_ACTIVATED: (_C.ENTITY_MANAGEMENT, 3),
    Action.KEY_RETIRED: (_C.ENTITY_MANAGEMENT, 3),
    Action.KEY_GONE: (_C.ENTITY_MANAGEMENT, 4),
    Action.KEY_RESEALED: (_C.ENTITY_MANAGEMENT, 3),
    Action.SHEET_DECLARED: (_C.ENTITY_MANAGEMENT, 3),
    Action.REQUEST_MADE: (_C.ENTITY_MANAGEMENT, 1),
    Action.REQUEST_MESSAGED: (_C.ENTITY_MANAGEMENT, 3),
    Action.REQUEST_NOTED: (_C.ENTITY_MANAGEMENT, 3),
    Action.REQUEST_PAUSED: (_C.ENTITY_MANAGEMENT, 3),
    Action.REQUEST_RESUMED: (_C.ENTITY_MANAGEMENT, 3),
    Action.REQUEST_EXTENDED: (_C.ENTITY_MANAGEMENT, 3),
    Action.REQUEST_ANSWERED: (_C.ENTITY_MANAGEMENT, 3),
    Action.REQUEST_REFUSED: (_C.ENTITY_MANAGEMENT, 3),
    Action.REQUEST_WITHDRAWN: (_C.ENTITY_MANAGEMENT, 4),
    Action.REQUEST_REMINDED: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.REQUEST_EMPTIED: (_C.ENTITY_MANAGEMENT, 4),
    Action.LOOK_CHANGED: (_C.ENTITY_MANAGEMENT, 3),
    Action.LETTER_WRITTEN: (_C.ENTITY_MANAGEMENT, 3),
    Action.LETTER_SENT: (_C.API_ACTIVITY, 1),
    Action.BRIEF_CHANGED: (_C.ENTITY_MANAGEMENT, 3),
    Action.BRIEF_REMOVED: (_C.ENTITY_MANAGEMENT, 4),
    Action.BRIEF_RESTORED: (_C.ENTITY_MANAGEMENT, 3),
    Action.LETTER_CHANGED: (_C.ENTITY_MANAGEMENT, 3),
    Action.TOOL_MODE_SET: (_C.ENTITY_MANAGEMENT, 3),
    Action.REGISTER_CHANGED: (_C.ENTITY_MANAGEMENT, 3),
    Action.REGISTER_CLOSED: (_C.ENTITY_MANAGEMENT, 4),
    Action.FINDING_DECIDED: (_C.ENTITY_MANAGEMENT, 3),
    Action.DECISIONS_EXPORTED: (_C.ENTITY_MANAGEMENT, 2),
    Action.REGISTER_EXPORTED: (_C.ENTITY_MANAGEMENT, 2),
    Action.REGISTER_IMPORTED: (_C.ENTITY_MANAGEMENT, 3),
    Action.EVIDENCE_ASKED: (_C.ENTITY_MANAGEMENT, 2),
    Action.EVIDENCE_NAMED: (_C.API_ACTIVITY, 2),
    Action.EVIDENCE_MADE: (_C.ENTITY_MANAGEMENT, 2),
    Action.SCREENING_MADE: (_C.ENTITY_MANAGEMENT, 3),
    Action.CONTRACT_KEPT: (_C.ENTITY_MANAGEMENT, 3),
    Action.SAFETY_NOTED: (_C.ENTITY_MANAGEMENT, 1),
    Action.INCIDENT_OPENED: (_C.FINDING, 1),
    Action.INCIDENT_CHANGED: (_C.FINDING, 2),
    Action.INCIDENT_COUNTED: (_C.FINDING, 2),
    Action.INCIDENT_LISTED: (_C.API_ACTIVITY, 2),
    Action.INCIDENTS_EXPORTED: (_C.ENTITY_MANAGEMENT, 2),
    Action.SYNC_APPLIED: (_C.ENTITY_MANAGEMENT, 3),
    Action.SYNC_FAILED: (_C.ENTITY_MANAGEMENT, 3),
    Action.SYNC_ASKED: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.SYNC_APPROVED: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.SYNC_APPROVAL_TAKEN_BACK: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.SYNC_APPROVAL_REFUSED: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.SOURCE_ADDED: (_C.ENTITY_MANAGEMENT, 1),
    Action.SOURCE_CHANGED: (_C.ENTITY_MANAGEMENT, 3),
    Action.SOURCE_TESTED: (_C.ENTITY_MANAGEMENT, 2),
    Action.SOURCE_RETIRED: (_C.ENTITY_MANAGEMENT, 4),
    Action.LOG_OPENED: (_C.ENTITY_MANAGEMENT, 1),
    Action.LOG_SIGNED: (_C.ENTITY_MANAGEMENT, 3),
    Action.LOG_CLOSED: (_C.ENTITY_MANAGEMENT, 3),
    Action.LOG_GIVEN_UP: (_C.ENTITY_MANAGEMENT, 4),
    Action.WITNESS_ADDED: (_C.ENTITY_MANAGEMENT, 1),
    Action.WITNESS_TRUSTED: (_C.ENTITY_MANAGEMENT, 3),
    Action.WITNESS_ENDED: (_C.ENTITY_MANAGEMENT, 4),
    Action.MAILS_KEPT: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.STREAM_FAILED: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.STREAM_RESUMED: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.RELEASE_DESCRIBED: (_C.ENTITY_MANAGEMENT, 1),
    Action.LOG_DESTRUCTION_PROPOSED: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.LOG_DESTRUCTION_APPROVED: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.LOG_DESTRUCTION_WITHDRAWN: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.LOG_DESTROYED: (_C.ENTITY_MANAGEMENT, 4),
    Action.RETENTION_RUN: (_C.ENTITY_MANAGEMENT, 4),
    Action.RETENTION_REFUSED: (_C.ENTITY_MANAGEMENT, 4),
    Action.RETENTION_CONFIRMED: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.RETENTION_CHANGED: (_C.ENTITY_MANAGEMENT, 3),
    Action.DATA_PURGED: (_C.ENTITY_MANAGEMENT, 4),
    Action.HOLD_PUT: (_C.ENTITY_MANAGEMENT, 1),
    Action.HOLD_LIFTED: (_C.ENTITY_MANAGEMENT, 4),
    Action.MAIL_SENT: (_C.API_ACTIVITY, 1),
    Action.MAIL_FAILED: (_C.API_ACTIVITY, 1),
    Action.CHECKPOINTS_MAILED: (_C.API_ACTIVITY, 1),
    Action.CONTRADICTION_MAILED: (_C.API_ACTIVITY, 1),
    Action.MEMBER_CONSULTED: (_C.API_ACTIVITY, 2),
    Action.MEMBERS_SEARCHED: (_C.API_ACTIVITY, 2),
    Action.PEOPLE_SEARCHED: (_C.API_ACTIVITY, 2),
    Action.CARD_OPENED: (_C.API_ACTIVITY, 2),
    Action.MEMBER_WRITTEN_TO: (_C.API_ACTIVITY, 1),
    Action.COLLECTIVE_CONSULTED: (_C.API_ACTIVITY, 2),
    Action.NOTICE_SEEN: (_C.API_ACTIVITY, 2),
    Action.HUB_NOTICE_SEEN: (_C.API_ACTIVITY, 2),
    Action.DISCLOSED: (_C.API_ACTIVITY, 2),
    Action.DISCLOSED_AGAIN: (_C.API_ACTIVITY, 2),
    Action.ERASURE_CONFIRMED: (_C.ENTITY_MANAGEMENT, 4),
    Action.ERASURE_ASKED: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.ERASURE_APPROVED: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.ERASURE_DROPPED: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.ERASURE_TOLD: (_C.API_ACTIVITY, 1),
    Action.ERASURE_READ: (_C.API_ACTIVITY, 2),
    Action.ERASURE_DECLINED: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.ERASURE_CLOSED: (_C.ENTITY_MANAGEMENT, OTHER),
    Action.HOLDINGS_REBUILT: (_C.ENTITY_MANAGEMENT, 3),
    Action.OWN_DATA_DOWNLOADED: (_C.API_ACTIVITY, 2),
    Action.REQUEST_READ: (_C.API_ACTIVITY, 2),
    Action.DIRECTIONS_LEFT: (_C.ENTITY_MANAGEMENT, 1),
    Action.DIRECTIONS_CHANGED: (_C.ENTITY_MANAGEMENT, 3),
    Action.DIRECTIONS_WITHDRAWN: (_C.ENTITY_MANAGEMENT, 4),
    Action.DIRECTIONS_READ: (_C.API_ACTIVITY, 2),
    Action.JOURNAL_READ: (_C.API_ACTIVITY, 2),
    Action.READING_OPENED: (_C.API_ACTIVITY, 2),
    Action.PERSON_REVEALED: (_C.API_ACTIVITY, 2),
    Action.JOURNAL_COMPARED: (_C.API_ACTIVITY, 2),
    Action.LOG_EXPORTED: (_C.API_ACTIVITY, 2),
    Action.ACCESS_REFUSED: (_C.API_ACTIVITY, 2),
    Action.WITNESS_REFUSED: (_C.API_ACTIVITY, 1),
    Action.ISSUE_ACKNOWLEDGED: (_C.FINDING, 2),
    Action.SYNC_HELD: (_C.FINDING, 1),
    Action.FACTOR_DOUBTED: (_C.FINDING, 1),
    Action.CODE_REPLAYED: (_C.FINDING, 1),
    Action.ALARM_RAISED: (_C.FINDING, 1),
    Action.ALARM_SETTLED: (_C.FINDING, 3),
    Action.GAP_SETTLED: (_C.FINDING, 3),
    Action.LOG_NOT_SIGNED: (_C.FINDING, 1),
    Action.WITNESS_CONTRADICTS: (_C.FINDING, 1),
}
INFORMATIONAL, LOW, HIGH = (1, "Informational"), (2, "Low"), (4, "High")


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it leaves: people under the names they have outside, nothing where nobody is known any more."""

    reference: str
    sequence: int
    log: str
    at: datetime
    action: str
    label: str
    by: str
    refused: bool
    reason: str
    subject: str
    actor: str
    tool: str
    actor_tool: str


def document(told: Told) -> dict[str, Any]:
    """The event as JSON can hold it."""
    kind, activity = MAPPING.get(told.action, (Class.API_ACTIVITY, OTHER))
    category = kind // 1000
    severity_id, severity = _severity(kind, activity, told)
    return {
        "activity_id": activity,
        "activity_name": ACTIVITY_NAMES[kind].get(activity, "Other"),
        "category_uid": category,
        "category_name": CATEGORY_NAMES[category],
        "class_uid": int(kind),
        "class_name": CLASS_NAMES[kind],
        "type_uid": kind * 100 + activity,
        "time": int(told.at.timestamp() * 1000),
        "severity_id": severity_id,
        "severity": severity,
        "status_id": 2 if told.refused else 1,
        "status": "Failure" if told.refused else "Success",
        **({"status_code": told.reason} if told.reason else {}),
        "message": told.label,
        "metadata": {
            "version": VERSION,
            "product": {"name": "Trousseau", "vendor_name": "Trousseau"},
            "uid": told.reference,
            "event_code": told.action,
            "log_name": told.log,
            "sequence": told.sequence,
        },
        "actor": _actor(told),
        **_object(kind, told),
    }


def _severity(kind: Class, activity: int, told: Told) -> tuple[int, str]:
    if kind is Class.FINDING and activity == 1:
        return HIGH
    return LOW if told.refused else INFORMATIONAL


def _actor(told: Told) -> dict[str, Any]:
    if told.by == By.TOOL:
        return {"app_name": told.actor_tool or "tool"}
    person = told.subject if told.by == By.SELF else told.actor
    if told.by == By.HUB:
        return {"app_name": "Trousseau"}
    return {"user": {"uid": person}} if person else {"user": {"type_id": 0}}


def _object(kind: Class, told: Told) -> dict[str, Any]:
    """What the class wants to know besides: whom or what it was done to."""
    user = {"user": {"uid": told.subject} if told.subject else {"type_id": 0}}
    service = {"service": {"name": told.tool}} if told.tool else {}
    resource = {"resources": [{"name": told.tool, "type": "tool"}]} if told.tool else {}
    what = told.action.split(":")[1]
    if kind is Class.AUTHENTICATION:
        return {**user, **service}
    if kind is Class.ACCOUNT_CHANGE:
        return user
    if kind is Class.USER_ACCESS:
        return {**user, "privileges": [what], **resource}
    if kind is Class.GROUP_MANAGEMENT:
        return {"group": {"name": what}}
    if kind is Class.ENTITY_MANAGEMENT:
        return {"entity": {"type": what, **({"name": told.tool} if told.tool else {"name": what})}}
    if kind is Class.FINDING:
        return {"finding_info": {"uid": told.reference, "title": told.label}, **resource}
    return {"api": {"operation": told.action}, "src_endpoint": {"type_id": 0}, **resource}

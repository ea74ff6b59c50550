"""Who gets what at each address of the hub: the whole of it, to be read in one go.

``test_access_matrix.py`` asks the hub for every cell; ``tools/access_table.py`` makes docs/access.md from it.  A route
that is in ``urls.py`` and not here fails the test: decide who may see it, then write its row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Who(StrEnum):
    """Whoever may come along; ``HALF`` has given the password and not the second factor yet."""

    NOBODY = "stranger"
    HALF = "half signed in"
    MEMBER = "member"
    LEAD = "lead"
    OFFICE = "office"
    DPO = "DPO"
    TECHNICIAN = "technician"
    SUSPENDED = "suspended"
    LEFT = "left"


class Answer(StrEnum):
    """What the hub does with a request."""

    PAGE = "page"
    DONE = "done"
    SIGN_IN = "sign-in"
    FORBIDDEN = "refused"
    NO_METHOD = "no such method"
    ABSENT = "not found"
    OVER = "says that it is over"
    UNFIT = "says what is wrong"
    UNPROVED = "needs a tool’s proof"
    UNREADABLE = "needs a well-formed request"
    CODE = "asks for the code"
    WHY = "asks why"


OUT = (Who.NOBODY, Who.HALF, Who.SUSPENDED, Who.LEFT)
IN = tuple(who for who in Who if who not in OUT)
Answers = dict[Who, Answer]


def everybody(answer: Answer) -> Answers:
    """The same for everybody, signed in or not."""
    return dict.fromkeys(Who, answer)


def members(answer: Answer) -> Answers:
    """Whoever is signed in; the others are sent to the sign-in page."""
    return dict.fromkeys(OUT, Answer.SIGN_IN) | dict.fromkeys(IN, answer)


def only(*who: Who, answer: Answer) -> Answers:
    """These roles; other members are refused, and strangers sent to sign in."""
    return members(Answer.FORBIDDEN) | dict.fromkeys(who, answer)


@dataclass(frozen=True)
class Row:
    """One address, or one kind of object behind it.

    ``objects`` fill the address, ``query`` is what a GET asks, ``form`` what a POST sends, ``about`` says it in words.
    """

    route: str
    get: Answers
    post: Answers
    about: str = ""
    objects: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)


PAGE, DONE, FORBIDDEN, ABSENT = Answer.PAGE, Answer.DONE, Answer.FORBIDDEN, Answer.ABSENT
OVER, UNFIT = Answer.OVER, Answer.UNFIT
UNPROVED, UNREADABLE, CODE, SIGN_IN = Answer.UNPROVED, Answer.UNREADABLE, Answer.CODE, Answer.SIGN_IN
NO = everybody(Answer.NO_METHOD)
# Signed in, but a page that has no such method: strangers learn nothing of that.
NO_INSIDE = members(Answer.NO_METHOD)
# Whoever had a session before is a stranger: the same as nobody.
GONE = (Who.NOBODY, Who.SUSPENDED, Who.LEFT)

OPEN = {"slug": "ouvert"}
CLOSED = {"slug": "reserve"}
OPEN_COLLECTIVE = {"slug": "reliure"}
NOT_LED = {"slug": "autre"}
SENSITIVE_COLLECTIVE = {"slug": "sensible"}
# A member who is none of those who ask, and what belongs to nobody who asks.
A_MEMBER = "00000000-0000-4000-8000-000000000001"
ANOTHER = "00000000-0000-4000-8000-00000000dead"
BOTH = (Who.OFFICE, Who.TECHNICIAN)
PROOF = (Who.DPO, Who.TECHNICIAN)
WRITERS = (Who.LEAD, Who.OFFICE)
ERASING = (Who.DPO, Who.OFFICE, Who.TECHNICIAN)
NO_BRIEF = {"brief_id": "999"}
NO_LETTER = {"letter_id": "999"}
NO_SECTION = {"slug": "personne-ne-la-connait"}
NO_RUN = {"run_id": "999"}
# A directory that is being set up.
SOURCE = {"source_id": "71"}
NO_RECORD = {"reference": "T-999"}
NO_REQUEST = {"reference": "D-2026-999"}
NO_INCIDENT = {"reference": "V-1999-001"}


def _request(tool: str) -> dict[str, str]:
    return {
        "client_id": f"{tool}-client",
        "redirect_uri": f"http://localhost:9999/{tool}/callback",
        "response_type": "code",
        "scope": "openid",
        "state": "s",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }


TABLE = (
    # Everybody: what a browser or a tool must be able to read before anybody has signed in.
    Row("healthz", everybody(PAGE), NO),
    *(Row(name, everybody(PAGE), NO) for name in ("accessibility", "manifest", "service_worker", "offline")),
    Row("site_map", everybody(PAGE), NO),
    Row("log_keys", everybody(PAGE), NO),
    Row("log_program", everybody(PAGE), NO),
    Row("idp:discovery", everybody(PAGE), NO),
    Row("idp:server_metadata", everybody(PAGE), NO),
    Row("idp:resource_metadata", everybody(PAGE), NO),
    Row("idp:userinfo_metadata", everybody(PAGE), NO),
    Row("idp:jwks", everybody(PAGE), NO),
    Row("log_checkpoint", everybody(ABSENT), NO, "no such log", {"name": "access-1999h1"}),
    Row("log_tile", everybody(ABSENT), NO, "no such log", {"name": "access-1999h1", "path": "0/000"}),
    Row("log_cosignatures", NO, everybody(ABSENT), "no such log", {"name": "access-1999h1"}),
    Row("idp:device_linked", everybody(PAGE), NO),
    Row("idp:device_refused", everybody(PAGE), NO),
    *(
        Row(f"branding:{name}", everybody(ABSENT), NO, "of another look", {"digest": "0" * 16, **which})
        for name, which in (("style", {}), ("logo", {}), ("icon", {"side": "64", "kind": "rond"}))
    ),
    Row("set_language", NO, everybody(DONE)),
    # Everybody, beside the demonstration only.
    Row("mailbox", everybody(PAGE), NO, "demonstration only"),
    Row("mail", everybody(ABSENT), NO, "demonstration only", objects={"key": "x"}),
    Row("mail_page", everybody(ABSENT), NO, "demonstration only", objects={"key": "x"}),
    Row("style", everybody(PAGE), NO, "demonstration only"),
    # Coming in and going out.
    Row(
        "account_login",
        members(DONE) | dict.fromkeys(GONE, PAGE) | {Who.HALF: CODE},
        members(DONE) | dict.fromkeys(GONE, PAGE) | {Who.HALF: CODE},
    ),
    Row("mfa_authenticate", members(DONE) | {Who.HALF: PAGE}, members(DONE) | {Who.HALF: PAGE}),
    Row("account_logout", NO, everybody(DONE)),
    Row("idp:sign_out", NO, everybody(DONE)),
    Row("idp:logged_out", everybody(DONE) | {Who.NOBODY: PAGE, Who.HALF: PAGE}, NO, "still signed in: asked first"),
    Row("idp:end_session", everybody(PAGE), everybody(PAGE) | {Who.NOBODY: DONE}, "asked first, without a hint"),
    Row("account_reauthenticate", members(PAGE), members(PAGE)),
    Row("mfa_reauthenticate", members(DONE), members(DONE), "without a second factor"),
    Row("mfa_login_webauthn", everybody(SIGN_IN), members(DONE), "no passkey shown"),
    Row("mfa_login_webauthn_options", NO, everybody(PAGE), "a challenge, for whoever asks"),
    Row("mfa_reauthenticate_webauthn", members(DONE), members(DONE), "without a passkey"),
    Row("account_forgotten", everybody(PAGE), everybody(PAGE), "the same answer for whomever it is about"),
    Row("account_forgotten_sent", everybody(PAGE), everybody(PAGE)),
    Row("account_link", everybody(DONE), everybody(DONE), "no such link", objects={"secret": "x"}),
    Row("account_link_page", everybody(DONE), everybody(DONE), "no link in this browser"),
    Row("account_link_refused", everybody(OVER), everybody(OVER)),
    Row("account_choose_password", members(DONE), members(DONE), "within a sign-in only"),
    Row("account_password", members(PAGE), members(PAGE)),
    Row("account_notice", members(PAGE), members(DONE)),
    Row("account_passkey_offer", members(PAGE), members(PAGE)),
    Row("account_first", members(DONE), members(DONE), "nobody is awaited"),
    # One's own factors.
    Row("mfa_index", members(PAGE), members(PAGE)),
    Row("mfa_choose", members(PAGE), members(PAGE)),
    Row("mfa_activate_totp", members(DONE), members(DONE), "confirms the identity first"),
    Row("mfa_deactivate_totp", members(DONE), members(DONE), "confirms the identity first"),
    Row("mfa_add_webauthn", members(DONE), members(DONE), "confirms the identity first"),
    Row("mfa_edit_webauthn", members(DONE), members(DONE), "confirms the identity first", objects={"pk": "1"}),
    Row("mfa_remove_webauthn", members(DONE), members(DONE), "confirms the identity first", objects={"pk": "1"}),
    Row("mfa_view_recovery_codes", members(DONE), members(DONE), "confirms the identity first"),
    Row("mfa_generate_recovery_codes", members(DONE), members(DONE), "confirms the identity first"),
    Row("mfa_download_recovery_codes", members(DONE), members(DONE), "confirms the identity first"),
    # One's own sessions and browsers; another's are not there.
    Row("idp:sessions", members(PAGE), NO_INSIDE),
    Row("idp:sessions_end", NO_INSIDE, members(ABSENT), "another’s", objects={"session": ANOTHER}),
    Row("idp:sessions_end_others", NO_INSIDE, members(DONE)),
    Row("idp:sessions_end_all", members(PAGE), members(DONE)),
    Row("idp:sessions_forget", NO_INSIDE, members(ABSENT), "another’s", objects={"browser": ANOTHER}),
    Row("idp:sessions_ask_code", NO_INSIDE, members(ABSENT), "another’s", objects={"browser": ANOTHER}),
    Row("idp:sessions_not_me", members(PAGE), members(DONE), "confirms the identity first"),
    Row("idp:cancel_recovery", NO_INSIDE, members(ABSENT), "another’s", objects={"recovery_id": ANOTHER}),
    # One's own entry in the directory; another's photo is not there.
    Row("idp:my_details", members(PAGE), members(DONE), "nothing typed"),
    Row("idp:photo", members(ABSENT), NO_INSIDE, "another’s", objects={"member_id": A_MEMBER}),
    # One's own page, data and tools.
    Row("launcher:home", members(PAGE), NO_INSIDE),
    Row("launcher:people", members(PAGE), NO_INSIDE),
    Row("launcher:towns", members(PAGE), NO_INSIDE),
    Row("launcher:card", members(PAGE), NO_INSIDE, "a member who is listed", objects={"member_id": A_MEMBER}),
    Row(
        "launcher:write",
        members(ABSENT),
        members(ABSENT),
        "to somebody who is not to be written to",
        {"member_id": A_MEMBER},
        form={"text": "x"},
    ),
    Row("launcher:my_page", members(PAGE), members(DONE), "one’s own"),
    Row("launcher:my_page_preview", members(PAGE), NO_INSIDE, "one’s own"),
    Row("launcher:favourite", NO, members(DONE), "a tool open to them", objects=OPEN),
    Row("launcher:favourite", NO, members(ABSENT), "a tool closed to them", objects=CLOSED),
    Row("launcher:order", members(PAGE), members(DONE), "one’s own"),
    Row("launcher:order_reset", NO_INSIDE, members(DONE), "one’s own"),
    Row("launcher:order_keys", NO_INSIDE, members(DONE), "one’s own"),
    Row("launcher:order_view", NO_INSIDE, members(DONE), "one’s own"),
    Row("launcher:order_move", NO_INSIDE, members(DONE), "a tool open to them", objects=OPEN),
    Row("launcher:order_move", NO_INSIDE, members(ABSENT), "a tool closed to them", objects=CLOSED),
    # Collectives: their pages, and following them.
    Row("collectives:list", members(PAGE), NO_INSIDE),
    Row("collectives:one", members(PAGE), NO_INSIDE, "one of theirs or another", OPEN_COLLECTIVE),
    Row("collectives:one", members(ABSENT), NO_INSIDE, "a sensitive one", SENSITIVE_COLLECTIVE),
    Row(
        "collectives:describe",
        only(Who.LEAD, Who.OFFICE, answer=PAGE),
        only(Who.LEAD, Who.OFFICE, answer=DONE),
        "one that the lead leads",
        OPEN_COLLECTIVE,
    ),
    Row("collectives:describe", only(Who.OFFICE, answer=PAGE), only(Who.OFFICE, answer=DONE), "another", NOT_LED),
    Row("collectives:cloud", members(ABSENT), NO_INSIDE, "nothing of it is in a cloud", OPEN_COLLECTIVE),
    # Beside the rest: the members of these are not changed here, for no directory lets it.
    Row("collectives:members", only(Who.LEAD, answer=ABSENT), NO_INSIDE, "one that the lead leads", OPEN_COLLECTIVE),
    Row("collectives:members", members(ABSENT), NO_INSIDE, "a sensitive one", SENSITIVE_COLLECTIVE),
    Row(
        "collectives:member",
        only(Who.LEAD, answer=ABSENT),
        only(Who.LEAD, answer=ABSENT),
        "one that the lead leads",
        {**OPEN_COLLECTIVE, "member_id": A_MEMBER},
    ),
    Row("collectives:describe", members(ABSENT), members(ABSENT), "a sensitive one", SENSITIVE_COLLECTIVE),
    Row("collectives:follow", NO_INSIDE, members(DONE), "one of theirs or another", OPEN_COLLECTIVE),
    Row("collectives:follow", NO_INSIDE, members(ABSENT), "a sensitive one", SENSITIVE_COLLECTIVE),
    Row("launcher:logo", members(ABSENT), NO_INSIDE, "no such logo", objects={"digest": "0"}),
    # Access to a tool: why, and asking for it; whoever looks after a tool answers, and the office.
    Row("idp:why", members(PAGE), NO_INSIDE, "a tool open to them", objects=OPEN),
    Row("idp:why", members(ABSENT), NO_INSIDE, "a tool closed to them", objects=CLOSED),
    Row("idp:admission_ask", NO_INSIDE, members(ABSENT), "a tool closed to them", objects=CLOSED),
    Row("idp:admission_back", NO_INSIDE, members(ABSENT), "nothing asked", objects=OPEN),
    Row("idp:admissions", only(Who.OFFICE, answer=PAGE), members(Answer.NO_METHOD)),
    Row(
        "idp:admission",
        only(Who.OFFICE, answer=ABSENT),
        only(Who.OFFICE, answer=ABSENT),
        "no such request",
        objects={"admission_id": "999"},
    ),
    Row("consent:mine", members(PAGE), NO_INSIDE),
    Row("consent:activity", members(PAGE), NO_INSIDE),
    Row("consent:history", members(PAGE), NO_INSIDE),
    Row("consent:object", NO_INSIDE, members(DONE), "nothing to object to", objects={"purpose": "1"}),
    Row("consent:end_objection", NO_INSIDE, members(ABSENT), "another’s", objects={"objection": "1"}),
    Row("consent:choose", NO_INSIDE, members(ABSENT), "another’s", objects={"notice": "1"}),
    Row("consent:notice", members(ABSENT), NO_INSIDE, "another’s", objects={"notice": "1"}),
    Row("consent:agreements", members(PAGE), NO_INSIDE),
    Row("consent:receipt", members(ABSENT), NO_INSIDE, "another’s", objects={"consent": "1"}),
    Row("consent:take_receipt", NO_INSIDE, members(ABSENT), "another’s", objects={"consent": "1"}),
    Row("consent:proof", everybody(PAGE), NO),
    Row("consent:take_lines", NO_INSIDE, members(DONE)),
    Row("requests:mine", members(PAGE), members(UNFIT), "nothing said"),
    *(
        Row(f"requests:{name}", members(get), members(post), "another’s", objects)
        for name, get, post, objects in (
            ("own", ABSENT, ABSENT, NO_REQUEST),
            ("withdraw", Answer.NO_METHOD, ABSENT, NO_REQUEST),
            ("unfreeze", Answer.NO_METHOD, ABSENT, NO_REQUEST),
            ("file", ABSENT, Answer.NO_METHOD, {**NO_REQUEST, "number": "1"}),
        )
    ),
    Row("consent:directions", members(PAGE), members(UNFIT), "nothing said"),
    Row("consent:withdraw_directions", NO_INSIDE, members(DONE)),
    Row("consent:take", members(PAGE), NO_INSIDE),
    Row("consent:take_all", NO_INSIDE, members(PAGE)),
    Row("consent:take_card", NO_INSIDE, members(PAGE)),
    Row("consent:take_given", NO_INSIDE, members(PAGE)),
    Row("consent:take_pdf", NO_INSIDE, members(PAGE)),
    Row("consent:download", members(PAGE), NO_INSIDE),
    Row("idp:open", members(DONE), NO_INSIDE, "a tool open to them", objects=OPEN),
    Row("idp:open", members(ABSENT), NO_INSIDE, "a tool closed to them", objects=CLOSED),
    Row("idp:open_tools", everybody(DONE), NO, "the page of sessions has it"),
    Row("idp:close_tool", NO_INSIDE, members(ABSENT), "a tool they have not opened", objects=OPEN),
    Row("idp:close_tool", NO_INSIDE, members(ABSENT), "a tool closed to them", objects=CLOSED),
    Row("idp:withdraw", NO_INSIDE, members(DONE), "a tool open to them", objects=OPEN),
    Row("idp:withdraw", NO_INSIDE, members(ABSENT), "a tool closed to them", objects=CLOSED),
    Row("idp:withdrawn", members(ABSENT), NO_INSIDE, "a tool that they did not leave", objects=OPEN),
    Row("idp:ask_erasure", NO_INSIDE, members(ABSENT), "a tool that they did not leave", objects=OPEN),
    Row("idp:device", members(PAGE), members(UNREADABLE), "no such code", form={"user_code": "BCDF-GHJK"}),
    # The protocol: a browser brings a request, a tool proves itself.
    Row("idp:authorize", everybody(UNREADABLE), everybody(UNREADABLE), "nothing asked"),
    Row("idp:authorize", members(DONE), everybody(UNREADABLE), "a tool open to them", query=_request("ouvert")),
    Row("idp:authorize", members(FORBIDDEN), everybody(UNREADABLE), "a tool closed to them", query=_request("reserve")),
    Row("idp:resume", everybody(UNREADABLE), NO, "no such request", objects={"key": "x"}),
    Row("idp:relayed", everybody(UNREADABLE), NO, "no such request", objects={"key": "x"}),
    Row("idp:consent", NO, everybody(UNREADABLE), "no such question"),
    Row("idp:session_iframe", everybody(ABSENT), NO, "no tool asked for it"),
    Row("idp:par", NO, everybody(UNREADABLE)),
    Row("idp:device_authorization", NO, everybody(UNREADABLE)),
    Row("idp:token", NO, everybody(UNREADABLE)),
    Row("idp:introspect", NO, everybody(UNREADABLE)),
    Row("idp:revoke", NO, everybody(UNREADABLE)),
    Row("idp:userinfo", everybody(UNPROVED), everybody(UNPROVED)),
    Row("idp:register", NO, everybody(ABSENT), "switched off"),
    Row("idp:registered", everybody(ABSENT), NO, "switched off", objects={"client_id": "x"}),
    # The office's.
    Row("idp:office", only(Who.OFFICE, answer=PAGE), only(Who.OFFICE, answer=Answer.NO_METHOD)),
    Row("idp:office_purpose", only(Who.OFFICE, answer=PAGE), only(Who.OFFICE, answer=UNFIT), "nothing said"),
    Row(
        "idp:office_purpose",
        only(Who.OFFICE, answer=PAGE),
        only(Who.OFFICE, answer=DONE),
        "one of the purposes",
        form={"purpose": "access_repair"},
    ),
    Row("idp:office_search", only(Who.OFFICE, answer=Answer.NO_METHOD), only(Who.OFFICE, answer=DONE)),
    Row(
        "idp:office_member",
        only(Who.OFFICE, answer=Answer.WHY),
        only(Who.OFFICE, answer=Answer.NO_METHOD),
        "a member",
        objects={"member_id": A_MEMBER},
    ),
    Row(
        "idp:office_member",
        only(Who.OFFICE, answer=Answer.WHY),
        only(Who.OFFICE, answer=Answer.NO_METHOD),
        "nobody",
        objects={"member_id": ANOTHER},
    ),
    Row(
        "idp:office_invitation",
        only(Who.OFFICE, answer=Answer.WHY),
        only(Who.OFFICE, answer=Answer.NO_METHOD),
        objects={"member_id": A_MEMBER},
    ),
    *(
        Row(
            "idp:office_act",
            NO_INSIDE,
            only(Who.OFFICE, answer=answer),
            f"{act}, a member",
            objects={"member_id": A_MEMBER, "act": act},
        )
        for act, answer in {
            **dict.fromkeys(("invite", "take_back", "unlock", "end_sessions"), DONE),
            **dict.fromkeys(("resume", "cancel_departure", "welcome_back", "ask_recovery"), DONE),
            **dict.fromkeys(("suspend", "depart"), Answer.WHY),
        }.items()
    ),
    Row("idp:office_act", NO_INSIDE, members(ABSENT), "no such act", objects={"member_id": A_MEMBER, "act": "become"}),
    Row(
        "idp:office_recovery",
        only(Who.OFFICE, answer=Answer.NO_METHOD),
        only(Who.OFFICE, answer=ABSENT),
        "no such request",
        objects={"recovery_id": ANOTHER},
    ),
    Row(
        "idp:office_alarm",
        only(Who.OFFICE, answer=Answer.NO_METHOD),
        only(Who.OFFICE, answer=ABSENT),
        "no such alarm",
        objects={"alarm_id": "4711"},
    ),
    Row("idp:office_collectives", only(Who.OFFICE, answer=PAGE), only(Who.OFFICE, answer=Answer.NO_METHOD)),
    *(
        Row(
            "idp:office_collective",
            only(Who.OFFICE, answer=answer),
            only(Who.OFFICE, answer=Answer.NO_METHOD),
            about,
            objects={"slug": slug},
        )
        for slug, answer, about in (("autre", PAGE, "a collective"), ("aucun", ABSENT, "no such collective"))
    ),
    *(
        Row(
            "idp:office_collective_mark",
            only(Who.OFFICE, answer=PAGE),
            only(Who.OFFICE, answer=answer),
            about,
            objects={"slug": "autre"},
            form=form,
        )
        for form, answer, about in (({}, UNFIT, "nothing said"), ({"sensitive": "1"}, DONE, "marked as sensitive"))
    ),
    # The office's and the technician's.
    Row("idp:office_roles", only(*BOTH, answer=PAGE), only(*BOTH, answer=Answer.NO_METHOD)),
    Row("idp:office_grant", only(*BOTH, answer=Answer.NO_METHOD), only(*BOTH, answer=UNFIT), "nothing said"),
    Row("idp:office_revoke", only(*BOTH, answer=Answer.NO_METHOD), only(*BOTH, answer=ABSENT), "no such role"),
    Row("idp:office_rule", only(*BOTH, answer=Answer.NO_METHOD), only(*BOTH, answer=ABSENT), "no such collective"),
    # The directory: both see it, and decide what waits; only the technician sets it up.
    Row("idp:directory", only(*BOTH, answer=PAGE), only(*BOTH, answer=Answer.NO_METHOD)),
    Row("idp:directory_runs", only(*BOTH, answer=PAGE), only(*BOTH, answer=Answer.NO_METHOD)),
    Row("idp:directory_run", only(*BOTH, answer=PAGE), only(*BOTH, answer=Answer.NO_METHOD), objects={"run_id": "71"}),
    Row(
        "idp:directory_run",
        only(*BOTH, answer=ABSENT),
        only(*BOTH, answer=Answer.NO_METHOD),
        "no such pass",
        objects={"run_id": "4711"},
    ),
    Row("idp:directory_issues", only(*BOTH, answer=PAGE), only(*BOTH, answer=Answer.NO_METHOD)),
    Row("idp:directory_issue", only(*BOTH, answer=Answer.NO_METHOD), only(*BOTH, answer=ABSENT), "no such issue"),
    Row("idp:directory_absent", only(*BOTH, answer=PAGE), only(*BOTH, answer=Answer.NO_METHOD)),
    Row("idp:directory_source", only(*BOTH, answer=PAGE), only(*BOTH, answer=Answer.NO_METHOD), objects=SOURCE),
    Row("idp:directory_waiting", only(*BOTH, answer=PAGE), only(*BOTH, answer=Answer.NO_METHOD), objects=SOURCE),
    Row(
        "idp:directory_approve",
        only(*BOTH, answer=DONE),
        only(*BOTH, answer=UNFIT),
        "without having read",
        objects=SOURCE,
    ),
    Row(
        "idp:directory_approve",
        only(*BOTH, answer=DONE),
        only(*BOTH, answer=DONE),
        "nothing waits",
        objects=SOURCE,
        form={"read": "1", "digest": "x"},
    ),
    Row(
        "idp:directory_add",
        only(Who.TECHNICIAN, answer=DONE),
        only(Who.TECHNICIAN, answer=DONE),
        "confirms the identity first",
    ),
    *(
        Row(
            "idp:directory_step",
            only(Who.TECHNICIAN, answer=DONE),
            only(Who.TECHNICIAN, answer=DONE),
            f"{step}, confirms the identity first",
            objects=SOURCE | {"step": step},
        )
        for step in (
            *("adresse", "chiffrement", "compte", "branches"),
            *("correspondance", "possibilites", "essai"),
        )
    ),
    Row(
        "idp:directory_step",
        only(Who.TECHNICIAN, answer=ABSENT),
        only(Who.TECHNICIAN, answer=ABSENT),
        "no such step",
        objects=SOURCE | {"step": "x"},
    ),
    *(
        Row(
            "idp:directory_act",
            NO_INSIDE,
            only(Who.TECHNICIAN, answer=DONE),
            f"{act}, a draft",
            objects=SOURCE | {"act": act},
        )
        for act in ("lire", "tout-lire", "a-blanc", "suivre", "pause", "retirer")
    ),
    Row("idp:directory_act", NO_INSIDE, members(ABSENT), "no such act", objects=SOURCE | {"act": "vider"}),
    # Erasures: one asks and follows, another agrees; a holder answers by its link, without an account.
    Row("idp:erasure_answer", everybody(ABSENT), everybody(ABSENT), "no such link", {"secret": "x"}),
    Row("idp:erasures", only(*ERASING, answer=PAGE), only(*ERASING, answer=Answer.NO_METHOD)),
    Row(
        "idp:erasure_purpose",
        only(*ERASING, answer=PAGE),
        only(*ERASING, answer=DONE),
        form={"purpose": "member_request"},
    ),
    Row("idp:erasure_ask", only(Who.DPO, answer=Answer.WHY), only(Who.DPO, answer=Answer.WHY)),
    Row("idp:erasure", only(*ERASING, answer=Answer.WHY), only(*ERASING, answer=Answer.NO_METHOD), objects=NO_RUN),
    Row("idp:erasure_letter", only(Who.DPO, answer=Answer.WHY), only(Who.DPO, answer=Answer.NO_METHOD), objects=NO_RUN),
    Row(
        "idp:erasure_holder",
        only(Who.DPO, answer=Answer.WHY),
        only(Who.DPO, answer=Answer.WHY),
        objects=NO_RUN | {"holder_id": "999"},
    ),
    *(
        Row(f"idp:erasure_{act}", only(*who, answer=Answer.NO_METHOD), only(*who, answer=ABSENT), objects=NO_RUN)
        for act, who in (("approve", ERASING), ("drop", ERASING), ("close", (Who.DPO,)))
    ),
    # The technician's.
    Row("idp:look", only(Who.TECHNICIAN, answer=PAGE), only(Who.TECHNICIAN, answer=UNFIT), "no colour"),
    *(
        Row(f"idp:{name}", only(Who.TECHNICIAN, answer=PAGE), only(Who.TECHNICIAN, answer=Answer.NO_METHOD), "a part")
        for name in ("look_try", "look_try_style")
    ),
    Row("idp:look_restore", only(Who.TECHNICIAN, answer=Answer.NO_METHOD), only(Who.TECHNICIAN, answer=DONE)),
    # How the page of tools is arranged.
    Row("launcher:arrange", only(*BOTH, answer=PAGE), only(*BOTH, answer=Answer.NO_METHOD)),
    Row("launcher:section_add", only(*BOTH, answer=PAGE), only(*BOTH, answer=UNFIT), "nothing said"),
    Row("launcher:section", only(*BOTH, answer=ABSENT), only(*BOTH, answer=ABSENT), "no such section", NO_SECTION),
    Row("launcher:section_move", only(*BOTH, answer=Answer.NO_METHOD), only(*BOTH, answer=ABSENT), "", NO_SECTION),
    Row("launcher:section_remove", only(*BOTH, answer=Answer.NO_METHOD), only(*BOTH, answer=ABSENT), "", NO_SECTION),
    Row("launcher:link_add", only(*BOTH, answer=PAGE), only(*BOTH, answer=UNFIT), "nothing said"),
    Row("launcher:link", only(*BOTH, answer=ABSENT), only(*BOTH, answer=ABSENT), "a connected tool", OPEN),
    Row("launcher:link_remove", only(*BOTH, answer=Answer.NO_METHOD), only(*BOTH, answer=ABSENT), "", OPEN),
    Row("launcher:tool", only(*BOTH, answer=PAGE), only(*BOTH, answer=UNFIT), "nothing said", OPEN),
    Row("launcher:tool_logo", only(*BOTH, answer=Answer.NO_METHOD), only(*BOTH, answer=UNFIT), "no file", OPEN),
    Row("launcher:tool_rule", only(*BOTH, answer=Answer.NO_METHOD), only(*BOTH, answer=DONE), "nothing said", OPEN),
    Row(
        "launcher:tool_condition", only(*BOTH, answer=Answer.NO_METHOD), only(*BOTH, answer=DONE), "nothing said", OPEN
    ),
    Row("launcher:tool_move", only(*BOTH, answer=Answer.NO_METHOD), only(*BOTH, answer=DONE), "", OPEN),
    # News: read by whomever they reach, written by leads for their collectives and by the office for all.
    Row("news:all", members(PAGE), NO_INSIDE),
    Row("news:brief", members(ABSENT), NO_INSIDE, "no such news", NO_BRIEF),
    Row("news:picture", members(ABSENT), NO_INSIDE, "no such news", {**NO_BRIEF, "digest": "0" * 64}),
    Row("news:put_aside", NO, members(ABSENT), "no such news", NO_BRIEF),
    Row("news:receive", members(PAGE), NO_INSIDE),
    *(Row(f"news:{act}", NO, members(ABSENT), "no such collective", NO_SECTION) for act in ("make_feed", "end_feed")),
    Row("news:choose", NO, members(UNFIT), "nothing chosen"),
    Row("news:unsubscribe", everybody(ABSENT), everybody(ABSENT), "no such mail", {"token": "x"}),
    Row("news:letters", only(Who.LEAD, answer=PAGE), only(Who.LEAD, answer=Answer.NO_METHOD)),
    Row("news:letter_write", only(Who.LEAD, answer=PAGE), only(Who.LEAD, answer=UNFIT), "nothing said"),
    Row("news:letter", only(Who.LEAD, answer=ABSENT), only(Who.LEAD, answer=Answer.NO_METHOD), "", NO_LETTER),
    Row("news:letter_change", only(Who.LEAD, answer=ABSENT), only(Who.LEAD, answer=ABSENT), "", NO_LETTER),
    *(
        Row(f"news:letter_{act}", only(Who.LEAD, answer=Answer.NO_METHOD), only(Who.LEAD, answer=ABSENT), "", NO_LETTER)
        for act in ("try", "send", "drop")
    ),
    Row("news:unmute", NO, members(ABSENT), "no such collective", NO_SECTION),
    Row("news:mute", everybody(ABSENT), everybody(ABSENT), "no such mail", {"token": "x"}),
    Row("news:feed", everybody(ABSENT), NO, "no such address", {"secret": "x"}),
    Row("news:written", only(*WRITERS, answer=PAGE), only(*WRITERS, answer=Answer.NO_METHOD)),
    Row("news:write", only(*WRITERS, answer=PAGE), only(*WRITERS, answer=UNFIT), "nothing said"),
    Row("news:change", only(*WRITERS, answer=ABSENT), only(*WRITERS, answer=ABSENT), "no such news", NO_BRIEF),
    *(
        Row(f"news:{act}", only(*WRITERS, answer=Answer.NO_METHOD), only(*WRITERS, answer=ABSENT), "", NO_BRIEF)
        for act in ("remove", "restore")
    ),
    Row("idp:tool_modes", only(Who.TECHNICIAN, answer=PAGE), only(Who.TECHNICIAN, answer=Answer.NO_METHOD)),
    Row(
        "idp:tool_mode",
        only(Who.TECHNICIAN, answer=PAGE),
        only(Who.TECHNICIAN, answer=UNFIT),
        "nothing said",
        {"slug": "ouvert"},
    ),
    Row(
        "idp:tool_strict",
        only(Who.TECHNICIAN, answer=Answer.NO_METHOD),
        only(Who.TECHNICIAN, answer=DONE),
        "a tool",
        {"slug": "ouvert"},
    ),
    Row("idp:deliveries", only(Who.TECHNICIAN, answer=PAGE), only(Who.TECHNICIAN, answer=Answer.NO_METHOD)),
    Row(
        "idp:retry_deliveries",
        only(Who.TECHNICIAN, answer=Answer.NO_METHOD),
        only(Who.TECHNICIAN, answer=DONE),
        "a tool",
        form={"tool": "ouvert"},
    ),
    Row(
        "idp:retry_deliveries",
        only(Who.TECHNICIAN, answer=Answer.NO_METHOD),
        only(Who.TECHNICIAN, answer=ABSENT),
        "no such tool",
        form={"tool": "x"},
    ),
    # The data protection officer's.
    Row(
        "audit:purpose",
        only(Who.DPO, answer=PAGE),
        only(Who.DPO, answer=DONE),
        form={"purpose": "internal_control"},
    ),
    Row("audit:journal", only(Who.DPO, answer=Answer.WHY), only(Who.DPO, answer=Answer.NO_METHOD)),
    Row("audit:search", only(Who.DPO, answer=Answer.NO_METHOD), only(Who.DPO, answer=Answer.WHY)),
    Row("audit:searches", only(Who.DPO, answer=Answer.NO_METHOD), only(Who.DPO, answer=Answer.WHY)),
    Row("audit:lookups", only(Who.DPO, answer=Answer.WHY), only(Who.DPO, answer=Answer.NO_METHOD)),
    Row("audit:pictures", only(Who.DPO, answer=Answer.WHY), only(Who.DPO, answer=Answer.NO_METHOD)),
    Row("audit:reveal_all", only(Who.DPO, answer=Answer.WHY), only(Who.DPO, answer=Answer.WHY)),
    Row(
        "audit:reveal",
        only(Who.DPO, answer=Answer.WHY),
        only(Who.DPO, answer=Answer.WHY),
        objects={"pseudonym": "A7F3-K2MD"},
    ),
    Row(
        "audit:export",
        only(Who.DPO, answer=Answer.WHY),
        only(Who.DPO, answer=Answer.NO_METHOD),
        objects={"kind": "csv"},
    ),
    # The officer's workspace.
    *(
        Row(f"protection:{name}", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=Answer.NO_METHOD))
        for name in ("home", "findings", "matrix", "tools", "corrections", "notices", "decisions")
    ),
    *(
        Row(
            "protection:export",
            only(Who.DPO, answer=PAGE),
            only(Who.DPO, answer=Answer.NO_METHOD),
            kind,
            {"kind": kind},
        )
        for kind in ("csv", "ods")
    ),
    Row(
        "protection:notice",
        only(Who.DPO, answer=ABSENT),
        only(Who.DPO, answer=Answer.NO_METHOD),
        "no such notice",
        {"number": "999"},
    ),
    Row(
        "protection:finding",
        only(Who.DPO, answer=DONE),
        only(Who.DPO, answer=DONE),
        "no such finding",
        {"code": "F1-999"},
    ),
    Row(
        "protection:matrix_tool",
        only(Who.DPO, answer=PAGE),
        only(Who.DPO, answer=Answer.NO_METHOD),
        objects=OPEN,
    ),
    Row(
        "protection:directions",
        only(Who.DPO, answer=Answer.NO_METHOD),
        only(Who.DPO, answer=ABSENT),
        "no such member",
        {"member": ANOTHER},
    ),
    # The register of processing.
    Row("requests:inbox", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=Answer.NO_METHOD)),
    Row("requests:enter", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=UNFIT), "nobody looked for"),
    Row("requests:case", only(Who.DPO, answer=ABSENT), only(Who.DPO, answer=ABSENT), "no such request", NO_REQUEST),
    Row(
        "requests:evidence",
        only(Who.DPO, answer=ABSENT),
        only(Who.DPO, answer=Answer.NO_METHOD),
        "no such request",
        {**NO_REQUEST, "number": "1"},
    ),
    Row("requests:letters", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=Answer.NO_METHOD)),
    Row(
        "requests:letter",
        only(Who.DPO, answer=PAGE),
        only(Who.DPO, answer=UNFIT),
        "nothing said",
        {"name": "refusal", "language": "fr"},
    ),
    Row("register:list", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=Answer.NO_METHOD)),
    Row("register:new", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=UNFIT), "nothing said"),
    Row("register:parties", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=UNFIT), "nothing said"),
    Row("register:import", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=UNFIT), "no file"),
    *(
        Row("register:export", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=Answer.NO_METHOD), kind, {"kind": kind})
        for kind in ("ods", "csv", "json")
    ),
    *(
        Row(f"register:{name}", only(Who.DPO, answer=ABSENT), only(Who.DPO, answer=posted), "no such record", NO_RECORD)
        for name, posted in {
            **dict.fromkeys(("record", "versions", "notice"), Answer.NO_METHOD),
            **dict.fromkeys(("edit", "close"), ABSENT),
        }.items()
    ),
    # Evidence for an inspection.
    Row("evidence:page", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=UNFIT), "no days"),
    Row("evidence:purpose", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=UNFIT), "no reason"),
    # Impact assessments.
    Row("screening:list", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=Answer.NO_METHOD)),
    Row("screening:record", only(Who.DPO, answer=ABSENT), only(Who.DPO, answer=ABSENT), "no such record", NO_RECORD),
    # Contracts with processors.
    Row("contracts:list", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=Answer.NO_METHOD)),
    Row(
        "contracts:contract",
        only(Who.DPO, answer=ABSENT),
        only(Who.DPO, answer=ABSENT),
        "no such record",
        {**NO_RECORD, "place": "1"},
    ),
    Row(
        "contracts:file",
        only(Who.DPO, answer=ABSENT),
        only(Who.DPO, answer=Answer.NO_METHOD),
        "no such record",
        {**NO_RECORD, "digest": "0" * 64},
    ),
    # Security measures.
    Row("safety:page", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=UNFIT), "nothing said"),
    # Breaches of data.
    Row("incidents:list", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=Answer.NO_METHOD)),
    Row("incidents:new", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=UNFIT), "nothing said"),
    Row("incidents:purpose", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=UNFIT), "no reason"),
    *(
        Row(
            "incidents:export", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=Answer.NO_METHOD), kind, {"kind": kind}
        )
        for kind in ("ods", "csv")
    ),
    *(
        Row(
            f"incidents:{name}",
            only(Who.DPO, answer=got),
            only(Who.DPO, answer=posted),
            "no such breach",
            NO_INCIDENT | objects,
        )
        for name, got, posted, objects in (
            ("incident", ABSENT, Answer.NO_METHOD, {}),
            ("count", Answer.NO_METHOD, ABSENT, {}),
            ("set_aside", Answer.NO_METHOD, ABSENT, {"number": "2"}),
            ("step", ABSENT, ABSENT, {"step": "risque"}),
            ("people", Answer.WHY, Answer.WHY, {"number": "2"}),
            ("draft", ABSENT, Answer.NO_METHOD, {"kind": "json"}),
            ("letter", ABSENT, Answer.NO_METHOD, {"language": "fr"}),
        )
    ),
    # The data protection officer’s and the technician’s: how the proof of the journal stands, and who keeps it.
    Row("audit:proof", only(*PROOF, answer=PAGE), only(*PROOF, answer=Answer.NO_METHOD)),
    Row("audit:checkpoints", only(*PROOF, answer=PAGE), only(*PROOF, answer=Answer.NO_METHOD)),
    Row("audit:keeping", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=Answer.NO_METHOD)),
    Row("audit:keeping_trial", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=UNFIT)),
    Row("audit:keeping_confirm", only(Who.DPO, answer=Answer.NO_METHOD), only(Who.DPO, answer=DONE)),
    Row("audit:keeping_rule", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=UNFIT), "a class", {"name": "sign-in"}),
    Row("audit:keeping_hold", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=UNFIT)),
    Row(
        "audit:keeping_lift",
        only(Who.DPO, answer=ABSENT),
        only(Who.DPO, answer=ABSENT),
        "no such hold",
        {"hold_id": "0"},
    ),
    Row("audit:keeping_clocks", only(Who.DPO, answer=PAGE), only(Who.DPO, answer=Answer.NO_METHOD)),
    Row(
        "audit:keeping_days",
        only(Who.DPO, answer=PAGE),
        only(Who.DPO, answer=UNFIT),
        "nothing said",
        {"code": "photo"},
    ),
    Row("audit:keeping_person", only(Who.DPO, answer=Answer.WHY), only(Who.DPO, answer=Answer.WHY)),
    Row(
        "audit:reconciliation",
        only(Who.DPO, answer=PAGE),
        only(Who.DPO, answer=Answer.UNFIT),
        "nothing chosen",
    ),
    Row(
        "audit:checkpoint",
        only(*PROOF, answer=ABSENT),
        only(*PROOF, answer=Answer.NO_METHOD),
        "no such log",
        {"name": "access-1999h1"},
    ),
    Row("idp:destructions", only(*PROOF, answer=PAGE), only(*PROOF, answer=Answer.NO_METHOD)),
    Row(
        "idp:destruction",
        only(*PROOF, answer=Answer.NO_METHOD),
        only(*PROOF, answer=ABSENT),
        "no such log",
        {"name": "access-1999h1", "act": "proposer"},
    ),
    Row("audit:witness_add", only(*PROOF, answer=Answer.NO_METHOD), only(*PROOF, answer=UNFIT), "without a key"),
    Row(
        "audit:witness_trust",
        only(Who.DPO, answer=Answer.NO_METHOD),
        only(Who.DPO, answer=DONE),
        "no such witness",
        {"witness_id": "1"},
    ),
    Row(
        "audit:witness_end",
        only(Who.DPO, answer=Answer.NO_METHOD),
        only(Who.DPO, answer=DONE),
        "no such witness",
        {"witness_id": "1"},
    ),
    Row("audit:mails_kept", only(Who.DPO, answer=Answer.NO_METHOD), only(Who.DPO, answer=DONE)),
)

# What answers a stranger with something to read; whatever is not here sends them to sign in, or says no.
PUBLISHED = frozenset(row.route for row in TABLE if row.get[Who.NOBODY] is PAGE)

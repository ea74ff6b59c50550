"""A static check: whoever writes to the database writes to the journal too, in the same function or just above.

It reads the source and knows no types, so it errs on the strict side: what it cannot see is listed below with
its reason.  A name that no longer needs its place in the list fails as well.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("audit", "collectives", "consent", "directory", "branding", "hub", "idp", "launcher", "news")
# Tables with their guards, and rules that cannot reach a database; the rest writes only with a line in the journal.
ASIDE = {"migrations", "models", "models.py", "protocol"}

WRITES = {
    "save",
    "create",
    "delete",
    "bulk_create",
    "bulk_update",
    "get_or_create",
    "update_or_create",
    "insert",
    "mark",
}
RECORDS = {"record", "record_all"}

# Function → why it needs no line of its own.
EXCUSED = {
    "consent.copies.make": "what a declared sheet looks like; declare records it with the digests",
    "audit.writing.write": "it is the journal",
    "audit.sequencer._sequence": "events that were written get their place",
    "audit.sequencer._append": "the same",
    "audit.signer._keep": "what was signed; the log is not told of its own signatures",
    "audit.mailing.begin_mailing": "the row of a day's mails; note_mailing records them",
    "audit.alarms.begin_telling": "what somebody is told of; note_telling records the mails",
    "audit.witnesses._keep": "what a witness signed, which is its own record; it would make the log grow for ever",
    "audit.stream.sending._cursor": "from where a stream goes on; that it fails or goes on again is recorded",
    "audit.stream.sending._take": "a turn in the stream; the same",
    "audit.thinning._delete": "checkpoints between those that stay; the entries give their roots again",
    "audit.qr._drawn": "a picture written into memory, not into the database",
    "audit.keyring.reseal_all": "keys of people under the hub's new key; resealing everything records it",
    "audit.keyring.lasting_key": "a key for parts that outlive an erasure, sealed anew by it",
    "audit.services.erase_person": "asked for by the erasure of a member, which is recorded",
    "audit.keyring.retire_new": "the same, of keys that were made since",
    "audit.keyring.retire": "keys that seal nothing more; called by the asking for an erasure, which is recorded",
    "audit.keeping.erasure._batch": "how far an erasure is; what goes is announced in the end",
    "audit.keeping.erasure._end_of_pass": "what went is announced here; the row of the erasure and its keys",
    "audit.keeping.erasure.step": "an erasure waits for a hold, whose putting is recorded",
    "audit.keeping.destruction.finish": "rows of a log whose destruction is recorded",
    "audit.keeping.destruction._rows_go": "the same",
    "audit.keeping.retention.begin": "the row of a run; its entry says what it did",
    "audit.keeping.retention._begun": "the same",
    "audit.keeping.retention.step": "how far a run is; its end announces what went",
    "audit.keeping.retention.drop_keys": "keys that open nothing any more; what they opened was announced",
    "audit.services.keep_search": "criteria that a reader keeps for themself; they say nothing of anybody",
    "audit.services.drop_search": "the same",
    "audit.keeping.data.begin": "the row of a run; its end records what went",
    "audit.keeping.data.step": "how far a run is; its end records what went",
    "consent.kept._forget_decisions": "what goes by rule; the run that calls it records how much",
    "consent.kept._forget_disclosures": "the same",
    "consent.kept._forget_runs": "the same",
    "consent.requests.kept._forget_lines": "the same",
    "consent.requests.services.empty_files": "the same",
    "directory.kept.forget_photos": "the same, or the erasure of a member, which is recorded",
    "directory.kept.forget_profiles": "the same",
    "audit.keeping.data.deleted": "the same",
    "audit.keeping.data.go": "the same",
    "directory.corrections.forget_changes": "called by the erasure of a member, which is recorded",
    "directory.corrections.note": "when an item changed, beside the line of the change itself",
    "consent.directions.services.forget": "called by the erasure of a member, which is recorded",
    "idp.services.accounts.attached.forget": "called by the erasure of a member, which is recorded",
    "idp.services.accounts.attached.forget_places": "the same, or the run of the rules",
    "consent.erasures.services.note_silent": "three weeks without an answer; what a holder was told is recorded",
    "idp.services.erasures._tell": "how a holder finds the person, written beside what the sheet records",
    "audit.keyring.keys_of": "a key for what is about to be written of somebody",
    "directory.services.holds.set_hold": "called by what suspends, resumes, welcomes back or ends, which record it",
    "directory.services.statuses.begin": "the status that somebody arrives with; the arrival is recorded",
    "directory.services.statuses._keep_collectives": "who is in a status’s collective; the status itself is recorded",
    "directory.services.statuses._collective_of": "the collective of a status, made when somebody first stands there",
    "directory.ldap.apply._write_people": "rows of a plan; the three that apply one record what became of each",
    "directory.ldap.apply._write_groups": "the same",
    "directory.ldap.apply._write_memberships": "the same",
    "directory.ldap.apply._write_issues": "the same",
    "directory.ldap.apply._rewrite": "rows of a plan; applying it records what became of each",
    "directory.ldap.apply._write_nesting": "which groups are in which, of a plan; applying it records the change",
    "directory.ldap.sources.in_use": "the same row, where it is not there yet",
    "directory.pictures._encoded": "a picture written into memory, not into the database",
    "directory.pictures.shown": "the same",
    "branding.icons.png": "the same",
    "branding.icons.mark": "the same",
    "idp.services.accounts.letters.letter": "a message in memory",
    "directory.services.turns._confirm": "when a source was last found as it is known; what changes is recorded",
    "directory.services.turns._is_well": "until when a silent source is left alone; its passes are recorded",
    "directory.services.turns._try_later": "until when a silent source is left alone; its passes are recorded",
    "directory.services.turns._take_what_is_asked": "what a page asked for, which was recorded, handed to the pass",
    "idp.services.accounts.directory_mails._one": "what was told of a source; its mails are recorded when sent",
    "directory.services.one_entry.take_over": "that groups are to be read whole; taking the entry over is recorded",
    "directory.services.first_looks._write": "what passes carry out early; apply_early records each line of it",
    "directory.services.first_looks.settle_gone": "that what follows from an absence is decided, which is recorded",
    "directory.services.photos._give_up": "that a photo could not be taken, which its issue says",
    "directory.services.photos._settle": "the issue of a photo that could not be taken, which its reading raises",
    "directory.services.photos._put_off": "that an entry was not shown when its photo was asked for",
    "directory.services.photos._look_at_those_without": "that there is no photo, and was none, of people just read",
    "directory.services.photos._without_issue": "the end of an issue, which follows from what was read of the photo",
    "directory.services.profile.change_photo": "the photo as it is shown; what takes the entry over records the change",
    "directory.services.passes._apply": "how far a source was followed; applying the plan records what it did",
    "directory.services.absences._begin_counting": "from when on an absence is counted; its beginning was recorded",
    "directory.runs.open_run": "the row of a pass, before anything is known; its outcome is recorded with what it did",
    "directory.runs.close": "the row of a pass; applying, holding and failing record themselves",
    "directory.runs._forget_old": "rows of passes older than the period kept; the journal has their lines",
    "idp.middleware._check": "the time a session was last seen; its beginning and end are recorded",
    "idp.services.accounts.attempts.clear": "a count in the cache; the reset or unlocking that clears it is recorded",
    "idp.services.deliveries._take": "a delivery's turn in the outbox; the outcome is recorded by _settle",
    "idp.services.purge._delete_batch": "expired codes, tokens and sessions, dead already; their end was recorded",
    "idp.services.sessions.renew_key": "the same session under another key; its beginning and end are recorded",
    "idp.services.sessions.open_tool_session": "called by what issues a code or approves a device, which record it",
    "idp.services.device.redeem": "a device code used up or asked for; save_tokens or the refusal records",
    "idp.services.device._still_pending": "the pace of a device's questions, each refused with a line of its own",
    "idp.services.keys.lifecycle._succeed": "the end of a key's time; what plans or forces it records",
    "idp.services.accounts.lifecycle.remind_of_roles": "the day of a reminder; its mail is recorded when it is sent",
    "directory.passwords._keep": "an account's own hash; what sets passwords, in idp.services.accounts, records",
    "idp.services.accounts.links.issue": "a link, written with the mail or command that it is for, which is recorded",
    "idp.services.accounts.links.end_all": "links that end with what ends them, which is recorded",
    "idp.services.accounts.links.use": "a link used up by the change it was for, which is recorded",
    "idp.services.accounts.mails._take": "a mail's turn in the outbox; the outcome is recorded by _settle",
    "idp.services.accounts.mails._give_back": "a mail that was taken and not tried, given its turn back",
    "idp.services.accounts.mails.queue_text": "a mail, written with the change that it tells of, which is recorded",
    "idp.services.accounts.recovery_codes.make": "new codes; the enrolment or the page that makes them records",
    "idp.services.accounts.recovery_codes.of": "codes of the release before, kept as digests from now on",
    "idp.services.accounts.recovery_codes.use": "a code used up; the sign-in, the confirmation or the refusal records",
    "idp.signin.allauth_parts.add_passkey": "a new passkey; count_enrolment records it",
    "idp.signin.passkeys._count": "a passkey's counter; the sign-in that it is counted for records",
    "idp.services.sessions.restate": "what a session still proves; the removal of the factor records",
    "idp.services.pushed._keep": "a request that nobody answered yet; the code or the refusal is recorded",
    "idp.services.pushed.spend": "the mark that issue sets with the code it records",
    "idp.services.registration._spend": "a use of a token that lets a tool register; the tool or the refusal records",
    "idp.services.replay.first_time": "a number seen once; what was proved with it is recorded",
    "idp.services.sessions.weaken": "what sessions claim without a factor; its removal is recorded by what calls this",
    "idp.services.tokens.end_read_by": "tokens of other tools that end with an agreement; its withdrawal is recorded",
    "idp.services.subjects.keep": "a name given with a tool's session, which is recorded",
    "consent.register.services._row": "the row of a record; whoever calls it has _put record its first version",
    "consent.register.services.change_parties": "the same",
    "consent.register.services.write_own": "the same",
    "consent.requests.services._step": "a step; whoever calls it records what happened, with its digest",
    "consent.requests.services._reckon": "the new deadline; whoever calls it records it",
    "consent.requests.services.note_told": "that a mail is in the outbox; its sending is recorded",
    "launcher.receivers.forget_looks": "called by the erasure of a member, which is recorded",
    "collectives.receivers.forget_follows": "in the transaction of an erasure, which is recorded",
    "directory.services.one_entry._later": "a pass is to look again, which tells what it finds",
    "launcher.receivers.forget_arrangements": "the same",
    "consent.findings.services.forget_reasons": "the same",
    "news.receivers.forget_members": "the same",
    "news.digests._tell": "until when somebody was told; the mail's sending is recorded",
    "news.receivers.end_feeds": "addresses that end with their member's account, which is recorded",
    "news.receivers.end_feeds_of_alarm": "addresses that end with an alarm, which is recorded",
    "news.feeds.end_where_out": "addresses that end with a change of who is in a collective, which is recorded",
    "news.services.put_aside": "what a member wants off their page; a line would say what somebody has read",
    "launcher.conditions.services.note_looked": "whether a tool answered, of nobody; asked every two minutes",
    "idp.views.farewell.take": "an entry of the cache that is shown once",
    "idp.signin.receivers.note_proof": "the cookie's new name for a session; the proof is recorded by what it calls",
    "idp.oauth.validator.save_bearer_token": "the old refresh token's end; save_tokens, which it calls, records",
    "idp.oauth.validator.invalidate_authorization_code": "a code is used up by save_bearer_token, which records",
}


@dataclass(frozen=True)
class Function:
    name: str
    writes: bool
    records: bool
    returns_entries: bool
    calls: frozenset[str]


def functions(path: Path, root: Path = ROOT) -> Iterator[Function]:
    module = ".".join(path.relative_to(root).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
            names = frozenset(_called(call) for call in calls)
            yield Function(
                name=f"{module}.{node.name}",
                writes=any(_writes(call) for call in calls),
                records=bool(names & RECORDS),
                returns_entries=node.returns is not None and "Entry" in ast.unparse(node.returns),
                calls=names,
            )


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _writes(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute):
        return False
    # A query set's update takes keywords only; a dictionary's, a digest's and a set's take a value.
    if call.func.attr == "update":
        return bool(call.keywords) and not call.args
    return call.func.attr in WRITES and not _is_form_or_super(call.func.value)


def _is_form_or_super(receiver: ast.expr) -> bool:
    return isinstance(receiver, ast.Call) and _called(receiver) == "super"


def unrecorded(path: Path, root: Path = ROOT) -> list[str]:
    """Writing functions of one module that neither record, nor hand back entries, nor serve only those who do."""
    found = list(functions(path, root))

    def excused(function: Function) -> bool:
        if function.records or function.returns_entries:
            return True
        short = function.name.rpartition(".")[2]
        callers = [other for other in found if short in other.calls and other is not function]
        return short.startswith("_") and bool(callers) and all(caller.records for caller in callers)

    return [function.name for function in found if function.writes and not excused(function)]


def sources() -> list[Path]:
    return sorted(
        path
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        if not ASIDE & set(path.relative_to(ROOT / app).parts)
    )


def test_every_function_that_writes_is_recorded_or_excused_with_a_reason():
    missing = {name for path in sources() for name in unrecorded(path)}

    assert sorted(missing - EXCUSED.keys()) == [], "these write to the database without a line in the journal"
    assert sorted(EXCUSED.keys() - missing) == [], "these need no excuse any more"


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("def f(row):\n    row.save()", True),
        ("def f(rows):\n    rows.filter(pk=1).update(name='x')", True),
        ("def f(rows):\n    rows.delete()\n    record(1)", False),
        ("def f(rows) -> list[Entry]:\n    rows.bulk_create([])", False),
        ("def f(values):\n    values.update({})", False),
        ("def _g(row):\n    row.save()\ndef f(row):\n    _g(row)\n    record(1)", False),
        ("def _g(row):\n    row.save()\ndef f(row):\n    _g(row)", True),
        ("def g(row):\n    row.save()\ndef f(row):\n    g(row)\n    record(1)", True),
        ("class A:\n    def save(self):\n        super().save()", False),
    ],
)
def test_the_check_sees_what_it_should(tmp_path, source, seen):
    module = tmp_path / "services.py"
    module.write_text(source)

    assert bool(unrecorded(module, tmp_path)) is seen

"""How much memory the process that follows the directories takes: an answer without end ends one pass alone."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable

import pytest

from tests.support.ldap_liar import BIND, SEARCH, Liar, message, result, text, tlv

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
SPARE_MB = 60
# In a process of its own, whose limit is a little above what it has already: two readings, and what came of each.
READS = f"""
import os, sys
import django
django.setup()
from directory.ldap.connection import Deadline, reader
from directory.ldap.reading import Reading
from directory.types import DirectoryRefused, DirectoryUnavailable
from hub.management.commands.follow_directory import bound_memory
from tests.support.ldap_liar import config_of

config = config_of(int(sys.argv[1]))
with open("/proc/self/status") as status:
    data = next(int(line.split()[1]) for line in status if line.startswith("VmData"))
bound_memory(data * 1024 + {SPARE_MB} * 2**20)
for _ in range(2):
    deadline = Deadline(30.0, 20.0)
    try:
        with reader(config, deadline) as connection:
            print(len(list(Reading(connection, config, deadline).people())))
    except (DirectoryRefused, DirectoryUnavailable) as error:
        print(type(error).__name__, error)
"""


def attribute(name: str, value: bytes) -> bytes:
    return tlv(0x30, text(name) + tlv(0x31, tlv(0x04, value)))


def entry(number: int, size: int) -> bytes:
    identity = attribute("entryUUID", str(uuid.uuid4()).encode())
    return message(number, tlv(0x64, text("uid=a,dc=x") + tlv(0x30, identity + attribute("title", b"x" * size))))


def paged(number: int) -> bytes:
    """The end of a page, after which there is always another (RFC 2696)."""
    cookie = tlv(0x30, text("1.2.840.113556.1.4.319") + tlv(0x04, tlv(0x30, tlv(0x02, b"\0") + text("more"))))
    return tlv(0x30, tlv(0x02, bytes([number])) + result(0x65) + tlv(0xA0, cookie))


def pages_without_end(number: int) -> bytes:
    return entry(number, 5_000) * 400 + paged(number)


def one_answer_without_end(number: int) -> bytes:
    return entry(number, 5_000) * 40_000


def an_entry_without_end(number: int) -> bytes:
    return entry(number, 200_000_000)


@pytest.mark.parametrize("answer", [pages_without_end, one_answer_without_end, an_entry_without_end])
def test_a_server_that_answers_without_end_ends_its_own_pass_and_the_next_goes_on(
    answer: Callable[[int], bytes],
) -> None:
    binds = []

    def says(number: int, op: int) -> bytes:
        if op == BIND:
            binds.append(number)
            return message(number, result(0x61))
        if op != SEARCH:
            return b""
        return answer(number) if len(binds) == 1 else entry(number, 10) + message(number, result(0x65))

    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", READS, str(Liar(says).port)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=False)

    assert (done.stdout.splitlines(), done.returncode) == (["DirectoryRefused ANSWER_TOO_LARGE", "1"], 0), done.stderr

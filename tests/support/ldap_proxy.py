"""A wire in front of a directory that can be cut, held up, spoilt, silenced or listened to at any byte.

It stands on loopback between the hub and slapd and passes on what both say.  A pass is measured first, then it is
done again with an accident at each place of what was measured::

    with Wire(server.port) as wire:
        settings.LDAP = ldap_settings(server, uri=wire.uri, start_tls=False)
        clean = wire.measure(run_a_pass)
        for place in clean.places(DOWN, spread=60):
            wire.arm(Accident(place, Cut()))
            ...

Without TLS it knows where a message of LDAP begins, with TLS where a record does.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

HOST = "127.0.0.1"
UP, DOWN = "up", "down"  # to the server, to the hub
CHUNK = 65_536
SETTLE_SECONDS = 5.0
# Fractions of the golden ratio fall everywhere and never twice on the same place.
GOLDEN = 0.618_033_988_749_895
SEQUENCE = 0x30  # every LDAPMessage (RFC 4511 §4.1.1); no record of TLS begins so


# What happens -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cut:
    """Both ends lose the connection."""


@dataclass(frozen=True)
class Delay:
    """What follows waits."""

    seconds: float


@dataclass(frozen=True)
class Spoil:
    """The bytes that follow are others: these, or the next one with some bits turned."""

    bits: int = 0x01
    replacement: bytes = b""

    def apply(self, data: bytes) -> bytes:
        if not self.replacement:
            return bytes([data[0] ^ self.bits]) + data[1:]
        return self.replacement[: len(data)] + data[len(self.replacement) :]


@dataclass(frozen=True)
class Silence:
    """What follows is swallowed in this direction; nobody is told."""


@dataclass(frozen=True)
class HalfClose:
    """The other side is told that no more comes in this direction; the opposite one goes on."""


@dataclass(frozen=True)
class Meanwhile:
    """Something is done elsewhere before what follows goes on: the server is killed, an entry is deleted."""

    act: Callable[[], Any]


Act = Cut | Delay | Spoil | Silence | HalfClose | Meanwhile


# Where it happens -------------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Byte:
    """Before this byte of this direction of the connection with this number (0 is the first after ``arm``)."""

    connection: int
    direction: str
    offset: int


@dataclass(frozen=True, order=True)
class Message:
    """Before the message with this number in this direction, whichever connection it comes on."""

    direction: str
    number: int


@dataclass
class Accident:
    place: Byte | Message
    act: Act
    happened: bool = False


@dataclass
class Conversation:
    """What was said on one connection, as the one who spoke said it, and where each message began."""

    number: int
    said: dict[str, bytearray] = field(default_factory=lambda: {UP: bytearray(), DOWN: bytearray()})
    starts: dict[str, list[int]] = field(default_factory=lambda: {UP: [], DOWN: []})


@dataclass(frozen=True)
class Measure:
    """A whole pass on the wire."""

    conversations: tuple[Conversation, ...]

    def messages(self, direction: str) -> int:
        return sum(len(each.starts[direction]) for each in self.conversations)

    def size(self, direction: str) -> int:
        """How many bytes."""
        return sum(len(each.said[direction]) for each in self.conversations)

    def around(self, place: Byte, reach: int) -> bytes:
        said = self.conversations[place.connection].said[place.direction]
        return bytes(said[max(0, place.offset - reach) : place.offset + reach])

    def boundaries(self, direction: str) -> list[Byte]:
        return [Byte(each.number, direction, start) for each in self.conversations for start in each.starts[direction]]

    def spread(self, direction: str, count: int) -> list[Byte]:
        """So many bytes, the same at each call, from all over the direction."""
        size = self.size(direction)
        offsets = {int(size * ((number * GOLDEN) % 1.0)) for number in range(1, count + 1)}
        return [self._byte(direction, offset) for offset in sorted(offsets)]

    def places(self, direction: str, spread: int) -> list[Byte]:
        """Every boundary between messages, and bytes from everywhere inside."""
        return sorted({*self.boundaries(direction), *self.spread(direction, spread)})

    def _byte(self, direction: str, offset: int) -> Byte:
        for each in self.conversations:
            if offset < len(each.said[direction]):
                return Byte(each.number, direction, offset)
            offset -= len(each.said[direction])
        raise ValueError(f"nobody said so much {direction}")


class Framing:
    """Finds where messages begin in a stream that comes in pieces."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._left = 0  # of the message that has begun, once its head is read

    def feed(self, data: bytes) -> list[int]:
        """Offsets in this piece at which a message begins."""
        starts, at = [], 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            if not self._head:
                starts.append(at)
            self._head.append(data[at])
            at += 1
            length = _length(self._head)
            if length is not None:
                self._left, self._head = length, bytearray()
        return starts


def _length(head: bytearray) -> int | None:
    """How much follows this head; ``None`` while it is not whole."""
    if head[0] != SEQUENCE:
        # RFC 8446 §5.1: type, version, length.
        return struct.unpack(">H", head[3:5])[0] if len(head) >= 5 else None
    if len(head) < 2:
        return None
    if head[1] < 0x80:
        return head[1]
    more = head[1] & 0x7F
    return int.from_bytes(head[2 : 2 + more], "big") if len(head) >= 2 + more else None


# The wire ---------------------------------------------------------------------------------------------------


class Wire:
    """A proxy in threads of its own; it ends with its ``with``, and whoever is connected then is cut off."""

    def __init__(self, port: int) -> None:
        self.target = port
        self._listener = socket.create_server((HOST, 0), backlog=50)
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._accidents: list[Accident] = []
        self._conversations: list[Conversation] = []
        self._messages = {UP: 0, DOWN: 0}
        self._sockets: list[socket.socket] = []
        self._pumps: list[threading.Thread] = []
        self._round = 0
        # Held while something is done elsewhere: nobody hears of a lost connection before it is done.
        self._doing = threading.Lock()
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    @property
    def uri(self) -> str:
        return f"ldap://{HOST}:{self.port}"

    @property
    def tls_uri(self) -> str:
        """Where the port behind is one of ``ldaps``."""
        return f"ldaps://{HOST}:{self.port}"

    def arm(self, *accidents: Accident) -> None:
        """What is to happen from now on; connections and messages are counted anew."""
        self._cut_off()
        with self._lock:
            self._round += 1
            self._accidents = list(accidents)
            self._conversations, self._messages = [], {UP: 0, DOWN: 0}

    def measure(self, act: Callable[[], Any]) -> Measure:
        self.arm()
        act()
        return self.seen()

    def seen(self) -> Measure:
        """What was said since ``arm``, once everybody has hung up."""
        self.settle()
        with self._lock:
            return Measure(tuple(self._conversations))

    def settle(self) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        for pump in list(self._pumps):
            pump.join(max(0.0, deadline - time.monotonic()))

    def all_happened(self) -> bool:
        """Whether the pass came by every place that was armed; what is under way is waited for."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while not all(each.happened for each in self._accidents):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return bool(self._accidents)

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing alone would leave whoever waits in accept() there.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(SETTLE_SECONDS)
        self._cut_off()

    def _cut_off(self) -> None:
        with self._lock:
            sockets, self._sockets = self._sockets, []
        for each in sockets:
            _shut(each)
        self.settle()
        for each in sockets:
            each.close()
        self._pumps = [pump for pump in self._pumps if pump.is_alive()]

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection((HOST, self.target), timeout=SETTLE_SECONDS)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            for each in (near, far):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                said = Conversation(len(self._conversations))
                self._conversations.append(said)
                self._sockets += [near, far]
                pumps = [
                    threading.Thread(target=self._pump, args=(said, direction, one, other, self._round), daemon=True)
                    for direction, one, other in ((UP, near, far), (DOWN, far, near))
                ]
                self._pumps += pumps
            for pump in pumps:
                pump.start()

    def _pump(
        self, said: Conversation, direction: str, source: socket.socket, target: socket.socket, turn: int
    ) -> None:
        framing = Framing()
        with suppress(OSError):
            while data := source.recv(CHUNK):
                for piece, accidents in self._pieces(said, direction, framing, data, turn):
                    for accident in accidents:
                        if isinstance(accident.act, Meanwhile):
                            with self._doing:
                                accident.act.act()
                        accident.happened = True
                        if isinstance(accident.act, Spoil):
                            piece = accident.act.apply(piece)
                        elif not _carry_out(accident.act, source, target):
                            return
                    target.sendall(piece)
        # Whoever has no more to say says so to the other, and may still be answered.
        with self._doing, suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _pieces(
        self, said: Conversation, direction: str, framing: Framing, data: bytes, turn: int
    ) -> list[tuple[bytes, list[Accident]]]:
        """What came, cut where something is to happen, with what happens before each part."""
        with self._lock:
            if turn != self._round:
                return [(data, [])]
            begun = len(said.said[direction])
            said.said[direction] += data
            heard: dict[Byte | Message, int] = {}
            for start in framing.feed(data):
                said.starts[direction].append(begun + start)
                heard[Message(direction, self._messages[direction])] = start
                self._messages[direction] += 1
            due: dict[int, list[Accident]] = {0: []}
            for accident in self._accidents:
                place = accident.place
                at = heard.get(place, -1)
                if isinstance(place, Byte) and (place.connection, place.direction) == (said.number, direction):
                    at = place.offset - begun
                if 0 <= at < len(data):
                    due.setdefault(at, []).append(accident)
        cuts = [*sorted(due), len(data)]
        return [(data[one:other], due[one]) for one, other in pairwise(cuts)]


def _carry_out(act: Act, source: socket.socket, target: socket.socket) -> bool:
    """Whether anything passes in this direction afterwards."""
    if isinstance(act, Delay):
        time.sleep(act.seconds)
        return True
    if isinstance(act, Meanwhile):
        return True
    if isinstance(act, Cut):
        for each in (source, target):
            _shut(each)
        return False
    if isinstance(act, HalfClose):
        target.shutdown(socket.SHUT_WR)
    # Read on, so that whoever speaks is not held up, and say nothing of it until they have given up.
    while source.recv(CHUNK):
        pass
    _shut(target)
    return False


def _shut(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)


def sampled(places: Sequence[Byte], count: int) -> list[Byte]:
    """So many of these, evenly, the first and the last among them."""
    if len(places) <= count:
        return list(places)
    step = (len(places) - 1) / (count - 1)
    return [places[round(number * step)] for number in range(count)]

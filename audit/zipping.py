"""A zip, written from front to back: what it is written to needs no way back, so a million lines take no more memory
than ten.  Pure.
"""

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import IO, cast
from zlib import crc32

# A file in the zip: its path, and its content piece by piece.
File = tuple[str, Iterable[bytes]]
# Handed on in pieces of about this size.
PIECE = 1 << 16


class Archive:
    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        for _ in self.putting(path, chunks):
            pass

    def putting(self, path: str, chunks: Iterable[bytes]) -> Iterator[None]:
        """A step for each piece that was written, for whoever takes them away meanwhile."""
        with self._zip.open(path, "w", force_zip64=True) as file:
            for chunk in chunks:
                file.write(chunk)
                yield

    def put_stored(self, name: str, content: bytes) -> None:
        """As it is, and said in full before it: an office document starts so (OpenDocument 1.3, part 2, §3.3).

        Like ``ZipFile.mkdir``.  To what cannot go back ``ZipFile.writestr`` says lengths afterwards, which some
        readers of office documents refuse.
        """
        entry = zipfile.ZipInfo(name)
        entry.compress_size = entry.file_size = len(content)
        entry.CRC = crc32(content)
        entry.header_offset = self._zip.start_dir
        self._zip.filelist.append(entry)
        self._zip.NameToInfo[name] = entry
        out = cast(IO[bytes], self._zip.fp)
        out.write(entry.FileHeader(False) + content)
        self._zip.start_dir = out.tell()

    def close(self) -> None:
        self._zip.close()


class Waiting:
    """Files that are put, until somebody takes and reads them."""

    def __init__(self) -> None:
        self._files: list[File] = []

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        self._files.append((path, chunks))

    def taken(self) -> Iterator[File]:
        yield from self._files
        self._files.clear()


class _Out:
    """A file that is taken away piece by piece; there is no way back in it, and ``zipfile`` asks for none."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, content: bytes) -> int:
        self._held += content
        return len(content)

    def flush(self) -> None:
        pass

    def take(self, least: int = 1) -> Iterator[bytes]:
        if len(self._held) >= least:
            yield bytes(self._held)
            self._held.clear()


def zipped(files: Iterable[File], *, stored: tuple[str, bytes] | None = None) -> Iterator[bytes]:
    """The zip as a stream of bytes; what goes in is read as it comes out.  ``stored`` comes first, not compressed."""
    out = _Out()
    with closing(Archive(cast(IO[bytes], out))) as archive:
        if stored:
            archive.put_stored(*stored)
        for path, content in files:
            for _ in archive.putting(path, content):
                yield from out.take(PIECE)
            yield from out.take()
    yield from out.take()

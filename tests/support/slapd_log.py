"""What slapd itself says that it was asked."""

import re
import time

from demo.slapd import EmbeddedDirectory


class Log:
    """What was asked of the server since it was opened."""

    def __init__(self, server: EmbeddedDirectory) -> None:
        self.file = server.log_file
        self.begun = 0
        # What came before may still be on its way into the file.
        self.wait_for_goodbyes()
        self.begun = self.file.stat().st_size
        time.sleep(0.2)
        while (size := self.file.stat().st_size) != self.begun:
            self.begun = size
            time.sleep(0.2)

    def text(self) -> str:
        return self.file.read_bytes()[self.begun :].decode(errors="replace")

    def searches(self) -> dict[tuple[str, str], tuple[str, list[str]]]:
        """By connection and operation: the filter, and the attributes that were asked for."""
        text = self.text()
        filters = re.findall(r'conn=(\d+) op=(\d+) SRCH base="[^"]*" scope=\d deref=\d filter="(.*)"$', text, re.M)
        asked = re.findall(r"conn=(\d+) op=(\d+) SRCH attr=(.*)$", text, re.M)
        names = {(connection, number): attributes.split() for connection, number, attributes in asked}
        return {(one, two): (what, names.get((one, two), [])) for one, two, what in filters}

    def size(self) -> int:
        return self.file.stat().st_size - self.begun

    def wait_for_goodbyes(self) -> None:
        """Until every connection of which it told is over; what is said of that may come late."""
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            text = self.text()
            if len(re.findall(r"conn=\d+ fd=\d+ closed", text)) == len(re.findall(r"conn=\d+ fd=\d+ ACCEPT", text)):
                return
            time.sleep(0.02)

    def is_silent(self) -> bool:
        return not self.text()

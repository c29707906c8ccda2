"""Commands run on a terminal of their own, with the times of what they write to it."""

import fcntl
import os
import pty
import re
import struct
import sys
import termios
import time
from typing import NamedTuple

ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r")


class Watched(NamedTuple):
    """A command that has ended: its exit code, and (seconds, text) of each piece of its output."""

    code: int
    pieces: list[tuple[float, str]]
    seconds: float

    @property
    def text(self):
        """All that was written, without the codes that steer a terminal."""
        return ANSI.sub("", "".join(text for _, text in self.pieces))

    def silences(self, longest=2.0):
        """(from, to, last words) of each time that nothing was written, from the start to the last words."""
        found, last, before = [], "", 0.0
        for seconds, text in self.pieces:
            if seconds - before > longest:
                found.append((before, seconds, last[-70:]))
            last, before = ANSI.sub("", text).strip() or last, seconds
        return found


def watch(arguments, folder, *, columns=110):
    """Run `adcli ARGUMENTS` in a folder on a new terminal."""
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-m", "adcli", *map(str, arguments)])  # noqa: S606 - in a fork
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    started, pieces = time.monotonic(), []
    while True:
        try:
            piece = os.read(terminal, 1 << 16)
        except OSError:  # the other end was closed
            break
        if not piece:
            break
        pieces.append((time.monotonic() - started, piece.decode("utf-8", "replace")))
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return Watched(os.waitstatus_to_exitcode(status), pieces, time.monotonic() - started)

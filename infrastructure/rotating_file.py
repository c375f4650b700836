"""A file that is appended to and set aside when it has grown enough."""

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

MOST_BYTES = 20 * 1024 * 1024
KEPT = 5


class RotatingFile:
    """
    Takes bytes like an open file. Opened with the first write; parent folders are made.

    Several processes may append to one path: each notices when another has set the file aside.

    Args:
        path: ``~`` stands for the home folder.
        most_bytes: size past which the file becomes ``.1``, the old ``.1`` becomes ``.2``, and so on.
        kept: how many of those are kept.
    """

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES, kept: int = KEPT) -> None:
        self._path = path.expanduser()
        self._most_bytes = most_bytes
        self._kept = kept
        self._file: BinaryIO | None = None

    def __repr__(self) -> str:
        return f"<RotatingFile {self._path}>"

    def write(self, data: bytes) -> int:
        """
        Appends; a line is never split between two files.

        Raises:
            OSError: the file cannot be opened or written.
        """
        if self._file is None or self._was_set_aside(self._file):
            self._open()
        elif self._file.tell() + len(data) > self._most_bytes:
            self._set_aside()
            self._open()
        return self._file.write(data) if self._file else 0

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # what a full disk does not take is lost either way
                file.close()

    def _open(self) -> None:
        self.close()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("ab")

    def _was_set_aside(self, file: BinaryIO) -> bool:
        try:
            return os.fstat(file.fileno()).st_ino != self._path.stat().st_ino
        except FileNotFoundError:
            return True

    def _set_aside(self) -> None:
        for number in range(self._kept, 0, -1):
            older = self._numbered(number)
            newer = self._numbered(number - 1) if number > 1 else self._path
            if newer.exists():
                newer.replace(older)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

"""
Which worker of this machine one is, and which others live.

Theory of operation. A worker holds a lock on a file of its own beside the state file. The kernel lets go of
the lock when the process ends, however it ends, and it holds across containers that share the volume. So
nobody has to guess from clocks or process ids whether a worker is gone.
"""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

MOST_WORKERS = 1024


class WorkerSlots:
    """Takes the lowest number that no living worker has."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._descriptor: int | None = None
        self.own = 0

    def __repr__(self) -> str:
        return f"<WorkerSlots of {self._state}: {self.own or 'none'}>"

    def take(self) -> int:
        """
        This worker's number, from 1; the same until it is given up.

        Raises:
            OSError: no lock file can be made.
        """
        slot = 1
        while self._descriptor is None:
            self._descriptor = self._locked(slot)
            self.own = slot
            slot += 1
            if slot > MOST_WORKERS:
                raise OSError(f"{MOST_WORKERS} workers use {self._state} already")
        return self.own

    def gone(self, slots: Iterable[int]) -> tuple[int, ...]:
        """Those of the slots, none of them one's own, that no living worker has."""
        return tuple(slot for slot in slots if self._is_free(slot))

    def living(self) -> tuple[int, ...]:
        """The slots that somebody has, oneself included."""
        prefix = f"{self._state.name}.worker-"
        names = (path.name.removeprefix(prefix) for path in self._state.parent.glob(f"{prefix}*"))
        return tuple(
            slot for slot in sorted(map(int, filter(str.isdecimal, names))) if not self._is_free(slot)
        )

    def give_up(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _is_free(self, slot: int) -> bool:
        descriptor = self._locked(slot)
        if descriptor is None:
            return False
        os.close(descriptor)
        return True

    def _locked(self, slot: int) -> int | None:
        path = self._state.with_name(f"{self._state.name}.worker-{slot}")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

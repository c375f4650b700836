"""What a process and its descendants cost, read from Linux's /proc (proc(5))."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

_PROC = Path("/proc")


def family(pid: int) -> list[int]:
    """The process and everything it started that still runs."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (parent := _parent(entry)) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    members = [pid]
    for member in members:
        members.extend(children.get(member, []))
    return members


def cpu_ns(pids: Iterable[int]) -> int:
    """
    Nanoseconds that all threads of these processes have run.

    /proc/PID/task/TID/schedstat counts in nanoseconds where `stat` counts in ticks of 10 ms.
    """
    return sum(_thread_cpu_ns(task) for pid in pids for task in _tasks(pid))


def proportional_bytes(pids: Iterable[int]) -> int:
    """Memory of these processes, with shared pages divided among those who share them (PSS)."""
    return sum(_proportional_bytes(pid) for pid in pids)


def machine_busy_s() -> float:
    """Seconds that all cores together have been busy since the machine started."""
    user, nice, system, _idle, _waiting, *rest = map(
        int, (_PROC / "stat").read_text().splitlines()[0].split()[1:]
    )
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def end(process: "subprocess.Popen[bytes]", *, patience_s: float = 10.0) -> None:
    """Ends a process that we started; by force, with its descendants, when it does not end by itself."""
    process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        for pid in reversed(family(process.pid)):
            os.kill(pid, 9)
        process.wait(patience_s)


def _parent(entry: Path) -> int | None:
    try:
        stat = (entry / "stat").read_text()
    except OSError:
        return None
    # The name in parentheses may contain anything, so the fields are counted from its end.
    return int(stat[stat.rindex(")") + 2 :].split()[1])


def _tasks(pid: int) -> list[Path]:
    try:
        return list((_PROC / str(pid) / "task").iterdir())
    except OSError:
        return []


def _thread_cpu_ns(task: Path) -> int:
    try:
        return int((task / "schedstat").read_text().split()[0])
    except OSError:
        return 0


def _proportional_bytes(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))

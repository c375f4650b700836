"""What a gateway holds on to: memory, descriptors, tasks, requests, places, promised money."""

import asyncio
import re
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx

from tests.e2e.clients import TLS
from tests.e2e.gateway import Gateway

_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """At one moment; ``waiting`` are requests before a busy provider, money is in USD."""

    sockets: int
    tasks: int
    in_flight: int
    waiting: int
    settled: float
    reserved: float
    queued: int

    @property
    def is_idle(self) -> bool:
        return not (self.in_flight or self.waiting)


def vitals(gateway: Gateway) -> Vitals:
    """What it says itself, and its sockets as the system knows them, without the one that asks."""
    text = httpx.get(f"{gateway.address}/metrics", verify=TLS).text
    return Vitals(
        sockets=_sockets(gateway.process.pid),
        tasks=int(_sum(text, "coderouter_tasks")),
        in_flight=int(_sum(text, "coderouter_requests_in_flight")),
        waiting=int(_sum(text, "coderouter_queue_depth")),
        settled=_sum(text, "coderouter_budget_settled_usd"),
        reserved=_sum(text, "coderouter_budget_reserved_usd"),
        queued=int(_sum(text, "coderouter_queue_wait_seconds_count")),
    )


def _sum(exposition: str, series: str) -> float:
    values = re.findall(rf"^{series}(?:\{{[^}}]*\}})? (\S+)$", exposition, re.MULTILINE)
    return sum(map(float, values))


def _sockets(pid: int) -> int:
    found = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found += str(entry.readlink()).startswith("socket:")
        except FileNotFoundError:  # closed meanwhile
            continue
    return found


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


class MemoryWatch:
    """Notes the resident memory of a process all the while."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._began_at = time.monotonic()
        self._notes: list[tuple[float, float]] = []

    def __repr__(self) -> str:
        return f"<MemoryWatch of {self._pid}, {len(self._notes)} notes>"

    async def run(self) -> None:
        while True:
            self._notes.append((time.monotonic() - self._began_at, resident_mib(self._pid)))
            await asyncio.sleep(_EVERY_S)

    def typical_mib(self, begin_s: float, end_s: float) -> float:
        """The median between two moments, which no single spike moves."""
        return median(mib for at_s, mib in self._notes if begin_s <= at_s <= end_s)

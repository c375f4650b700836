"""Where a process counts: for itself, or together with the other workers of one gateway."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from prometheus_client import CollectorRegistry, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where the client library of Prometheus keeps what each process has counted; its own name for it."""


@dataclass(frozen=True, slots=True)
class Alone:
    """This process counts for itself."""


@dataclass(frozen=True, slots=True)
class Together:
    """Several processes count into files in one directory, which outlive each of them."""

    directory: Path


Counting: TypeAlias = Alone | Together


def counting(environment: Mapping[str, str]) -> Counting:
    """
    As the environment says; to be settled before anything is counted.

    The library settles it once, as it is imported, and a worker forked from a process that had imported it
    before would count for itself alone.
    """
    named = environment.get(VARIABLE, "")
    if not named:
        return Alone()
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
    return Together(Path(named))


def counted_by_all(directory: Path) -> CollectorRegistry:
    """What all processes have counted; what those have in hand that have died is forgotten first."""
    for process in _dead(directory):
        mark_process_dead(process, str(directory))  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(directory))  # type: ignore[no-untyped-call]
    return registry


def _dead(directory: Path) -> set[int]:
    owners = {int(file.stem.rpartition("_")[2]) for file in directory.glob("gauge_live*_*.db")}
    return {process for process in owners if not Path(f"/proc/{process}").exists()}

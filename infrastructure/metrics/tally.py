"""Looks samples up by name and labels, whoever counted them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from prometheus_client import Metric

Labels: TypeAlias = Mapping[str, str]


class Tally:
    """The counters of one moment."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._samples: dict[str, list[tuple[Labels, float]]] = {}
        for family in families:
            for sample in family.samples:
                self._samples.setdefault(sample.name, []).append((sample.labels, sample.value))

    def __repr__(self) -> str:
        return f"<Tally of {len(self._samples)} series>"

    def total(self, name: str, **labels: str) -> float:
        """Over all samples of the series that carry these labels."""
        return sum(value for found, value in self._of(name) if labels.items() <= found.items())

    def by(self, name: str, label: str, **labels: str) -> dict[str, float]:
        """The totals for each value of a label, in alphabetical order."""
        sums: dict[str, float] = {}
        for found, value in self._of(name):
            if labels.items() <= found.items():
                sums[found[label]] = sums.get(found[label], 0.0) + value
        return dict(sorted(sums.items()))

    def _of(self, name: str) -> Iterator[tuple[Labels, float]]:
        yield from self._samples.get(f"coderouter_{name}", ())

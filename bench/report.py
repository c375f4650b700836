"""Turns measurements into a table for people and a file for programs."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from bench.measurement import Crowd, Turn, of, paired, ratios
from bench.scenarios import SCENARIOS, Scenario, Stream
from bench.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that one run found out."""

    targets: Sequence[Target]
    turns: Sequence[Turn]
    crowd: Crowd | None = None

    def text(self) -> str:
        """Tables in Markdown."""
        lines = [
            "| scenario | gateway CPU | nginx CPU | ratio (range) | gateway RPS | nginx RPS | p50 / p99 ms |",
            "|---|---|---|---|---|---|---|",
            *(self._cost_line(scenario) for scenario in self._scenarios),
            "",
            *self._delay_table(),
            *(_resources(target) for target in self.targets if target.pid is not None),
            *_crowd_lines(self.crowd),
            disturbance(self.turns),
        ]
        return "\n".join(lines)

    def write_json(self, file: Path) -> None:
        """Every turn as it was measured, and what the ratios are derived from."""
        machine = {"processor": _processor(), "cores": os.cpu_count(), "kernel": platform.release()}
        content: dict[str, Any] = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": {**machine, "python": platform.python_version()},
            "ratios": {
                scenario.name: ratios(self.turns, scenario, "gateway", "nginx")
                for scenario in self._scenarios
            },
            "targets": [
                {
                    "name": target.name,
                    "first_answer_s": target.first_answer_s,
                    "idle_bytes": target.idle_bytes,
                }
                for target in self.targets
            ],
            "turns": [_turn_as_json(turn) for turn in self.turns],
            "crowd": msgspec.to_builtins(self.crowd),
        }
        file.write_text(json.dumps(content, indent=1) + "\n")

    @property
    def _scenarios(self) -> list[Scenario]:
        measured = {turn.scenario.name for turn in self.turns}
        return [scenario for scenario in SCENARIOS if scenario.name in measured]

    def _cost_line(self, scenario: Scenario) -> str:
        ours, limit = of(self.turns, scenario, "gateway"), of(self.turns, scenario, "nginx")
        rounds = ratios(self.turns, scenario, "gateway", "nginx")
        p50, p99 = (
            statistics.median(values) / 1000
            for values in ([t.load.latency_us.p50 for t in ours], [t.load.latency_us.p99 for t in ours])
        )
        cells = (
            scenario.title,
            _cost(ours),
            _cost(limit),
            f"**{statistics.median(rounds):.1f}** ({min(rounds):.1f}-{max(rounds):.1f})",
            f"{statistics.median(turn.requests_per_s for turn in ours):,.0f}",
            f"{statistics.median(turn.requests_per_s for turn in limit):,.0f}",
            f"{p50:.1f} / {p99:.1f}",
        )
        return f"| {' | '.join(cells)} |"

    def _delay_table(self) -> list[str]:
        paced = [scenario for scenario in self._scenarios if scenario.requests is not None]
        if not paced:
            return []
        return [
            "| added against no gateway at all | first token p50 / p99 ms | each chunk p50 / p99 ms |",
            "|---|---|---|",
            *(self._delay_line(scenario) for scenario in paced),
            "",
        ]

    def _delay_line(self, scenario: Scenario) -> str:
        first = self._added_ms(scenario, "first_stamp_us")
        chunk = self._added_ms(scenario, "stamp_delay_us")
        return f"| {scenario.title} | {first} | {chunk} |"

    def _added_ms(self, scenario: Scenario, distribution: str) -> str:
        return " / ".join(
            f"{self._median_difference_us(scenario, distribution, quantile) / 1000:.2f}"
            for quantile in ("p50", "p99")
        )

    def _median_difference_us(self, scenario: Scenario, distribution: str, quantile: str) -> float:
        def measured(turn: Turn) -> float:
            value: float = getattr(getattr(turn.load, distribution), quantile)
            return value

        differences = paired(
            self.turns, scenario, "gateway", "direct", lambda one, other: measured(one) - measured(other)
        )
        return statistics.median(differences)


def disturbance(turns: Sequence[Turn]) -> str:
    """A sentence that says how quiet the machine was, by which the reader may judge the figures."""
    share = statistics.median(turn.others_share for turn in turns)
    return f"Other programs took {share:.0%} of the machine in the median turn."


def _processor() -> str:
    """The name that the kernel gives it; ARM kernels give none, so the architecture must do there."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _cost(turns: Sequence[Turn]) -> str:
    median_us = statistics.median(turn.cost_us for turn in turns)
    if isinstance(turns[0].scenario.answer, Stream):
        return f"{median_us / 10:.2f} s/100k chunks"
    return f"{median_us:.0f} us/request"


def _resources(target: Target) -> str:
    mebibytes = target.idle_bytes / 2**20
    return f"{target.name}: {mebibytes:.0f} MiB idle (PSS), first 200 after {target.first_answer_s:.2f} s."


def _crowd_lines(crowd: Crowd | None) -> list[str]:
    if crowd is None:
        return []
    problem = f", the first: {crowd.first_problem}" if crowd.faults else ""
    lost = f"{crowd.streams} paced streams at once: {crowd.faults} lost or out of order{problem}"
    return [f"{lost}; {crowd.bytes_per_stream / 1024:.0f} KiB each."]


def _turn_as_json(turn: Turn) -> dict[str, Any]:
    return {
        "scenario": turn.scenario.name,
        "target": turn.target,
        "round": turn.round,
        "cpu_s": turn.cpu_s,
        "cost_us": turn.cost_us,
        "others_share": turn.others_share,
        "load": msgspec.to_builtins(turn.load),
    }

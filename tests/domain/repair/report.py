"""Measures the repair of tool calls on the corpus: ``python -m tests.domain.repair.report``."""

import sys
from dataclasses import dataclass

from tests.domain.repair.cases import Case, calls, expected, prose, told


@dataclass(frozen=True, slots=True)
class Score:
    """How many answers with calls came out right, and how many without were taken for calls."""

    with_calls: int
    missed: tuple[Case, ...]
    without_calls: int
    false_repairs: tuple[Case, ...]

    @property
    def recall(self) -> float:
        """The share of answers with calls whose calls and remaining text all came out as they should."""
        return 1 - len(self.missed) / self.with_calls

    @property
    def false_repair_rate(self) -> float:
        """The share of answers without calls that came out as anything but themselves."""
        return len(self.false_repairs) / self.without_calls


def score() -> Score:
    positive, negative = calls(), prose()
    return Score(
        with_calls=len(positive),
        missed=tuple(case for case in positive if told(case, [case.text]) != expected(case)),
        without_calls=len(negative),
        false_repairs=tuple(case for case in negative if told(case, [case.text]) != expected(case)),
    )


def main() -> int:
    result = score()
    lines = [
        f"answers with calls     {result.with_calls:5}",
        f"  recall               {result.recall:7.1%}",
        *(f"    missed: {case}" for case in result.missed),
        f"answers without calls  {result.without_calls:5}",
        f"  false repairs        {result.false_repair_rate:7.1%}",
        *(f"    repaired: {case}" for case in result.false_repairs),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if result.missed or result.false_repairs else 0


if __name__ == "__main__":
    sys.exit(main())

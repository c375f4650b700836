"""The page that lists the series lists those there are."""

import re
from pathlib import Path

from infrastructure.metrics.budgets import budget_families
from infrastructure.metrics.counting import Alone
from infrastructure.metrics.instruments import Instruments
from infrastructure.metrics.quotas import quota_families

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
_ROW = re.compile(r"^\| `(coderouter_\w+)` \| (\w+) \|", re.MULTILINE)


def test_the_page_lists_every_series_with_its_type() -> None:
    listed = set(_ROW.findall(PAGE.read_text(encoding="utf-8")))

    there = {
        (family.name + ("_total" if family.type == "counter" else ""), family.type)
        for family in [
            *Instruments(Alone()).registry.collect(),
            *budget_families([]),
            *quota_families([]),
        ]
    }
    assert listed == there

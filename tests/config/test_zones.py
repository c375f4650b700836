"""Time zones are found by their names, and UTC is one on every machine."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from config.load import load_text
from config.problems import ConfigError
from config.schema.root import Config
from config.translate_admission import plans_of
from config.translate_money import budgets_of
from tests.no_zones import LACKED, no_zones

TEXT = (
    "providers: [{name: a, base_url: 'http://h', model: m, quota: [{requests: 5, per: day, zone: ZONE}]}]\n"
    "profiles: [{name: default, providers: [a], budget: {daily_usd: 1, zone: ZONE}}]\n"
)


def config(zone: str) -> Config:
    return load_text(TEXT.replace("ZONE", zone))


def test_a_machine_without_zones_counts_plans_and_budgets_in_utc() -> None:
    with no_zones():
        loaded = config("UTC")
        zones = [line.zone for line in plans_of(loaded)["a"]]
        zones += [budget.zone for budget in budgets_of(loaded).values()]

    assert zones == [UTC, UTC]


def test_a_machine_without_zones_is_told_from_a_zone_without_a_place() -> None:
    with no_zones(), pytest.raises(ConfigError, match="no time zones but UTC") as alone:
        config(LACKED)
    with pytest.raises(ConfigError, match="expected the name of an IANA time zone") as misspelt:
        config("Europe/Belrin")

    assert "install tzdata" in str(alone.value)
    assert "install tzdata" not in str(misspelt.value)


def test_zones_are_those_that_the_file_names() -> None:
    loaded = config("Asia/Tokyo")

    assert plans_of(loaded)["a"][0].zone == ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize("name", ["Europe", "../Europe/Berlin", "''", "7", '"a\\0b"'])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"quota\[0\]\.zone"):
        config(name)

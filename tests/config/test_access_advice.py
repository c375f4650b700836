"""Members and keys that may use nothing are told."""

import pytest

from config.access_advice import access_advice
from config.load import load_text
from config.translate import routing_table

HOUSE = """\
providers:
  - {name: home, base_url: "http://127.0.0.1:9/v1", model: m}
  - {name: cloud, base_url: "https://api.example/v1", model: big, paid: true}
profiles:
  - {name: default, providers: [home, cloud]}
  - {name: away, providers: [cloud]}
"""


def told(member: str, key: str = "") -> list[str]:
    auth = f"auth: {{keys: [{{member: anna, hash_file: /nowhere{key}}}]}}\n" if key else ""
    config = load_text(f"{HOUSE}members: {{anna: {{{member}}}}}\n{auth}")
    return list(access_advice(config, routing_table(config).providers))


@pytest.mark.parametrize(
    "member", ["", "profiles: [away]", "lan_only: true", "providers: [cloud]", "lan_only: true, paid: false"]
)
def test_nothing_is_said_of_who_may_use_something(member: str) -> None:
    assert told(member) == []


@pytest.mark.parametrize("key", ["profiles", "providers"])
def test_a_list_without_entries_is_told(key: str) -> None:
    says = f"may use nothing: its {key} names none (left out, it means all)"

    assert told(f"{key}: []") == [f"member anna {says}"]
    assert told("", f", {key}: []") == [f"auth.keys[0] {says}"]


@pytest.mark.parametrize(
    ("member", "bounds"),
    [
        ("lan_only: true, providers: [cloud]", "providers, lan_only"),
        ("profiles: [away], paid: false", "profiles, paid"),
        ("providers: [home], profiles: [away]", "profiles, providers"),
    ],
)
def test_restrictions_that_leave_no_provider_are_told(member: str, bounds: str) -> None:
    assert told(member) == [f"member anna may use nothing: no provider is left by {bounds}"]


def test_a_key_is_judged_within_what_its_member_may_do() -> None:
    (line,) = told("providers: [cloud]", ", lan_only: true")

    assert line == "auth.keys[0] may use nothing: no provider is left by lan_only"
    assert len(told("providers: []", ", lan_only: true")) == 1

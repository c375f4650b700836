"""What loads and may still be a mistake is told."""

import pytest

from config.advice import advice
from config.load import load_text

PROVIDER = "providers: [{name: a, base_url: 'http://ADDRESS', model: m, kind: KIND}]\n"
RULES = "auto_router: {default_rule_profile: p, rules: [{id: r, profile: p, match: {has_tools: true}}]}\n"


def told(
    *,
    address: str = "h/v1",
    kind: str = "openai_compat",
    more: str = "",
    default: str = "p",
    rules: str = "",
) -> list[str]:
    provider = PROVIDER.replace("ADDRESS", address).replace("KIND", kind).replace("}]", f", {more}}}]")
    text = f"default_profile: {default}\n{provider}profiles: [{{name: p, providers: [a]}}]\n{rules}"
    return list(advice(load_text(text)))


def test_nothing_is_said_of_what_is_as_it_should_be() -> None:
    assert told() == []
    assert told(default="auto", rules=RULES) == []


def test_rules_that_nobody_asks_are_told() -> None:
    (line,) = told(rules=RULES)

    assert "default_profile is p, not auto" in line


@pytest.mark.parametrize(("kind", "lines"), [("openai_compat", 1), ("ollama", 0)])
def test_the_route_of_ollama_that_takes_no_window_is_told(kind: str, lines: int) -> None:
    assert len(told(address="127.0.0.1:11434/v1", kind=kind)) == lines


def test_a_queue_before_a_provider_that_bears_any_number_is_told() -> None:
    assert told(more="max_queue: 4, queue_timeout_s: 9") == [
        "nobody waits for a, whatever stands in max_queue and queue_timeout_s: it has no max_concurrency"
    ]
    assert len(told(more="max_queue: 32")) == 1
    assert told(more="max_concurrency: 2, max_queue: 4, queue_timeout_s: 9") == []


def test_a_zone_for_minutes_is_told() -> None:
    minutes = "quota: [{requests: 9, per: day, zone: UTC}, {requests: 1, per: minute, zone: Asia/Tokyo}]"

    assert told(more=minutes) == ["the zone of quota[1] of a does nothing: minutes have no calendar"]
    assert told(more="quota: [{requests: 1, per: minute}, {tokens: 9, per: month, zone: UTC}]") == []

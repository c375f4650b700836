"""What is counted, and how it is told."""

import asyncio
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from domain.events import (
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    ChainPaidGateBlocked,
    Event,
    Outcome,
    PaidProviderSkipped,
    RequestCompleted,
)
from domain.inventory.health import (
    BackendHealthChanged,
    ChainMemoryPressureBlocked,
    CoolingProviderSkipped,
    MemoryPressureSkipped,
    ProviderCooledDown,
    ProviderForgiven,
    UnhealthyProviderDemoted,
)
from domain.inventory.lifetime import Started
from domain.inventory.requests import BilledElsewhere, RequestAccepted
from domain.inventory.shaping import CapabilityDegraded, OutputFilterApplied
from infrastructure.metrics.book import MetricsBook
from infrastructure.metrics.counting import Alone
from infrastructure.metrics.instruments import Instruments
from infrastructure.metrics.metrics_sink import MetricsSink
from infrastructure.metrics.recollection import MOST_RECENT, Recollection
from tests.fakes.fixed_clock import FixedClock

REFERENCE = {
    "uptime_seconds",
    "requests",
    "chain_paid_gate_blocked",
    "chain_budget_exceeded",
    "chain_memory_pressure_blocked",
    "chain_uniform_auth_failure",
    "auto_router_fallthrough",
    "provider_attempts",
    "provider_outcomes",
    "provider_skipped",
    "provider_demoted_unhealthy",
    "backend_health_transitions",
    "capability_degraded",
    "output_filter_applied",
    "cache_read_tokens",
    "cache_creation_tokens",
    "cache_observed",
    "cost_total_usd",
    "cost_savings_usd",
}
"""The series that existing dashboards ask for, without prefix and suffix."""


class Counted:
    """A book with the sinks that fill it."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        instruments = Instruments(Alone())
        recollection = Recollection(self.clock)
        self._sinks = (MetricsSink(instruments), recollection)
        self.book = MetricsBook(
            instruments, recollection, self.clock, version="1.2.3", config={"default_profile": "default"}
        )

    def emit(self, *events: Event) -> None:
        for event in events:
            for sink in self._sinks:
                sink.emit(event)

    def samples(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        families = text_string_to_metric_families(self.book.exposition().decode())
        return {
            (sample.name.removeprefix("coderouter_"), tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }

    def sample(self, name: str, **labels: str) -> float | None:
        return self.samples().get((name, tuple(sorted(labels.items()))))


def asked(provider: str = "local") -> AttemptStarted:
    return AttemptStarted(request_id="r", profile="p", provider=provider, model="m", stream=True)


def answered(provider: str = "local") -> AttemptSucceeded:
    return AttemptSucceeded(request_id="r", provider=provider, model="m", stream=True, ttft_ms=5.0)


def failed(provider: str = "local", error: str = "busy") -> AttemptFailed:
    return AttemptFailed(
        request_id="r",
        provider=provider,
        model="m",
        failure="overloaded",
        status=503,
        retryable=True,
        error=error,
    )


def completed(**changes: Any) -> RequestCompleted:
    told: dict[str, Any] = {
        "request_id": "r",
        "member": "alice",
        "key_id": "ab12",
        "dialect": "openai_chat",
        "stream": True,
        "outcome": Outcome.ANSWERED,
        "status": 200,
        "profile": "default",
        "rule": "",
        "provider": "local",
        "model": "m",
        "requested_model": "m",
        "attempts": 1,
        "fallback_reason": "",
        "duration_ms": 1500.0,
        "ttft_ms": 30.0,
        "input_tokens": 7,
        "output_tokens": 3,
        "cache_read_tokens": 5,
        "cache_creation_tokens": None,
    }
    return RequestCompleted(**{**told, **changes})


def accepted() -> RequestAccepted:
    return RequestAccepted(request_id="r", dialect="openai_chat", member="", key_id="")


def test_every_series_that_dashboards_know_is_told_before_anything_happened() -> None:
    text = Counted().book.exposition().decode()

    told = {family.name.removeprefix("coderouter_") for family in text_string_to_metric_families(text)}
    assert told >= REFERENCE
    for name in REFERENCE:
        assert f"# HELP coderouter_{name}" in text
        assert f"# TYPE coderouter_{name}" in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_a_request_is_counted_once_however_many_providers_were_asked() -> None:
    counted = Counted()

    counted.emit(accepted(), asked("a"), failed("a"), asked("b"), answered("b"), completed(provider="b"))

    assert (
        counted.sample(
            "requests_total",
            dialect="openai_chat",
            profile="default",
            member="alice",
            outcome="answered",
            status="200",
        )
        == 1
    )
    assert counted.sample("provider_attempts_total", provider="a") == 1
    assert counted.sample("provider_outcomes_total", provider="a", outcome="failed") == 1
    assert counted.sample("provider_outcomes_total", provider="b", outcome="ok") == 1


def test_what_is_being_answered_now_goes_up_and_down() -> None:
    counted = Counted()

    counted.emit(accepted(), accepted())
    assert counted.sample("requests_in_flight", dialect="openai_chat") == 2
    counted.emit(completed())
    assert counted.sample("requests_in_flight", dialect="openai_chat") == 1


def test_times_and_tokens_are_told_of_answers() -> None:
    counted = Counted()

    counted.emit(completed())

    assert counted.sample("request_duration_seconds_sum", dialect="openai_chat", outcome="answered") == 1.5
    assert counted.sample("request_ttft_seconds_count", dialect="openai_chat", provider="local") == 1
    tokens = {"provider": "local", "member": "alice"}
    assert counted.sample("tokens_total", **tokens, **{"class": "input"}) == 7
    assert counted.sample("tokens_total", **tokens, **{"class": "output"}) == 3
    assert counted.sample("tokens_total", **tokens, **{"class": "cache_read"}) == 5
    assert counted.sample("tokens_total", **tokens, **{"class": "cache_creation"}) is None
    assert counted.sample("cache_read_tokens_total", provider="local") == 5


def test_what_another_provider_may_charge_is_told_of_that_one() -> None:
    counted = Counted()
    elsewhere = BilledElsewhere(
        provider="broken",
        model="m",
        input_tokens=1000,
        output_tokens=4,
        cache_read_tokens=0,
        cache_creation_tokens=0,
        cost_usd=0.014,
        cost_savings_usd=0.0,
    )

    counted.emit(completed(cost_usd=0.074, billed_elsewhere=(elsewhere,)))

    for provider, tokens, cost in (("broken", 1000, 0.014), ("local", 7, 0.06)):
        labels = {"provider": provider, "member": "alice", "class": "input"}
        assert counted.sample("tokens_total", **labels) == tokens
        assert counted.sample("cost_total_usd_total", provider=provider) == pytest.approx(cost)


def test_the_uptime_is_the_present_one() -> None:
    counted = Counted()
    counted.clock.advance(90)

    assert counted.sample("uptime_seconds") == 90
    assert counted.book.snapshot()["uptime_s"] == 90


async def test_what_waits_on_the_event_loop_is_counted() -> None:
    counted = Counted()
    before = counted.sample("tasks")
    assert before is not None
    waiting = asyncio.create_task(asyncio.sleep(3600))

    assert counted.sample("tasks") == before + 1
    waiting.cancel()


def test_the_document_keeps_its_shape_before_any_traffic() -> None:
    document = Counted().book.snapshot()

    assert set(document) == {"uptime_s", "started_at", "startup", "counters", "providers", "recent", "config"}
    assert document["startup"] == {}
    assert document["providers"] == document["recent"] == []
    counters = document["counters"]
    assert counters["requests_total"] == 0
    assert counters["provider_attempts"] == counters["cost_total_usd"] == {}
    assert counters["cost_total_usd_aggregate"] == 0
    assert document["started_at"].endswith("Z")


def test_the_document_tells_each_provider_its_record() -> None:
    counted = Counted()
    started = Started(
        version="1.2.3",
        providers=("a", "b"),
        profiles=("default",),
        default_profile="default",
        allow_paid=False,
        mode_source="config",
    )
    skipped = PaidProviderSkipped(request_id="r", profile="p", provider="c")
    counted.emit(started, asked("b"), failed("b", "x" * 300), asked("a"), answered("a"), skipped)

    document = counted.book.snapshot()

    assert [provider["name"] for provider in document["providers"]] == ["a", "b", "c"]
    one, other, _ = document["providers"]
    assert one["outcomes"] == {"ok": 1}
    assert one["last_error"] is None
    assert one["cache"] == {
        "read_tokens": 0,
        "creation_tokens": 0,
        "outcomes": {},
        "hit_rate": None,
        "observations": 0,
    }
    assert other["last_error"]["status"] == 503
    assert other["last_error"]["error"] == "x" * 200 + "…"
    assert document["startup"]["providers"] == ["a", "b"]
    assert document["counters"]["provider_skipped_paid"] == {"c": 1}
    assert document["counters"]["provider_outcomes"] == {"a": {"ok": 1}, "b": {"failed": 1}}


def test_the_latest_attempts_are_remembered_in_order_and_within_bounds() -> None:
    counted = Counted()
    for _ in range(MOST_RECENT):
        counted.emit(asked("old"))
    counted.emit(failed("new"))

    recent = counted.book.snapshot()["recent"]

    assert len(recent) == MOST_RECENT
    assert recent[-1] == {
        "ts": recent[-1]["ts"],
        "event": "provider-failed",
        "provider": "new",
        "status": 503,
        "retryable": True,
    }


@pytest.mark.parametrize(
    ("event", "key", "told"),
    [
        (
            CapabilityDegraded(request_id="r", provider="a", dropped=("thinking",), reason="x"),
            "capability_degraded",
            {"thinking": 1},
        ),
        (
            OutputFilterApplied(request_id="r", provider="a", filters=("strip_thinking",), streaming=True),
            "output_filter_applied",
            {"strip_thinking": 1},
        ),
        (
            ChainPaidGateBlocked(request_id="r", profile="p", blocked_providers=("a",)),
            "chain_paid_gate_blocked_total",
            1,
        ),
    ],
)
def test_events_find_their_totals(event: Event, key: str, told: object) -> None:
    counted = Counted()

    counted.emit(event)

    assert counted.book.snapshot()["counters"][key] == told


def test_a_label_may_hold_anything() -> None:
    counted = Counted()
    odd = 'a"b\\c\nd'

    counted.emit(asked(odd))

    assert counted.sample("provider_attempts_total", provider=odd) == 1


def test_health_is_counted_and_its_state_told() -> None:
    counted = Counted()
    counted.emit(
        BackendHealthChanged(
            request_id="r",
            provider="local",
            profile="p",
            old_state="degraded",
            new_state="unhealthy",
            consecutive_failures=6,
        ),
        UnhealthyProviderDemoted(request_id="r", provider="local", profile="p"),
    )

    assert counted.sample("backend_health_transitions_total", provider="local", state="unhealthy") == 1
    assert counted.sample("provider_health_state", provider="local") == 2
    assert counted.sample("provider_demoted_unhealthy_total", provider="local") == 1


def test_pauses_are_counted_and_end_when_somebody_resets_them() -> None:
    counted = Counted()
    counted.emit(
        ProviderCooledDown(
            request_id="r",
            provider="local",
            model="",
            profile="p",
            reason="quota",
            scope="day",
            cooldown_s=600.0,
            until="2026-03-31T12:10:00Z",
        ),
        MemoryPressureSkipped(request_id="r", provider="local", profile="p", seconds_until_eligible=9),
        CoolingProviderSkipped(
            request_id="r", provider="local", profile="p", reason="out-of-quota", seconds_until_eligible=9
        ),
        ChainMemoryPressureBlocked(request_id="r", profile="p", blocked_providers=("local",)),
    )
    ends = ("provider_cooldown_end_timestamp_seconds", {"provider": "local", "reason": "quota"})

    assert counted.sample("provider_cooldowns_total", provider="local", reason="quota") == 1
    assert counted.sample(ends[0], **ends[1]) == 1774959000
    assert counted.sample("provider_skipped_total", provider="local", reason="memory_pressure") == 1
    assert counted.sample("provider_skipped_total", provider="local", reason="cooling") == 1
    assert counted.sample("chain_memory_pressure_blocked_total") == 1

    counted.emit(ProviderForgiven(provider="local", old_state="healthy", cooldowns=("quota",)))

    assert counted.sample(ends[0], **ends[1]) == 0
    assert counted.sample("provider_health_state", provider="local") == 0

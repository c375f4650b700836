"""The series that the gateway counts: names, labels and buckets are API."""

from collections.abc import Sequence
from typing import Generic, Literal, TypeAlias, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import disable_created_metrics

from infrastructure.metrics.counting import Counting

DURATIONS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
CONNECTING_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
FIRST_WORDS_S = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300)

HOST_STATES = ("awake", "waking", "asleep", "missing")
"""What the series of machines that are woken count up to."""

_Mode: TypeAlias = Literal["max", "livemax", "livesum"]
"""How the values of several processes make one; what is ``live`` goes with its process."""

_Metric = TypeVar("_Metric", Counter, Gauge, Histogram)


class Family(Generic[_Metric]):
    """A metric with labels, its children at hand: the library's own look-up costs more than counting."""

    __slots__ = ("_children", "_metric")

    def __init__(self, metric: _Metric) -> None:
        self._metric: _Metric = metric
        self._children: dict[tuple[str, ...], _Metric] = {}

    def __repr__(self) -> str:
        return f"<Family {self._metric}>"

    def of(self, *labels: str) -> _Metric:
        child = self._children.get(labels)
        if child is None:
            child = self._children[labels] = self._metric.labels(*labels)
        return child


class Maker:
    """Makes series on a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def __repr__(self) -> str:
        return "<Maker>"

    def plain(self, name: str, words: str) -> Counter:
        return Counter(_full(name), words, registry=self._registry)

    def counter(self, name: str, words: str, labels: Sequence[str]) -> Family[Counter]:
        return Family(Counter(_full(name), words, labels, registry=self._registry))

    def histogram(
        self, name: str, words: str, labels: Sequence[str], buckets: Sequence[float]
    ) -> Family[Histogram]:
        return Family(Histogram(_full(name), words, labels, buckets=buckets, registry=self._registry))

    def gauge(self, name: str, words: str, *, mode: _Mode) -> Gauge:
        return Gauge(_full(name), words, registry=self._registry, multiprocess_mode=mode)

    def labelled_gauge(self, name: str, words: str, labels: Sequence[str], *, mode: _Mode) -> Family[Gauge]:
        return Family(Gauge(_full(name), words, labels, registry=self._registry, multiprocess_mode=mode))


class TrafficSeries:
    """What is told of requests as clients see them."""

    def __init__(self, make: Maker) -> None:
        self.requests = make.counter(
            "requests_total",
            "Requests of clients, by how they ended.",
            ("dialect", "profile", "member", "outcome", "status"),
        )
        self.durations = make.histogram(
            "request_duration_seconds",
            "From acceptance of a request to the end of its answer.",
            ("dialect", "outcome"),
            DURATIONS_S,
        )
        self.first_words = make.histogram(
            "request_ttft_seconds",
            "From acceptance of a request to the first content of its answer.",
            ("dialect", "provider"),
            FIRST_WORDS_S,
        )
        self.tokens = make.counter(
            "tokens_total",
            "Tokens of answered requests: input, output, cache_read, cache_creation.",
            ("provider", "member", "class"),
        )
        self.in_flight = make.labelled_gauge(
            "requests_in_flight", "Requests being answered now.", ("dialect",), mode="livesum"
        )
        self.auth_rejected = make.counter(
            "auth_rejected_total", "Requests turned away for their key.", ("reason",)
        )

    def __repr__(self) -> str:
        return "<TrafficSeries>"


class AttemptSeries:
    """What is told of attempts at providers, and of those left out."""

    def __init__(self, make: Maker) -> None:
        self.attempts = make.counter("provider_attempts_total", "Attempts at providers.", ("provider",))
        self.outcomes = make.counter(
            "provider_outcomes_total",
            "How attempts at providers went: ok, failed, failed_midstream.",
            ("provider", "outcome"),
        )
        self.skipped = make.counter(
            "provider_skipped_total", "Providers left out of a chain.", ("provider", "reason")
        )
        self.fallbacks = make.counter(
            "fallbacks_total", "Moves of a chain from a provider that failed.", ("provider", "reason")
        )
        self.connecting = make.histogram(
            "upstream_connect_seconds",
            "How long new connections to upstreams took: look-up, TCP and TLS together.",
            ("upstream",),
            CONNECTING_S,
        )

    def __repr__(self) -> str:
        return "<AttemptSeries>"


class ChainSeries:
    """What is told of chains that came to nothing, and of runs that go nowhere."""

    def __init__(self, make: Maker) -> None:
        self.paid_gate_blocked = make.plain(
            "chain_paid_gate_blocked_total", "Chains emptied by the paid gate."
        )
        self.budget_exceeded = make.plain("chain_budget_exceeded_total", "Chains emptied by budgets.")
        self.uniform_auth_failure = make.plain(
            "chain_uniform_auth_failure_total",
            "Chains whose every provider refused the gateway's credentials.",
        )
        self.auto_router_fallthrough = make.plain(
            "auto_router_fallthrough_total", "Requests that no rule of the auto-router matched."
        )
        self.tool_loops = make.counter(
            "tool_loops_total", "Requests of models that keep making the same calls.", ("profile", "action")
        )

    def __repr__(self) -> str:
        return "<ChainSeries>"


class ShapingSeries:
    """What is told of requests and answers that were changed on their way."""

    def __init__(self, make: Maker) -> None:
        self.capability_degraded = make.counter(
            "capability_degraded_total", "What did not get through to the other side.", ("capability",)
        )
        self.output_filter_applied = make.counter(
            "output_filter_applied_total", "Answers that an output filter changed.", ("filter",)
        )
        self.tool_calls_repaired = make.counter(
            "tool_calls_repaired_total", "Calls of tools that were found in a model's text.", ("provider",)
        )

    def __repr__(self) -> str:
        return "<ShapingSeries>"


class AdmissionSeries:
    """What is told of waiting and of limits."""

    def __init__(self, make: Maker) -> None:
        self.member_limited = make.counter(
            "member_limited_total", "Requests beyond a member's limits.", ("member", "limit")
        )
        self.queue_depth = make.labelled_gauge(
            "queue_depth", "Requests that wait for a busy provider.", ("provider",), mode="livesum"
        )
        self.queue_wait = make.histogram(
            "queue_wait_seconds",
            "How long requests waited for a busy provider, by how that ended.",
            ("provider", "reason"),
            DURATIONS_S,
        )

    def __repr__(self) -> str:
        return "<AdmissionSeries>"


class HealthSeries:
    """What is told of providers that fail, and of those that are left alone."""

    def __init__(self, make: Maker) -> None:
        self.demoted = make.counter(
            "provider_demoted_unhealthy_total", "Providers tried later for their health.", ("provider",)
        )
        self.transitions = make.counter(
            "backend_health_transitions_total", "Changes of a provider's health.", ("provider", "state")
        )
        self.state = make.labelled_gauge(
            "provider_health_state",
            "A provider's health: 0 healthy, 1 degraded, 2 unhealthy.",
            ("provider",),
            mode="livemax",
        )
        self.cooldowns = make.counter(
            "provider_cooldowns_total", "Times a provider was left alone.", ("provider", "reason")
        )
        self.cooldown_ends = make.labelled_gauge(
            "provider_cooldown_end_timestamp_seconds",
            "Until when a provider is left alone, in seconds since 1970.",
            ("provider", "reason"),
            mode="livemax",
        )
        self.host_state = make.labelled_gauge(
            "provider_host_state",
            "A provider's machine, if it is woken: 0 awake, 1 waking, 2 asleep, 3 missing.",
            ("provider",),
            mode="livemax",
        )
        self.wake_packets = make.counter(
            "provider_wake_packets_total", "Packets sent to wake a provider's machine.", ("provider",)
        )
        self.memory_pressure_blocked = make.plain(
            "chain_memory_pressure_blocked_total", "Chains emptied by memory cooldowns."
        )

    def __repr__(self) -> str:
        return "<HealthSeries>"


class MoneySeries:
    """What is told of prompt caches and of money."""

    def __init__(self, make: Maker) -> None:
        self.cache_read_tokens = make.counter(
            "cache_read_tokens_total", "Prompt tokens read from a provider's cache.", ("provider",)
        )
        self.cache_creation_tokens = make.counter(
            "cache_creation_tokens_total", "Prompt tokens written to a provider's cache.", ("provider",)
        )
        self.cache_observed = make.counter(
            "cache_observed_total", "Answers by what the prompt cache did.", ("provider", "outcome")
        )
        self.cost = make.counter("cost_total_usd_total", "What answers cost, in USD.", ("provider",))
        self.cost_savings = make.counter(
            "cost_savings_usd_total", "What prompt caches saved, in USD.", ("provider",)
        )

    def __repr__(self) -> str:
        return "<MoneySeries>"


class Instruments:
    """
    Every series, on a registry of its own.

    Twenty keep the names of the reference router; `requests_total` counts what clients asked, and
    `provider_attempts_total` what upstreams were asked.
    """

    def __init__(self, counting: Counting) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.counting = counting
        self.registry = CollectorRegistry(auto_describe=False)
        make = Maker(self.registry)
        self.uptime = make.gauge("uptime_seconds", "Seconds since the gateway started.", mode="max")
        self.tasks = make.gauge(
            "tasks",
            "Tasks on the event loops, as each worker told when it was last asked.",
            mode="livesum",
        )
        self.build_info = make.labelled_gauge(
            "build_info", "Always 1; the label tells the version.", ("version",), mode="max"
        )
        self.traffic = TrafficSeries(make)
        self.attempts = AttemptSeries(make)
        self.chains = ChainSeries(make)
        self.health = HealthSeries(make)
        self.shaping = ShapingSeries(make)
        self.money = MoneySeries(make)
        self.admission = AdmissionSeries(make)

    def __repr__(self) -> str:
        return f"<Instruments counting {self.counting}>"


def _full(name: str) -> str:
    return f"coderouter_{name}"

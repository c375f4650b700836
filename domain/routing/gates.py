"""Who may be tried at all: decisions without side effects; the first gate that refuses says why."""

from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import TypeAlias

from domain.access.keys import ANYBODY, Caller
from domain.budget.purse import Exceeded
from domain.routing.facts import Facts
from domain.routing.manner import OPENAI_COMPLETIONS, is_spoken_by
from domain.routing.targets import (
    CapabilityAction,
    Locality,
    Profile,
    ProviderSpec,
    RoutingTable,
    Target,
)
from domain.values import value


class BarReason(StrEnum):
    """Why a target may not be tried for this request."""

    NOT_PERMITTED = "not-permitted"
    PAID = "paid"
    NOT_NEAR = "not-near"
    MISSING_CREDENTIAL = "missing-credential"
    BUDGET = "budget"
    BUDGET_PROMISED = "budget-promised"
    UNPRICED = "unpriced"
    NO_OUTPUT_BOUND = "no-output-bound"
    NO_COST_BOUND = "no-cost-bound"
    BUDGET_UNKNOWN = "budget-unknown"
    NO_VISION = "no-vision"
    INCAPABLE = "incapable"
    CONTEXT_WINDOW = "context-window"
    PLAN_USED_UP = "plan-used-up"
    RATE_LIMITED = "rate-limited"
    OUT_OF_QUOTA = "out-of-quota"
    COOLING = "cooling"
    MEMORY_PRESSURE = "memory-pressure"
    MISCONFIGURED = "misconfigured"
    MODEL_MISSING = "model-missing"
    QUEUE_FULL = "queue-full"
    QUEUE_TIMED_OUT = "queue-timed-out"


LASTING = frozenset(
    {
        BarReason.NOT_PERMITTED,
        BarReason.PAID,
        BarReason.NOT_NEAR,
        BarReason.MISSING_CREDENTIAL,
        BarReason.BUDGET,
        BarReason.UNPRICED,
        BarReason.NO_OUTPUT_BOUND,
        BarReason.NO_COST_BOUND,
        BarReason.NO_VISION,
        BarReason.INCAPABLE,
        BarReason.CONTEXT_WINDOW,
    }
)
"""Refusals that the same request would meet again, however long it waits."""


class Capability(StrEnum):
    """What a request may need of a target."""

    TOOLS = "tools"
    THINKING = "thinking"
    VISION = "vision"
    EMBEDDINGS = "embeddings"
    TEXT_COMPLETION = "text-completion"


@value(kw_only=True)
class WindowOverrun:
    """A prompt that does not fit: its tokens as estimated, and the most that the target takes for it."""

    tokens: int
    maximum: int


@value(kw_only=True)
class QuotaUsed:
    """A line of a provider's plan that is used up; ``resets_at`` is UTC, ISO 8601."""

    unit: str
    period: str
    allowed: int
    used: int
    resets_at: str


@value
class Admitted:
    """The target may be tried; ``lacks`` is what the request needs and the target is known not to have."""

    target: Target
    lacks: tuple[Capability, ...] = ()


@value
class Barred:
    """
    The target may not be tried.

    Attributes:
        lacks: the capabilities it was barred for.
        overrun: by how much the prompt is too long for it.
        exceeded: the budget that the request does not fit into.
        detail: what more a human should know, such as where the picture stands.
        retry_after_s: when it may be tried again, in seconds from now; ``None`` when that is not known.
        quota: what of its plan is used up.
    """

    target: Target
    reason: BarReason
    lacks: tuple[Capability, ...] = ()
    overrun: WindowOverrun | None = None
    exceeded: Exceeded | None = None
    detail: str = ""
    retry_after_s: float | None = None
    quota: QuotaUsed | None = None


Admission: TypeAlias = Admitted | Barred

Gate: TypeAlias = Callable[[RoutingTable, "Asker", Target, ProviderSpec], Barred | None]
"""Asks whether a target may be tried, and has no effect; ``None`` is no objection."""


@value(kw_only=True)
class Asker:
    """
    Who knocks at the gates: a request under a profile.

    Attributes:
        caller: whose request it is.
        without_credential: providers whose configuration names a key that is not there.
    """

    facts: Facts
    profile: Profile
    caller: Caller = ANYBODY
    without_credential: Collection[str] = ()


def admit(table: RoutingTable, asker: Asker, target: Target, more: Sequence[Gate] = ()) -> Admission:
    """
    Whether the target may be tried. Facts that no gate needs are not found out.

    Args:
        more: gates that know what happened so far, such as cooldowns; asked after permission, before ability.

    Raises:
        MalformedRequest: a gate had to read the conversation, which cannot be understood.
    """
    spec = table.spec_of(target)
    for gate in (*_PERMISSIONS, *more, *_ABILITIES):
        barred = gate(table, asker, target, spec)
        if barred is not None:
            return barred
    if asker.profile.capability_action is CapabilityAction.PREFER:
        return Admitted(target, _lacking(asker.facts, spec))
    return Admitted(target)


def _permitted(_table: RoutingTable, asker: Asker, target: Target, _spec: ProviderSpec) -> Barred | None:
    allowed = asker.caller.permissions
    if allowed.profiles is not None and asker.profile.name not in allowed.profiles:
        return Barred(target, BarReason.NOT_PERMITTED, detail=f"profile {asker.profile.name}")
    if allowed.providers is not None and target.provider not in allowed.providers:
        return Barred(target, BarReason.NOT_PERMITTED, detail=f"provider {target.provider}")
    return None


def _paid(table: RoutingTable, asker: Asker, target: Target, spec: ProviderSpec) -> Barred | None:
    allowed = table.allow_paid and asker.caller.permissions.paid
    return Barred(target, BarReason.PAID) if spec.paid and not allowed else None


def _near(_table: RoutingTable, asker: Asker, target: Target, spec: ProviderSpec) -> Barred | None:
    """A promise, not a preference: what must not leave the house is not ranked last but left out."""
    away = asker.caller.permissions.lan_only and spec.locality is Locality.CLOUD
    return Barred(target, BarReason.NOT_NEAR) if away else None


def _credential(_table: RoutingTable, asker: Asker, target: Target, spec: ProviderSpec) -> Barred | None:
    if target.provider not in asker.without_credential:
        return None
    return Barred(target, BarReason.MISSING_CREDENTIAL, detail=str(spec.secret or ""))


def _text_completion(_table: RoutingTable, asker: Asker, target: Target, spec: ProviderSpec) -> Barred | None:
    """A text to go on with has no turns: asked in any other language, a model would answer it."""
    if asker.facts.dialect != OPENAI_COMPLETIONS or is_spoken_by(spec, OPENAI_COMPLETIONS):
        return None
    return Barred(target, BarReason.INCAPABLE, lacks=(Capability.TEXT_COMPLETION,))


def _vision(_table: RoutingTable, asker: Asker, target: Target, spec: ProviderSpec) -> Barred | None:
    """A picture that a model cannot see would be dropped or refused: it never gets there."""
    if spec.capabilities.vision is not False or asker.facts.image_place is None:
        return None
    where = f"{asker.facts.image_place} holds an image"
    return Barred(target, BarReason.NO_VISION, lacks=(Capability.VISION,), detail=where)


def _capabilities(_table: RoutingTable, asker: Asker, target: Target, spec: ProviderSpec) -> Barred | None:
    if asker.profile.capability_action is not CapabilityAction.REQUIRE:
        return None
    lacks = _lacking(asker.facts, spec)
    return Barred(target, BarReason.INCAPABLE, lacks=lacks) if lacks else None


def _window(_table: RoutingTable, asker: Asker, target: Target, spec: ProviderSpec) -> Barred | None:
    if spec.context_window is None:
        return None
    overrun = overrun_of(asker.facts, spec.context_window)
    return Barred(target, BarReason.CONTEXT_WINDOW, overrun=overrun) if overrun else None


_PERMISSIONS: tuple[Gate, ...] = (_permitted, _paid, _near, _credential)
_ABILITIES: tuple[Gate, ...] = (_text_completion, _vision, _capabilities, _window)
"""In this order. What costs least to know stands first."""


def overrun_of(facts: Facts, window: int) -> WindowOverrun | None:
    """
    By how much a prompt and the room for its answer outgrow a context window of so many tokens.

    Agents ask for far more room than they use (32,000 tokens of a window of 32,768): at most a quarter of the
    window is set aside, or no such request would ever fit.
    """
    most_reserved = window // 4
    if facts.excess(window - most_reserved) is None:
        return None
    room = window - min(facts.output_limit, most_reserved)
    tokens = facts.excess(room)
    return None if tokens is None else WindowOverrun(tokens=tokens, maximum=room)


def _lacking(facts: Facts, spec: ProviderSpec) -> tuple[Capability, ...]:
    """Only an explicit no counts; an unknown ability is given the benefit of the doubt."""
    has = spec.capabilities
    lacks: list[Capability] = []
    if has.tools is False and facts.has_tools:
        lacks.append(Capability.TOOLS)
    if has.thinking is False and facts.wants_thinking:
        lacks.append(Capability.THINKING)
    return tuple(lacks)

"""Says where a request would go, and why, without sending it."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

from app.use_cases.plan import Plan, Planner
from app.use_cases.wake_hosts import NOBODY_SLEEPS, Waking
from domain.access.keys import ANYBODY, Caller
from domain.access.permissions import EVERYTHING, Permissions
from domain.conversation.request import ChatRequest
from domain.health.sleep import SleepState
from domain.health.standing import Standing
from domain.routing.facts import Facts
from domain.routing.gates import Barred
from domain.routing.ranking import Candidate
from domain.routing.selection import UnknownChoice, Wishes
from domain.routing.verdict import Walk, refusal_in_words, verdict
from domain.values import value

Signal: TypeAlias = bool | int | float | str

_REHEARSAL = "rehearsal"
"""Stands for the id of a request that does not exist."""


@value(kw_only=True)
class Place:
    """
    A target's part in a chain.

    Attributes:
        position: when it would be tried, from 1; 0 when it may not be.
        why: what put it there, for a human.
    """

    position: int
    provider: str
    model: str
    why: str


@value(kw_only=True)
class Rehearsal:
    """
    What would happen to a request.

    Attributes:
        member: whose request it is; empty for somebody who may do everything.
        rule: what chose the profile: a rule of the auto-router, or such as ``body-profile``.
        because: the same for a human.
        pinned: whether the client named the only target, and the profile lends no more than its policies.
        signals: everything that rules and gates can ask about the request.
        chain: the targets that would be tried, in their order, then those that may not be.
        refused: what the client would be told when nobody may be tried; else empty.
    """

    dialect: str
    requested_model: str
    profile: str
    rule: str
    because: str
    pinned: bool
    signals: dict[str, Signal]
    chain: tuple[Place, ...]
    refused: str = ""
    member: str = ""


class Rehearse:
    """
    Plans as `Planner` does, but remembers nothing, tells nobody and asks no upstream.

    Args:
        members: what each declared member may do.
    """

    def __init__(
        self,
        planner: Planner,
        waking: Waking = NOBODY_SLEEPS,
        members: Mapping[str, Permissions] = MappingProxyType({}),
    ) -> None:
        self._planner = planner
        self._waking = waking
        self._members = members

    def __repr__(self) -> str:
        return f"<Rehearse with {self._planner!r}>"

    def rehearse(self, request: ChatRequest, wishes: Wishes, member: str = "") -> Rehearsal:
        """
        The plan that a first request of a session would get.

        Args:
            member: whose request it would be; empty for somebody who may do everything.

        Raises:
            UnknownChoice: there is no such member, or the client named a profile or mode that does not exist.
            MalformedRequest: the content cannot be understood.
        """
        asked = replace(wishes, caller=self._caller(member))
        plan = self._planner.rehearsing().plan(request, asked, _REHEARSAL)
        return Rehearsal(
            dialect=request.dialect,
            requested_model=request.model,
            profile=plan.profile.name,
            rule=plan.rule,
            because=_BECAUSE.get(plan.rule, f"rule {plan.rule} holds"),
            pinned=plan.pinned,
            signals=_signals(plan.facts),
            chain=(*self._tried(plan), *map(_barred, plan.barred)),
            refused="" if plan.order else _refusal(plan),
            member=member,
        )

    def _caller(self, member: str) -> Caller:
        """As with keys: where no member is declared, any name is one, and may do everything."""
        if not member:
            return ANYBODY
        if self._members and member not in self._members:
            raise UnknownChoice("member", member, self._members)
        return Caller(member=member, permissions=self._members.get(member, EVERYTHING))

    def _tried(self, plan: Plan) -> list[Place]:
        return [
            Place(
                position=position,
                provider=candidate.target.provider,
                model=candidate.target.model,
                why=_standing(plan, candidate) + self._asleep(candidate.target.provider),
            )
            for position, candidate in enumerate(plan.ranked, start=1)
        ]

    def _asleep(self, provider: str) -> str:
        state = self._waking.state_of(provider)
        return "" if state is None else _ASLEEP[state]


_ASLEEP: Mapping[SleepState, str] = MappingProxyType(
    {
        SleepState.AWAKE: "",
        SleepState.ASLEEP: "; its machine sleeps, and is woken when its turn comes",
        SleepState.WAKING: "; its machine is waking",
        SleepState.MISSING: "; its machine was called and did not come",
    }
)


def _signals(facts: Facts) -> dict[str, Signal]:
    return {
        "model": facts.model,
        "has_tools": facts.has_tools,
        "has_image": facts.has_image,
        "code_fence_ratio": round(facts.code_fence_ratio, 3),
        "content_len": len(facts.latest_text),
        "estimated_tokens": facts.estimated_tokens,
        "prompt_tokens": facts.prompt_tokens,
        "output_limit": facts.output_limit,
        "wants_thinking": facts.wants_thinking,
        "image_place": facts.image_place or "",
    }


_BECAUSE: Mapping[str, str] = MappingProxyType(
    {
        "body-profile": "the request's body names it",
        "profile-header": "the header X-CodeRouter-Profile names it",
        "mode-header": "the mode in the header X-CodeRouter-Mode stands for it",
        "model-profile": "the model's name is the profile's",
        "model-alias": "the model's name is declared under models",
        "model-provider": "the model's name is a provider's",
        "default-profile": "the request asks for none, and it is the default",
        "auto-fallthrough": "no rule holds",
        "auto-disabled": "rules are disabled",
    }
)
"""What chose a profile, where it was no rule of the configuration."""


def _standing(plan: Plan, candidate: Candidate) -> str:
    if candidate.standing.unhealthy:
        return "set back: it failed too often of late"
    if candidate in plan.demoted:
        return f"set back: it lacks {', '.join(candidate.lacks)}"
    if plan.pinned:
        return "the model's name chose it"
    declared = f"number {plan.profile.targets.index(candidate.target) + 1} of the profile"
    return declared + _measured(candidate.standing)


def _measured(standing: Standing) -> str:
    if standing.trial_s is not None:
        return f", on trial: it failed too often of late, and has {standing.trial_s:g} s for a first word"
    if not standing.score or standing.measured is None:
        return ""
    median_s, error_rate = standing.measured.median_s, standing.measured.error_rate
    speed = "" if median_s is None else f"{median_s:.2g} s to the first content, "
    return f", set back for how it did of late: {speed}{error_rate:.0%} failed"


def _refusal(plan: Plan) -> str:
    return verdict(Walk(profile=plan.profile.name, attempts=(), barred=plan.barred)).message


def _barred(barred: Barred) -> Place:
    target = barred.target
    return Place(position=0, provider=target.provider, model=target.model, why=refusal_in_words(barred))

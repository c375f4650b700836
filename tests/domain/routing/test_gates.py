"""Who may be tried for a request, and why the others may not."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.openai_completions.dialect import OPENAI_COMPLETIONS
from domain.access.keys import Caller
from domain.access.permissions import EVERYTHING, Permissions
from domain.routing.facts import Facts
from domain.routing.gates import (
    Admission,
    Admitted,
    Asker,
    BarReason,
    Barred,
    Capability,
    Gate,
    WindowOverrun,
    admit,
)
from domain.routing.targets import (
    Capabilities,
    CapabilityAction,
    Locality,
    Profile,
    ProviderSpec,
    RoutingTable,
    SecretReference,
    Target,
)
from domain.tokens.request import MESSAGE, PREAMBLE
from tests.domain.routing.bodies import Reply, Say, Talk, Use, facts, facts_of, openai_chat, talk

TARGET = Target("p", "m")
PICTURE = talk(Say(text="see", image=True))
TOOLS = Talk(tools=("read",))


def admission(
    asked: Talk | Facts,
    action: CapabilityAction = CapabilityAction.PREFER,
    *,
    allow_paid: bool = False,
    without_credential: tuple[str, ...] = (),
    permissions: Permissions = EVERYTHING,
    kind: str = "scripted",
    more: Sequence[Gate] = (),
    **spec: Any,
) -> Admission:
    profile = Profile(name="default", targets=(TARGET,), capability_action=action)
    table = RoutingTable(
        providers={"p": ProviderSpec(name="p", adapter=kind, model="m", **spec)},
        profiles={"default": profile},
        default_profile="default",
        allow_paid=allow_paid,
    )
    known = asked if isinstance(asked, Facts) else facts(asked, "openai_chat")
    asker = Asker(
        facts=known,
        profile=profile,
        caller=Caller(permissions=permissions),
        without_credential=without_credential,
    )
    return admit(table, asker, TARGET, more)


def thinking(kind: str) -> Facts:
    body = {
        "model": "m",
        "max_tokens": 9000,
        "messages": [{"role": "user", "content": "x"}],
        "thinking": {"type": kind, "budget_tokens": 1024},
    }
    return facts_of(ANTHROPIC_MESSAGES.decode_request(json.dumps(body).encode(), {}))


def text_to_go_on_with() -> Facts:
    return facts_of(OPENAI_COMPLETIONS.decode_request(b'{"model": "m", "prompt": "once upon"}', {}))


def test_paid_providers_are_barred_unless_allowed() -> None:
    assert admission(Talk(), paid=True) == Barred(TARGET, BarReason.PAID)
    assert admission(Talk(), paid=True, allow_paid=True) == Admitted(TARGET)


def test_a_provider_whose_key_is_missing_is_barred_not_asked_without_it() -> None:
    barred = admission(Talk(), without_credential=("p",), secret=SecretReference(env="P_API_KEY"))

    assert barred == Barred(TARGET, BarReason.MISSING_CREDENTIAL, detail="P_API_KEY")


@pytest.mark.parametrize("action", CapabilityAction)
@pytest.mark.parametrize(
    "asked",
    [PICTURE, talk(Say(image=True), Reply(), Say(text="and?")), talk(Say(text="look"), Use(image=True))],
)
def test_a_picture_never_goes_to_a_target_known_to_be_blind(action: CapabilityAction, asked: Talk) -> None:
    barred = admission(asked, action, capabilities=Capabilities(vision=False))

    assert isinstance(barred, Barred)
    assert (barred.reason, barred.lacks) == (BarReason.NO_VISION, (Capability.VISION,))
    assert "holds an image" in barred.detail


@pytest.mark.parametrize("vision", [True, None])
def test_a_picture_goes_where_sight_is_declared_or_unknown(vision: bool | None) -> None:
    assert admission(PICTURE, capabilities=Capabilities(vision=vision)) == Admitted(TARGET)


@pytest.mark.parametrize("kind", ["openai_compat", "embedded"])
def test_a_text_to_go_on_with_goes_where_it_is_not_taken_for_a_question(kind: str) -> None:
    assert admission(text_to_go_on_with(), kind=kind) == Admitted(TARGET)


@pytest.mark.parametrize("action", CapabilityAction)
@pytest.mark.parametrize("kind", ["anthropic", "ollama", "some.adapter:factory"])
def test_a_text_to_go_on_with_never_goes_elsewhere(kind: str, action: CapabilityAction) -> None:
    barred = admission(text_to_go_on_with(), action, kind=kind)

    assert barred == Barred(TARGET, BarReason.INCAPABLE, lacks=(Capability.TEXT_COMPLETION,))
    assert isinstance(admission(Talk(), kind=kind), Admitted)


def test_words_go_to_a_target_known_to_be_blind() -> None:
    assert admission(Talk(), capabilities=Capabilities(vision=False)) == Admitted(TARGET)


@pytest.mark.parametrize(
    ("action", "outcome"),
    [
        (CapabilityAction.OFF, Admitted(TARGET)),
        (CapabilityAction.PREFER, Admitted(TARGET, (Capability.TOOLS,))),
        (CapabilityAction.REQUIRE, Barred(TARGET, BarReason.INCAPABLE, lacks=(Capability.TOOLS,))),
    ],
)
def test_tools_are_ignored_preferred_or_required(action: CapabilityAction, outcome: Admission) -> None:
    assert admission(TOOLS, action, capabilities=Capabilities(tools=False)) == outcome


@pytest.mark.parametrize("action", CapabilityAction)
@pytest.mark.parametrize("tools", [True, None])
def test_only_an_explicit_no_counts_against_a_target(action: CapabilityAction, tools: bool | None) -> None:
    assert admission(TOOLS, action, capabilities=Capabilities(tools=tools)) == Admitted(TARGET)


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("enabled", Admitted(TARGET, (Capability.THINKING,))), ("adaptive", Admitted(TARGET))],
)
def test_thinking_counts_when_it_is_asked_for(kind: str, outcome: Admission) -> None:
    assert admission(thinking(kind), capabilities=Capabilities(thinking=False)) == outcome


FRAME = PREAMBLE + MESSAGE
"""Tokens around the one message of the requests below."""


@pytest.mark.parametrize(("characters", "fits"), [(4000, True), (4001, False)])
def test_a_prompt_fits_into_a_window_of_as_many_tokens(characters: int, fits: bool) -> None:
    characters -= FRAME * 4
    outcome = admission(talk(Say(text="x" * characters)), context_window=1000)

    assert isinstance(outcome, Admitted) is fits


def test_room_for_the_answer_is_set_aside() -> None:
    asked = talk(Say(text="x" * 3600), output_limit=200)
    barred = admission(asked, context_window=1000)

    overrun = WindowOverrun(tokens=900 + FRAME, maximum=800)
    assert barred == Barred(TARGET, BarReason.CONTEXT_WINDOW, overrun=overrun)


def test_the_window_is_measured_by_the_counter_and_not_by_characters() -> None:
    def by_character(text: str) -> int:
        return len(text)

    asked = openai_chat(talk(Say(text="\u6f22" * 3000)))
    barred = admission(Facts(asked, by_character), context_window=2000)

    overrun = WindowOverrun(tokens=3000 + FRAME, maximum=2000)
    assert barred == Barred(TARGET, BarReason.CONTEXT_WINDOW, overrun=overrun)
    assert admission(Facts(asked, by_character), context_window=4000) == Admitted(TARGET)


def test_no_more_than_a_quarter_of_a_window_is_set_aside() -> None:
    """Nor is a client told that less would have fitted."""
    barred = admission(talk(Say(text="x" * 3600), output_limit=32_000), context_window=1000)

    overrun = WindowOverrun(tokens=900 + FRAME, maximum=750)
    assert barred == Barred(TARGET, BarReason.CONTEXT_WINDOW, overrun=overrun)


def test_an_agent_that_asks_for_all_the_room_there_is_still_gets_in() -> None:
    asked = talk(Say(text="x" * 20_000), output_limit=32_000)

    assert admission(asked, context_window=32_768) == Admitted(TARGET)


def test_a_window_that_nobody_knows_bars_nobody() -> None:
    assert admission(talk(Say(text="x" * 4_000_000)), context_window=None) == Admitted(TARGET)


@pytest.mark.parametrize("action", CapabilityAction)
def test_what_no_gate_needs_to_know_is_not_found_out(action: CapabilityAction) -> None:
    asked = facts(PICTURE, "openai_chat")
    admission(asked, action, capabilities=Capabilities(vision=True, tools=False))

    assert not asked.was_read


@pytest.mark.parametrize(
    ("permissions", "detail"),
    [
        (Permissions(profiles=frozenset({"other"})), "profile default"),
        (Permissions(profiles=frozenset({"default"}), providers=frozenset()), "provider p"),
    ],
)
def test_what_a_key_may_not_use_is_not_tried(permissions: Permissions, detail: str) -> None:
    refused = admission(TOOLS, permissions=permissions)

    assert refused == Barred(TARGET, BarReason.NOT_PERMITTED, detail=detail)


def test_what_a_key_may_use_is_tried() -> None:
    both = Permissions(profiles=frozenset({"default"}), providers=frozenset({"p"}))

    assert admission(TOOLS, permissions=both) == Admitted(TARGET)


def test_a_member_may_be_kept_from_paid_providers_that_others_use() -> None:
    assert admission(TOOLS, allow_paid=True, paid=True) == Admitted(TARGET)
    kept = admission(TOOLS, allow_paid=True, paid=True, permissions=Permissions(paid=False))
    assert kept == Barred(TARGET, BarReason.PAID)


def test_a_key_never_opens_what_the_gateway_keeps_shut() -> None:
    refused = admission(TOOLS, paid=True, permissions=Permissions(paid=True))

    assert refused == Barred(TARGET, BarReason.PAID)


@pytest.mark.parametrize("locality", Locality)
def test_what_must_not_leave_the_house_does_not(locality: Locality) -> None:
    tried = admission(TOOLS, locality=locality, permissions=Permissions(lan_only=True))

    away = locality is Locality.CLOUD
    assert tried == (Barred(TARGET, BarReason.NOT_NEAR) if away else Admitted(TARGET))


def cooling(_table: RoutingTable, _asker: Asker, target: Target, _spec: ProviderSpec) -> Barred:
    """A gate of those that know what happened so far."""
    return Barred(target, BarReason.COOLING)


HINDRANCES: dict[BarReason, dict[str, Any]] = {
    BarReason.NOT_PERMITTED: {"permissions": Permissions(providers=frozenset({"q"}), lan_only=True)},
    BarReason.PAID: {"paid": True},
    BarReason.NOT_NEAR: {"permissions": Permissions(lan_only=True)},
    BarReason.MISSING_CREDENTIAL: {"without_credential": ("p",)},
    BarReason.COOLING: {"more": (cooling,)},
    BarReason.NO_VISION: {"capabilities": Capabilities(vision=False, tools=False)},
    BarReason.INCAPABLE: {"capabilities": Capabilities(tools=False)},
    BarReason.CONTEXT_WINDOW: {"context_window": 1},
}
"""In the order of the gates, what makes each refuse."""


@pytest.mark.parametrize("reason", HINDRANCES)
def test_of_all_that_is_in_the_way_the_first_gate_tells(reason: BarReason) -> None:
    """A budget is not looked at for whom the house is closed to, nor a picture for what costs money."""
    order = list(HINDRANCES)
    in_the_way: dict[str, Any] = {}
    for later in order[order.index(reason) :]:
        in_the_way = {**HINDRANCES[later], **in_the_way}
    asked = talk(Say(text="see", image=True), tools=("read",))

    barred = admission(asked, CapabilityAction.REQUIRE, **in_the_way)

    assert isinstance(barred, Barred)
    assert barred.reason is reason

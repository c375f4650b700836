"""Where a request goes, and what is told of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.inbound.http.errors import error_answer
from app.use_cases.plan import Plan, Planner
from app.use_cases.rehearse import Rehearse
from config.load import load_text
from config.translate import routing_table
from domain.conversation.parts import Image, InlineData
from domain.conversation.request import ChatRequest, MalformedRequest
from domain.events import ChainPaidGateBlocked, Event, PaidProviderSkipped, UncredentialedProviderSkipped
from domain.inventory.auto_routing import AutoRouterFellThrough, AutoRouterResolved, SessionKeptProfile
from domain.inventory.capabilities import (
    ChainCapabilityBlocked,
    ChainContextBlocked,
    IncapableProviderDemoted,
    IncapableProviderSkipped,
    SmallContextProviderSkipped,
)
from domain.routing.selection import UnknownChoice, Wishes
from domain.routing.verdict import ChainFailed, Walk, verdict
from domain.tokens.pictures import picture_tokens
from domain.tokens.request import MESSAGE, PREAMBLE
from tests.domain.routing.bodies import PIXEL, Say, Talk, Use, anthropic_messages, openai_chat, talk
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.plain_counter import PlainCounter
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.scripted_provider import ScriptedDirectory

AUTO = """
default_profile: auto
providers:
  - {name: small, base_url: 'http://localhost:1/v1', model: s}
  - {name: large, base_url: 'http://gpu:1/v1', model: l}
profiles:
  - {name: writing, providers: [small]}
  - {name: coding, providers: [large, small]}
  - {name: vision, providers: [large]}
mode_aliases: {think: coding}
auto_router:
  default_rule_profile: writing
  rules:
    - {id: tools, profile: coding, match: {has_tools: true}}
    - {id: images, profile: vision, match: {has_image: true}}
    - {id: words, profile: coding, match: {content_contains: refactor}}
"""

GATED = """
allow_paid: ALLOW
providers:
  - {name: blind, base_url: 'http://a/v1', model: m, capabilities: {vision: false, tools: false}}
  - {name: tiny, base_url: 'http://b/v1', model: m, context_window: 100}
  - {name: seeing, base_url: 'http://c/v1', model: m, capabilities: {vision: true, tools: true}}
  - {name: paid, base_url: 'http://d/v1', model: m, paid: true}
  - {name: keyless, base_url: 'http://e/v1', model: m}
profiles:
  - {name: default, providers: [CHAIN], capability_action: 'ACTION'}
"""


class Office:
    """A planner with its ears open."""

    def __init__(self, config: str, *, without_credential: tuple[str, ...] = ()) -> None:
        self.sink = RecordingSink()
        self.clock = FixedClock()
        directory = ScriptedDirectory({}, without_credential=without_credential)
        table = routing_table(load_text(config))
        self.planner = Planner(table, directory, self.sink, self.clock, PlainCounter())

    def plan(self, asked: Talk, **wishes: Any) -> Plan:
        return self.planner.plan(openai_chat(asked), Wishes(model=asked.model, **wishes), "r-1")


def unreadable() -> ChatRequest:
    body = {
        "max_tokens": 1,
        "messages": [{"role": "user", "content": [{"type": 3}]}],
        "tools": [{"name": "x"}],
    }
    return ANTHROPIC_MESSAGES.decode_request(json.dumps(body).encode(), {})


def gated(chain: str, *, action: str = "prefer", allow_paid: bool = False) -> Office:
    config = GATED.replace("CHAIN", chain).replace("ACTION", action).replace("ALLOW", str(allow_paid).lower())
    return Office(config, without_credential=("keyless",))


def providers(plan: Plan) -> list[str]:
    return [target.provider for target in plan.order]


@pytest.mark.parametrize(
    ("asked", "profile", "rule"),
    [
        (Talk(tools=("read",)), "coding", "tools"),
        (talk(Say(text="see", image=True)), "vision", "images"),
        (talk(Say(text="refactor it")), "coding", "words"),
        (Talk(model="claude-opus-5-5"), "writing", "auto-fallthrough"),
        (Talk(model="vision"), "vision", "model-profile"),
        (Talk(model="small"), "writing", "model-provider"),
    ],
)
def test_rules_choose_for_requests_that_name_nothing_we_know(asked: Talk, profile: str, rule: str) -> None:
    plan = Office(AUTO).plan(asked)

    assert (plan.profile.name, plan.rule) == (profile, rule)


@pytest.mark.parametrize(
    "wishes", [{"profile": "vision"}, {"profile_header": "vision"}, {"mode_header": "think"}]
)
def test_an_explicit_wish_bypasses_the_rules(wishes: dict[str, str]) -> None:
    office = Office(AUTO)
    plan = office.plan(talk(Say(text="refactor", image=True)), **wishes)

    assert plan.profile.name in ("vision", "coding")
    assert not office.sink.of(AutoRouterResolved) + office.sink.of(AutoRouterFellThrough)


def test_auto_itself_is_no_profile_that_a_client_may_name() -> None:
    with pytest.raises(UnknownChoice, match="coding, vision, writing"):
        Office(AUTO).plan(Talk(), profile="auto")


def test_the_event_of_a_rule_tells_what_it_saw() -> None:
    office = Office(AUTO)
    office.plan(talk(Say(text="refactor ```ab```"), system="Be brief."))

    (event,) = office.sink.of(AutoRouterResolved)
    assert (event.request_id, event.rule_id, event.resolved_profile) == ("r-1", "words", "coding")
    assert dict(event.signals) == {
        "has_image": False,
        "code_fence_ratio": 0.471,
        "content_len": 17,
        "model": "any",
        "estimated_tokens": 6,
        "has_tools": False,
    }


def test_the_event_of_falling_through_tells_what_was_seen_and_whether_rules_were_asked() -> None:
    office, off = Office(AUTO), Office(AUTO.replace("auto_router:", "auto_router:\n  disabled: true"))
    office.plan(Talk())
    off.plan(Talk(model=""))

    (event,) = office.sink.of(AutoRouterFellThrough)
    assert event.resolved_profile == "writing"
    assert dict(event.signals) == {
        "code_fence_ratio": 0.0,
        "content_len": 5,
        "model": "any",
        "estimated_tokens": 1,
        "has_tools": False,
        "disabled": False,
    }
    (unasked,) = off.sink.of(AutoRouterFellThrough)
    assert unasked.signals["disabled"] is True
    assert unasked.signals["model"] is None


class Unhurried:
    """A sink that has not yet made the events which may wait."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], Event]] = []

    def emit(self, event: Event) -> None:
        raise AssertionError(event)

    def emit_soon(self, make: Callable[[], Event]) -> None:
        self.waiting.append(make)


def test_signals_that_no_rule_asked_for_are_found_out_when_planning_is_over() -> None:
    table, sink = routing_table(load_text(AUTO)), Unhurried()
    planner = Planner(table, ScriptedDirectory({}), sink, FixedClock(), PlainCounter())
    plan = planner.plan(openai_chat(talk(Say(text="x" * 90_000), tools=("read",))), Wishes(), "r-1")
    assert (plan.rule, plan.facts.was_read, plan.facts.turn_was_read) == ("tools", False, False)

    (make,) = sink.waiting
    event = make()
    assert isinstance(event, AutoRouterResolved)
    assert dict(event.signals) == {
        "has_image": False,
        "code_fence_ratio": 0.0,
        "content_len": 90_000,
        "model": "any",
        "estimated_tokens": 22_517,
        "has_tools": True,
    }


def test_a_fixed_profile_is_planned_without_reading_or_telling() -> None:
    office = Office(AUTO.replace("default_profile: auto", "default_profile: coding"))
    broken = unreadable()

    assert office.planner.plan(broken, Wishes(), "r-1").rule == "default-profile"
    assert office.sink.events == []


def test_a_request_that_a_rule_cannot_understand_is_the_clients_fault() -> None:
    broken = unreadable()
    with pytest.raises(MalformedRequest, match=r"messages\[0\]"):
        Office(AUTO.replace("has_tools: true", "has_image: true")).planner.plan(broken, Wishes(), "r-1")


def test_what_only_an_event_wants_to_know_makes_no_request_fail() -> None:
    rule = "{id: tools, profile: coding, match: {has_tools: true}}"
    office = Office(f"{AUTO.split('    - {id: tools', maxsplit=1)[0]}    - {rule}\n")

    assert office.planner.plan(unreadable(), Wishes(), "r-1").rule == "tools"
    assert office.sink.of(AutoRouterResolved)[0].signals["content_len"] is None


def test_a_session_keeps_its_profile_through_tool_results_and_forgets_it_in_time() -> None:
    office = Office(AUTO.replace("has_tools: true", "content_contains: plan"))
    first, later = talk(Say(text="refactor")), talk(Say(text="plan"), Use())
    office.plan(first, session="s-1")
    assert office.plan(later, session="s-1").rule == "words"

    (kept,) = office.sink.of(SessionKeptProfile)
    assert (kept.rule_id, kept.resolved_profile) == ("words", "coding")
    assert office.plan(later, session="s-2").rule == "tools"
    assert office.plan(later).rule == "tools"
    office.clock.advance(25 * 3600)
    assert office.plan(later, session="s-1").rule == "tools"


def test_a_session_that_stayed_once_stays_for_the_same_reason_again() -> None:
    office = Office(AUTO.replace("has_tools: true", "content_contains: plan"))
    office.plan(talk(Say(text="refactor")), session="s")
    turns = [talk(Say(text="plan"), *[Use()] * results) for results in (1, 2, 3)]

    assert [office.plan(turn, session="s").rule for turn in turns] == ["words"] * 3


def test_sessions_that_shall_not_stick_are_routed_each_time() -> None:
    config = AUTO.replace("has_tools: true", "content_contains: plan") + "session: {sticky: false}\n"
    office = Office(config)
    office.plan(talk(Say(text="refactor")), session="s-1")

    assert office.plan(talk(Say(text="plan"), Use()), session="s-1").rule == "tools"


def test_a_rehearsal_moves_no_session_and_is_told_to_nobody() -> None:
    office = Office(AUTO.replace("has_tools: true", "content_contains: plan"))
    office.plan(talk(Say(text="refactor")), session="s")
    told = list(office.sink.events)
    asked = talk(Say(text="plan"), Use())

    rehearsal = Rehearse(office.planner).rehearse(openai_chat(asked), Wishes(model="any", session="s"))
    moved = Rehearse(office.planner).rehearse(
        openai_chat(talk(Say(text="x"))), Wishes(model="any", session="s")
    )

    assert (rehearsal.rule, moved.rule) == ("tools", "auto-fallthrough")
    assert office.sink.events == told
    assert office.plan(asked, session="s").rule == "words"


def test_background_work_of_a_session_does_not_move_its_conversation() -> None:
    rule = "{id: haiku, profile: writing, match: {model_pattern: 'claude-.*haiku.*'}}"
    office = Office(AUTO.replace("{id: tools", f"{rule}\n    - {{id: tools"))
    working = talk(Say(text="go"), Use(), model="claude-opus-5", tools=("read",))

    assert office.plan(working, session="s").profile.name == "coding"
    assert office.plan(Talk(model="claude-haiku-5"), session="s").profile.name == "writing"
    assert office.plan(working, session="s").profile.name == "coding"


def test_each_refusal_is_one_event_with_its_reason() -> None:
    office = gated("blind, tiny, seeing, paid, keyless")
    plan = office.plan(talk(Say(text="x" * 1000, image=True)))

    assert providers(plan) == ["seeing"]
    assert [event.provider for event in office.sink.of(IncapableProviderSkipped)] == ["blind"]
    (small,) = office.sink.of(SmallContextProviderSkipped)
    told = (small.provider, small.estimated_tokens, small.max_prompt_tokens)
    assert told == ("tiny", 250 + FRAME + picture_tokens(ONE_PIXEL), 100)
    assert [event.provider for event in office.sink.of(PaidProviderSkipped)] == ["paid"]
    assert [event.provider for event in office.sink.of(UncredentialedProviderSkipped)] == ["keyless"]
    assert len(office.sink.events) == 4


def test_those_who_lack_what_is_asked_for_are_tried_last_and_that_is_told() -> None:
    office = gated("blind, seeing")
    plan = office.plan(Talk(tools=("read",)))

    assert providers(plan) == ["seeing", "blind"]
    assert [one.target.provider for one in plan.demoted] == ["blind"]
    (event,) = office.sink.of(IncapableProviderDemoted)
    assert (event.provider, event.lacks) == ("blind", ("tools",))


@pytest.mark.parametrize(("action", "order"), [("off", ["blind", "seeing"]), ("require", ["seeing"])])
def test_a_profile_may_ignore_or_require_abilities(action: str, order: list[str]) -> None:
    assert providers(gated("blind, seeing", action=action).plan(Talk(tools=("read",)))) == order


ONE_PIXEL = Image(source=InlineData(media_type="image/png", base64=PIXEL))
FRAME = PREAMBLE + MESSAGE
"""Tokens around the one message of a request."""
LONG = talk(Say(text="x" * 1000))
PICTURE = talk(Say(text="see", image=True))


@pytest.mark.parametrize(
    ("chain", "asked", "event"),
    [
        ("paid, tiny", LONG, ChainPaidGateBlocked),
        ("paid, blind", PICTURE, ChainPaidGateBlocked),
        ("blind", PICTURE, ChainCapabilityBlocked),
        ("blind, keyless", PICTURE, ChainCapabilityBlocked),
        ("tiny", LONG, ChainContextBlocked),
    ],
)
def test_an_empty_chain_is_told_once_by_what_would_most_likely_mend_it(
    chain: str, asked: Talk, event: type
) -> None:
    office = gated(chain)
    assert office.plan(asked).order == ()

    told = [one for one in office.sink.events if one.name.startswith("chain-")]
    assert [type(one) for one in told] == [event]


def test_a_chain_that_goes_on_has_no_event_of_its_own() -> None:
    office = gated("paid, tiny, seeing")
    office.plan(LONG)

    assert not [one for one in office.sink.events if one.name.startswith("chain-")]


@pytest.mark.parametrize(
    ("chain", "asked", "words"),
    [
        ("tiny", LONG, f"prompt is too long: {250 + FRAME} tokens > 100 maximum"),
        ("blind", PICTURE, "user message 1 holds an image"),
    ],
)
def test_the_client_reads_a_400_that_it_can_act_on(chain: str, asked: Talk, words: str) -> None:
    plan = gated(chain).plan(asked)
    failed = ChainFailed(verdict(Walk(profile="default", attempts=(), barred=plan.barred)))
    for dialect in (OPENAI_CHAT, ANTHROPIC_MESSAGES):
        answer = error_answer(failed, dialect, "r-1")
        error = json.loads(answer.body)["error"]
        assert (answer.status, error["type"]) == (400, "invalid_request_error")
        assert words in error["message"]


def test_an_anthropic_request_is_planned_like_any_other() -> None:
    office = Office(AUTO)
    asked = talk(Say(text="go"), Use(), tools=("read",), model="claude-sonnet-5")
    plan = office.planner.plan(anthropic_messages(asked), Wishes(model=asked.model), "r-1")

    assert plan.rule == "tools"

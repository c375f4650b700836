"""The configurations that we ship load, and send people and agents where their comments say."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.use_cases.plan import Plan, Planner
from config.advice import advice
from config.load import load
from config.money_advice import money_advice
from config.translate import routing_table
from domain.routing.selection import Wishes
from domain.routing.targets import Locality
from infrastructure.tokens import TokenEstimator
from tests.domain.routing.bodies import DIALECTS, Reply, Say, Talk, Use, talk
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.scripted_provider import ScriptedDirectory

PRESETS = Path(__file__).parents[2] / "config" / "presets"
NAMES = sorted(path.stem for path in PRESETS.glob("*.yaml"))

TOOLS = ("Read", "Edit", "Bash")
"""An agent declares them in every request."""
HELLO = talk(Say(text="What is the capital of France?"))
CODE = talk(Say(text="```python\nprint(1)\n``` why?"))
PICTURE = talk(Say(text="What is this?", image=True))
AGENT = talk(Say(text="Fix the test."), Use(answer="ok"), tools=TOOLS)
AGENT_PICTURE = talk(Say(text="Match this screenshot.", image=True), Use(), tools=TOOLS)
AGENT_EARLIER_PICTURE = talk(Say(image=True), Reply(), Say(text="Now fix it."), tools=TOOLS)
AGENT_LONG = talk(Say(text="Read it all."), Use(answer="x" * 4 * 40_000), tools=TOOLS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A request to a preset, the rule and profile it should meet, and who is asked first."""

    preset: str
    asked: Talk
    rule: str
    profile: str
    first: str
    model: str = "any-model"


JOURNEYS: dict[str, Journey] = {
    "ollama, small talk": Journey(
        preset="ollama", asked=HELLO, rule="auto-fallthrough", profile="chat", first="ollama-small"
    ),
    "ollama, code": Journey(
        preset="ollama", asked=CODE, rule="code", profile="coding", first="ollama-coder"
    ),
    "ollama, a picture": Journey(
        preset="ollama", asked=PICTURE, rule="picture", profile="vision", first="ollama-vision"
    ),
    "ollama, an agent": Journey(
        preset="ollama", asked=AGENT, rule="agent", profile="coding", first="ollama-coder"
    ),
    "ollama, an agent with a picture": Journey(
        preset="ollama", asked=AGENT_PICTURE, rule="picture", profile="vision", first="ollama-vision"
    ),
    "ollama, an agent after a picture": Journey(
        preset="ollama", asked=AGENT_EARLIER_PICTURE, rule="agent", profile="coding", first="ollama-vision"
    ),
    "ollama, more words than the small model holds": Journey(
        preset="ollama",
        asked=talk(Say(text="word " * 20_000)),
        rule="auto-fallthrough",
        profile="chat",
        first="ollama-coder",
    ),
    "free cloud, small talk": Journey(
        preset="free-cloud", asked=HELLO, rule="auto-fallthrough", profile="coding", first="groq"
    ),
    "free cloud, an agent": Journey(
        preset="free-cloud", asked=AGENT, rule="auto-fallthrough", profile="coding", first="groq"
    ),
    "free cloud, a prompt too long for the first": Journey(
        preset="free-cloud",
        asked=talk(Say(text="x" * 4 * 140_000), tools=TOOLS),
        rule="auto-fallthrough",
        profile="coding",
        first="openrouter-coder",
    ),
    "free cloud, a picture": Journey(
        preset="free-cloud", asked=PICTURE, rule="picture", profile="vision", first="openrouter-vision"
    ),
    "home server, small talk": Journey(
        preset="home-server", asked=HELLO, rule="auto-fallthrough", profile="chat", first="gpu-coder"
    ),
    "home server, an agent": Journey(
        preset="home-server", asked=AGENT, rule="agent", profile="coding", first="gpu-coder"
    ),
    "home server, background work": Journey(
        preset="home-server",
        asked=AGENT,
        model="claude-haiku-4-5",
        rule="background",
        profile="chat",
        first="gpu-coder",
    ),
    "home server, background work of another vendor": Journey(
        preset="home-server",
        asked=HELLO,
        model="gpt-5-nano",
        rule="background",
        profile="chat",
        first="gpu-coder",
    ),
    "home server, a picture": Journey(
        preset="home-server", asked=AGENT_PICTURE, rule="picture", profile="vision", first="gpu-vision"
    ),
    "raspberry pi, small talk": Journey(
        preset="raspberry-pi", asked=HELLO, rule="auto-fallthrough", profile="local", first="pi-chat"
    ),
    "raspberry pi, code without tools": Journey(
        preset="raspberry-pi", asked=CODE, rule="auto-fallthrough", profile="local", first="pi-chat"
    ),
    "raspberry pi, more than the small models hold": Journey(
        preset="raspberry-pi",
        asked=talk(Say(text="x" * 4 * 10_000)),
        rule="auto-fallthrough",
        profile="local",
        first="cloud-tools",
    ),
    "raspberry pi, an agent": Journey(
        preset="raspberry-pi", asked=AGENT, rule="tools", profile="tools", first="cloud-tools"
    ),
    "raspberry pi, an agent with a picture": Journey(
        preset="raspberry-pi", asked=AGENT_PICTURE, rule="picture", profile="vision", first="cloud-vision"
    ),
    "raspberry pi, an agent after a picture": Journey(
        preset="raspberry-pi",
        asked=AGENT_EARLIER_PICTURE,
        rule="tools",
        profile="tools",
        first="cloud-vision",
    ),
    "raspberry pi, an agent with much to read": Journey(
        preset="raspberry-pi", asked=AGENT_LONG, rule="long", profile="long-context", first="cloud-long"
    ),
    "raspberry pi, 32,000 tokens": Journey(
        preset="raspberry-pi",
        asked=talk(Say(text="x" * 128_000)),
        rule="long",
        profile="long-context",
        first="cloud-long",
    ),
    "raspberry pi, one character less": Journey(
        preset="raspberry-pi",
        asked=talk(Say(text="x" * 127_999)),
        rule="auto-fallthrough",
        profile="local",
        first="cloud-tools",
    ),
    "claude code, opus": Journey(
        preset="claude-code",
        asked=AGENT,
        model="claude-opus-5-5",
        rule="opus",
        profile="opus",
        first="cloud-coder",
    ),
    "claude code, sonnet": Journey(
        preset="claude-code",
        asked=AGENT,
        model="claude-sonnet-4-6",
        rule="sonnet",
        profile="sonnet",
        first="local-large",
    ),
    "claude code, haiku": Journey(
        preset="claude-code",
        asked=HELLO,
        model="claude-haiku-4-5-20251001",
        rule="haiku",
        profile="haiku",
        first="local-small",
    ),
    "claude code, haiku by its older name": Journey(
        preset="claude-code",
        asked=HELLO,
        model="claude-3-5-haiku-latest",
        rule="haiku",
        profile="haiku",
        first="local-small",
    ),
    "claude code, more than the window at home holds": Journey(
        preset="claude-code",
        asked=talk(Say(text="Read it."), Use(answer="word " * 75_000), tools=TOOLS),
        model="claude-sonnet-4-6",
        rule="sonnet",
        profile="sonnet",
        first="cloud-coder",
    ),
    "claude code, a tier that nobody knows yet": Journey(
        preset="claude-code",
        asked=AGENT,
        model="claude-epic-7",
        rule="auto-fallthrough",
        profile="sonnet",
        first="local-large",
    ),
    "claude code, a screenshot": Journey(
        preset="claude-code",
        asked=AGENT_PICTURE,
        model="claude-opus-5-5",
        rule="picture",
        profile="vision",
        first="cloud-vision",
    ),
    "claude code, a screenshot long ago": Journey(
        preset="claude-code",
        asked=AGENT_EARLIER_PICTURE,
        model="claude-opus-5-5",
        rule="opus",
        profile="opus",
        first="cloud-vision",
    ),
    "long context, an agent": Journey(
        preset="long-context", asked=AGENT, rule="auto-fallthrough", profile="everyday", first="local"
    ),
    "long context, an agent with much to read": Journey(
        preset="long-context", asked=AGENT_LONG, rule="long", profile="long-context", first="long"
    ),
    "long context, Japanese of few characters and many tokens": Journey(
        preset="long-context",
        asked=talk(Say(text="\u6771\u4eac\u306f\u96e8\u3067\u3059\u3002" * 7_000)),
        rule="auto-fallthrough",
        profile="everyday",
        first="long",
    ),
    "long context, a picture": Journey(
        preset="long-context", asked=PICTURE, rule="auto-fallthrough", profile="everyday", first="seeing"
    ),
    "long context, a picture earlier in a long conversation": Journey(
        preset="long-context",
        asked=talk(Say(image=True), Reply(), Say(text="x" * 120_000)),
        rule="long",
        profile="long-context",
        first="seeing",
    ),
}  # fmt: skip


def planner(preset: str) -> Planner:
    table = routing_table(load(PRESETS / f"{preset}.yaml", environment={}))
    return Planner(table, ScriptedDirectory({}), RecordingSink(), FixedClock(), TokenEstimator())


def routed(by: Planner, asked: Talk, *, model: str, dialect: str, session: str = "") -> Plan:
    said = Talk(turns=asked.turns, model=model, tools=asked.tools)
    return by.plan(DIALECTS[dialect](said), Wishes(model=model, session=session), "r-1")


@pytest.mark.parametrize("preset", NAMES)
def test_a_preset_begins_by_saying_what_it_is_for(preset: str) -> None:
    text = (PRESETS / f"{preset}.yaml").read_text(encoding="utf-8")

    assert text.startswith("# ")
    assert text.count("#") > 5


@pytest.mark.parametrize("preset", NAMES)
def test_a_preset_leaves_nobody_guessing_what_its_models_can_do(preset: str) -> None:
    table = routing_table(load(PRESETS / f"{preset}.yaml", environment={}))
    for spec in table.providers.values():
        assert spec.capabilities.tools is not None, spec.name
        assert spec.capabilities.vision is not None, spec.name
        assert spec.context_window or spec.locality is Locality.CLOUD, spec.name


@pytest.mark.parametrize("preset", NAMES)
def test_nothing_of_a_preset_has_to_be_noted(preset: str) -> None:
    config = load(PRESETS / f"{preset}.yaml", environment={})

    assert [*advice(config), *money_advice(config, routing_table(config))] == []


@pytest.mark.parametrize("preset", NAMES)
def test_a_preset_tells_ollama_how_large_a_window_to_load(preset: str) -> None:
    table = routing_table(load(PRESETS / f"{preset}.yaml", environment={}))
    ollamas = [spec for spec in table.providers.values() if ":11434" in spec.base_url]

    assert {spec.adapter for spec in ollamas} <= {"ollama"}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", JOURNEYS)
def test_a_request_goes_where_the_preset_says(name: str, dialect: str) -> None:
    journey = JOURNEYS[name]
    plan = routed(planner(journey.preset), journey.asked, model=journey.model, dialect=dialect)

    assert (plan.rule, plan.profile.name) == (journey.rule, journey.profile)
    assert plan.order[0].provider == journey.first


@pytest.mark.parametrize("preset", NAMES)
def test_every_preset_is_tried_and_every_rule_and_profile_of_it_is_met(preset: str) -> None:
    travelled = [journey for journey in JOURNEYS.values() if journey.preset == preset]
    config = load(PRESETS / f"{preset}.yaml", environment={})
    rules = {rule.id for rule in config.auto_router.rules} if config.auto_router else set()

    assert rules <= {journey.rule for journey in travelled}
    assert {profile.name for profile in config.profiles} == {journey.profile for journey in travelled}


@pytest.mark.parametrize("preset", NAMES)
@pytest.mark.parametrize("asked", [HELLO, CODE, PICTURE, AGENT, AGENT_PICTURE, AGENT_EARLIER_PICTURE])
def test_no_usual_request_is_left_without_a_target(preset: str, asked: Talk) -> None:
    plan = routed(planner(preset), asked, model="claude-opus-5-5", dialect="anthropic_messages")

    assert plan.order


def _day_of_an_agent() -> Iterator[tuple[Talk, str]]:
    """One session on the Raspberry Pi: each request, and the profile that should serve it."""
    start = Say(text="Fix the tests.")
    yield talk(start, tools=TOOLS), "tools"
    yield talk(start, Use(), tools=TOOLS), "tools"
    shot = (start, Use(), Reply(), Say(text="Like this:", image=True))
    yield talk(*shot, tools=TOOLS), "vision"
    yield talk(*shot, Use(), tools=TOOLS), "vision"
    on = (*shot, Use(), Reply(), Say(text="Thanks, go on."))
    yield talk(*on, tools=TOOLS), "tools"
    yield talk(*on, Use(answer="x" * 130_000), tools=TOOLS), "long-context"
    yield talk(*on, Use(answer="x" * 130_000), Reply(), Say(text="And?"), tools=TOOLS), "long-context"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_agent_that_always_declares_tools_reaches_every_profile_within_one_session(dialect: str) -> None:
    pi = planner("raspberry-pi")
    met = [
        (routed(pi, asked, model="m", dialect=dialect, session="s").profile.name, profile)
        for asked, profile in _day_of_an_agent()
    ]

    assert [name for name, _ in met] == [profile for _, profile in met]

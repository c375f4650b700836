"""A conversation over scripted providers, ready to be asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.use_cases.attempts import ALONE, Companion
from app.use_cases.converse import Asked, Converse
from app.use_cases.plan import Planner
from app.use_cases.reply import Reply
from domain.conversation.built import Built
from domain.conversation.reply import (
    Batch,
    Finished,
    ReplyStarted,
    StopReason,
    TextDelta,
    Usage,
    UsageReported,
)
from domain.conversation.request import ChatRequest, Conversation, Source
from domain.ports.providers import ChatProvider
from domain.routing.gates import Gate
from domain.routing.selection import Wishes
from domain.routing.targets import BrokenStreamAction, Profile, ProviderSpec, RoutingTable, Target, Timeouts
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.plain_counter import PlainCounter
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.scripted_provider import ScriptedDirectory, ScriptedProvider

ROLE = Batch((ReplyStarted("id-1", "real-model", 1_700_000_000),))
HELLO = Batch((TextDelta("Hello"),))
WORLD = Batch((TextDelta(", world"),))
END = Batch((Finished(StopReason.END_TURN), UsageReported(Usage(input_tokens=7, output_tokens=3))))
ANSWER = (ROLE, HELLO, WORLD, END)

_NOTHING = Built(Conversation(messages=()))


@dataclass(slots=True)
class House:
    """`Converse` with everything that a test wants to look at."""

    converse: Converse
    table: RoutingTable
    sink: RecordingSink = field(default_factory=RecordingSink)
    clock: FixedClock = field(default_factory=FixedClock)

    async def ask(
        self,
        *,
        dialect: str = "openai_chat",
        source: Source = _NOTHING,
        asked_model: str = "any",
        **wishes: Any,
    ) -> Reply:
        """The reply; to be closed."""
        asked = asking(dialect=dialect, source=source, asked_model=asked_model, **wishes)
        reply = await self.converse.answer(asked, self.converse.plan(asked))
        assert isinstance(reply, Reply)
        return reply


def asking(
    *, dialect: str = "openai_chat", source: Source = _NOTHING, asked_model: str = "any", **wishes: Any
) -> Asked:
    request = ChatRequest(
        dialect=dialect,
        model=asked_model,
        stream=True,
        source=source,
        declares_tools=bool(source.conversation().tools),
    )
    return Asked(request=request, wishes=Wishes(**wishes), request_id="r-1")


def house(
    *,
    timeouts: Timeouts | None = None,
    specs: Mapping[str, Mapping[str, Any]] | None = None,
    without_credential: Iterable[str] = (),
    companions: Sequence[Companion] = ALONE,
    gates: Sequence[Gate] = (),
    sink: RecordingSink | None = None,
    allow_paid: bool = False,
    on_broken_stream: BrokenStreamAction = BrokenStreamAction.ERROR,
    **providers: ChatProvider,
) -> House:
    """The default profile asks the providers in the order given; `specs` adds to their configuration."""
    table = replace(table_of(providers, timeouts=timeouts, specs=specs), allow_paid=allow_paid)
    default = replace(table.profiles["default"], on_broken_stream=on_broken_stream)
    table = replace(table, profiles={"default": default})
    sink, clock = sink or RecordingSink(), FixedClock()
    directory = ScriptedDirectory(providers, without_credential=without_credential)
    planner = Planner(table, directory, sink, clock, PlainCounter(), gates=gates)
    converse = Converse(table, planner, directory, sink, clock, companions)
    return House(converse, table, sink, clock)


def table_of(
    names: Iterable[str],
    *,
    timeouts: Timeouts | None = None,
    specs: Mapping[str, Mapping[str, Any]] | None = None,
) -> RoutingTable:
    """Providers of these names, and the default profile that asks them in this order."""
    more = specs or {}
    providers = {
        name: ProviderSpec(
            name=name,
            model=f"{name}-model",
            timeouts=timeouts or Timeouts(),
            **{"adapter": "scripted", **more.get(name, {})},
        )
        for name in names
    }
    targets = tuple(Target(name, spec.model) for name, spec in providers.items())
    profiles = {"default": Profile(name="default", targets=targets)}
    return RoutingTable(providers=providers, profiles=profiles, default_profile="default")


def answering() -> ScriptedProvider:
    return ScriptedProvider(ANSWER)

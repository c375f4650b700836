"""A conversation over scripted providers whose health is watched."""

from contextlib import aclosing, suppress
from dataclasses import replace

import pytest

from app.use_cases.attempts import Companion
from app.use_cases.converse import Converse
from app.use_cases.learn_windows import LearnWindows
from app.use_cases.plan import Planner
from app.use_cases.watch_health import WatchHealth
from domain.conversation.built import Built
from domain.conversation.request import Conversation, Source
from domain.events import AttemptStarted
from domain.failures import UpstreamFailure
from domain.health.policy import WATCHING, HealthPolicy
from domain.health.records import OwnRecords
from domain.health.roster import Roster
from domain.routing.targets import Profile, Timeouts
from domain.routing.verdict import ChainFailed, Verdict
from tests.app.use_cases.conversing import asking, table_of
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.plain_counter import PlainCounter
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.scripted_provider import ScriptedDirectory, ScriptedProvider

NO_WORDS = Built(Conversation(messages=()))


class Watched:
    """The default profile asks the providers in the order given, under this policy."""

    def __init__(
        self,
        policy: HealthPolicy = WATCHING,
        *,
        timeouts: Timeouts | None = None,
        **providers: ScriptedProvider,
    ) -> None:
        self.sink = RecordingSink()
        self.clock = FixedClock()
        self.table = table_of(providers, timeouts=timeouts)
        default = replace(self.table.profiles["default"], health=policy)
        other = Profile(name="other", targets=default.targets)
        self.table = replace(self.table, profiles={"default": default, "other": other})
        self.roster = Roster(OwnRecords())
        self.watch = WatchHealth(self.roster, self.table, self.sink, self.clock)
        self.windows = LearnWindows(self.table, self.sink, self.clock)
        directory = ScriptedDirectory(providers)
        planner = Planner(
            self.table,
            directory,
            self.sink,
            self.clock,
            PlainCounter(),
            gates=[self.watch.gate],
            standings=self.watch,
        )
        companions: list[Companion] = [self.watch, self.windows]
        self.converse = Converse(self.table, planner, directory, self.sink, self.clock, companions)

    async def tried(self, *, source: Source = NO_WORDS, profile: str | None = None) -> list[str]:
        """The providers that one request asks, in order; its answer is heard to the end."""
        self.sink.events.clear()
        asked = asking(source=source, profile=profile)
        with suppress(ChainFailed, UpstreamFailure):
            async with aclosing(await self.converse.answer(asked, self.converse.plan(asked))) as reply:
                async for _ in reply:
                    pass
        return [event.provider for event in self.sink.of(AttemptStarted)]

    async def verdict(self) -> Verdict:
        """Of a request that nobody answers."""
        asked = asking()
        with pytest.raises(ChainFailed) as failed:
            await self.converse.answer(asked, self.converse.plan(asked))
        return failed.value.verdict

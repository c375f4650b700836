"""Upstreams are asked in the background, and what they tell is used."""

import asyncio
from collections.abc import AsyncGenerator

from app.use_cases.probe_providers import ProbeProviders
from domain.conversation.reply import Batch
from domain.failures import FailureKind, UpstreamFailure
from domain.inventory.probing import ContextWindowLearned, ProbeOutcomeChanged
from domain.ports.providers import Probed, ProviderCall
from domain.routing.targets import Locality, ProbePlan, Profile, ProviderSpec, RoutingTable, Target
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.scripted_provider import ScriptedDirectory, ScriptedProvider

GONE = UpstreamFailure(FailureKind.UNREACHABLE, "connection refused")
THERE = Probed(windows={"m": 8192, "other": 4096})


class Asked:
    """A provider that answers probes in turn, the last answer for ever."""

    def __init__(self, *answers: Probed | BaseException) -> None:
        self.answers = list(answers)
        self.times = 0
        self.again = asyncio.Event()

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        yield Batch(())

    async def probe(self) -> Probed:
        answer = self.answers[min(self.times, len(self.answers) - 1)]
        self.times += 1
        self.again.set()
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Heard:
    """Listens to probes."""

    def __init__(self) -> None:
        self.found: list[tuple[str, FailureKind | None]] = []

    def probed(self, provider: str, failure: UpstreamFailure | None) -> None:
        self.found.append((provider, failure.kind if failure else None))


class House:
    """One provider that is asked."""

    def __init__(
        self,
        provider: Asked | ScriptedProvider,
        *,
        locality: Locality = Locality.LOCAL,
        probe: ProbePlan | None = None,
        window: int | None = None,
    ) -> None:
        spec = ProviderSpec(
            name="p", adapter="x", model="m", locality=locality, probe=probe, context_window=window
        )
        profile = Profile(name="default", targets=(Target("p", "m"),))
        self.table = RoutingTable(
            providers={"p": spec}, profiles={"default": profile}, default_profile="default"
        )
        self.sink, self.heard = RecordingSink(), Heard()
        directory = ScriptedDirectory({"p": provider})
        self.probes = ProbeProviders(self.table, directory, self.sink, [self.heard])

    @property
    def window(self) -> int | None:
        return self.table.spec_of(Target("p", "m")).context_window


async def test_a_server_at_home_is_asked_once_for_its_windows() -> None:
    provider = Asked(THERE)
    house = House(provider)

    async with asyncio.timeout(5):
        await house.probes.run()

    assert house.window == 8192
    assert provider.times == 1
    assert house.sink.of(ContextWindowLearned) == [ContextWindowLearned(provider="p", model="m", tokens=8192)]
    assert house.heard.found == [("p", None)]


async def test_the_smaller_of_what_is_configured_and_told_is_the_window() -> None:
    told_less, told_more = House(Asked(THERE), window=32768), House(Asked(THERE), window=2048)
    for house in (told_less, told_more):
        await house.probes.ask("p")

    assert (told_less.window, told_more.window) == (8192, 2048)


async def test_a_cloud_is_not_asked_unless_the_configuration_says_so() -> None:
    quiet, wanted = Asked(THERE), Asked(THERE)

    async with asyncio.timeout(5):
        await House(quiet, locality=Locality.CLOUD).probes.run()
    wanting = House(wanted, locality=Locality.CLOUD, probe=ProbePlan(interval_s=0.01))
    asking = asyncio.create_task(wanting.probes.run())
    async with asyncio.timeout(5):
        while wanted.times < 3:
            wanted.again.clear()
            await wanted.again.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert quiet.times == 0


async def test_coming_and_going_is_told_once_each() -> None:
    house = House(Asked(GONE, GONE, THERE, THERE, ValueError("odd"), THERE))

    found = [await house.probes.ask("p") for _ in range(6)]

    assert found == [False, False, True, True, False, True]
    changes = [event.reachable for event in house.sink.of(ProbeOutcomeChanged)]
    assert changes == [False, True, False, True]
    assert [kind for _, kind in house.heard.found] == [
        FailureKind.UNREACHABLE,
        FailureKind.UNREACHABLE,
        None,
        None,
        FailureKind.ADAPTER_FAULT,
        None,
    ]


async def test_whoever_cannot_be_asked_is_not() -> None:
    async with asyncio.timeout(5):
        await House(ScriptedProvider(())).probes.run()

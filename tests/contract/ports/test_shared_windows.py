"""Over every store: a context window that one process was told of is known to the others."""

import json

from app.use_cases.attempts import Ending
from app.use_cases.learn_windows import LearnWindows
from app.use_cases.window_sharing import WindowSharing
from domain.conversation.reply import Usage
from domain.events import Outcome
from domain.failures import FailureKind, Overflow, UpstreamFailure
from domain.ports.storage import RecordStore
from domain.routing.targets import Target
from tests.app.use_cases.conversing import table_of
from tests.contract.ports.stores import Stores
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.recording_sink import RecordingSink

LOCAL = Target("local", "qwen3/8b")


class Process:
    """One that serves from the state."""

    def __init__(self, store: RecordStore, clock: FixedClock, configuration: str = "v1") -> None:
        self.table = table_of(["local"])
        self.learn = LearnWindows(self.table, RecordingSink(), clock)
        names = {"local": f"local@{configuration}"}
        self.sharing = WindowSharing(self.learn, store, clock, names=names)

    @property
    def window(self) -> int | None:
        return self.table.context_windows.of(LOCAL, None)

    def overflows(self, window: int) -> None:
        overflow = Overflow(prompt_tokens=99_999, window=window)
        failure = UpstreamFailure(FailureKind.CONTEXT_OVERFLOW, "400: too long", overflow=overflow)
        self.learn.ended(LOCAL, Ending(outcome=Outcome.FAILED, failure=failure))

    def answers(self, tokens: int) -> None:
        self.learn.ended(LOCAL, Ending(outcome=Outcome.ANSWERED, usage=Usage(input_tokens=tokens)))


async def share(*processes: Process) -> None:
    for process in processes:
        await process.sharing.share()


async def test_what_one_was_told_all_know_and_the_latest_word_holds(stores: Stores) -> None:
    one, two = Process(stores.worker(), stores.clock), Process(stores.worker(), stores.clock)
    one.overflows(8192)
    await share(one, two)
    assert two.window == 8192

    two.overflows(4096)
    await share(one, two, one)
    assert (one.window, two.window) == (4096, 4096)

    one.answers(5000)
    await share(one, two)
    assert one.window is None
    assert two.window is None


async def test_two_that_are_told_at_the_same_moment_come_to_know_the_same(stores: Stores) -> None:
    one, two = Process(stores.worker(), stores.clock), Process(stores.worker(), stores.clock)
    one.overflows(8192)
    two.overflows(4096)

    await share(one, two, one, two)

    assert one.window == two.window == 8192


async def test_a_restart_forgets_no_window_within_the_hour(stores: Stores) -> None:
    before = Process(stores.worker(), stores.clock)
    before.overflows(8192)
    await share(before)
    stores.clock.advance(3_000.0)
    again, other = (Process(stores.worker(), stores.clock, configuration=each) for each in ("v1", "v2"))
    await share(again, other)

    assert (again.window, other.window) == (8192, None)
    stores.clock.advance(601.0)
    again.learn.forget_old()
    late = Process(stores.worker(), stores.clock)
    await share(again, late)
    assert (again.window, late.window) == (None, None)


async def test_a_reset_is_for_windows_too_and_a_probe_is_believed_after_it(stores: Stores) -> None:
    one, two = Process(stores.worker(), stores.clock), Process(stores.worker(), stores.clock)
    one.overflows(8192)
    await share(one, two)
    two.learn.forget_all("local")
    await share(two, one)
    assert (one.window, two.window) == (None, None)

    one.table.context_windows.learn(LOCAL, 16_384)
    stores.clock.advance(3_601.0)
    one.learn.forget_old()

    assert one.window == 16_384


async def test_nothing_is_written_twice_and_nonsense_is_passed_over(stores: Stores) -> None:
    store = stores.worker()
    no_moment = {"provider": "local@v1", "model": LOCAL.model, "at": float("nan"), "tokens": 1}
    for number, text in enumerate(["", "[]", "{}", json.dumps(no_moment)]):
        await store.put("context-windows", str(number), text)
    process = Process(store, stores.clock)
    process.overflows(8192)
    await share(process)
    generation = await store.generation("context-windows")

    await share(process, process)

    assert await store.generation("context-windows") == generation
    assert f"local@v1/{LOCAL.model}" in await store.records("context-windows")
    assert process.window == 8192

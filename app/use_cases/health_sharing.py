"""Tells processes that serve from one state how providers have done for the others, and for those to come."""

from collections.abc import Callable, Mapping

from app.use_cases.health_events import learned
from app.use_cases.health_texts import facts_in, text_of
from app.use_cases.shared_records import SharedRecords
from app.use_cases.shared_topic import SharedTopic
from app.use_cases.sharing import Sharing
from domain.health.records import ProviderRecord
from domain.health.shared import NOTHING_HEARD, SharedFacts
from domain.ports.observation import EventSink
from domain.ports.storage import RecordStore
from domain.ports.time import Clock

_KEPT_S = 3_600.0
"""How long a word is kept beyond the pauses that it tells of."""


class HealthSharing(Sharing):
    """
    Writes down what changes for this process, and takes over what changes for others.

    A request waits for none of this: at each look all changes since the last are written at once. While the
    store is lost each goes by what it knows; whoever finds afterwards that its word is not in the store
    writes it again, so it does not matter either when two write at the same moment.

    Args:
        names: under which name each provider is known to all; another configuration of it is another name.
        reset_elsewhere: told of a provider that somebody has reset in another process.
    """

    def __init__(
        self,
        records: SharedRecords,
        store: RecordStore,
        sink: EventSink,
        clock: Clock,
        *,
        names: Mapping[str, str],
        reset_elsewhere: Callable[[str], None],
    ) -> None:
        self._records = records
        self._topic = SharedTopic(store, "provider-health")
        self._sink = sink
        self._clock = clock
        self._names = names
        self._reset_elsewhere = reset_elsewhere
        self._stored: dict[str, SharedFacts] = {}

    def __repr__(self) -> str:
        return f"<HealthSharing of {', '.join(self._names)}>"

    async def share(self) -> None:
        texts = await self._topic.changed()
        if texts is not None:
            self._hear(texts)
        for provider, facts in list(self._records.facts.items()):
            if facts.news != self._stored.get(provider, NOTHING_HEARD).news:
                await self._tell(provider, facts)

    def _hear(self, texts: Mapping[str, str]) -> None:
        told = {provider: facts_in(texts.get(name, "")) for provider, name in self._names.items()}
        self._stored = told
        for provider, facts in told.items():
            self._take_over(provider, facts)

    def _take_over(self, provider: str, told: SharedFacts) -> None:
        epoch = self._records.facts.get(provider, NOTHING_HEARD).epoch
        before = self._records.of(provider)
        if not self._records.hear(provider, told):
            return
        if told.epoch > epoch:
            self._reset_elsewhere(provider)
        self._tell_of(provider, before, self._records.of(provider))

    def _tell_of(self, provider: str, before: ProviderRecord, after: ProviderRecord) -> None:
        now, time = self._clock.monotonic(), self._clock.time()
        self._sink.emit(learned(provider, before, after, now=now, time=time))

    async def _tell(self, provider: str, facts: SharedFacts) -> None:
        name = self._names.get(provider)
        if name is None:
            return
        lasts_s = max(0.0, facts.holds_until - self._clock.time()) + _KEPT_S
        await self._topic.put(name, text_of(facts), lasts_s=lasts_s)
        self._stored[provider] = facts

"""Tells processes that serve from one state of the context windows that upstreams have named."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress

from app.use_cases.learn_windows import FORGETS_AFTER_S, NOT_NAMED, LearnWindows, Named
from app.use_cases.shared_topic import SharedTopic
from app.use_cases.sharing import Sharing
from domain.ports.storage import RecordStore
from domain.ports.time import Clock
from domain.routing.targets import Target


class WindowSharing(Sharing):
    """
    Writes down what this process learns, and has it learn what others do; the latest word on a target holds.

    Args:
        names: under which name each provider is known to all; another configuration of it is another name.
    """

    def __init__(
        self, windows: LearnWindows, store: RecordStore, clock: Clock, *, names: Mapping[str, str]
    ) -> None:
        self._windows = windows
        self._topic = SharedTopic(store, "context-windows")
        self._clock = clock
        self._names = names
        self._providers = {name: provider for provider, name in names.items()}
        self._stored: dict[Target, Named] = {}

    def __repr__(self) -> str:
        return f"<WindowSharing with {self._windows!r}>"

    async def share(self) -> None:
        records = await self._topic.changed()
        if records is not None:
            self._hear(records.values())
        for target, named in list(self._windows.named.items()):
            if named > self._stored.get(target, NOT_NAMED):
                await self._tell(target, named)

    def _hear(self, texts: Iterable[str]) -> None:
        self._stored = {}
        for text in texts:
            with suppress(ValueError, TypeError, KeyError, OverflowError, RecursionError):
                told = json.loads(text, parse_constant=_refused)
                target = Target(self._providers[told["provider"]], str(told["model"]))
                self._stored[target] = Named(float(told["at"]), int(told["tokens"]))
        for target, named in self._stored.items():
            self._windows.hear(target, named)

    async def _tell(self, target: Target, named: Named) -> None:
        lasts_s = named.at + FORGETS_AFTER_S - self._clock.time()
        if lasts_s <= 0 or target.provider not in self._names:
            return
        provider = self._names[target.provider]
        text = {"provider": provider, "model": target.model, "at": named.at, "tokens": named.tokens}
        await self._topic.put(f"{provider}/{target.model}", json.dumps(text), lasts_s=lasts_s)
        self._stored[target] = named


def _refused(constant: str) -> None:
    """Not a number, and no moment."""
    raise ValueError(constant)

"""A provider that plays a script for each call, and remembers how it was treated."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from domain.conversation.reply import Batch
from domain.ports.providers import ChatProvider, ProviderCall


@dataclass(frozen=True, slots=True)
class Pause:
    """The upstream is silent for so long, in seconds."""

    seconds: float


class Silence:
    """The upstream never says another word."""


Act: TypeAlias = Batch | Pause | Silence | Exception
Script: TypeAlias = Iterable[Act]


@dataclass(slots=True)
class Played:
    """One call, and how far it came: `ended` when its generator has done its cleaning up."""

    call: ProviderCall
    batches: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class ScriptedProvider:
    """
    Plays its scripts in turn, one for each call; the last one serves all further calls.

    Batches are yielded, pauses waited, exceptions raised. `calls` tells of each, `asked` that there was one.
    """

    def __init__(self, *scripts: Script) -> None:
        self._scripts = [tuple(script) for script in scripts]
        self.calls: list[Played] = []
        self.asked = asyncio.Event()

    def __repr__(self) -> str:
        return f"<ScriptedProvider asked {len(self.calls)} times>"

    @property
    def all_ended(self) -> bool:
        return all(played.ended.is_set() for played in self.calls)

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        script = self._scripts[min(len(self.calls), len(self._scripts) - 1)]
        played = Played(call)
        self.calls.append(played)
        self.asked.set()
        try:
            for act in script:
                match act:
                    case Batch():
                        played.batches += 1
                        yield act
                    case Pause(seconds=seconds):
                        await asyncio.sleep(seconds)
                    case Silence():
                        await asyncio.Event().wait()
                    case Exception():
                        raise act
        finally:
            played.ended.set()


class ScriptedDirectory:
    """Providers by name."""

    def __init__(
        self, providers: Mapping[str, ChatProvider], *, without_credential: Iterable[str] = ()
    ) -> None:
        self.providers: Mapping[str, ChatProvider] = providers
        self.without_credential = frozenset(without_credential)

    def __repr__(self) -> str:
        return f"<ScriptedDirectory {sorted(self.providers)}>"

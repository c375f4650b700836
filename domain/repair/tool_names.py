"""Gives tools back the names that their client knows."""

from collections.abc import Mapping
from dataclasses import replace

from domain.conversation.reply import ReplyEvent, ToolCallStarted
from domain.repair.stages import Events, Remark


class NamesRestored:
    """
    Implements `domain.repair.stages.Stage`.

    Args:
        given: the client's name -> the one that the upstream was told.
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        self._own = {told: own for own, told in given.items()}

    def __repr__(self) -> str:
        return f"<NamesRestored {self._own}>"

    def feed(self, events: Events) -> Events:
        if not any(map(self._is_renamed, events)):
            return events
        return tuple(map(self._restored, events))

    def close(self) -> Events:
        return ()

    def remarks(self) -> tuple[Remark, ...]:
        return ()

    def _is_renamed(self, event: ReplyEvent) -> bool:
        return isinstance(event, ToolCallStarted) and event.name in self._own

    def _restored(self, event: ReplyEvent) -> ReplyEvent:
        if isinstance(event, ToolCallStarted) and event.name in self._own:
            return replace(event, name=self._own[event.name])
        return event

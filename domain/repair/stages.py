"""The stages that a reply passes on its way to the client: each takes events and gives events."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol, TypeAlias

from domain.conversation.reply import Batch, ReplyEvent
from domain.values import value

Events: TypeAlias = tuple[ReplyEvent, ...]


class Loss(StrEnum):
    """Why something that was asked for or said did not get through."""

    PROVIDER_DOES_NOT_SUPPORT = "provider-does-not-support"
    TRANSLATION_LOSSY = "translation-lossy"
    NON_STANDARD_FIELD = "non-standard-field"


@value
class Filtered:
    """An output filter has changed the text."""

    filter: str


@value
class Dropped:
    """Fields of a request or a reply were left out."""

    fields: tuple[str, ...]
    reason: Loss


@value
class Repaired:
    """Calls have been found in text; ``forms`` are those of `domain.repair.forms`."""

    calls: int
    forms: tuple[str, ...]


Remark: TypeAlias = Filtered | Dropped | Repaired
"""What is worth telling of a stage's work, once for each reply."""


class Stage(Protocol):
    """
    One step; it lives as long as its reply and holds what it needs to know of it.

    What it holds back it gives before anything that has to come after it, and before `Finished` at the
    latest. It answers an event that ends its waiting with a tuple of its own, so that bytes never overtake
    words.
    """

    def feed(self, events: Events) -> Events:
        """What to pass on in their place: the very same tuple if nothing changed."""
        ...

    def close(self) -> Events:
        """What was still held back when the upstream's stream was over."""
        ...

    def remarks(self) -> tuple[Remark, ...]:
        """What has been done so far."""
        ...


class Pipeline:
    """
    Stages in order, over the batches of one reply.

    Args:
        stages: the first is nearest to the upstream.
        keeps_bytes: whether a batch that no stage changed keeps its bytes. Not where the bytes of one batch
            open what a stage may yet take away, as the beginning of a content block does.
    """

    def __init__(self, stages: Iterable[Stage], *, keeps_bytes: bool = True) -> None:
        self._stages = tuple(stages)
        self._keeps_bytes = keeps_bytes or not self._stages

    def __repr__(self) -> str:
        return f"<Pipeline {list(self._stages)}>"

    def feed(self, batch: Batch) -> Batch:
        """The batch as it goes on; without its bytes once its events are not what it brought."""
        events = batch.events
        for stage in self._stages:
            events = stage.feed(events)
        if events is batch.events and self._keeps_bytes:
            return batch
        return Batch(events)

    def close(self) -> Batch:
        """What the stages still held back, each one's passed through those after it."""
        events: Events = ()
        for stage in self._stages:
            events = (*stage.feed(events), *stage.close())
        return Batch(events)

    def remarks(self) -> tuple[Remark, ...]:
        return tuple(remark for stage in self._stages for remark in stage.remarks())

"""
Asks processes that serve from one state what they remember of past requests.

Each keeps its traces in its own memory: to write every story where all can read it would cost every request
for the sake of the few that somebody asks about. So a question is written instead, which all the others look
out for, and whoever knows something writes an answer.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

import msgspec

from app.use_cases.explain import Story, latest_in, story_in
from app.use_cases.shared_topic import SharedTopic
from app.use_cases.sharing import Sharing
from domain.events import RequestCompleted
from domain.ports.storage import RecordStore, StoreUnavailable
from domain.ports.traces import Traces

_LOOKS_FOR_ANSWERS = 20
_LOOKS_FOR_ANSWERS_EVERY_S = 0.05
"""A second in all, as an event loop that is busy answers late."""

_LASTS_S = 10.0
_QUESTIONS = "trace-questions"
_ANSWERS = "trace-answers"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for one request, or for the latest."""

    asked_by: str
    request_id: str = ""
    most: int = 0


class TraceSharing(Sharing):
    """
    Implements `app.use_cases.explain.Elsewhere`, and answers the others.

    Args:
        own_name: tells this process from the others.
        fresh_name: names a question.
    """

    every_s = 0.2

    def __init__(
        self, traces: Traces, store: RecordStore, *, own_name: str, fresh_name: Callable[[], str]
    ) -> None:
        self._traces = traces
        self._store = store
        self._own_name = own_name
        self._fresh_name = fresh_name
        self._questions = SharedTopic(store, _QUESTIONS)
        self._seen: set[str] = set()

    def __repr__(self) -> str:
        return f"<TraceSharing of {self._traces!r} as {self._own_name}>"

    async def share(self) -> None:
        """Answers whatever others have asked since this was done last."""
        texts = await self._questions.changed()
        if texts is None:
            return
        self._seen &= texts.keys()
        for name in texts.keys() - self._seen:
            with suppress(msgspec.MsgspecError, UnicodeError):
                await self._answer(name, msgspec.json.decode(texts[name], type=Question))
            self._seen.add(name)

    async def story(self, request_id: str) -> Story | None:
        """The first that somebody answers."""
        found = await self._asked(
            Question(asked_by=self._own_name, request_id=request_id), one_is_enough=True
        )
        return found[0] if found else None

    async def latest(self, most: int) -> Sequence[Story]:
        """What has been answered when patience ends, as nobody knows how many there are to answer."""
        return await self._asked(Question(asked_by=self._own_name, most=most), one_is_enough=False)

    async def _answer(self, name: str, question: Question) -> None:
        if question.asked_by == self._own_name:
            return
        if question.request_id:
            known = story_in(self._traces, question.request_id)
            stories = [] if known is None else [known]
        else:
            stories = [_in_short(story) for story in latest_in(self._traces, question.most)]
        if stories:
            text = msgspec.json.encode(stories).decode()
            await self._store.put(_ANSWERS, f"{name}/{self._own_name}", text, lasts_s=_LASTS_S)

    async def _asked(self, question: Question, *, one_is_enough: bool) -> Sequence[Story]:
        """What others know; nothing when the store is lost, as then nobody can be asked."""
        name = self._fresh_name()
        found: Sequence[Story] = ()
        with suppress(StoreUnavailable):
            text = msgspec.json.encode(question).decode()
            await self._store.put(_QUESTIONS, name, text, lasts_s=_LASTS_S)
            for _ in range(_LOOKS_FOR_ANSWERS):
                await asyncio.sleep(_LOOKS_FOR_ANSWERS_EVERY_S)
                texts = await self._store.records(_ANSWERS)
                found = _stories_in(text for answer, text in texts.items() if answer.startswith(f"{name}/"))
                if found and one_is_enough:
                    break
        return found


def _in_short(story: Story) -> Story:
    """Its beginning and its end."""
    first, *others = story.happenings
    end = [each for each in others if each.event == RequestCompleted.name]
    return replace(story, happenings=(first, *end))


def _stories_in(answers: Iterable[str]) -> list[Story]:
    stories: list[Story] = []
    for text in answers:
        with suppress(msgspec.MsgspecError):
            stories += msgspec.json.decode(text, type=list[Story])
    return stories

"""What is no sound batch is told apart, in words for whoever made it."""

from types import MappingProxyType
from typing import Any, cast

import pytest
from hypothesis import given

from domain.conversation.reply import (
    Batch,
    Finished,
    Foreign,
    ReplyStarted,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
    Wire,
)
from domain.conversation.soundness import unsoundness
from tests.adapters.dialects.strategies import Events, legal_replies


def wrong(**fields: object) -> Any:
    """A text event, some of whose fields are not what they should be."""
    return TextDelta(**{"text": "a", **cast("dict[str, Any]", fields)})


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (None, "None instead of a Batch"),
        ("text", "a str instead of a Batch"),
        (Batch(cast("Any", ["text"])), "Batch.events: expected a tuple of events, found a list"),
        (Batch((), cast("Any", b"bytes")), "Batch.wire: expected a Wire or None, found a bytes"),
        (Batch((), Wire("d", cast("Any", "text"))), "Wire.data: expected bytes, found text"),
        (Batch((cast("Any", object()),)), "an object instead of an event"),
        (Batch((wrong(text=None),)), "TextDelta.text: expected text, found None"),
        (Batch((wrong(text="\ud800"),)), "found text with half of a surrogate pair"),
        (Batch((wrong(choice=True),)), "TextDelta.choice: expected a whole number"),
        (Batch((wrong(choice=-1),)), "found -1"),
        (Batch((ToolCallStarted(0, "id", cast("Any", 7)),)), "ToolCallStarted.name: expected text, found 7"),
        (Batch((ToolCallDelta(cast("Any", 0.5), ""),)), "ToolCallDelta.call: expected a whole number"),
        (Batch((UsageReported(cast("Any", {})),)), "UsageReported.usage: expected a Usage, found a dict"),
        (Batch((UsageReported(Usage(input_tokens=-5)),)), "Usage.input_tokens: expected a whole number"),
        (Batch((UsageReported(Usage(output_tokens=10**9)),)), "Usage.output_tokens: expected a whole"),
        (Batch((Foreign("d", cast("Any", "text")),)), "Foreign.payload: expected bytes, found text"),
        (Batch((Finished("stop", extensions=cast("Any", {"d": {"x": {1}}})),)), "Finished.extensions"),
        (Batch((ReplyStarted(extensions=cast("Any", {"d": 1})),)), "ReplyStarted.extensions"),
        (Batch((TextDelta("fine"), wrong(text=b"a"))), "TextDelta.text: expected text, found a bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named_with_its_field(batch: object, words: str) -> None:
    assert words in unsoundness(batch)


def test_words_of_a_conversation_are_not_repeated() -> None:
    assert "planted" not in unsoundness(Batch((wrong(choice="planted"),)))


def test_extensions_without_a_bottom_are_refused() -> None:
    endless: dict[str, Any] = {}
    endless["d"] = endless

    assert unsoundness(Batch((Finished("stop", extensions=MappingProxyType(endless)),)))


@given(legal_replies(signed_thinking=True, refusals=True))
def test_a_legal_answer_is_sound(events: Events) -> None:
    assert unsoundness(Batch(events)) == ""

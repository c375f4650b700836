"""What an upstream counts is believed as far as it can be a number of tokens."""

import json
from typing import Any

import pytest

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Dialect, OutboundDialect
from adapters.dialects.ollama_chat.dialect import OLLAMA_CHAT
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from domain.conversation.reply import MOST_TOKENS, Usage, UsageReported

NO_COUNTS = [-1, 2**70, 1e308, MOST_TOKENS + 1, True, "12", None]


def chat(count: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    return {
        "id": "c",
        "model": "m",
        "choices": [choice],
        "usage": {"prompt_tokens": 3, "completion_tokens": count},
    }


def messages(count: Any) -> dict[str, Any]:
    return {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": count},
    }


def responses(count: Any) -> dict[str, Any]:
    words = {"type": "output_text", "text": "hi", "annotations": []}
    item = {"type": "message", "id": "i", "role": "assistant", "status": "completed", "content": [words]}
    return {
        "id": "r",
        "object": "response",
        "model": "m",
        "status": "completed",
        "output": [item],
        "usage": {"input_tokens": 3, "output_tokens": count},
    }


EACH = pytest.mark.parametrize(
    ("dialect", "body"),
    [(OPENAI_CHAT, chat), (ANTHROPIC_MESSAGES, messages), (OPENAI_RESPONSES, responses)],
    ids=["chat", "messages", "responses"],
)


def counted(dialect: Dialect | OutboundDialect, body: dict[str, Any]) -> Usage:
    batch = dialect.decode_completion(json.dumps(body).encode())
    (usage,) = [event.usage for event in batch.events if isinstance(event, UsageReported)]
    return usage


@EACH
@pytest.mark.parametrize("count", NO_COUNTS)
def test_what_cannot_be_a_number_of_tokens_is_as_if_untold(dialect: Dialect, body: Any, count: Any) -> None:
    assert counted(dialect, body(count)) == Usage(input_tokens=3)


@EACH
@pytest.mark.parametrize("count", [0, 7, 7.0, MOST_TOKENS])
def test_a_number_of_tokens_is_believed_also_as_a_float(dialect: Dialect, body: Any, count: float) -> None:
    assert counted(dialect, body(count)) == Usage(input_tokens=3, output_tokens=int(count))


@pytest.mark.parametrize("count", [-1, 2**60, None])
def test_ollamas_counts_are_read_likewise(count: int | None) -> None:
    line = {
        "model": "m",
        "message": {"role": "assistant", "content": "hi"},
        "done": True,
        "prompt_eval_count": 3,
        "eval_count": count,
    }

    assert counted(OLLAMA_CHAT, line) == Usage(input_tokens=3)

"""Writes whole answers."""

from typing import Any

import msgspec

from adapters.dialects.dialect import Answering
from adapters.dialects.members import JsonMembers
from adapters.dialects.openai_completions.wire import NAME
from adapters.dialects.openai_tallies import finish_reason, usage_object
from domain.conversation.parts import Text
from domain.conversation.reply import Choice, Completion
from domain.conversation.request import MalformedRequest


def encode_completion(completion: Completion, answering: Answering) -> bytes:
    """The answer's own body under the client's model name, or one that is put together."""
    wire = completion.wire
    if wire is None or wire.dialect != NAME:
        return _built(completion, answering)
    if answering.model in {"", completion.model}:
        return wire.data
    try:
        return JsonMembers(wire.data).replaced({"model": msgspec.json.encode(answering.model)})
    except MalformedRequest:  # a key twice: legible, but not a body to cut
        return _built(completion, answering)


def _built(completion: Completion, answering: Answering) -> bytes:
    body: dict[str, Any] = {
        "id": completion.id or f"cmpl-{answering.reply_id}",
        "object": "text_completion",
        "created": answering.created if completion.created is None else completion.created,
        "model": answering.model or completion.model,
        "choices": [_choice(choice) for choice in completion.choices],
    }
    if completion.usage is not None:
        body["usage"] = usage_object(completion.usage)
    return msgspec.json.encode(body)


def _choice(choice: Choice) -> dict[str, Any]:
    text = "".join(part.text for part in choice.parts if isinstance(part, Text))
    reason = None if choice.finish is None else finish_reason(choice.finish.reason)
    return {"index": choice.index, "text": text, "logprobs": None, "finish_reason": reason}

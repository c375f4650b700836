"""The ``response`` object: a whole answer, and part of the events that tell a stream's life."""

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.dialects.dialect import Answering
from adapters.dialects.openai_responses.body import ResponsesBody
from adapters.dialects.openai_responses.words import response_id
from domain.conversation.extensions import Json
from domain.conversation.reply import ReplyStarted

_UNSAID: Mapping[str, Json] = {
    "background": False,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": False,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "usage": None,
}
"""What an answer says where there is nothing to say. Official SDKs want most of these fields to be there."""

_REPEATED = (
    "max_output_tokens",
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning",
    "service_tier",
    "temperature",
    "text",
    "tool_choice",
    "top_p",
    "truncation",
    "user",
)
"""
What an answer repeats of its request.

Instructions and tools are left out: they are the bulk of an agent's request, every event of a stream's life
would carry them, and no client reads them there.
"""


class ResponseObject:
    """One answer's object; its id never changes once it was told."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._started = ReplyStarted()
        self._repeated = _repeated(answering)

    def __repr__(self) -> str:
        return f"<ResponseObject {self.id}>"

    @property
    def id(self) -> str:
        return response_id(self._started.id, self._answering.reply_id)

    @property
    def bare_id(self) -> str:
        """The id without its prefix, to make the ids of items from."""
        return self.id.removeprefix("resp_")

    def begin(self, started: ReplyStarted, *, keeps_id: bool) -> None:
        """Learns what the upstream says of its answer; ``keeps_id`` if ours was told already."""
        if keeps_id:
            started = ReplyStarted("", started.model)
        self._started = started

    def told(self, status: str, output: Sequence[Any] = (), **fields: Any) -> dict[str, Any]:
        """The object in this status, with what has been put out so far."""
        created = self._started.created
        return {
            "id": self.id,
            "object": "response",
            "created_at": self._answering.created if created is None else created,
            "status": status,
            "model": self._answering.model or self._started.model,
            "output": output,
            **_UNSAID,
            **self._repeated,
            **fields,
        }


def _repeated(answering: Answering) -> dict[str, Any]:
    source = None if answering.request is None else answering.request.source
    if not isinstance(source, ResponsesBody):
        return {}
    return {name: source.members.raw(name) for name in _REPEATED if source.members.says(name)}

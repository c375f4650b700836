"""A request body as it came: its top level and the heads of its items are known, the rest waits."""

from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.dialects.fields import Fields, decoded, expected
from adapters.dialects.members import JsonMembers
from adapters.dialects.openai_responses.conversation import read_conversation
from adapters.dialects.openai_responses.items import item_type
from adapters.dialects.openai_responses.words import NAME
from adapters.dialects.plain import Limit, Plain, PlainTool, PlainTurn
from adapters.dialects.turns_body import TurnsBody
from domain.conversation.request import Conversation, MalformedRequest, Message, Role, newest_of

_ROLES = ("system", "developer", "user", "assistant")
_NOTHING = (b"null", b'""', b"[]")

_STATEFUL = {
    "previous_response_id": "no conversation is kept here: send the full input instead",
    "conversation": "no conversation is kept here: send the full input instead",
    "prompt": "no prompts are stored here: send instructions and input instead",
}
"""What refers to state that only OpenAI's own servers hold, and what to do instead."""


class _Head(msgspec.Struct, gc=False):
    """What is read of an item at once."""

    type: str | None = None
    role: str | None = None


_heads_decoder = msgspec.json.Decoder(list[_Head])


class _PlainResponse(Plain, gc=False):
    input: str | list[PlainTurn] | None = None
    tools: list[PlainTool] | None = None
    max_output_tokens: Limit = None

    @property
    def output_limit(self) -> int:
        return self.max_output_tokens or 0


_read_plain = msgspec.json.Decoder(_PlainResponse).decode


class ResponsesBody(TurnsBody):
    """
    The source of a request of this dialect.

    Attributes:
        members: the body.

    Raises:
        MalformedRequest: on construction, for a body that is no object, has no readable input, or asks for
            state that is not kept here.
    """

    def __init__(self, body: bytes) -> None:
        super().__init__(JsonMembers(body), NAME, _read_plain, "input")
        self._conversation: Conversation | None = None
        self._refuse_state()
        _check_input(self.members.raw("input"))

    def conversation(self) -> Conversation:
        if self._conversation is None:
            self._conversation = read_conversation(self.members)
        return self._conversation

    def newest(self, *roles: Role) -> Iterator[Message]:
        """Items become messages together, so all are read."""
        return newest_of(self.conversation(), roles)

    def afresh(self) -> "ResponsesBody":
        return ResponsesBody(self.members.body)

    @property
    def output_limit(self) -> int:
        return self.members.count("max_output_tokens") or 0

    def _refuse_state(self) -> None:
        for field, remedy in _STATEFUL.items():
            if self.members.says(field):
                raise MalformedRequest(field, remedy)
        if self.members.says("background") and self.members.fields("background").optional_flag("background"):
            raise MalformedRequest("background", "responses are not kept here: ask without background")


def _check_input(raw: msgspec.Raw | None) -> None:
    if raw is None or bytes(memoryview(raw)[:4]) in _NOTHING:
        raise MalformedRequest("input", "expected a string or a list of items, found none")
    if memoryview(raw)[0] == ord('"'):
        return
    try:
        heads = _heads_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _head_error(raw, error) from error
    if not heads:
        raise MalformedRequest("input", "expected at least one item")
    if any(_is_suspect(head) for head in heads):
        _check_items(decoded(raw, "input"))


def _is_suspect(head: _Head) -> bool:
    return head.type == "item_reference" or (head.type in {None, "message"} and head.role not in _ROLES)


def _head_error(raw: msgspec.Raw, error: Exception) -> MalformedRequest:
    """The error in our words, with its place."""
    items = decoded(raw, "input")
    if not isinstance(items, list):
        return expected("input", "a string or a list of items", items)
    try:
        _check_items(items)
    except MalformedRequest as found:
        return found
    return MalformedRequest("input", str(error))


def _check_items(items: list[Any]) -> None:
    for index, item in enumerate(items):
        fields = Fields(item, f"input[{index}]")
        kind = item_type(fields)
        if kind == "item_reference":
            raise MalformedRequest(
                fields.path("type"),
                "no items are kept here: send the item itself instead, as SDKs do when store is false",
            )
        if kind == "message" and (role := fields.text("role")) not in _ROLES:
            raise MalformedRequest(
                fields.path("role"), f"expected one of {', '.join(_ROLES)}, found {role!r}"
            )

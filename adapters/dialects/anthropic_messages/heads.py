"""Who speaks, message by message: looked at when a request comes in, and the way to its newest messages."""

from collections.abc import Collection, Iterator
from typing import Any, Literal

import msgspec

from adapters.dialects.anthropic_messages.conversation import careful_message
from adapters.dialects.anthropic_messages.quick_reading import plain_content
from adapters.dialects.fields import decoded, expected
from domain.conversation.request import MalformedRequest, Message, Role

_ROLES = ("user", "assistant", "system")
_QUOTE, _BRACKET = b'"['


class _Head(msgspec.Struct, gc=False):
    """Who speaks, and the bytes of what is said; ``system`` may also stand between turns."""

    role: Literal["user", "assistant", "system"]
    content: msgspec.Raw


class _Whole(_Head, gc=False, forbid_unknown_fields=True):
    """A message that has nothing beside its head."""


class _Kind(msgspec.Struct, gc=False):
    """What kind of block it is."""

    type: str


_heads = msgspec.json.Decoder(list[_Head])
_wholes = msgspec.json.Decoder(list[_Whole])
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_kinds = msgspec.json.Decoder(list[_Kind])


class Heads:
    """
    The messages of a request, each read when it is asked for.

    Raises:
        MalformedRequest: on construction, for what is no list of messages with a role and content.
    """

    __slots__ = ("_are_whole", "_heads", "_messages")

    def __init__(self, messages: msgspec.Raw | None) -> None:
        if messages is None:
            raise MalformedRequest("messages", "the field is required: a list of messages")
        self._messages = messages
        self._heads, self._are_whole = _read(messages)
        if not self._heads:
            raise MalformedRequest("messages", "expected at least one message")
        for index, head in enumerate(self._heads):
            if memoryview(head.content)[0] not in (_QUOTE, _BRACKET):
                raise _content_fault(decoded(head.content, ""), index)

    def __repr__(self) -> str:
        return f"<Heads of {len(self._heads)} messages>"

    def newest(self, roles: Collection[Role]) -> Iterator[Message]:
        """
        What these said, from the last message to the first.

        Raises:
            MalformedRequest: a message that was reached is not what the dialect allows.
        """
        for index in reversed(range(len(self._heads))):
            head = self._heads[index]
            if _speaker(head) in roles:
                yield self._message(head, index)

    def _message(self, head: _Head, index: int) -> Message:
        parts = plain_content(head.content) if self._are_whole else None
        if parts is not None:
            return Message(role=Role(head.role), parts=parts)
        return careful_message(_raws.decode(self._messages)[index], f"messages[{index}]")


def _read(messages: msgspec.Raw) -> tuple[list[_Whole] | list[_Head], bool]:
    """The heads, and whether there is nothing beside them; few messages have more, so that is hoped for."""
    try:
        return _wholes.decode(messages), True
    except (msgspec.ValidationError, RecursionError):
        pass
    try:
        return _heads.decode(messages), False
    except (msgspec.ValidationError, RecursionError):
        raise _fault(decoded(messages, "messages")) from None


def _speaker(head: _Head) -> Role:
    """Whose message it is: tools have no role here, but turns of their own."""
    if head.role != "user" or memoryview(head.content)[0] != _BRACKET:
        return Role(head.role)
    try:
        kinds = _kinds.decode(head.content)
    except (msgspec.ValidationError, RecursionError):  # is read as the user's and told what is wrong with it
        return Role.USER
    only_results = kinds and all(kind.type == "tool_result" for kind in kinds)
    return Role.TOOL if only_results else Role.USER


def _fault(messages: Any) -> MalformedRequest:
    """What the quick look stumbled over."""
    if not isinstance(messages, list):
        return expected("messages", "a list", messages)
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        if not isinstance(message, dict):
            return expected(path, "an object", message)
        if not isinstance(message.get("role"), str):
            return expected(f"{path}.role", "a string", message.get("role"))
        if message["role"] not in _ROLES:
            return MalformedRequest(f"{path}.role", f"expected {_listed(_ROLES)}, found {message['role']!r}")
        if not isinstance(message.get("content"), str | list):
            return _content_fault(message.get("content"), index)
    return MalformedRequest("messages", "expected a list of messages")


def _content_fault(found: Any, index: int) -> MalformedRequest:
    return expected(f"messages[{index}].content", "a string or a list of content blocks", found)


def _listed(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"

"""A request body as it came: its top level and its message heads are known, the rest waits to be needed."""

from collections.abc import Collection, Iterator, Sequence

import msgspec

from adapters.dialects.fields import Fields, decoded, expected
from adapters.dialects.members import JsonMembers
from adapters.dialects.openai_chat.conversation_reading import read_conversation
from adapters.dialects.openai_chat.message_reading import read_message, role_of
from adapters.dialects.openai_chat.plain_chat import PlainChat, ShortChat, Speaker
from adapters.dialects.openai_chat.wire import NAME
from adapters.dialects.turns_body import TurnsBody
from domain.conversation.request import Conversation, MalformedRequest, Message, Role, newest_of


class _Head(msgspec.Struct, gc=False):
    """What is read of a message at once."""

    role: Speaker


_heads_decoder = msgspec.json.Decoder(list[_Head])
_raws_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_ROLES = {role.value: role for role in Role} | {"function": Role.TOOL}


_read_plain = msgspec.json.Decoder(PlainChat).decode


class ChatBody(TurnsBody):
    """
    The source of a request of this dialect.

    Args:
        short: the same, if all of it was read.

    Attributes:
        members: the body.
        roles: who speaks, message by message.

    Raises:
        MalformedRequest: on construction, for a body that is no object or has no readable messages.
    """

    def __init__(self, body: bytes, short: ShortChat | None = None) -> None:
        super().__init__(JsonMembers(body), NAME, _read_plain, "messages")
        if short is None:
            self.roles: Sequence[str] = _roles(self.members.raw("messages"))
        else:
            self.roles = short.roles
            self.was_plain(short)
        self._conversation: Conversation | None = None

    def __repr__(self) -> str:
        return f"<ChatBody {len(self.members.body)} bytes, {len(self.roles)} messages>"

    def conversation(self) -> Conversation:
        if self._conversation is None:
            self._conversation = read_conversation(self.members.body)
        return self._conversation

    def newest(self, *roles: Role) -> Iterator[Message]:
        if self._conversation is not None:
            return newest_of(self._conversation, roles)
        return self._read_newest(roles)

    def _read_newest(self, roles: Collection[Role]) -> Iterator[Message]:
        raws = _raws_decoder.decode(self.members.raw("messages") or b"[]")
        for index in reversed(range(len(raws))):
            if _ROLES[self.roles[index]] in roles:
                yield read_message(decoded(raws[index], f"messages[{index}]"), index)

    def afresh(self) -> "ChatBody":
        return ChatBody(self.members.body)

    @property
    def output_limit(self) -> int:
        return self.members.limit("max_completion_tokens") or self.members.limit("max_tokens") or 0


def _roles(raw: msgspec.Raw | None) -> list[str]:
    if raw is None:
        raise MalformedRequest("messages", "expected a list of messages, found none")
    try:
        roles: list[str] = [head.role for head in _heads_decoder.decode(raw)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _head_error(raw, error) from error
    if not roles:
        raise MalformedRequest("messages", "expected at least one message")
    return roles


def _head_error(raw: msgspec.Raw, error: Exception) -> MalformedRequest:
    """The error in our words, with its place."""
    messages = decoded(raw, "messages")
    if not isinstance(messages, list):
        return expected("messages", "a list", messages)
    try:
        for index, message in enumerate(messages):
            role_of(Fields(message, f"messages[{index}]"))
    except MalformedRequest as found:
        return found
    return MalformedRequest("messages", str(error))

"""Tells parallel tool calls in a stream apart, by index and by id."""

from collections.abc import Iterator

from adapters.dialects.openai_chat.reply import foreign_call
from adapters.dialects.openai_chat.wire import Call
from adapters.dialects.openai_chat.words import arguments_text, made_call_id
from domain.conversation.reply import ReplyEvent, ToolCallDelta, ToolCallStarted


class Calls:
    """
    The tool calls of one choice so far.

    A server should number its calls from 0 and repeat the number on each piece. Some leave the number out,
    some send 0 for every call: then a new id with a name begins a new call.
    """

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._ids: list[str] = []
        self._by_index: dict[int, int] = {}

    def __repr__(self) -> str:
        return f"<Calls {self._ids}>"

    def take(self, piece: Call, reply_id: str) -> tuple[list[ReplyEvent], bool]:
        """What this piece of a call says, and whether a client that goes by the rules reads it alike."""
        number = self._number(piece)
        is_new = number is None
        number = self._begin(piece, reply_id) if number is None else number
        events = list(self._told(piece, number, is_new=is_new))
        return events, self._is_regular(piece, number, is_new=is_new)

    def _told(self, piece: Call, number: int, *, is_new: bool) -> Iterator[ReplyEvent]:
        if piece.custom is not None:
            yield foreign_call(piece, number, self._choice)
            return
        if is_new:
            yield ToolCallStarted(number, self._ids[number], _name(piece), self._choice)
        arguments = piece.function.arguments if piece.function is not None else None
        if written := arguments_text(arguments):
            yield ToolCallDelta(number, written, self._choice)

    def _is_regular(self, piece: Call, number: int, *, is_new: bool) -> bool:
        arguments = piece.function.arguments if piece.function is not None else None
        has_its_id = piece.id == self._ids[number] if is_new or piece.id else True
        return piece.index == number and has_its_id and (arguments is None or isinstance(arguments, str))

    def _number(self, piece: Call) -> int | None:
        """The call that this piece goes on with, or ``None`` for a new one."""
        known = self._ids.index(piece.id) if piece.id and piece.id in self._ids else None
        if piece.index is None:
            goes_on = self._ids and not piece.id and not _name(piece)
            return len(self._ids) - 1 if goes_on else known
        number = self._by_index.get(piece.index)
        if number is None:
            return known
        begins_anew = bool(piece.id and piece.id != self._ids[number] and _name(piece))
        return known if begins_anew else number

    def _begin(self, piece: Call, reply_id: str) -> int:
        number = len(self._ids)
        self._ids.append(piece.id or made_call_id(reply_id, number))
        self._by_index[number if piece.index is None else piece.index] = number
        return number


def _name(piece: Call) -> str:
    if piece.function is not None:
        return piece.function.name or ""
    return str((piece.custom or {}).get("name") or "")

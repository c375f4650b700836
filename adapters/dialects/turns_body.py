"""What dialects share in which one list of turns says all: a look at it that serves whoever asks next."""

from enum import Enum, auto

import msgspec

from adapters.dialects.json_body import JsonBody
from adapters.dialects.plain import Plain, PlainTurn
from domain.conversation.request import Measure

_MARK = "cache_control"
_read_turns = msgspec.json.Decoder(str | list[PlainTurn] | None).decode


class Turns(Enum):
    """What is known of a request's turns."""

    UNREAD = auto()
    PLAIN = auto()
    """All are as `PlainTurn` has them."""
    MARKED = auto()
    """Some are not, by a mark for a cache at least."""
    ODD = auto()
    """Some are not, as they may hold more than words."""


# A module's name is looked up in half the time of an enumeration's member.
_UNREAD, _PLAIN, _MARKED, _ODD = Turns


class TurnsBody(JsonBody):
    """A `JsonBody` that says all in the turns of one member, which are read as plain ones once for all."""

    _turns = _UNREAD
    _limit: int | None = None

    def was_plain(self, body: Plain) -> None:
        """All of it was read, and is plain."""
        self._turns = _PLAIN
        self._limit = body.output_limit

    @property
    def has_only_words(self) -> bool:
        if self._turns is _UNREAD:
            self._turns = self._looked_at()
        return self._turns is _PLAIN or (self._turns is _MARKED and super().has_only_words)

    def _measured(self) -> Measure | None:
        if self._limit is None:
            return super()._measured()
        return None if self.members.asks_for_more(self._dialect) else Measure(self.most_bytes, self._limit)

    def _looked_at(self) -> Turns:
        try:
            _read_turns(self.members.raw(self._contents[0]) or b"null")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            # The place is a part of the text. But for marks, a plain turn is what one of only words is.
            return _MARKED if _MARK in str(error) else _ODD
        return _PLAIN

    def _read_plain(self) -> Plain:
        turns, body = self._turns, self.members.body
        if turns is _UNREAD:
            plain = self._plain(body)
            self._turns = _PLAIN
            return plain
        if turns is _PLAIN:
            return self._plain(self.members.hollowed(self._contents[0]))
        raise msgspec.ValidationError("its turns are not plain")

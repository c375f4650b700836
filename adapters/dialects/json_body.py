"""What the sources of all dialects have in common: a request's content as the JSON object it came in."""

from collections.abc import Callable
from typing import Any

import msgspec

from adapters.dialects.members import JsonMembers
from adapters.dialects.only_words import only_words
from adapters.dialects.plain import Plain
from domain.conversation.request import Measure

_UNREAD: Any = object()


class JsonBody:
    """
    As much of `domain.conversation.request.Source` as does not depend on the dialect.

    Args:
        dialect: the name of its language.
        plain: reads a request of the usual kind.
        contents: the members that hold what is said.

    Attributes:
        members: the body.

    Raises:
        MalformedRequest: on construction, for a body in which a member stands more than once.
    """

    def __init__(
        self, members: JsonMembers, dialect: str, plain: Callable[[bytes], Plain], *contents: str
    ) -> None:
        members.refuse_repeated()
        self.members = members
        self._dialect = dialect
        self._plain = plain
        self._contents = contents
        self._measure: Measure | None = _UNREAD

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self.members.body)} bytes>"

    @property
    def most_bytes(self) -> int:
        return len(self.members.body)

    @property
    def has_only_words(self) -> bool:
        return only_words(*map(self.members.raw, self._contents))

    @property
    def measure(self) -> Measure | None:
        if self._measure is _UNREAD:
            self._measure = self._measured()
        return self._measure

    @property
    def may_defer_tools(self) -> bool:
        return self.members.may_defer_tools

    @property
    def thinking_budget(self) -> int | None:
        return None

    @property
    def most_cache_marks(self) -> int:
        return self.members.most_cache_marks

    @property
    def marks_cache(self) -> bool:
        return self.members.marks_cache

    def says(self, field: str) -> bool:
        return self.members.tells(field)

    @property
    def is_open_ended(self) -> bool:
        return self.members.asks_for_more(self._dialect) or self.members.has_vendors_tools

    @property
    def may_cache_for_an_hour(self) -> bool:
        return self.members.may_cache_for_an_hour

    def _measured(self) -> Measure | None:
        if self.members.asks_for_more(self._dialect):
            return None
        try:
            return Measure(len(self.members.body), self._read_plain().output_limit)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def _read_plain(self) -> Plain:
        """
        The body as a request of the usual kind.

        Raises:
            msgspec.DecodeError: it is none.
        """
        return self._plain(self.members.body)

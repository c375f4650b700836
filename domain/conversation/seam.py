"""Joins what one model said to what another goes on with, which may begin with words of the first."""

LOOKED_AT = 160
"""Characters of a continuation that are looked at: as much as a sentence that is begun anew."""

LEAST = 8
"""Characters that count as a repetition; shorter ones happen by chance."""


class Seam:
    """
    Takes a continuation in pieces, and gives back what of it is new.

    Args:
        said: what was told before.
    """

    __slots__ = ("_begins", "_is_past", "_said")

    def __init__(self, said: str) -> None:
        self._said = said[-LOOKED_AT:]
        self._begins = ""
        self._is_past = False

    def __repr__(self) -> str:
        return f"<Seam after {self._said[-20:]!r} past={self._is_past}>"

    def feed(self, piece: str) -> str:
        """What is certainly new of what has come so far; held back is what may still be a repetition."""
        if self._is_past:
            return piece
        self._begins += piece
        return self.close() if len(self._begins) >= LOOKED_AT else ""

    def close(self) -> str:
        """The rest, when no more text follows."""
        if self._is_past:
            return ""
        self._is_past = True
        begins, self._begins = self._begins, ""
        return begins[overlap(self._said, begins) :]


def overlap(said: str, more: str) -> int:
    """
    How many characters of the second text's beginning are the first one's end.

    >>> overlap("The quick brown fox", "brown fox jumps")
    9
    """
    longest = min(len(said), len(more))
    return next((size for size in range(longest, LEAST - 1, -1) if said.endswith(more[:size])), 0)

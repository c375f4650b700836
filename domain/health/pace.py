"""Notices an answer that trickles: its upstream is alive, but nobody can work with it."""

from collections import deque

WINDOW_S = 20.0
"""Over how much waiting for the upstream its pace is taken; its pauses are shorter."""

_CHARACTERS_PER_TOKEN = 4


class Pace:
    """
    How fast one answer comes, once it has begun.

    Args:
        least_tokens_per_s: what is fast enough; a token is taken for four characters.
    """

    __slots__ = ("_characters", "_least", "_pieces", "_waited_s")

    def __init__(self, least_tokens_per_s: float) -> None:
        self._least = least_tokens_per_s
        self._pieces: deque[tuple[float, int]] = deque()
        self._waited_s = 0.0
        self._characters = 0

    def __repr__(self) -> str:
        return f"<Pace {self._characters} characters in {self._waited_s:g} s>"

    def is_too_slow(self, waited_s: float, characters: int) -> bool:
        """
        Whether the answer is too slow, now that a piece has come.

        Args:
            waited_s: how long this piece was waited for. What the client takes to read does not count.
            characters: of the piece.
        """
        self._pieces.append((waited_s, characters))
        self._waited_s += waited_s
        self._characters += characters
        while self._waited_s - self._pieces[0][0] >= WINDOW_S:
            early_s, early = self._pieces.popleft()
            self._waited_s -= early_s
            self._characters -= early
        if self._waited_s < WINDOW_S:
            return False
        return self._characters < self._least * _CHARACTERS_PER_TOKEN * self._waited_s

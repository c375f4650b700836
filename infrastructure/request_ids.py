"""Draws the ids of requests."""

import os

_AT_ONCE = 64
"""Ids in one draw."""

_BYTES = 8


class RequestIds:
    """
    A fresh id with every call: 64 random bits as text.

    The system draws them, for many requests at once: whoever asks it lets every other thread go first, and
    that takes many times as long as the answer. A process that is forked draws its own.
    """

    def __init__(self) -> None:
        self._drawn: list[str] = []
        os.register_at_fork(after_in_child=self._drawn.clear)

    def __repr__(self) -> str:
        return f"<RequestIds, {len(self._drawn)} drawn>"

    def __call__(self) -> str:
        if not self._drawn:
            bits = os.urandom(_AT_ONCE * _BYTES).hex()
            self._drawn.extend(bits[at : at + 2 * _BYTES] for at in range(0, len(bits), 2 * _BYTES))
        return self._drawn.pop()

"""Remembers what chose the profile of each session."""

from collections import OrderedDict

from domain.routing.rules import Choice
from domain.values import value

MOST_SESSIONS = 4096
IDLE_S = 24 * 3600.0
"""Seconds after which a session that asked nothing is forgotten."""
_LONGEST_KEY = 512
"""Characters of a session's and a model's name together: clients choose both, and we keep them."""


@value
class _Remembered:
    choice: Choice
    until_s: float


class SessionMemory:
    """
    What chose the profile of each session, model by model; the least recently used is forgotten first.

    An agent sends its background work under the same session with a smaller model: two models of one session
    are two conversations.
    """

    def __init__(self, *, most: int = MOST_SESSIONS, idle_s: float = IDLE_S) -> None:
        self._most = most
        self._idle_s = idle_s
        self._sessions: OrderedDict[tuple[str, str], _Remembered] = OrderedDict()

    def __repr__(self) -> str:
        return f"<SessionMemory {len(self)} of {self._most}>"

    def __len__(self) -> int:
        return len(self._sessions)

    def recall(self, session: str, model: str, now_s: float) -> Choice | None:
        """What was remembered, unless it is too long ago. A request without a session has no past."""
        remembered = self._sessions.get((session, model)) if session else None
        return remembered.choice if remembered and now_s < remembered.until_s else None

    def remember(self, session: str, model: str, choice: Choice, now_s: float) -> None:
        if not session or len(session) + len(model) > _LONGEST_KEY:
            return
        key = (session, model)
        self._sessions[key] = _Remembered(choice, now_s + self._idle_s)
        self._sessions.move_to_end(key)
        if len(self._sessions) > self._most:
            self._sessions.popitem(last=False)

"""
Lets only callers through whose key opens what they ask for.

What a path needs is one table, and a path that it does not know needs a key all the same: a route that
somebody adds is closed until it is opened here. Nothing of a refused request is read but its head.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from adapters.dialects.dialect import Dialect
from adapters.inbound.http.errors import Complaint, Rejected, error_answer
from adapters.inbound.http.headers import header, request_id, text_headers
from adapters.inbound.http.response import HttpResponse
from adapters.inbound.http.status import KEYS_UNREADABLE
from domain.access.keys import ANYBODY, Caller, Entry, KeyFault, Refused
from domain.access.keys import Scope as KeyScope
from domain.inventory.access import AuthRejected
from domain.ports.keys import RenewedKeys
from domain.ports.observation import EventSink
from domain.ports.time import Clock

PUBLIC = frozenset({"/", "/healthz", "/readyz", "/api/hello"})
"""What anybody may read: who answers here, and whether it lives."""

_READING = frozenset({"GET", "HEAD"})

NEEDED: Mapping[str, KeyScope] = MappingProxyType(
    {
        "/v1": KeyScope.INFERENCE,
        "/metrics": KeyScope.METRICS,
        "/metrics.json": KeyScope.METRICS,
        "/dashboard": KeyScope.METRICS,
        "/admin": KeyScope.ADMIN,
    }
)
"""The first part of a path, and the scope that opens what is under it."""

MOST_FAILURES = 20
FAILURES_WITHIN_S = 60.0
"""So many wrong keys from one address in so many seconds; then it is told to wait."""

_GUESSES = frozenset({KeyFault.MALFORMED, KeyFault.UNKNOWN})
"""What somebody shows who tries keys; a key of ours that has ended is none."""

_CHECKED = frozenset({ScopeType.HTTP, ScopeType.WEBSOCKET})
_CALLER = "coderouter.caller"


def caller_of(scope: Scope) -> Caller:
    """Who asks, as `KeyCheck` has found out."""
    return cast("dict[str, Caller]", scope).get(_CALLER, ANYBODY)


def needed_scope(path: str) -> KeyScope:
    """What a key must open to get at the path."""
    first = "/" + path.strip("/").partition("/")[0]
    return NEEDED.get(first, KeyScope.ADMIN)


class KeyCheck:
    """
    An ASGI application around another, open to everybody as long as there is no key at all.

    Args:
        app: what is protected.
        keys: those that hold now.
        dialect_for: the dialect in which to refuse a path.
        ids: new request ids.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: RenewedKeys,
        *,
        sink: EventSink,
        clock: Clock,
        dialect_for: Callable[[str], Dialect],
        ids: Callable[[], str],
    ) -> None:
        self._app = app
        self._keys = keys
        self._sink = sink
        self._clock = clock
        self._dialect_for = dialect_for
        self._ids = ids
        self._failures = Failures()

    def __repr__(self) -> str:
        return f"<KeyCheck with {self._keys.ring!r}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in _CHECKED or _is_public(scope):
            await self._app(scope, receive, send)
            return
        if not self._keys.ring and self._keys.are_known:
            await self._app(scope, receive, send)
            return
        needed = needed_scope(scope["path"])
        entry = self._entry(scope, needed)
        if isinstance(entry, Refused) and entry.fault is KeyFault.UNKNOWN:
            # Another worker may have made it a moment ago.
            await self._keys.look_again()
            entry = self._entry(scope, needed)
        if isinstance(entry, Refused):
            await self._refuse(entry, needed, scope, send)
            return
        cast("dict[str, Caller]", scope)[_CALLER] = entry
        await self._app(scope, receive, send)

    def _entry(self, scope: Scope, needed: KeyScope) -> Entry:
        """By the first token that opens; else what is wrong with the first that looks like a key of ours."""
        refused: Refused | None = None
        for token in _tokens(scope["headers"]):
            entry = self._keys.ring.entry(token, needed, self._clock.time())
            if isinstance(entry, Caller):
                return entry
            if refused is None or (entry.key_id and not refused.key_id):
                refused = entry
        return refused or Refused(KeyFault.MISSING)

    async def _refuse(self, refused: Refused, needed: KeyScope, scope: Scope, send: Send) -> None:
        client = scope["client"][0] if scope["client"] else ""
        wait_s = None
        if refused.fault in _GUESSES:
            wait_s = self._failures.note(client, self._clock.monotonic())
        known_as = request_id(text_headers(scope["headers"]), self._ids)
        told = AuthRejected(
            request_id=known_as,
            reason=refused.fault if wait_s is None else "throttled",
            key_id=refused.key_id,
            scope=needed,
            path=scope["path"][:200],
            client=client,
        )
        self._sink.emit(told)
        if scope["type"] != ScopeType.HTTP:
            await send({"type": "websocket.close", "code": 1008, "reason": "a key is needed"})
            return
        fault = self._fault(refused, needed, wait_s)
        answer = error_answer(fault, self._dialect_for(scope["path"]), known_as)
        headers = (*answer.headers, header("x-request-id", known_as))
        await HttpResponse(send).whole(answer.status, headers, answer.body)

    def _fault(self, refused: Refused, needed: KeyScope, wait_s: float | None) -> Rejected:
        if wait_s is not None:
            return _throttled(wait_s)
        if not self._keys.are_known and self._may_be_mistaken(refused.fault):
            return _UNKNOWABLE
        return _told(refused.fault, needed)

    def _may_be_mistaken(self, fault: KeyFault) -> bool:
        """The state may hold the key, or no key at all so that none is needed."""
        return fault is KeyFault.UNKNOWN or (fault is KeyFault.MISSING and not self._keys.ring)


class Failures:
    """How often wrong keys were shown of late, by address; the oldest addresses are forgotten."""

    def __init__(self, most_addresses: int = 1024) -> None:
        self._most = most_addresses
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Failures of {len(self._seen)} addresses>"

    def note(self, address: str, now: float) -> float | None:
        """One more; how many seconds to wait when it is too many, else ``None``."""
        since, count = self._seen.pop(address, (now, 0))
        if now - since >= FAILURES_WITHIN_S:
            since, count = now, 0
        self._seen[address] = since, count + 1
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return since + FAILURES_WITHIN_S - now if count >= MOST_FAILURES else None


def _is_public(scope: Any) -> bool:
    return scope["path"] in PUBLIC and scope.get("method") in _READING


def _tokens(headers: Any) -> Iterator[str]:
    """Claude Code sends its key in either place, or in both."""
    for name, value in headers:
        if name == b"x-api-key":
            yield value.decode("latin-1").strip()
        elif name == b"authorization":
            scheme, _, credential = value.decode("latin-1").strip().partition(" ")
            yield credential.strip() if scheme.lower() == "bearer" else ""


_UNKNOWABLE = Rejected(
    Complaint.STATE_UNREADABLE,
    KEYS_UNREADABLE,
    headers=(("retry-after", "1"),),
)
"""A good key is not called a bad one because a disk or a server is away."""

_UNREADABLE = Rejected(
    Complaint.STATE_UNREADABLE, "the gateway cannot read what this key may do; its log tells why"
)

_WORDS: Mapping[KeyFault, str] = MappingProxyType(
    {
        KeyFault.MISSING: "a key is needed, as `Authorization: Bearer cr_…` or `x-api-key: cr_…`",
        KeyFault.MALFORMED: "this is no key of this gateway: those begin with `cr_`",
        KeyFault.UNKNOWN: "this gateway does not know the key",
        KeyFault.REVOKED: "the key has been revoked",
        KeyFault.EXPIRED: "the key has expired",
        KeyFault.NO_MEMBER: "the key's member is not declared any more",
    }
)


def _told(fault: KeyFault, needed: KeyScope) -> Rejected:
    if fault is KeyFault.UNREADABLE:
        return _UNREADABLE
    if fault is KeyFault.WRONG_SCOPE:
        return Rejected(Complaint.WRONG_SCOPE, f"the key does not open this: it lacks the scope {needed}")
    return Rejected(
        Complaint.NO_KEY, _WORDS[fault], headers=(("www-authenticate", 'Bearer realm="coderouter"'),)
    )


def _throttled(wait_s: float) -> Rejected:
    return Rejected(
        Complaint.THROTTLED,
        "too many wrong keys from this address",
        headers=(("retry-after", str(max(1, round(wait_s)))),),
    )

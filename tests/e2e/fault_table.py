"""
What each failure of an upstream does, as a table of its own: nothing here is read from the product's tables.

A row says how the upstream fails, and what follows for the request, for the client that had nobody else to
ask, for the provider's health and for its pauses.
"""

import json
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tests.upstream.behaviours import (
    Behaviour,
    CutAfter,
    EmptyStream,
    Garbage,
    InBandError,
    Raw,
    Reset,
    RoleOnlyThenEof,
    SlowFirstByte,
    Stall,
    Status,
)

FOR_EVER_S = 60.0
"""Longer than anybody here waits."""

Shape: TypeAlias = Literal["whole", "stream"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a client reads that had nobody else to ask, in the words of either vendor."""

    status: int
    openai: str
    anthropic: str
    anthropic_status: int = 0
    """Where Anthropic's differs."""


FAULT = Told(status=400, openai="invalid_request_error", anthropic="invalid_request_error")
BAD_GATEWAY = Told(status=502, openai="server_error", anthropic="api_error")
TOO_SLOW = Told(status=504, openai="server_error", anthropic="api_error")
LIMITED = Told(status=429, openai="rate_limit_error", anthropic="rate_limit_error")
OVERLOADED = Told(status=503, openai="server_error", anthropic="overloaded_error", anthropic_status=529)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error response in the dialect of the route, in a vendor's words."""

    status: int
    message: str = "no"
    type: str = "x_error"
    headers: dict[str, str] = field(default_factory=dict)

    def to(self, path: str) -> Status:
        error = {"message": self.message, "type": self.type}
        wrapped = {"type": "error"} if path.startswith("/v1/messages") else {}
        return Status(self.status, json.dumps({**wrapped, "error": error}).encode(), self.headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """
    One way of failing, and what follows.

    Attributes:
        does: what the upstream does; ``"refuses"`` connections, or an adapter that ``"raises"``.
        kind: what the gateway calls it.
        told: what the client reads when nobody else is left. Its own upstream's refusal it reads unchanged.
        moves: whether another provider is asked.
        counts: whether it is held against the provider's health.
        pause: the reason of the pause that begins, if one does, and its seconds.
        more: further events that it calls for.
        shapes: the requests that can meet it.
        begun: the words that the client has read by then.
    """

    does: Behaviour | Refusal | Literal["refuses", "raises"]
    kind: str
    told: Told
    moves: bool = True
    counts: bool = True
    pause: tuple[str, float] | None = None
    more: tuple[str, ...] = ()
    shapes: tuple[Shape, ...] = ("whole", "stream")
    begun: str = ""


def _spared(does: Refusal, kind: str, told: Told, reason: str, seconds: float, *more: str) -> Fault:
    """A provider that is well, and wants to be left alone."""
    return Fault(does=does, kind=kind, told=told, counts=False, pause=(reason, seconds), more=more)


def _limited(does: Refusal, seconds: float) -> Fault:
    return _spared(does, "rate-limited", LIMITED, "rate-limited", seconds)


def _quota(does: Refusal, seconds: float = 3600.0) -> Fault:
    return _spared(does, "quota", LIMITED, "quota", seconds)


def _credentials(does: Refusal) -> Fault:
    return _spared(does, "credentials", BAD_GATEWAY, "misconfigured", 60.0, "provider-misconfigured")


def _request_fault(does: Refusal, told: Told = FAULT) -> Fault:
    return Fault(does=does, kind="request-fault", told=told, moves=False, counts=False)


def _garbled(does: Behaviour, *shapes: Shape) -> Fault:
    return Fault(does=does, kind="garbled", told=BAD_GATEWAY, shapes=shapes or ("whole", "stream"))


def _broken_off(does: Behaviour | Literal["raises"], begun: str = "one") -> Fault:
    return Fault(does=does, kind="broken-off", told=BAD_GATEWAY, moves=False, shapes=("stream",), begun=begun)


FAULTS: dict[str, Fault] = {
    "refused": Fault(does="refuses", kind="unreachable", told=BAD_GATEWAY),
    "reset": Fault(does=Reset(), kind="unreachable", told=BAD_GATEWAY),
    "slow-first-byte": Fault(does=SlowFirstByte(FOR_EVER_S), kind="slow", told=TOO_SLOW),
    "silent-before-content": Fault(
        does=Stall(after_events=1, seconds=FOR_EVER_S), kind="slow", told=TOO_SLOW
    ),
    "500": Fault(does=Refusal(500), kind="overloaded", told=OVERLOADED),
    "520": Fault(does=Refusal(520), kind="overloaded", told=OVERLOADED),
    "503-loading": Fault(does=Refusal(503, "Loading model"), kind="overloaded", told=OVERLOADED),
    "529-retry-after": Fault(
        does=Refusal(529, headers={"retry-after": "30"}),
        kind="overloaded",
        told=OVERLOADED,
        pause=("overloaded", 30.0),
    ),
    "429": _limited(Refusal(429), 5.0),
    "429-retry-after": _limited(Refusal(429, headers={"retry-after": "40"}), 40.0),
    "429-reset-header": _limited(
        Refusal(429, headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30s"}),
        90.0,
    ),
    "429-a-day": _quota(Refusal(429, "Rate limit reached for requests per day (RPD): Limit 14400")),
    "429-balance": _quota(Refusal(429, "You exceeded your current quota", "insufficient_quota")),
    "402": _quota(Refusal(402, "Insufficient credits")),
    "400-billing": _quota(Refusal(400, "Your credit balance is too low to access the API")),
    "402-too-dear": _limited(Refusal(402, "This requires more credits. You can only afford 2666"), 5.0),
    "401": _credentials(Refusal(401, "invalid x-api-key")),
    "403": _credentials(Refusal(403)),
    "302": _credentials(Refusal(302, headers={"location": "http://127.0.0.1:1/"})),
    "404": _spared(Refusal(404), "model-missing", BAD_GATEWAY, "model-missing", 60.0),
    "no-tools": Fault(
        does=Refusal(400, "registry.ollama.ai/library/x does not support tools"),
        kind="not-offered",
        told=FAULT,
        counts=False,
    ),
    "408": Fault(does=Refusal(408), kind="busy", told=BAD_GATEWAY),
    "425": Fault(does=Refusal(425), kind="busy", told=BAD_GATEWAY),
    "no-memory": Fault(
        does=Refusal(500, "CUDA error: out of memory"),
        kind="out-of-memory",
        told=BAD_GATEWAY,
        pause=("memory-pressure", 77.0),
        more=("memory-pressure-detected",),
    ),
    "context": Fault(
        does=Refusal(400, "request (9000 tokens) exceeds the available context size (8192 tokens)"),
        kind="context-overflow",
        told=FAULT,
        counts=False,
    ),
    "400": _request_fault(Refusal(400, "temperature must be below 2")),
    "409": _request_fault(Refusal(409), Told(status=409, openai=FAULT.openai, anthropic=FAULT.anthropic)),
    "422": _request_fault(Refusal(422), Told(status=422, openai=FAULT.openai, anthropic=FAULT.anthropic)),
    "403-moderation": _request_fault(
        Refusal(403, "Your input was flagged"),
        Told(status=403, openai="permission_error", anthropic="permission_error"),
    ),
    "500-bad-json": _request_fault(Refusal(500, "parse error at line 1, column 2: syntax error")),
    "adapter": Fault(does="raises", kind="adapter-fault", told=BAD_GATEWAY),
    "login-page": _garbled(Garbage()),
    "bad-json": _garbled(Garbage(body=b'{"id": "x", ', content_type="application/json")),
    "other-schema": _garbled(Garbage(body=b'{"answer": 42}', content_type="application/json")),
    "no-body": _garbled(EmptyStream()),
    "bad-frames": _garbled(Raw(pieces=(b"data: {nonsense\n\n", b"data: [DONE]\n\n")), "stream"),
    "role-only": _garbled(RoleOnlyThenEof(), "stream"),
    "cut-before-content": _garbled(CutAfter(events=1)),
    "error-in-200": Fault(
        does=InBandError(after_events=0, message="Overloaded"), kind="overloaded", told=OVERLOADED
    ),
    "error-before-content": Fault(
        does=InBandError(after_events=1, message="Overloaded"),
        kind="overloaded",
        told=OVERLOADED,
        shapes=("stream",),
    ),
    "cut": _broken_off(CutAfter(events=4)),
    "reset-midst": _broken_off(Reset(after_events=4)),
    "error-midst": _broken_off(InBandError(after_events=4, message="Overloaded")),
    "silent-midst": _broken_off(Stall(after_events=4, seconds=FOR_EVER_S)),
    "adapter-midst": _broken_off("raises", "hello"),
}
"""By a name that is part of the provider's."""

LEFT = Fault(does=SlowFirstByte(FOR_EVER_S), kind="client-left", told=BAD_GATEWAY, moves=False, counts=False)
"""The client is gone before anything is said."""

"""The routes that tell who answers here, whether it lives and whether it takes work; none asks upstream."""

import msgspec
from litestar import HttpMethod, Response, route
from litestar.handlers import HTTPRouteHandler

from domain.ports.keys import CurrentKeys

_NOT_READY = 503
KEYS_UNREADABLE = "the gateway cannot read its keys at the moment; its log tells why"

_READING = (HttpMethod.GET, HttpMethod.HEAD)
"""Probes such as ``wget --spider`` ask with HEAD."""


class Readiness:
    """Whether the gateway takes new requests; whoever starts and stops it sets ``ready``."""

    def __init__(self) -> None:
        self.ready = False

    def __repr__(self) -> str:
        return f"<Readiness {'ready' if self.ready else 'not ready'}>"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers here."""

    service: str = "coderouter"
    version: str


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """What Claude Code looks for before its first request."""

    status: str = "ok"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """That the process lives, and what it was configured with."""

    status: str = "ok"
    version: str
    providers: list[str]
    allow_paid: bool


class Ready(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether new requests are taken; if not for being about to stop, the reason."""

    ready: bool
    reason: str = ""


def status_routes(
    *, version: str, providers: list[str], allow_paid: bool, readiness: Readiness, keys: CurrentKeys
) -> list[HTTPRouteHandler]:
    """``/``, ``/api/hello``, ``/healthz`` and ``/readyz``; ``providers`` by name, as configured."""

    @route("/", http_method=_READING, sync_to_thread=False, include_in_schema=False)
    def identity() -> Identity:
        return Identity(version=version)

    @route("/api/hello", http_method=_READING, sync_to_thread=False, include_in_schema=False)
    def hello() -> Hello:
        return Hello()

    @route("/healthz", http_method=_READING, sync_to_thread=False)
    def healthz() -> Health:
        return Health(version=version, providers=providers, allow_paid=allow_paid)

    @route("/readyz", http_method=_READING, sync_to_thread=False)
    def readyz() -> Response[Ready]:
        told = _ready(readiness, keys)
        return Response(told, status_code=200 if told.ready else _NOT_READY)

    return [identity, hello, healthz, readyz]


def _ready(readiness: Readiness, keys: CurrentKeys) -> Ready:
    """Without the state nobody can be let in, but with a key that the configuration has."""
    if not keys.are_known and not keys.ring:
        return Ready(ready=False, reason=KEYS_UNREADABLE)
    return Ready(ready=readiness.ready)

"""The routes for whoever runs the gateway: rehearse a request, explain a past one."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from adapters.dialects.dialect import Dialect
from adapters.dialects.recognition import recognised
from adapters.inbound.http.errors import Complaint, Rejected
from adapters.inbound.http.headers import text_headers
from adapters.inbound.http.wishes import wishes_of
from app.use_cases.explain import Explain
from app.use_cases.explain import Happening as Told
from app.use_cases.explain import Story as Past
from app.use_cases.rehearse import Rehearsal, Rehearse

_MOST_LISTED = 200


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a request's story, as its log line has it."""

    ts: str
    level: str
    event: str
    fields: Mapping[str, Any]


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """
    A past request; ``summary`` is its ``request-completed`` event, once there is one.

    Its times are UTC; ``display_timezone`` is the zone in which people want to see them.
    """

    request_id: str
    display_timezone: str
    summary: Mapping[str, Any] | None
    events: list[Happening]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """The latest requests, newest first."""

    requests: list[Mapping[str, Any]]


def admin_routes(
    *,
    rehearse: Rehearse,
    explain: Explain,
    dialects: Mapping[str, Dialect],
    session_header: str,
    display_timezone: str,
) -> list[HTTPRouteHandler]:
    """``POST /admin/plan``, ``GET /admin/requests`` and ``GET /admin/requests/{id}``."""

    @post("/admin/plan", status_code=200, media_type=MediaType.JSON)
    async def plan(
        request: Request[Any, Any, Any],
        dialect: Annotated[
            str | None, QueryParameter(description="The body's dialect, if not to be guessed.")
        ] = None,
        member: Annotated[
            str, QueryParameter(description="Whose request it would be. Unset: of one who may do everything.")
        ] = "",
    ) -> Rehearsal:
        """Where this very request (its body and routing headers) would go. It is not sent."""
        body = await request.body()
        spoken = _named(dialects, dialect or recognised(body))
        headers = text_headers(request.scope["headers"])
        asked = spoken.decode_request(body, headers)
        return rehearse.rehearse(asked, wishes_of(asked, headers, session_header), member)

    @get("/admin/requests")
    async def requests(
        limit: Annotated[int, QueryParameter(ge=1, le=_MOST_LISTED, description="How many at most.")] = 50,
    ) -> Listed:
        """The latest requests that are over or under way."""
        stories = await explain.latest(limit)
        return Listed(requests=[story.summary or {"request_id": story.request_id} for story in stories])

    @get("/admin/requests/{request_id:str}")
    async def one(request_id: FromPath[str]) -> Response[Story]:
        """What happened to a request: its decisions, attempts, failures and outcome."""
        story = await explain.explain(request_id)
        if story is None:
            raise Rejected(
                Complaint.NOT_FOUND,
                f"no request {request_id!r} is remembered; the latest are kept in memory until a restart",
            )
        return Response(_story(story, display_timezone))

    return [plan, requests, one]


def _named(dialects: Mapping[str, Dialect], name: str) -> Dialect:
    if name not in dialects:
        raise Rejected(Complaint.MALFORMED, f"unknown dialect {name!r}; known: {', '.join(sorted(dialects))}")
    return dialects[name]


def _story(past: Past, zone: str) -> Story:
    events = [_happening(each) for each in past.happenings]
    return Story(request_id=past.request_id, display_timezone=zone, summary=past.summary, events=events)


def _happening(told: Told) -> Happening:
    moment = datetime.fromtimestamp(told.at, UTC).isoformat(timespec="milliseconds")
    return Happening(
        ts=f"{moment.removesuffix('+00:00')}Z", level=told.level, event=told.event, fields=told.fields
    )

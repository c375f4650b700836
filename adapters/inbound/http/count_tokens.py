"""The route that tells how many tokens a request is, in Anthropic's words."""

from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

import msgspec
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.anthropic_messages.request import decode_count_request
from adapters.inbound.http.conversation import InboundLimits
from adapters.inbound.http.errors import Complaint, Rejected, error_answer
from adapters.inbound.http.headers import Headers, header, request_id, text_headers
from adapters.inbound.http.key_check import caller_of
from adapters.inbound.http.request_body import read_body
from adapters.inbound.http.response import JSON_CONTENT, ClientLeft, HttpResponse
from adapters.inbound.http.wishes import wishes_said
from app.use_cases.count_tokens import Counted, CountTokens
from app.use_cases.faults import internal_fault
from domain.access.keys import Caller
from domain.conversation.request import ChatRequest
from domain.ports.observation import EventSink
from domain.values import value

_TRUE = frozenset({"1", "true", "yes"})


class CountTokensRoute:
    """
    Answers ``POST /v1/messages/count_tokens``; register its bound `serve` as an ASGI route.

    ``X-CodeRouter-Exact: true`` or ``?exact=true`` asks the provider that would answer the request.
    """

    def __init__(
        self,
        *,
        count_tokens: CountTokens,
        sink: EventSink,
        ids: Callable[[], str],
        limits: InboundLimits,
    ) -> None:
        self._count_tokens = count_tokens
        self._sink = sink
        self._ids = ids
        self._limits = limits

    def __repr__(self) -> str:
        return f"<CountTokensRoute {self._count_tokens!r}>"

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request and its count."""
        if scope["type"] != ScopeType.HTTP:
            await send({"type": "websocket.close", "code": 1003, "reason": "this is an HTTP endpoint"})
            return
        headers = text_headers(scope["headers"])
        known_as = request_id(headers, self._ids)
        try:
            asking = _Asking(
                method=scope["method"],
                headers=headers,
                known_as=known_as,
                caller=caller_of(scope),
                exact=_wants_exactness(scope["query_string"], headers),
            )
            status, told, body = await self._answer(asking, receive)
            await HttpResponse(send).whole(status, (*told, header("x-request-id", known_as)), body)
        except ClientLeft:
            return

    async def _answer(self, asking: "_Asking", receive: Receive) -> tuple[int, Headers, bytes]:
        known_as = asking.known_as
        try:
            request = await self._request(asking, receive)
            counted = await self._counted(request, asking)
        except ClientLeft:
            raise
        except Exception as error:  # noqa: BLE001  a bug of ours is answered like everything else
            answer = error_answer(error, ANTHROPIC_MESSAGES, known_as)
            if answer.status >= 500:
                self._sink.emit(internal_fault(error, known_as))
            return answer.status, answer.headers, answer.body
        return 200, (JSON_CONTENT, *_story(counted)), msgspec.json.encode({"input_tokens": counted.tokens})

    async def _request(self, asking: "_Asking", receive: Receive) -> ChatRequest:
        if asking.method != "POST":
            raise Rejected(
                Complaint.WRONG_METHOD,
                f"{asking.method} is not supported here: POST",
                headers=(("allow", "POST"),),
            )
        limits = self._limits
        body = await read_body(receive, asking.headers, limits.max_body_bytes, idle_s=limits.body_idle_s)
        return decode_count_request(body, asking.headers)

    async def _counted(self, request: ChatRequest, asking: "_Asking") -> Counted:
        # Without the session: a count is no turn of it.
        wishes = wishes_said(
            asking.headers, model=request.model, profile=request.profile, caller=asking.caller
        )
        if not asking.exact:
            return self._count_tokens.count(request, wishes, asking.known_as)
        return await self._count_tokens.exactly(request, wishes, asking.known_as)


@value(kw_only=True)
class _Asking:
    """One request, but for its body; ``exact`` tells whether a provider shall count."""

    method: str
    headers: Mapping[str, str]
    known_as: str
    caller: Caller
    exact: bool


def _story(counted: Counted) -> Headers:
    """Who counted, if it was somebody else."""
    if counted.plan is None or counted.target is None:
        return ()
    return (
        header("x-coderouter-profile", counted.plan.profile.name),
        header("x-coderouter-rule", counted.plan.rule),
        header("x-coderouter-provider", counted.target.provider),
        header("x-coderouter-model", counted.target.model),
    )


def _wants_exactness(query: bytes, headers: Mapping[str, str]) -> bool:
    asked = parse_qs(query.decode("latin-1")).get("exact", [""])[-1]
    return bool({asked.lower(), headers.get("x-coderouter-exact", "").strip().lower()} & _TRUE)

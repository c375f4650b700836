"""The route that embeds texts, in OpenAI's words."""

from collections.abc import Callable, Mapping

from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from adapters.dialects.fields import Fields, decoded
from adapters.dialects.json_text import json_text
from adapters.dialects.members import JsonMembers
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.inbound.http.attendance import Attendance
from adapters.inbound.http.conversation import InboundLimits
from adapters.inbound.http.errors import Complaint, Rejected, error_answer
from adapters.inbound.http.headers import Headers, header, request_id, text_headers
from adapters.inbound.http.key_check import caller_of
from adapters.inbound.http.request_body import read_body
from adapters.inbound.http.response import JSON_CONTENT, ClientLeft, HttpResponse
from adapters.inbound.http.wishes import wishes_said
from app.use_cases.attempts import Receipt
from app.use_cases.embed import EMBEDDINGS, Embed, Embedded, EmbeddingsAsked
from app.use_cases.faults import internal_fault
from app.use_cases.member_limits import LimitReached, MemberLimits
from app.use_cases.plan import Plan
from domain.access.keys import Caller
from domain.budget.money import exact_usd
from domain.conversation.reply import Usage
from domain.conversation.request import MalformedRequest
from domain.events import Outcome, RequestCompleted
from domain.inventory.requests import RequestAccepted
from domain.ports.observation import EventSink
from domain.ports.time import Clock
from domain.routing.selection import UnknownChoice
from domain.routing.verdict import ChainFailed

_LEFT_UNANSWERED = 499
"""As for conversations: nginx's word for a client that left."""


class EmbeddingsRoute:
    """Answers ``POST /v1/embeddings``; register its bound `serve` as an ASGI route."""

    def __init__(
        self,
        *,
        embed: Embed,
        sink: EventSink,
        clock: Clock,
        ids: Callable[[], str],
        limits: InboundLimits,
        member_limits: MemberLimits,
    ) -> None:
        self._embed = embed
        self._sink = sink
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._member_limits = member_limits

    def __repr__(self) -> str:
        return f"<EmbeddingsRoute {self._embed!r}>"

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request and its answer, told by exactly one `RequestCompleted`."""
        if scope["type"] != ScopeType.HTTP:
            await send({"type": "websocket.close", "code": 1003, "reason": "this is an HTTP endpoint"})
            return
        headers = text_headers(scope["headers"])
        story = _Story(request_id(headers, self._ids), self._clock.monotonic(), caller_of(scope))
        response = HttpResponse(send)
        self._sink.emit(story.accepted())
        try:
            body = await self._exchange(scope["method"], headers, receive, story)
            await response.whole(200, (JSON_CONTENT, *story.headers()), body)
            story.outcome = Outcome.ANSWERED
        except ClientLeft:
            story.outcome = Outcome.CLIENT_LEFT
        except Exception as error:  # noqa: BLE001  a bug of ours is answered like everything else
            await self._tell(error, response, story)
        finally:
            self._sink.emit(story.completed(response.status, self._clock.monotonic()))

    async def _exchange(
        self, method: str, headers: Mapping[str, str], receive: Receive, story: "_Story"
    ) -> bytes:
        if method != "POST":
            raise Rejected(
                Complaint.WRONG_METHOD, f"{method} is not supported here: POST", headers=(("allow", "POST"),)
            )
        limits = self._limits
        body = await read_body(receive, headers, limits.max_body_bytes, idle_s=limits.body_idle_s)
        asked = story.asked = _asked(body, headers, story.request_id, story.caller)
        with self._member_limits.while_within(story.caller, story.request_id, asked.receipt):
            plan = story.plan = self._embed.plan(asked)
            with Attendance(receive) as attendance:
                embedded = story.embedded = await self._embed.embeddings(asked, plan)
                attendance.dismiss()
        return _echoing(embedded, asked.model)

    async def _tell(self, error: Exception, response: HttpResponse, story: "_Story") -> None:
        rejected = isinstance(error, MalformedRequest | UnknownChoice | Rejected | LimitReached)
        story.outcome = Outcome.REJECTED if rejected else Outcome.FAILED
        if isinstance(error, ChainFailed):
            story.failure = error
        elif not rejected:
            self._sink.emit(internal_fault(error, story.request_id))
        answer = error_answer(error, OPENAI_CHAT, story.request_id)
        try:
            await response.whole(answer.status, (*answer.headers, *story.headers()), answer.body)
        except ClientLeft:
            story.outcome = Outcome.CLIENT_LEFT


class _Story:
    """What is known of one request."""

    def __init__(self, request_id: str, accepted_at: float, caller: Caller) -> None:
        self.request_id = request_id
        self.caller = caller
        self.outcome = Outcome.FAILED
        self.asked: EmbeddingsAsked | None = None
        self.plan: Plan | None = None
        self.embedded: Embedded | None = None
        self.failure: ChainFailed | None = None
        self._accepted_at = accepted_at

    @property
    def attempts(self) -> int:
        if self.embedded is not None:
            return len(self.embedded.failed) + 1
        return len(self.failure.attempts) if self.failure else 0

    @property
    def provider(self) -> str:
        return self.embedded.target.provider if self.embedded else ""

    @property
    def model(self) -> str:
        """The real one."""
        return (self.embedded.embeddings.model or self.embedded.target.model) if self.embedded else ""

    @property
    def fallback_reason(self) -> str:
        failed = self.embedded.failed if self.embedded else ()
        return str(failed[-1].failure.kind) if failed else ""

    def headers(self) -> Headers:
        told = [header("x-request-id", self.request_id)]
        for name, value in (
            ("x-coderouter-profile", self.plan.profile.name if self.plan else ""),
            ("x-coderouter-rule", self.plan.rule if self.plan else ""),
            ("x-coderouter-attempts", str(self.attempts) if self.attempts else ""),
            ("x-coderouter-provider", self.provider),
            ("x-coderouter-model", self.model),
            ("x-coderouter-fallback-reason", self.fallback_reason),
        ):
            if value:
                told.append(header(name, value))
        return tuple(told)

    def usage(self) -> Usage | None:
        return self.embedded.embeddings.usage if self.embedded else None

    def accepted(self) -> RequestAccepted:
        return RequestAccepted(
            request_id=self.request_id,
            dialect=EMBEDDINGS,
            member=self.caller.member,
            key_id=self.caller.key_id,
        )

    def completed(self, status: int, now: float) -> RequestCompleted:
        receipt = self.asked.receipt if self.asked else Receipt()
        usage = receipt.usage_at(self.provider) or self.usage() or Usage()
        return RequestCompleted(
            request_id=self.request_id,
            member=self.caller.member,
            key_id=self.caller.key_id,
            dialect=EMBEDDINGS,
            stream=False,
            outcome=self.outcome,
            status=status or _LEFT_UNANSWERED,
            profile=self.plan.profile.name if self.plan else "",
            rule=self.plan.rule if self.plan else "",
            provider=self.provider,
            model=self.model,
            requested_model=self.asked.model if self.asked else "",
            attempts=self.attempts,
            fallback_reason=self.fallback_reason,
            duration_ms=round((now - self._accepted_at) * 1000, 1),
            ttft_ms=None,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=None,
            cache_creation_tokens=None,
            cost_usd=exact_usd(receipt.cost),
            cost_savings_usd=exact_usd(receipt.savings),
            set_aside_usd=exact_usd(receipt.set_aside),
            estimated=receipt.estimated,
            billed_elsewhere=receipt.elsewhere(self.provider),
        )


def _asked(body: bytes, headers: Mapping[str, str], known_as: str, caller: Caller) -> EmbeddingsAsked:
    """
    What the client asks; only what routes it is read.

    Raises:
        MalformedRequest: the body is no object, has a member twice or no input, or names its model or profile
            wrongly.
    """
    members = JsonMembers(body)
    members.refuse_repeated()
    raw = {name: members.raw(name) for name in ("model", "profile")}
    said = {name: decoded(value, name) for name, value in raw.items() if value is not None}
    fields = Fields(said, "")
    text = members.raw("input")
    if text is None or bytes(text) == b"null":
        raise MalformedRequest("input", "the field is required: a text, or a list of texts or tokens")
    model = fields.optional_text("model") or ""
    profile = fields.optional_text("profile")
    wishes = wishes_said(headers, model=model, profile=profile, caller=caller)
    return EmbeddingsAsked(body=body, model=model, wishes=wishes, request_id=known_as)


def _echoing(embedded: Embedded, model: str) -> bytes:
    """The upstream's answer under the name that the client used."""
    body = embedded.embeddings.body
    return JsonMembers(body).replaced({"model": json_text(model)}) if model else body

"""
The routes that converse: a raw body in, bytes out, in one dialect.

Theory of operation. The server's own task reads the body, asks the use case, and writes the answer. Beside it
runs a watch that cancels it when the client leaves (`Attendance`) and, for a stream, a timer that
writes when nobody else does (`EventStream`). Who else cancels it is a server that stops, and the client is
told so. Whatever happens ends in exactly one `RequestCompleted`.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass

from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from adapters.dialects.dialect import Answering, Dialect, StreamEncoder
from adapters.inbound.http.account import Account
from adapters.inbound.http.attendance import Attendance, stopped
from adapters.inbound.http.errors import Complaint, ErrorAnswer, Rejected, error_answer
from adapters.inbound.http.event_stream import EventStream
from adapters.inbound.http.headers import request_id, text_headers
from adapters.inbound.http.key_check import caller_of
from adapters.inbound.http.request_body import BODY_IDLE_S, read_body
from adapters.inbound.http.response import JSON_CONTENT, ClientLeft, HttpResponse
from adapters.inbound.http.wishes import wishes_of
from app.use_cases.continuing import AnyReply
from app.use_cases.converse import Asked, Converse
from app.use_cases.faults import internal_fault
from app.use_cases.member_limits import LimitReached, MemberLimits
from app.use_cases.plan import Plan
from app.use_cases.watch_context import WatchContext
from domain.conversation.request import ChatRequest, MalformedRequest
from domain.events import Outcome
from domain.failures import UpstreamFailure
from domain.guards.tool_loop import ToolLoopBroken
from domain.ports.observation import EventSink
from domain.ports.time import Clock
from domain.routing.selection import UnknownChoice
from domain.routing.verdict import ChainFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundLimits:
    """
    What a client may send, and how long it may hear nothing.

    Attributes:
        max_body_bytes: the largest request body.
        body_idle_s: how long the client may send nothing of its request's body, in seconds.
        stream_hold_s: how long a stream's head waits for the answer to begin, in seconds.
        ping_interval_s: how long a stream may be silent, in seconds.
    """

    max_body_bytes: int = 64 * 1024 * 1024
    body_idle_s: float = BODY_IDLE_S
    stream_hold_s: float = 8.0
    ping_interval_s: float = 10.0


SESSION_HEADER = "x-claude-code-session-id"
"""Where Claude Code names the conversation that a request belongs to."""


class ConversationRoute:
    """Answers conversations in one dialect; register its bound `serve` as an ASGI route."""

    def __init__(
        self,
        *,
        converse: Converse,
        dialect: Dialect,
        sink: EventSink,
        clock: Clock,
        ids: Callable[[], str],
        limits: InboundLimits,
        member_limits: MemberLimits,
        watch: WatchContext,
        session_header: str = SESSION_HEADER,
    ) -> None:
        self._converse = converse
        self._watch = watch
        self._dialect = dialect
        self._sink = sink
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._member_limits = member_limits
        self._session_header = session_header.lower()

    def __repr__(self) -> str:
        return f"<ConversationRoute in {self._dialect.name}>"

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request and its answer."""
        if scope["type"] != ScopeType.HTTP:
            await send({"type": "websocket.close", "code": 1003, "reason": "this is an HTTP endpoint"})
            return
        headers = text_headers(scope["headers"])
        account = Account(
            request_id(headers, self._ids), self._dialect.name, self._clock.monotonic(), caller_of(scope)
        )
        response = HttpResponse(send)
        self._sink.emit(account.accepted())
        try:
            await self._exchange(scope["method"], headers, receive, response, account)
        except ClientLeft:
            account.outcome = Outcome.CLIENT_LEFT
        except asyncio.CancelledError:
            await self._tell(stopped(), response, account)
        except Exception as error:  # noqa: BLE001  a bug of ours is answered like everything else
            await self._tell(error, response, account)
        finally:
            self._sink.emit(account.completed(response.status, self._clock.monotonic()))

    async def _exchange(
        self,
        method: str,
        headers: Mapping[str, str],
        receive: Receive,
        response: HttpResponse,
        account: Account,
    ) -> None:
        if method != "POST":
            raise Rejected(
                Complaint.WRONG_METHOD, f"{method} is not supported here: POST", headers=(("allow", "POST"),)
            )
        limits = self._limits
        body = await read_body(receive, headers, limits.max_body_bytes, idle_s=limits.body_idle_s)
        request = self._dialect.decode_request(body, headers)
        account.asked(request)
        wishes = wishes_of(request, headers, self._session_header, account.caller)
        asked = Asked(request=request, wishes=wishes, request_id=account.request_id, receipt=account.receipt)
        with self._member_limits.while_within(account.caller, account.request_id, account.receipt):
            plan = self._converse.plan(asked)
            account.planned(plan)
            with Attendance(receive) as attendance:
                answer = self._stream if request.stream else self._whole
                account.outcome = await answer(asked, plan, response, account, attendance)

    async def _whole(
        self, asked: Asked, plan: Plan, response: HttpResponse, account: Account, attendance: Attendance
    ) -> Outcome:
        async with aclosing(await self._converse.answer(asked, plan)) as reply:
            account.begun(reply, self._clock.monotonic())
            with _blaming(reply, attendance):
                completion = await reply.whole()
        body = self._dialect.encode_completion(completion, self._answering(asked.request))
        attendance.dismiss()
        await response.whole(200, (JSON_CONTENT, *account.headers()), body)
        self._watch.look(asked.request, reply)
        return reply.outcome

    async def _stream(
        self, asked: Asked, plan: Plan, response: HttpResponse, account: Account, attendance: Attendance
    ) -> Outcome:
        encoder = self._dialect.stream_encoder(self._answering(asked.request))
        stream = EventStream(
            response,
            account.headers,
            encoder.ping,
            hold_s=self._limits.stream_hold_s,
            interval_s=self._limits.ping_interval_s,
        )
        try:
            async with aclosing(await self._converse.answer(asked, plan)) as reply:
                account.begun(reply, self._clock.monotonic())
                with _blaming(reply, attendance):
                    await _pass_on(reply, encoder, stream)
                attendance.dismiss()
                await stream.end(encoder.close())
        except ClientLeft:
            raise
        except (Exception, asyncio.CancelledError) as error:
            if attendance.left:
                raise
            fault = error if isinstance(error, Exception) else stopped()
            await stream.settle()
            if not response.begun:
                raise
            attendance.dismiss()
            await stream.end(encoder.fail(self._noted(fault, account).report))
            raise
        finally:
            stream.stop()
        self._watch.look(asked.request, reply)
        return reply.outcome

    async def _tell(self, error: Exception, response: HttpResponse, account: Account) -> None:
        """Answers an error, unless the answer has begun and told it in its own way."""
        if response.begun:
            return
        answer = self._noted(error, account)
        headers = (*answer.headers, *account.headers())
        try:
            await response.whole(answer.status, headers, answer.body)
        except ClientLeft:
            account.outcome = Outcome.CLIENT_LEFT

    def _noted(self, error: Exception, account: Account) -> ErrorAnswer:
        """What the client is told of an error, once it stands in the account."""
        match error:
            case UpstreamFailure() | Rejected(complaint=Complaint.DRAINING):
                account.outcome = Outcome.BROKEN_OFF
            case MalformedRequest() | UnknownChoice() | ToolLoopBroken() | Rejected() | LimitReached():
                account.outcome = Outcome.REJECTED
            case ChainFailed():
                account.outcome = Outcome.FAILED
                account.failed(error)
            case _:
                account.outcome = Outcome.FAILED
                self._sink.emit(internal_fault(error, account.request_id))
        return error_answer(error, self._dialect, account.request_id)

    def _answering(self, request: ChatRequest) -> Answering:
        return Answering(
            model=request.model,
            reply_id=self._ids(),
            created=int(self._clock.time()),
            wants_usage=request.wants_usage,
            request=request,
        )


@contextmanager
def _blaming(reply: AnyReply, attendance: Attendance) -> Iterator[None]:
    """Where it is us who break an answer off, nobody shall read that the client left."""
    try:
        yield
    except UpstreamFailure:
        raise
    except ClientLeft:
        attendance.dismiss()  # it cannot leave twice: what is still heard of the upstream is not cut short
        raise
    except (Exception, asyncio.CancelledError):
        if not attendance.left:
            reply.outcome = Outcome.BROKEN_OFF
        raise


async def _pass_on(reply: AnyReply, encoder: StreamEncoder, stream: EventStream) -> None:
    """One write for each batch that says anything."""
    async for batch in reply:
        if data := encoder.send(batch):
            await stream.write(data)

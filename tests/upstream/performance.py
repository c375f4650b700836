"""Acts out one behaviour on one connection."""

from collections.abc import Sequence

from tests.upstream.behaviours import (
    FOUR_WORDS,
    Answer,
    Behaviour,
    CutAfter,
    EmptyStream,
    Garbage,
    InBandError,
    RateLimited,
    Raw,
    Reset,
    RoleOnlyThenEof,
    SlowFirstByte,
    Stall,
    Status,
    Verbatim,
)
from tests.upstream.connection import Connection
from tests.upstream.records import ReceivedRequest
from tests.upstream.wording import AnthropicWording, OpenAIWording, Wording

_JSON = "application/json"
_SSE = "text/event-stream; charset=utf-8"


async def perform(behaviour: Behaviour, request: ReceivedRequest, connection: Connection) -> None:
    """Answers `request` as scripted; may close the connection. Raises `PeerLeftError` when the peer does."""
    await _Performance(request, connection).play(behaviour)


class _Performance:
    """One request being answered: knows the dialect of its route and whether it wants a stream."""

    def __init__(self, request: ReceivedRequest, connection: Connection) -> None:
        self._request = request
        self._connection = connection
        self._wording: Wording = (
            AnthropicWording() if request.path.startswith("/v1/messages") else OpenAIWording()
        )

    async def play(self, behaviour: Behaviour) -> None:
        match behaviour:
            case Answer():
                await self._answer(behaviour)
            case Raw():
                await self._raw(behaviour)
            case EmptyStream() | RoleOnlyThenEof():
                await self._say_nothing(behaviour)
            case Status() | RateLimited() | Garbage():
                await self._refuse(behaviour)
            case Verbatim() | CutAfter() | Reset():
                await self._break_off(behaviour)
            case InBandError():
                await self._in_band_error(behaviour)
            case Stall() | SlowFirstByte():
                await self._delay(behaviour)

    async def _answer(self, answer: Answer) -> None:
        rest = await self._begin(answer, 0)
        await self._finish(rest, answer.pace_s)

    async def _raw(self, raw: Raw) -> None:
        await self._connection.begin_chunked(raw.content_type or self._content_type)
        await self._write_paced(raw.pieces, raw.pace_s)
        await self._connection.end_chunked()

    async def _say_nothing(self, behaviour: EmptyStream | RoleOnlyThenEof) -> None:
        match behaviour:
            case EmptyStream():
                await self._raw(Raw(pieces=()))
            case RoleOnlyThenEof():
                opening, *_ = self._wording.frames(FOUR_WORDS, self._model, wants_usage=False)
                await self._raw(Raw(pieces=(opening,), content_type=_SSE))

    async def _refuse(self, behaviour: Status | RateLimited | Garbage) -> None:
        match behaviour:
            case Status(code, body, headers):
                said = self._wording.error(code, f"scripted {code}") if body is None else body
                await self._connection.respond(code, said, _JSON, headers)
            case RateLimited(retry_after=retry_after):
                headers = {} if retry_after is None else {"retry-after": retry_after}
                await self._refuse(Status(429, headers=headers))
            case Garbage(body=body, content_type=content_type):
                await self._connection.respond(200, body, content_type)

    async def _break_off(self, behaviour: Verbatim | CutAfter | Reset) -> None:
        match behaviour:
            case Verbatim(wire):
                await self._connection.write(wire)
                self._connection.close()
            case CutAfter(events=events, answer=answer):
                await self._begin(answer, events)
                self._connection.close()
            case Reset(after_events=events, answer=answer):
                if events is not None:
                    await self._begin(answer, events)
                self._connection.reset()

    async def _in_band_error(self, behaviour: InBandError) -> None:
        if not self._request.wants_stream:
            await self._connection.respond(200, self._wording.error(500, behaviour.message), _JSON)
            return
        await self._begin(behaviour.answer, behaviour.after_events)
        await self._connection.write_chunk(self._wording.error_frame(behaviour.message))
        await self._connection.end_chunked()

    async def _delay(self, behaviour: Stall | SlowFirstByte) -> None:
        match behaviour:
            case Stall(after_events=events, seconds=seconds, answer=answer):
                rest = await self._begin(answer, events)
                await self._connection.pause(seconds)
                await self._finish(rest, answer.pace_s)
            case SlowFirstByte(seconds, then):
                await self._connection.pause(seconds)
                await self.play(then)

    async def _begin(self, answer: Answer, events: int) -> Sequence[bytes]:
        """Headers and the first `events` frames, or the first half of a plain body; returns what is left."""
        pieces = self._pieces(answer)
        if self._request.wants_stream:
            await self._connection.begin_chunked(_SSE)
            await self._write_paced(pieces[:events], answer.pace_s)
            return pieces[events:]
        first_half, second_half = pieces
        await self._connection.begin_sized(_JSON, len(first_half) + len(second_half))
        await self._connection.write(first_half)
        return [second_half]

    async def _finish(self, pieces: Sequence[bytes], pace_s: float) -> None:
        if self._request.wants_stream:
            await self._write_paced(pieces, pace_s)
            await self._connection.end_chunked()
            return
        for piece in pieces:
            await self._connection.write(piece)

    async def _write_paced(self, pieces: Sequence[bytes], pace_s: float) -> None:
        for piece in pieces:
            await self._connection.write_chunk(piece)
            if pace_s:
                await self._connection.pause(pace_s)

    def _pieces(self, answer: Answer) -> list[bytes]:
        if self._request.wants_stream:
            wants_usage = self._request.wants_usage_in_stream
            return self._wording.frames(answer, self._model, wants_usage=wants_usage)
        body = self._wording.completion(answer, self._model)
        return [body[: len(body) // 2], body[len(body) // 2 :]]

    @property
    def _model(self) -> str:
        return str(self._request.body.get("model", ""))

    @property
    def _content_type(self) -> str:
        return _SSE if self._request.wants_stream else _JSON

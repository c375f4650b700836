"""Puts the routes that converse into Litestar, and gives every other error the envelope of its path."""

from collections.abc import Callable

import msgspec
from litestar import Request, Response, asgi
from litestar.datastructures import State
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.handlers import ASGIRouteHandler, BaseRouteHandler, HTTPRouteHandler
from litestar.types import ExceptionHandlersMap

from adapters.dialects.dialect import Dialect
from adapters.inbound.http.conversation import ConversationRoute
from adapters.inbound.http.count_tokens import CountTokensRoute
from adapters.inbound.http.embeddings import EmbeddingsRoute
from adapters.inbound.http.errors import Complaint, Rejected, error_answer
from adapters.inbound.http.headers import header, request_id, text_headers
from app.use_cases.faults import internal_fault
from domain.ports.observation import EventSink
from domain.ports.storage import StoreUnavailable

CHAT_COMPLETIONS = "/v1/chat/completions"
MESSAGES = "/v1/messages"
RESPONSES = "/v1/responses"
COMPLETIONS = "/v1/completions"
COUNT_TOKENS = "/v1/messages/count_tokens"
EMBEDDINGS = "/v1/embeddings"


def conversation_routes(
    *,
    chat_completions: ConversationRoute,
    messages: ConversationRoute,
    responses: ConversationRoute,
    completions: ConversationRoute,
) -> list[ASGIRouteHandler]:
    """The data plane: plain ASGI routes, as Litestar's typed handlers cost several times as much."""
    return [
        asgi(CHAT_COMPLETIONS, copy_scope=False)(chat_completions.serve),
        asgi(MESSAGES, copy_scope=False)(messages.serve),
        asgi(RESPONSES, copy_scope=False)(responses.serve),
        asgi(COMPLETIONS, copy_scope=False)(completions.serve),
    ]


def companion_routes(
    *, count_tokens: CountTokensRoute, embeddings: EmbeddingsRoute
) -> list[ASGIRouteHandler]:
    """What clients ask beside their conversations."""
    return [
        asgi(COUNT_TOKENS, copy_scope=False)(count_tokens.serve),
        asgi(EMBEDDINGS, copy_scope=False)(embeddings.serve),
    ]


class Envelopes:
    """
    Which dialect an error is told in: that of the path, and OpenAI's where no path speaks for itself.

    OpenAI has one envelope for all its paths.
    """

    def __init__(self, *, openai: Dialect, anthropic: Dialect) -> None:
        self._openai = openai
        self._anthropic = anthropic

    def __repr__(self) -> str:
        return f"<Envelopes {self._openai.name}, {self._anthropic.name}>"

    def dialect_for(self, path: str) -> Dialect:
        is_messages = path == MESSAGES or path.startswith(f"{MESSAGES}/")
        return self._anthropic if is_messages else self._openai


class ErrorResponses:
    """Litestar's exception handlers: no client ever sees an error in the framework's own shape."""

    def __init__(self, envelopes: Envelopes, sink: EventSink, ids: Callable[[], str]) -> None:
        self._envelopes = envelopes
        self._sink = sink
        self._ids = ids

    def __repr__(self) -> str:
        return f"<ErrorResponses in {self._envelopes!r}>"

    def handlers(self) -> ExceptionHandlersMap:
        return {Exception: self._respond, HTTPException: self._respond}

    def _respond(self, request: Request[object, object, State], error: Exception) -> Response[bytes]:
        known_as = request_id(text_headers(request.scope["headers"]), self._ids)
        told = _ours(error, request)
        answer = error_answer(told, self._envelopes.dialect_for(request.scope["path"]), known_as)
        if answer.status >= 500 and not isinstance(error, StoreUnavailable):
            self._sink.emit(internal_fault(error, known_as))
        headers = [*answer.headers, header("x-request-id", known_as)]
        return Response(
            answer.body,
            status_code=answer.status,
            headers={name.decode(): value.decode("latin-1") for name, value in headers},
        )


def _ours(error: Exception, request: Request[object, object, State]) -> Exception:
    """A framework's exception as ours; a bug stays what it is."""
    method, path = request.method, request.scope["path"]
    match error:
        case NotFoundException():
            return Rejected(Complaint.NOT_FOUND, f"there is nothing at {path}")
        case MethodNotAllowedException():
            allowed = (error.headers or {}).get("allow", "")
            return Rejected(
                Complaint.WRONG_METHOD, f"{method} is not supported at {path}", headers=(("allow", allowed),)
            )
        case StoreUnavailable():
            return Rejected(Complaint.STATE_UNREADABLE, f"the state cannot be used at the moment: {error}")
        case HTTPException(status_code=413):
            return Rejected(Complaint.TOO_LARGE, "the body is larger than server.max_body_bytes")
        case ValidationException():
            return Rejected(Complaint.MALFORMED, _words(error) + _known_fields(error, request.route_handler))
        case HTTPException() if error.status_code < 500:
            return Rejected(Complaint.MALFORMED, _words(error))
        case _:
            return error


def _words(error: HTTPException) -> str:
    """The framework keeps what is wrong with which field apart from its own words."""
    found = error.extra if isinstance(error.extra, list) else []
    faults = [
        ": ".join(str(fault[part]) for part in ("key", "message") if fault.get(part))
        for fault in found
        if isinstance(fault, dict)
    ]
    return "; ".join(faults) or error.detail


def _known_fields(error: ValidationException, handler: BaseRouteHandler) -> str:
    """The fields that the whole body may have, for whoever wrote one that it may not."""
    found = error.extra if isinstance(error.extra, list) else []
    misspelt = any(fault.get("key") == _BODY and _UNKNOWN in fault.get("message", "") for fault in found)
    body = handler.parsed_data_field if misspelt and isinstance(handler, HTTPRouteHandler) else None
    if body is None:
        return ""
    return f"; there are: {', '.join(field.encode_name for field in msgspec.structs.fields(body.annotation))}"


_BODY = "data"
"""What the framework calls a body."""

_UNKNOWN = "unknown field"
"""What msgspec says of a field that a body may not have."""

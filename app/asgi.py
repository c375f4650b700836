"""Puts the routes together into one ASGI application."""

from litestar import Litestar
from litestar.types import ASGIApp

from adapters.inbound.http.admin import admin_routes
from adapters.inbound.http.drain_gate import DrainGate
from adapters.inbound.http.host_check import HostCheck
from adapters.inbound.http.models import model_routes
from adapters.inbound.http.routes import ErrorResponses, companion_routes, conversation_routes
from adapters.inbound.http.status import status_routes
from app.container import Container, request_ids


def create_app(container: Container) -> ASGIApp:
    """The gateway's HTTP surface; every request passes the host check first."""
    envelopes = container.envelopes()
    table = container.table()
    litestar = Litestar(
        route_handlers=[
            *conversation_routes(
                chat_completions=container.chat_completions(),
                messages=container.messages(),
                responses=container.responses(),
            ),
            *companion_routes(
                count_tokens=container.count_tokens_route(), embeddings=container.embeddings_route()
            ),
            *admin_routes(
                rehearse=container.rehearse(),
                explain=container.explain(),
                dialects=container.dialects(),
                session_header=container.launch().config.session.header.lower(),
            ),
            *model_routes(container.list_models(), created=int(container.clock().time())),
            *status_routes(
                version=container.version(),
                providers=list(table.providers),
                allow_paid=table.allow_paid,
                readiness=container.readiness(),
            ),
        ],
        exception_handlers=ErrorResponses(envelopes, container.sink(), request_ids).handlers(),
        openapi_config=None,
        logging_config=None,
    )
    gate = DrainGate(litestar, container.readiness(), dialect_for=envelopes.dialect_for, ids=request_ids)
    return HostCheck(
        gate,
        allowed=container.launch().config.server.allowed_hosts or (),
        dialect_for=envelopes.dialect_for,
        ids=request_ids,
    )

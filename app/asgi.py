"""Puts the routes together into one ASGI application."""

from collections.abc import Sequence

from litestar import Litestar
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp

from adapters.inbound.http.admin import admin_routes
from adapters.inbound.http.admin_health import health_routes
from adapters.inbound.http.admin_keys import key_routes
from adapters.inbound.http.admin_quotas import quota_routes
from adapters.inbound.http.admin_state import state_routes
from adapters.inbound.http.admin_usage import usage_routes
from adapters.inbound.http.drain_gate import DrainGate
from adapters.inbound.http.host_check import HostCheck
from adapters.inbound.http.key_check import KeyCheck
from adapters.inbound.http.metrics import metrics_routes
from adapters.inbound.http.models import model_routes
from adapters.inbound.http.routes import ErrorResponses, companion_routes, conversation_routes
from adapters.inbound.http.status import status_routes
from app.container import Container


def create_app(container: Container) -> ASGIApp:
    """The gateway's HTTP surface; every request passes the host check first, then that of its key."""
    envelopes = container.envelopes()
    ids = container.ids()
    server = container.launch().config.server
    litestar = Litestar(
        gateway_routes(container),
        exception_handlers=ErrorResponses(envelopes, container.sink(), ids).handlers(),
        request_max_body_size=server.max_body_bytes,
        openapi_config=None,
        logging_config=None,
    )
    gate = DrainGate(litestar, container.readiness(), dialect_for=envelopes.dialect_for, ids=ids)
    keys = KeyCheck(
        gate,
        container.keys(),
        sink=container.sink(),
        clock=container.clock(),
        dialect_for=envelopes.dialect_for,
        ids=ids,
    )
    return HostCheck(
        keys,
        allowed=server.allowed_hosts or (),
        dialect_for=envelopes.dialect_for,
        ids=ids,
    )


def gateway_routes(container: Container) -> Sequence[BaseRouteHandler]:
    """Every route there is."""
    table = container.table()
    return [
        *conversation_routes(
            chat_completions=container.chat_completions(),
            messages=container.messages(),
            responses=container.responses(),
            completions=container.completions(),
        ),
        *companion_routes(
            count_tokens=container.count_tokens_route(), embeddings=container.embeddings_route()
        ),
        *admin_routes(
            rehearse=container.rehearse(),
            explain=container.explain(),
            dialects=container.dialects(),
            session_header=container.launch().config.session.header.lower(),
            display_timezone=container.launch().config.display_timezone or "UTC",
        ),
        *metrics_routes(container.metrics(), container.report_usage(), container.quotas()),
        *key_routes(container.manage_keys(), container.keys().refresh),
        *health_routes(container.manage_health()),
        *usage_routes(container.report_usage()),
        *quota_routes(container.quotas()),
        *state_routes(container.snapshots()),
        *model_routes(container.list_models(), created=int(container.clock().time())),
        *status_routes(
            version=container.version(),
            providers=list(table.providers),
            allow_paid=table.allow_paid,
            readiness=container.readiness(),
            keys=container.keys(),
        ),
    ]

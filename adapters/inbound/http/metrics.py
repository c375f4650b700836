"""The routes that tell what has been counted."""

from typing import Any

from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler

from domain.ports.metrics import Metrics

_TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus, "Exposition formats"."""


def metrics_routes(metrics: Metrics) -> list[HTTPRouteHandler]:
    """``GET /metrics`` and ``GET /metrics.json``."""

    @get("/metrics", sync_to_thread=False, include_in_schema=False)
    def exposition() -> Response[bytes]:
        return Response(metrics.exposition(), media_type=_TEXT_FORMAT)

    @get("/metrics.json", sync_to_thread=False, media_type=MediaType.JSON)
    def snapshot() -> dict[str, Any]:
        """Totals, each provider's record, the latest attempts, and the configuration in short."""
        return dict(metrics.snapshot())

    return [exposition, snapshot]

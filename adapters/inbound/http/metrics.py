"""The routes that tell what has been counted."""

import asyncio
from collections.abc import Sequence
from typing import Any

from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler

from app.use_cases.quotas import Quotas
from app.use_cases.report_usage import ReportUsage
from domain.budget.standing import Standing
from domain.ports.metrics import Metrics
from domain.ports.storage import StoreUnavailable

_TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus, "Exposition formats"."""

_PATIENCE_S = 2.0
"""How long a store is waited for."""


def metrics_routes(metrics: Metrics, report: ReportUsage, quotas: Quotas) -> list[HTTPRouteHandler]:
    """``GET /metrics`` and ``GET /metrics.json``."""

    @get("/metrics", include_in_schema=False)
    async def exposition() -> Response[bytes]:
        text = metrics.exposition(await _budgets(report), quotas.standings())
        return Response(text, media_type=_TEXT_FORMAT)

    @get("/metrics.json", sync_to_thread=False, media_type=MediaType.JSON)
    def snapshot() -> dict[str, Any]:
        """Totals, each provider's record, the latest attempts, and the configuration in short."""
        return dict(metrics.snapshot())

    return [exposition, snapshot]


async def _budgets(report: ReportUsage) -> Sequence[Standing]:
    """Without those the rest is told all the same: a scrape must not fail with the store."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await report.budgets()
    except (StoreUnavailable, TimeoutError):
        return ()

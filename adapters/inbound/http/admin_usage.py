"""The routes that tell what was used, what it cost, and how budgets stand."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from adapters.inbound.http.errors import Complaint, Rejected
from app.use_cases.report_usage import ReportUsage, Row, UnclearQuestion, budget_row, usage_row
from domain.budget.usage import UsageGroup

_ASKED = ("by", "since", "until", "zone")
"""What `GET /admin/usage` can be asked."""


class UsageReport(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over requests; the rows have the columns that ``by`` names, and figures."""

    since: str
    until: str
    by: list[str]
    rows: list[Row]


class BudgetReport(msgspec.Struct, frozen=True, kw_only=True):
    """Every budget in its current month or day."""

    budgets: list[Row]


def usage_routes(report: ReportUsage) -> list[HTTPRouteHandler]:
    """``GET /admin/usage`` and ``GET /admin/budgets``."""

    @get("/admin/usage")
    async def usage(
        request: Request[Any, Any, Any],
        by: Annotated[
            str,
            QueryParameter(
                description=f"Any of {', '.join(UsageGroup)}; comma-separated. Unset: one sum of all."
            ),
        ] = "",
        since: Annotated[
            str, QueryParameter(description="Such as 30d, 2026-07-01 or 2026-07-01T12:00. Unset: this month.")
        ] = "",
        until: Annotated[str, QueryParameter(description="Likewise; a day counts whole. Unset: now.")] = "",
        zone: Annotated[
            str, QueryParameter(description="The IANA time zone of days. Unset: display_timezone.")
        ] = "",
    ) -> UsageReport:
        """What requests used and cost, added up by what is asked for."""
        _refuse_others(request.query_params)
        try:
            query = report.question(by=by, since=since, until=until, zone=zone)
        except UnclearQuestion as error:
            raise Rejected(Complaint.MALFORMED, str(error)) from error
        return UsageReport(
            since=_told(query.since),
            until=_told(query.until),
            by=[str(group) for group in query.by],
            rows=[usage_row(total, query.by) for total in await report.usage(query)],
        )

    @get("/admin/budgets")
    async def budgets() -> BudgetReport:
        """What is spent of every budget, promised, left, and of that held ready by workers."""
        found = await report.budgets()
        return BudgetReport(budgets=[budget_row(one, report.member_of(one.account)) for one in found])

    return [usage, budgets]


def _refuse_others(asked: Iterable[str]) -> None:
    """A question with a misspelt word would be answered as another one."""
    unknown = next((name for name in asked if name not in _ASKED), None)
    if unknown is not None:
        known = ", ".join(_ASKED)
        raise Rejected(Complaint.MALFORMED, f"no parameter is called {unknown[:60]!r}; there are: {known}")


def _told(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

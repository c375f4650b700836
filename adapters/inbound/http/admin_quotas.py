"""The route that tells what providers' plans have left."""

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from app.use_cases.quotas import Quotas
from app.use_cases.report_quotas import quota_row
from app.use_cases.report_usage import Row


class QuotaReport(msgspec.Struct, frozen=True, kw_only=True):
    """Every line of every plan in its current minute, day or month, in the order of the configuration."""

    quotas: list[Row]


def quota_routes(quotas: Quotas) -> list[HTTPRouteHandler]:
    """``GET /admin/quotas``."""

    @get("/admin/quotas", sync_to_thread=False)
    def told() -> QuotaReport:
        """What is allowed, used and left of every provider's plan, and when it begins anew."""
        return QuotaReport(quotas=[quota_row(one) for one in quotas.standings()])

    return [told]

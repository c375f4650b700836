"""Tells what providers' plans have left, in names for scripts and spreadsheets."""

from app.use_cases.report_usage import Row
from domain.admission.quota import QuotaStanding

QUOTA_COLUMNS = (
    "provider",
    "unit",
    "period",
    "zone",
    "allowed",
    "used",
    "left",
    "resets_at",
    "left_alone",
)
"""The names that `quota_row` gives."""


def quota_row(standing: QuotaStanding) -> Row:
    """How one line of a plan stands; ``left_alone`` is whether its provider is, for this line."""
    quota = standing.quota
    figures = (
        standing.provider,
        str(quota.unit),
        str(quota.per),
        str(quota.zone),
        quota.allowed,
        standing.used,
        standing.left,
        standing.resets_at,
        standing.is_used_up,
    )
    return dict(zip(QUOTA_COLUMNS, figures, strict=True))

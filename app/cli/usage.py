"""Tells what was used and what it cost, from the state."""

import asyncio
import csv
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import reduce
from pathlib import Path
from typing import TypeVar

import click

from app.cli.keys import STATE_ERROR, missing_state
from app.cli.moments import shown, zone_of
from app.cli.options import CONFIG_ERROR, Choices, fail, launch_for, told_errors
from app.container import Container, container_for
from app.use_cases.report_quotas import QUOTA_COLUMNS, quota_row
from app.use_cases.report_usage import (
    STORED_BUDGET_COLUMNS,
    Row,
    UnclearQuestion,
    stored_budget_row,
    usage_columns,
    usage_row,
)
from config.state_location import Nowhere, StateLocation
from domain.admission.quota import QuotaStanding
from domain.budget.standing import Standing
from domain.budget.usage import UsageGroup, UsageTotal
from domain.ports.storage import StoreUnavailable

Gained = TypeVar("Gained")


@click.command()
@click.option("--config", type=click.Path(path_type=Path), help="The configuration file.")
@click.option(
    "--by",
    help=f"What to tell apart, separated by commas: {', '.join(UsageGroup)}.  [default: provider]",
)
@click.option("--since", help="Such as 30d or 2026-07-01.  [default: this month]")
@click.option("--until", help="Likewise; a day counts whole.  [default: now]")
@click.option("--zone", help="The IANA time zone of days.  [default: display_timezone]")
@click.option("--budgets", "of_budgets", is_flag=True, help="How budgets stand, instead.")
@click.option("--quotas", "of_quotas", is_flag=True, help="What providers' plans have left, instead.")
@click.option("--csv", "as_csv", is_flag=True, help="For spreadsheets.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def usage(
    *,
    config: Path | None,
    by: str | None,
    since: str | None,
    until: str | None,
    zone: str | None,
    of_budgets: bool,
    of_quotas: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """
    Tell what was used and what it cost.

    Exits with 2 for a question that makes no sense, with 4 when there is no state or it cannot be read.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other")
    if of_budgets and of_quotas:
        raise click.UsageError("--budgets and --quotas exclude each other")
    if (of_budgets or of_quotas) and any(said is not None for said in (by, since, until, zone)):
        raise click.UsageError(
            f"--{'budgets' if of_budgets else 'quotas'} tells how they stand now:"
            " it takes no --by, --since, --until, --zone"
        )
    if of_budgets:
        found = _budgets(config)
    elif of_quotas:
        found = _quotas(config)
    else:
        found = _usage(config, by, since or "", until or "", zone or "")
    if as_json:
        click.echo(json.dumps(found.rows, indent=2))
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([found.columns, *(map(_in_csv, row.values()) for row in found.rows)])
    else:
        for line in _aligned(found.table):
            click.echo(line)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """An answer for scripts and spreadsheets, and for people."""

    columns: Sequence[str]
    rows: Sequence[Row]
    table: Sequence[Sequence[str]]


def _usage(config: Path | None, by: str | None, since: str, until: str, zone: str) -> _Found:
    async def sums(container: Container) -> tuple[Sequence[UsageGroup], Sequence[UsageTotal]]:
        report = container.report_usage()
        query = report.question(
            by=UsageGroup.PROVIDER if by is None else by, since=since, until=until, zone=zone
        )
        return query.by, await report.usage(query)

    groups, totals = _reporting(config, sums, "/admin/usage")
    return _Found(
        columns=usage_columns(groups),
        rows=[usage_row(one, groups) for one in totals],
        table=list(_usage_table(groups, totals)),
    )


def _budgets(config: Path | None) -> _Found:
    async def standings(container: Container) -> Sequence[tuple[Standing, str]]:
        report = container.report_usage()
        return [(one, report.member_of(one.account)) for one in await report.budgets()]

    found = _reporting(config, standings, "/admin/budgets")
    return _Found(
        columns=STORED_BUDGET_COLUMNS,
        rows=[stored_budget_row(standing, member) for standing, member in found],
        table=list(_budget_table(found)),
    )


def _quotas(config: Path | None) -> _Found:
    async def standings(container: Container) -> tuple[Sequence[QuotaStanding], tzinfo]:
        quotas = container.quotas()
        await quotas.exchange()
        return quotas.standings(), zone_of(container.launch().config.display_timezone)

    found, zone = _reporting(config, standings, "/admin/quotas")
    return _Found(
        columns=QUOTA_COLUMNS,
        rows=[quota_row(one) for one in found],
        table=list(_quota_table(found, zone)),
    )


def _reporting(config: Path | None, job: Callable[[Container], Awaitable[Gained]], route: str) -> Gained:
    """
    What the state says that this configuration names.

    Args:
        route: what tells it of a state that nobody but the gateway sees.
    """
    container = container_for(
        launch_for(Choices(config=config, mode="", env_files=(), env_file_override=False))
    )
    with told_errors():
        container.keys()
    _require_state(container.state_location(), route)

    async def run() -> Gained:
        try:
            await container.keys().refresh()
            return await job(container)
        finally:
            await container.store().aclose()

    try:
        return asyncio.run(run())
    except UnclearQuestion as error:
        fail(str(error), CONFIG_ERROR)
    except StoreUnavailable as error:
        fail(f"the state cannot be used: {error}", STATE_ERROR)


def _require_state(location: StateLocation, route: str) -> None:
    if isinstance(location, Nowhere):
        fail(f"the state ends with the gateway: ask it for {route} while it runs", STATE_ERROR)
    if missing := missing_state(location):
        fail(missing, STATE_ERROR)


def _usage_table(groups: Sequence[UsageGroup], totals: Sequence[UsageTotal]) -> Iterable[Sequence[str]]:
    """What is set aside has a column where anything is: only hard budgets ask for it."""
    whole = reduce(UsageTotal.plus, totals, UsageTotal())
    names = (*groups, "requests", "answered", "in", "out", "cached", "USD", "saved", "of it estimated")
    yield (*names, "set aside") if whole.set_aside else names
    rows = [((*(name or "-" for name in total.group),), total) for total in totals]
    if len(totals) > 1:
        rows.append((("all", *("" for _ in groups[1:])), whole))
    for group, total in rows:
        figures = (*group, *_figures(total))
        yield (*figures, _usd(total.set_aside)) if whole.set_aside else figures


def _figures(total: UsageTotal) -> Sequence[str]:
    return (
        str(total.requests),
        str(total.answered),
        str(total.input_tokens + total.cache_creation_tokens),
        str(total.output_tokens),
        str(total.cache_read_tokens),
        _usd(total.cost),
        _usd(total.savings),
        _usd(total.estimated_cost),
    )


def _budget_table(found: Sequence[tuple[Standing, str]]) -> Iterable[Sequence[str]]:
    yield ("of", "name", "member", "in", "mode", "USD", "spent", "of it estimated", "left", "of it lent")
    for one, member in found:
        yield (
            str(one.account.kind),
            one.account.name,
            member or "-",
            one.period,
            one.mode,
            _usd(one.cap),
            _usd(one.settled),
            _usd(one.estimated),
            _usd(one.remaining),
            _usd(one.held),
        )


def _quota_table(found: Sequence[QuotaStanding], zone: tzinfo) -> Iterable[Sequence[str]]:
    yield ("provider", "unit", "period", "zone", "allowed", "used", "left", "begins anew", "left alone")
    for one in found:
        yield (
            one.provider,
            str(one.quota.unit),
            str(one.quota.per),
            str(one.quota.zone),
            str(one.quota.allowed),
            str(one.used),
            str(one.left),
            shown(one.ends_at, zone, "seconds"),
            "yes" if one.is_used_up else "no",
        )


def _in_csv(value: str | float) -> str | float:
    """What is true or false is written as in JSON."""
    return json.dumps(value) if isinstance(value, bool) else value


def _usd(amount: int) -> str:
    return f"{amount / 1_000_000_000:.4f}"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Columns of figures to the right, those before them to the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    texts = [any(not _is_figure(row[column]) for row in rows[1:]) for column in range(len(rows[0]))]
    for row in rows:
        cells = zip(row, widths, texts, strict=True)
        yield "  ".join(
            cell.ljust(width) if text else cell.rjust(width) for cell, width, text in cells
        ).rstrip()


def _is_figure(cell: str) -> bool:
    return cell.replace(".", "", 1).isdigit()

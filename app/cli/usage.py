"""Tells what was used and what it cost, from the state."""

import asyncio
import csv
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import reduce
from pathlib import Path
from typing import TypeVar

import click

from app.cli.keys import STATE_ERROR
from app.cli.options import CONFIG_ERROR, Choices, fail, launch_for, told_errors
from app.container import container_for
from app.use_cases.report_usage import (
    ReportUsage,
    Row,
    UnclearQuestion,
    budget_row,
    usage_row,
)
from config.state_location import Nowhere
from domain.budget.standing import Standing
from domain.budget.usage import UsageGroup, UsageTotal
from domain.ports.storage import StoreUnavailable

Gained = TypeVar("Gained")


@click.command()
@click.option("--config", type=click.Path(path_type=Path), help="The configuration file.")
@click.option(
    "--by",
    default="provider",
    show_default=True,
    help=f"What to tell apart, separated by commas: {', '.join(UsageGroup)}.",
)
@click.option("--since", default="", help="Such as 30d or 2026-07-01.  [default: this month]")
@click.option("--until", default="", help="Likewise; a day counts whole.  [default: now]")
@click.option("--zone", default="", help="The IANA time zone of days.  [default: display_timezone]")
@click.option("--budgets", "of_budgets", is_flag=True, help="How budgets stand, instead.")
@click.option("--csv", "as_csv", is_flag=True, help="For spreadsheets.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def usage(
    *,
    config: Path | None,
    by: str,
    since: str,
    until: str,
    zone: str,
    of_budgets: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """
    Tell what was used and what it cost.

    Exits with 2 for a question that makes no sense, with 4 when the state cannot be read.
    """

    async def sums(report: ReportUsage) -> tuple[Sequence[UsageGroup], Sequence[UsageTotal]]:
        query = report.question(by=by, since=since, until=until, zone=zone)
        return query.by, await report.usage(query)

    if of_budgets:
        standings = _reporting(config, lambda report: report.budgets())
        rows, table = [budget_row(one) for one in standings], _budgets(standings)
    else:
        groups, totals = _reporting(config, sums)
        rows, table = [usage_row(one, groups) for one in totals], _usage(groups, totals)
    _tell(rows, table, as_csv=as_csv, as_json=as_json)


def _reporting(config: Path | None, job: Callable[[ReportUsage], Awaitable[Gained]]) -> Gained:
    """What the state says that this configuration names."""
    container = container_for(
        launch_for(Choices(config=config, mode="", env_files=(), env_file_override=False))
    )
    with told_errors():
        container.keys()
    if isinstance(container.state_location(), Nowhere):
        fail("the state ends with the gateway: ask it for /admin/usage while it runs", STATE_ERROR)

    async def run() -> Gained:
        try:
            await container.keys().refresh()
            return await job(container.report_usage())
        finally:
            await container.store().aclose()

    try:
        return asyncio.run(run())
    except UnclearQuestion as error:
        fail(str(error), CONFIG_ERROR)
    except StoreUnavailable as error:
        fail(f"the state cannot be used: {error}", STATE_ERROR)


def _tell(rows: Sequence[Row], table: Iterable[Sequence[str]], *, as_csv: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([list(rows[0]), *(list(row.values()) for row in rows)] if rows else [])
    else:
        for line in _aligned(list(table)):
            click.echo(line)


def _usage(groups: Sequence[UsageGroup], totals: Sequence[UsageTotal]) -> Iterable[Sequence[str]]:
    yield (*groups, "requests", "answered", "in", "out", "cached", "USD", "saved", "of it estimated")
    for total in totals:
        yield (*(name or "-" for name in total.group), *_figures(total))
    if len(totals) > 1:
        whole = reduce(UsageTotal.plus, totals)
        yield ("all", *("" for _ in groups[1:]), *_figures(whole))


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


def _budgets(standings: Sequence[Standing]) -> Iterable[Sequence[str]]:
    yield ("of", "name", "in", "mode", "USD", "spent", "reserved", "left")
    for one in standings:
        yield (
            str(one.account.kind),
            one.account.name,
            one.period,
            one.mode,
            _usd(one.cap),
            _usd(one.settled),
            _usd(one.reserved),
            _usd(one.remaining),
        )


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

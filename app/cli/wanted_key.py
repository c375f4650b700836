"""What a new key is to open, spend and use, as options of the command line say it."""

from collections.abc import Callable
from typing import Any, TypedDict, TypeVar

import click
import msgspec

from app.cli.options import fail
from app.cli.spans import Span
from app.use_cases.key_terms import BudgetTerms, LimitTerms, UnclearTerms, budget_by, limits_by
from app.use_cases.manage_keys import Wanted
from domain.access.keys import Scope
from domain.access.permissions import Permissions
from domain.admission.limits import Limits
from domain.budget.accounts import Budget, BudgetMode

REFUSED = 2
"""The exit code for a key or member that does not exist, and for a key that cannot be."""

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Gained = TypeVar("_Gained")
_Terms = TypeVar("_Terms", bound=msgspec.Struct)

_USD = click.FloatRange(min=0, max=1e9)
_COUNT = click.IntRange(min=1)


class Said(TypedDict):
    """The values of these options, by their names."""

    scopes: tuple[str, ...]
    profiles: tuple[str, ...]
    providers: tuple[str, ...]
    no_paid: bool
    lan_only: bool
    monthly_usd: float | None
    daily_usd: float | None
    budget_mode: str | None
    budget_zone: str | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    concurrent: int | None
    lasts_s: float | None


_OPTIONS = (
    click.option(
        "--scope",
        "scopes",
        multiple=True,
        type=click.Choice([str(scope) for scope in Scope]),
        default=("inference",),
        show_default=True,
        help="What it opens; may be repeated. None includes another.",
    ),
    click.option("--profile", "profiles", multiple=True, help="A profile that it may use.  [default: all]"),
    click.option(
        "--provider", "providers", multiple=True, help="A provider that it may ask.  [default: all]"
    ),
    click.option("--no-paid", is_flag=True, help="Never ask paid providers."),
    click.option("--lan-only", is_flag=True, help="Nothing leaves the house."),
    click.option("--monthly-usd", type=_USD, help="What it may spend in a month.  [default: no bound]"),
    click.option("--daily-usd", type=_USD, help="What it may spend on a day.  [default: no bound]"),
    click.option(
        "--budget-mode",
        type=click.Choice([str(mode) for mode in BudgetMode]),
        help="As in the configuration.  [default: soft]",
    ),
    click.option("--budget-zone", help="Whose months and days, such as Europe/Berlin.  [default: UTC]"),
    click.option(
        "--requests-per-minute", type=_COUNT, help="Requests within any minute.  [default: no bound]"
    ),
    click.option("--tokens-per-minute", type=_COUNT, help="Tokens read and written, likewise."),
    click.option("--concurrent", type=_COUNT, help="Requests that run side by side.  [default: no bound]"),
    click.option("--expires", "lasts_s", type=Span(), help="When it ends, such as 30d.  [default: never]"),
)


def wanted_options(command: _Command) -> _Command:
    """The options that tell what a key is to be good for."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def wanted(member: str, said: Said) -> Wanted:
    """The key that these options describe; ends the program where there can be none."""
    return Wanted(
        member=member,
        scopes=frozenset(map(Scope, said["scopes"])),
        narrowing=Permissions(
            profiles=frozenset(said["profiles"]) or None,
            providers=frozenset(said["providers"]) or None,
            paid=not said["no_paid"],
            lan_only=said["lan_only"],
        ),
        budget=_budget(said),
        limits=_limits(said),
        lasts_s=said["lasts_s"],
    )


def _budget(said: Said) -> Budget | None:
    has_amount = said["monthly_usd"] is not None or said["daily_usd"] is not None
    if not has_amount and (said["budget_mode"] or said["budget_zone"]):
        fail("a budget needs an amount: --monthly-usd or --daily-usd", REFUSED)
    return _understood(
        budget_by,
        BudgetTerms,
        monthly_usd=said["monthly_usd"],
        daily_usd=said["daily_usd"],
        mode=said["budget_mode"],
        zone=said["budget_zone"],
    )


def _limits(said: Said) -> Limits | None:
    return _understood(
        limits_by,
        LimitTerms,
        requests_per_minute=said["requests_per_minute"],
        tokens_per_minute=said["tokens_per_minute"],
        concurrent=said["concurrent"],
    )


def _understood(
    given: Callable[[_Terms], _Gained | None], kind: type[_Terms], **flags: str | float | None
) -> _Gained | None:
    """What these flags give; nothing where none of them is set."""
    set_ones = {name: value for name, value in flags.items() if value is not None}
    if not set_ones:
        return None
    try:
        return given(msgspec.convert(set_ones, kind))
    except (msgspec.ValidationError, UnclearTerms) as error:
        fail(f"this cannot be given to a key: {error}", REFUSED)

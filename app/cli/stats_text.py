"""Words a gateway's counts for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from app.cli.moments import zone_of

_MOST_RECENT = 10
_ERROR_LENGTH = 40
_OUTCOMES = {"provider-ok": "ok", "try-provider": "try"}


def told(document: Mapping[str, Any]) -> str:
    """The document of ``GET /metrics.json`` as text; what is missing in it reads as nothing."""
    parts = (_head(document), _providers(document), _gates(document), _recent(document))
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def duration(seconds: float) -> str:
    """
    A span of time at the precision that matters.

    >>> duration(12), duration(184), duration(4980)
    ('12s', '3m 04s', '1h 23m')
    """
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02}m"


def _head(document: Mapping[str, Any]) -> Iterator[str]:
    config, counters = _part(document, "config"), _part(document, "counters")
    zone = config.get("display_timezone") or "UTC"
    yield (
        f"profile {config.get('default_profile', '-')} · up {duration(document.get('uptime_s', 0))}"
        f" · {counters.get('requests_total', 0)} requests · {zone}"
    )
    outcomes = _part(counters, "requests_by_outcome")
    if outcomes:
        yield "  " + " · ".join(f"{count} {outcome}" for outcome, count in outcomes.items())


def _providers(document: Mapping[str, Any]) -> Iterator[str]:
    yield "Providers"
    rows = [_provider(provider) for provider in document.get("providers", [])]
    if not rows:
        yield "  none has been asked yet"
        return
    yield from _table((("name", "attempts", "ok", "failed", "USD", "last error"), *rows))


def _provider(provider: Mapping[str, Any]) -> tuple[str, ...]:
    outcomes = _part(provider, "outcomes")
    ok, failed = outcomes.get("ok", 0), outcomes.get("failed", 0) + outcomes.get("failed_midstream", 0)
    share = f"{100 * ok / (ok + outcomes.get('failed', 0)):.0f} %" if ok or failed else "-"
    error = provider.get("last_error") or {}
    words = " ".join(str(part) for part in (error.get("status"), error.get("error")) if part)
    cost = _part(provider, "cost").get("total_usd", 0)
    return (
        str(provider.get("name", "?")),
        str(provider.get("attempts", 0)),
        share,
        str(failed),
        f"{cost:.4f}" if cost else "-",
        words[:_ERROR_LENGTH] or "-",
    )


def _gates(document: Mapping[str, Any]) -> Iterator[str]:
    counters = _part(document, "counters")
    attempts, requests = sum(_part(counters, "provider_attempts").values()), counters.get("requests_total", 0)
    moves = sum(sum(reasons.values()) for reasons in _part(counters, "fallbacks").values())
    yield "Fallback and gates"
    yield f"  moves of a chain    {moves} in {attempts} attempts for {requests} requests"
    yield f"  paid gate blocked   {counters.get('chain_paid_gate_blocked_total', 0)}"
    yield f"  budget exceeded     {counters.get('chain_budget_exceeded_total', 0)}"
    yield f"  degraded            {_listed(_part(counters, 'capability_degraded'))}"
    yield f"  output filters      {_listed(_part(counters, 'output_filter_applied'))}"


def _recent(document: Mapping[str, Any]) -> Iterator[str]:
    yield "Recent"
    zone = zone_of(_part(document, "config").get("display_timezone"))
    latest: Sequence[Mapping[str, Any]] = document.get("recent", [])[-_MOST_RECENT:]
    if not latest:
        yield "  nothing yet"
    for event in reversed(latest):
        at, provider = _clock(str(event.get("ts", "")), zone), event.get("provider", "?")
        yield f"  {at}  {provider:<20} {_outcome(event)}"


def _outcome(event: Mapping[str, Any]) -> str:
    name = str(event.get("event", ""))
    return _OUTCOMES.get(name) or f"FAIL ({event.get('status') or 'no answer'})"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    return part if isinstance(part, dict) else {}


def _clock(ts: str, zone: tzinfo) -> str:
    try:
        return datetime.fromisoformat(ts).astimezone(zone).strftime("%H:%M:%S")
    except ValueError:
        return ts[11:19] or "--:--:--"

"""The routes that show how providers have done, and forgive them."""

from datetime import UTC, datetime

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from adapters.inbound.http.errors import Complaint, Rejected
from app.use_cases.manage_health import ManageHealth, Pause, ProviderHealth, UnknownProvider


class PauseCard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A pause; without ``model`` it is for all of the provider."""

    reason: str
    until: str
    seconds_left: float
    model: str = ""
    scope: str = ""


class HealthCard(msgspec.Struct, frozen=True, kw_only=True):
    """
    How a provider has done, and the pauses that it has now.

    ``host`` is ``awake``, ``asleep``, ``waking`` or ``missing``, for machines that are woken by Wake-on-LAN.
    """

    provider: str
    state: str
    consecutive_failures: int
    cooldowns: list[PauseCard]
    host: str | msgspec.UnsetType = msgspec.UNSET


class HealthCards(msgspec.Struct, frozen=True, kw_only=True):
    """All providers, in the order of the configuration."""

    providers: list[HealthCard]


class ResetWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to forgive; everybody when nobody is named."""

    provider: str | None = None


def health_routes(manage: ManageHealth) -> list[HTTPRouteHandler]:
    """``GET /admin/health`` and ``POST /admin/health/reset``."""

    @get("/admin/health", sync_to_thread=False)
    def told() -> HealthCards:
        """The health of every provider, and for how long it is left alone."""
        return _cards(manage.report())

    @post("/admin/health/reset", status_code=200, sync_to_thread=False)
    def reset(data: JSONBody[ResetWish]) -> HealthCards:
        """Holds nothing against a provider any more: it is healthy, and asked again at once."""
        if data.provider is None:
            return _cards(manage.forgive_all())
        try:
            return _cards((manage.forgive(data.provider),))
        except UnknownProvider as error:
            raise Rejected(Complaint.NOT_FOUND, str(error)) from error

    return [told, reset]


def _cards(providers: tuple[ProviderHealth, ...]) -> HealthCards:
    return HealthCards(providers=[_card(one) for one in providers])


def _card(health: ProviderHealth) -> HealthCard:
    return HealthCard(
        provider=health.provider,
        state=health.state,
        consecutive_failures=health.failures,
        cooldowns=[_pause(pause) for pause in health.pauses],
        host=health.host or msgspec.UNSET,
    )


def _pause(pause: Pause) -> PauseCard:
    until = datetime.fromtimestamp(pause.ends_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return PauseCard(
        reason=pause.reason,
        until=until,
        seconds_left=round(pause.seconds_left, 1),
        model=pause.model,
        scope=pause.scope,
    )

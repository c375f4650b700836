"""The routes that manage keys."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from adapters.inbound.http.errors import Complaint, Rejected
from app.use_cases.key_terms import (
    BudgetTerms,
    LimitTerms,
    UnclearTerms,
    budget_by,
    budget_terms,
    limit_terms,
    limits_by,
)
from app.use_cases.manage_keys import Made, ManageKeys, UnknownKey, UnknownMember, UnknownPlace, Wanted
from domain.access.keys import Key, Scope, StoredKey, UnreadableKey
from domain.access.permissions import Permissions


class KeyCard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A key as it is told.

    ``key`` is there only in the answer that made it; ``account`` is the id under which it spends: its own, or
    that of the first key that it took the place of. ``unreadable`` says why nobody knows what it may do, so
    that it opens nothing.
    """

    id: str
    member: str
    account: str
    scopes: list[str]
    profiles: list[str] | None = None
    providers: list[str] | None = None
    paid: bool = True
    lan_only: bool = False
    budget: BudgetTerms | None = None
    limits: LimitTerms | None = None
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None
    unreadable: str | None = None
    key: str | None = None


class KeyCards(msgspec.Struct, frozen=True, kw_only=True):
    """All keys of the state, the oldest first."""

    keys: list[KeyCard]


class KeyWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The key that is wanted; ``expires_in_s`` is a span in seconds."""

    member: Annotated[str, msgspec.Meta(min_length=1)]
    scopes: Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1)] = (Scope.INFERENCE,)
    profiles: list[str] | None = None
    providers: list[str] | None = None
    paid: bool = True
    lan_only: bool = False
    budget: BudgetTerms | None = None
    limits: LimitTerms | None = None
    expires_in_s: Annotated[float, msgspec.Meta(gt=0)] | None = None


class RotationWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the old key holds beside the new one, in seconds."""

    grace_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0


def key_routes(manage: ManageKeys, notice: Callable[[], Awaitable[None]]) -> list[HTTPRouteHandler]:
    """
    ``/admin/keys``: list, make, replace, revoke.

    Args:
        notice: has this process know of what was done, so that the next request finds it so.
    """

    @get("/admin/keys")
    async def listed() -> KeyCards:
        """All keys that the state keeps; no secret is among what it knows."""
        return KeyCards(keys=[_stored_card(key) for key in await manage.keys()])

    @post("/admin/keys", status_code=201)
    async def create(data: JSONBody[KeyWish]) -> KeyCard:
        """A new key, shown in this answer and never again."""
        try:
            made = await manage.create(_wanted(data))
        except (UnknownMember, UnknownPlace, UnclearTerms) as error:
            raise Rejected(Complaint.MALFORMED, str(error)) from error
        await notice()
        return _shown(made)

    @post("/admin/keys/{key_id:str}/rotate", status_code=201)
    async def rotate(key_id: FromPath[str], request: Request[Any, Any, Any]) -> KeyCard:
        """A new key in the place of this one, which may do and spend the same; the body may be empty."""
        wish = _rotation(await request.body())
        try:
            made = await manage.rotate(key_id, grace_s=wish.grace_s)
        except UnknownKey as error:
            raise Rejected(Complaint.NOT_FOUND, str(error)) from error
        await notice()
        return _shown(made)

    @delete("/admin/keys/{key_id:str}", status_code=200)
    async def revoke(key_id: FromPath[str]) -> Response[KeyCard]:
        """The key opens nothing any more."""
        try:
            revoked = await manage.revoke(key_id)
        except UnknownKey as error:
            raise Rejected(Complaint.NOT_FOUND, str(error)) from error
        await notice()
        return Response(_card(revoked))

    return [listed, create, rotate, revoke]


def _rotation(body: bytes) -> RotationWish:
    try:
        return msgspec.json.decode(body or b"{}", type=RotationWish)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Rejected(Complaint.MALFORMED, f"the body is no wish for a rotation: {error}") from error


def _wanted(wish: KeyWish) -> Wanted:
    narrowing = Permissions(
        profiles=None if wish.profiles is None else frozenset(wish.profiles),
        providers=None if wish.providers is None else frozenset(wish.providers),
        paid=wish.paid,
        lan_only=wish.lan_only,
    )
    return Wanted(
        member=wish.member,
        scopes=frozenset(wish.scopes),
        narrowing=narrowing,
        budget=budget_by(wish.budget),
        limits=limits_by(wish.limits),
        lasts_s=wish.expires_in_s,
    )


def _shown(made: Made) -> KeyCard:
    return msgspec.structs.replace(_card(made.key), key=made.token)


def _stored_card(key: StoredKey) -> KeyCard:
    if isinstance(key, UnreadableKey):
        return msgspec.structs.replace(_card(key.remains), unreadable=key.reason)
    return _card(key)


def _card(key: Key) -> KeyCard:
    allowed = key.narrowing
    return KeyCard(
        id=key.id,
        member=key.member,
        account=key.account,
        scopes=sorted(key.scopes),
        profiles=None if allowed.profiles is None else sorted(allowed.profiles),
        providers=None if allowed.providers is None else sorted(allowed.providers),
        paid=allowed.paid,
        lan_only=allowed.lan_only,
        budget=budget_terms(key.budget),
        limits=limit_terms(key.limits),
        created_at=_moment(key.created_at),
        expires_at=None if key.expires_at is None else _moment(key.expires_at),
        revoked_at=None if key.revoked_at is None else _moment(key.revoked_at),
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

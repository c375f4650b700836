"""The routes that list what a client may name as its model, in a shape that both vendors' SDKs read."""

from datetime import UTC, datetime

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from adapters.inbound.http.errors import Complaint, Rejected
from app.use_cases.list_models import ListModels, NamedModel


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """A model in OpenAI's fields and in Anthropic's, which are ``type``, ``display_name``, ``created_at``."""

    id: str
    object: str = "model"
    created: int
    owned_by: str = "coderouter"
    type: str = "model"
    display_name: str
    created_at: str


class ModelPage(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on one page, whatever limit the client named, so that no SDK asks for a second one."""

    object: str = "list"
    data: list[ModelCard]
    has_more: bool = False
    first_id: str | None
    last_id: str | None


def model_routes(models: ListModels, *, created: int) -> list[HTTPRouteHandler]:
    """``GET /v1/models`` and ``GET /v1/models/{id}``; ``created`` in seconds since the epoch."""

    @get("/v1/models", sync_to_thread=False, include_in_schema=False)
    def listed() -> ModelPage:
        cards = [_card(model, created) for model in models.all()]
        return ModelPage(
            data=cards,
            first_id=cards[0].id if cards else None,
            last_id=cards[-1].id if cards else None,
        )

    @get("/v1/models/{path:path}", sync_to_thread=False, include_in_schema=False)
    def one(path: FromPath[str]) -> ModelCard:
        model = models.named(path.removeprefix("/"))
        if model is None:
            raise Rejected(
                Complaint.NOT_FOUND,
                f"there is no model {path.removeprefix('/')!r}; GET /v1/models lists what there is",
            )
        return _card(model, created)

    return [listed, one]


def _card(model: NamedModel, created: int) -> ModelCard:
    return ModelCard(
        id=model.id,
        created=created,
        display_name=model.display_name,
        created_at=datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )

"""Reads context windows from what model servers tell about themselves."""

from collections.abc import Iterator, Mapping

import msgspec


class _Meta(msgspec.Struct):
    """llama.cpp: ``n_ctx`` is what the server was started with."""

    n_ctx: int | None = None


class _Model(msgspec.Struct):
    """
    An entry of ``GET /v1/models``.

    vLLM says ``max_model_len``, OpenRouter ``context_length``, LM Studio in a list of its own
    ``loaded_context_length`` of a model in memory and ``max_context_length`` of any.
    """

    id: str = ""
    meta: _Meta | None = None
    max_model_len: int | None = None
    loaded_context_length: int | None = None
    max_context_length: int | None = None
    context_length: int | None = None


class _ModelList(msgspec.Struct):
    """The list as OpenAI words it."""

    data: list[_Model] = []


class _Settings(msgspec.Struct):
    """The settings that llama.cpp answers with when a request says nothing else."""

    n_ctx: int | None = None


class _Properties(msgspec.Struct):
    """llama.cpp's ``GET /props``."""

    default_generation_settings: _Settings | None = None
    model_alias: str = ""


class _Running(msgspec.Struct):
    """A model that Ollama has in memory."""

    name: str = ""
    model: str = ""
    context_length: int | None = None


class _RunningList(msgspec.Struct):
    """Ollama's ``GET /api/ps``."""

    models: list[_Running] = []


def listed_windows(body: bytes) -> Mapping[str, int]:
    """From ``GET /v1/models``, or LM Studio's ``GET /api/v0/models``; what cannot be read says nothing."""
    try:
        models = msgspec.json.decode(body, type=_ModelList).data
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return {model.id: tokens for model in models for tokens in _told(model)}


def property_window(body: bytes) -> int | None:
    """From llama.cpp's ``GET /props``."""
    try:
        settings = msgspec.json.decode(body, type=_Properties).default_generation_settings
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return settings.n_ctx if settings and settings.n_ctx and settings.n_ctx > 0 else None


def running_windows(body: bytes) -> Mapping[str, int]:
    """From Ollama's ``GET /api/ps``: of models in memory only, as it chooses the window when it loads one."""
    try:
        models = msgspec.json.decode(body, type=_RunningList).models
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return {
        name: model.context_length
        for model in models
        for name in {model.name, model.model} - {""}
        if model.context_length and model.context_length > 0
    }


def _told(model: _Model) -> Iterator[int]:
    """The first that is told, what is in force before what would be possible."""
    in_force = (model.meta.n_ctx if model.meta else None, model.max_model_len, model.loaded_context_length)
    possible = (model.max_context_length, model.context_length)
    told = (tokens for tokens in (*in_force, *possible) if tokens is not None and tokens > 0)
    first = next(told, None)
    if model.id and first is not None:
        yield first

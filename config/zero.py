"""A sensible configuration from what is there, for a person who has not written one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import yaml

from config.discoverable import CLOUDS, PROBES, Cloud
from config.load import validate
from config.overrides import Override
from config.schema.root import Config
from config.source import parse

_ORIGIN = "the configuration built from what was found"
_NOT_FOR_CHAT = ("embed", "rerank", "whisper", "bge-", "tts", "clip", "ocr")
"""Parts of the names of models that answer no chats but stand in the same lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """A model server that answered: its probe's `kind`, the address of its API, and the models it listed."""

    kind: str
    base_url: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """
    What was found.

    Attributes:
        servers: those that answered, in the order of the probes.
        key_names: the variables that hold a vendor's key.
        embedded: whether the extra with the embedded model is installed.
    """

    servers: tuple[LocalServer, ...] = ()
    key_names: frozenset[str] = frozenset()
    embedded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroConfig:
    """A configuration that nobody wrote, its YAML, and lines that tell what it was made from."""

    config: Config
    text: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingFound:
    """There is nothing to make a configuration from; the lines tell what would help."""

    lines: tuple[str, ...]


def key_names(environment: Mapping[str, str]) -> frozenset[str]:
    """The variables with a vendor's key that are set and not blank."""
    known = {name for cloud in CLOUDS for name in cloud.key_names}
    return frozenset(name for name in known if environment.get(name, "").strip())


def zero_config(
    findings: Findings, *, overrides: Sequence[Override] = (), allow_paid: bool | None = None
) -> ZeroConfig | NothingFound:
    """
    The configuration that the findings allow, with what variables and flags say put in.

    Local servers first, then free clouds, then paid ones, which stay off until paid providers are allowed.
    The embedded model is taken only when nothing else is there.

    Raises ConfigError when an override does not fit.
    """
    findings = _usable(findings)
    providers, lines = _providers(findings)
    if not providers:
        return NothingFound(lines=(*lines, *_REMEDIES))
    text = _rendered(providers, _aliases(findings), lines)
    document = parse(text, _ORIGIN)
    config = validate(document, environment={}, overrides=overrides, allow_paid=allow_paid)
    return ZeroConfig(config=config, text=text, lines=lines)


_REMEDIES = (
    "found no model server on this machine and no API key in the environment",
    "start Ollama, LM Studio, llama.cpp or vLLM, or set one of: "
    + ", ".join(name for cloud in CLOUDS for name in cloud.key_names),
    "or write a providers.yaml",
)


def _usable(findings: Findings) -> Findings:
    """Leaves out model names that would mean something else in a file or on a terminal."""
    servers = tuple(
        replace(server, models=tuple(name for name in server.models if _is_plain(name)))
        for server in findings.servers
    )
    return replace(findings, servers=servers)


def _is_plain(name: str) -> bool:
    return bool(name.strip()) and name.isprintable() and "${" not in name


def _providers(findings: Findings) -> tuple[list[dict[str, object]], tuple[str, ...]]:
    providers: list[dict[str, object]] = []
    lines: list[str] = []
    for server in findings.servers:
        if model := preferred_model(server.models):
            providers.append(_local(server, model))
        lines.append(_server_line(server, model))
    for cloud, key_name in _clouds(findings.key_names):
        providers.append(_cloud(cloud, key_name))
        lines.append(_cloud_line(cloud, key_name))
    if not providers and findings.embedded:
        providers.append({"name": "embedded", "kind": "embedded"})
        lines.append("no server and no key: the small embedded model answers")
    return providers, tuple(lines)


def preferred_model(models: Iterable[str]) -> str | None:
    """The first model whose name says that it codes, else the first that can chat."""
    chatting = [model for model in models if not any(part in model.lower() for part in _NOT_FOR_CHAT)]
    coding = (model for model in chatting if "cod" in model.lower())
    return next(coding, None) or next(iter(chatting), None)


def _clouds(names: frozenset[str]) -> Iterator[tuple[Cloud, str]]:
    for cloud in CLOUDS:
        if held := [name for name in cloud.key_names if name in names]:
            yield cloud, held[0]


def _local(server: LocalServer, model: str) -> dict[str, object]:
    return {"name": server.kind.replace("_", "-"), "base_url": server.base_url, "model": model}


def _cloud(cloud: Cloud, key_name: str) -> dict[str, object]:
    provider: dict[str, object] = {"name": cloud.name}
    if cloud.kind != "openai_compat":
        provider["kind"] = cloud.kind
    provider |= {"base_url": cloud.base_url, "model": cloud.model, "api_key_env": key_name}
    return provider | {"paid": True} if cloud.paid else provider


def _server_line(server: LocalServer, model: str | None) -> str:
    probe = next(probe for probe in PROBES if probe.kind == server.kind)
    if model is None:
        return f"{probe.title} at {server.base_url} has no model to chat with; {probe.remedy}"
    others = len(server.models) - 1
    return f"{probe.title} at {server.base_url}: {model}" + (f" (and {others} more)" if others else "")


def _cloud_line(cloud: Cloud, key_name: str) -> str:
    price = "paid, used only with ALLOW_PAID=true" if cloud.paid else "free on the vendor's free plan"
    return f"{key_name}: {cloud.title} with {cloud.model} ({price})"


def _aliases(findings: Findings) -> dict[str, object]:
    """Every model that a local server lists may be asked for by its own name."""
    aliases: dict[str, object] = {}
    reserved = {"default", "embedded", *(cloud.name for cloud in CLOUDS)}
    reserved |= {server.kind.replace("_", "-") for server in findings.servers}
    for server in findings.servers:
        if preferred_model(server.models) is None:
            continue
        for model in server.models:
            if model not in reserved:
                aliases.setdefault(model, {"provider": server.kind.replace("_", "-"), "model": model})
    return aliases


def _rendered(providers: list[dict[str, object]], aliases: dict[str, object], lines: tuple[str, ...]) -> str:
    profile = {
        "name": "default",
        "providers": [provider["name"] for provider in providers],
        "memory_pressure_action": "skip",
        "backend_health_action": "demote",
    }
    document: dict[str, object] = {"allow_paid": False, "default_profile": "default"}
    document |= {"providers": providers, "profiles": [profile]}
    if aliases:
        document["models"] = aliases
    body = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    return "".join(f"# {line}\n" for line in ("Made from what was found:", *lines)) + body

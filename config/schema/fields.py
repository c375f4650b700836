"""The field types that more than one section uses, each with the check that belongs to it."""

import re
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from config.key_shapes import is_variable_name, looks_like_key
from config.patterns import PatternRefused, name_pattern, search_pattern
from config.problems import nearest, suggestion
from config.schema.kinds import KINDS
from config.schema.section import Unfit
from config.schema.zones import zone
from domain.repair.output_filters import OUTPUT_FILTERS

_MAC = re.compile(r"(?:[0-9a-f]{2}([:-]?)[0-9a-f]{2}(?:\1[0-9a-f]{2}){4})", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.6.2: token
_CONNECTION_HEADERS = frozenset(
    {"connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


def _http_address(address: str) -> str:
    if any(character.isspace() or not character.isprintable() for character in address):
        raise Unfit("expected an address without blanks or control characters")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Unfit("expected an http or https address", "check the host and the port") from None
    if parts.scheme not in ("http", "https") or not host:
        raise Unfit(
            "expected an address that begins with http:// or https://", "such as http://127.0.0.1:11434/v1"
        )
    if "@" in parts.netloc:
        raise Unfit(
            "an address must not carry a user name or password",
            "put a key into a variable or a file, and name it in api_key_env or api_key_file; a user name and"
            ' a password go into headers, such as Authorization: "Basic ${BASIC}"',
        )
    return address


def _kind(name: str) -> str:
    if name not in KINDS:
        near = nearest(name, KINDS)
        raise Unfit(
            f"expected one of {', '.join(KINDS)}",
            f'did you mean "{near}"?' if near else "for an adapter of your own say adapter: instead of kind:",
        )
    return name


def _filled(text: str) -> str:
    if not text.strip():
        raise Unfit("must not be empty")
    return text


def _variable_name(name: str) -> str:
    if name and not is_variable_name(name):
        raise Unfit(
            "expected the name of an environment variable",
            "write the name of the variable that holds the key, such as OPENROUTER_API_KEY, not the key",
        )
    return name


def _no_key(path: str) -> str:
    if looks_like_key(path):
        raise Unfit("expected a file; this looks like a key", "write the path of a file, never a key")
    return path


def _output_filter(name: str) -> str:
    if name not in OUTPUT_FILTERS:
        raise Unfit(
            f"expected one of {', '.join(OUTPUT_FILTERS)}",
            suggestion(name, tuple(OUTPUT_FILTERS)),
        )
    return name


def _sought(text: str) -> str:
    if not text:
        raise Unfit(
            "empty text is found in every request",
            "leave the rule out: what no rule holds for goes to default_rule_profile",
        )
    return text


def _fitting(text: str) -> str:
    if not text:
        raise Unfit("an empty pattern never fits: a request without a model fits none", "such as claude-.*")
    return text


def _text_pattern(text: str) -> str:
    return _compiled(search_pattern, text)


def _name_pattern(text: str) -> str:
    return _compiled(name_pattern, text)


def _compiled(compile_pattern: Callable[[str], object], text: str) -> str:
    try:
        compile_pattern(text)
    except PatternRefused as refused:
        raise Unfit(str(refused), refused.hint) from None
    return text


def _zone(name: str) -> str:
    zone(name)
    return name


def _true(value: object) -> object:
    if not value:
        raise Unfit(
            "false would never match", "leave the rule out, or use true and put what follows in a later rule"
        )
    return value


def _mac(written: object) -> object:
    """As six pairs between colons, however it was written."""
    if not isinstance(written, str):
        raise Unfit(
            "expected six pairs of hexadecimal digits",
            "put it in quotes: YAML reads digits between colons as a number",
        )
    if not _MAC.fullmatch(written):
        raise Unfit("expected six pairs of hexadecimal digits", 'such as "a8:a1:59:3c:07:e2"')
    digits = re.sub("[:-]", "", written).lower()
    if int(digits[:2], 16) & 1:
        raise Unfit("this is the address of a group, not of a network card", "the first pair must be even")
    return ":".join(re.findall("..", digits))


def _socket_address(written: str) -> str:
    host, _, port = written.partition(":")
    try:
        IPv4Address(host)
        is_port = not port or 0 < int(port) < 65536
    except ValueError:
        is_port = False
    if not is_port:
        raise Unfit("expected an IPv4 address, with a port or without", 'such as "192.168.1.255"')
    return written


def _header_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise Unfit("expected the name of an HTTP header", "letters, digits and hyphens")
    if name.lower() in _CONNECTION_HEADERS:
        raise Unfit("this header belongs to the connection and cannot be set")
    return name


def _header_value(value: str) -> str:
    # RFC 9110, section 5.5: a line break would begin a header of its own.
    if any(character in value for character in "\r\n\0"):
        raise Unfit("a header value must be one line")
    return value


HttpAddress = Annotated[str, AfterValidator(_http_address), Field(json_schema_extra={"format": "uri"})]
ProviderKind = Annotated[str, AfterValidator(_kind), Field(json_schema_extra={"enum": list(KINDS)})]
Filled = Annotated[str, AfterValidator(_filled), Field(json_schema_extra={"minLength": 1})]
VariableName = Annotated[str, AfterValidator(_variable_name)]
FileOfKey = Annotated[Filled, AfterValidator(_no_key)]
OutputFilter = Annotated[
    str, AfterValidator(_output_filter), Field(json_schema_extra={"enum": list(OUTPUT_FILTERS)})
]
Sought = Annotated[str, AfterValidator(_sought), Field(json_schema_extra={"minLength": 1})]
TextPattern = Annotated[
    Sought, AfterValidator(_text_pattern), Field(json_schema_extra={"format": "regex", "minLength": 1})
]
NamePattern = Annotated[
    str,
    AfterValidator(_fitting),
    AfterValidator(_name_pattern),
    Field(json_schema_extra={"format": "regex", "minLength": 1}),
]
ZoneName = Annotated[str, AfterValidator(_zone)]
OnlyTrue = Annotated[bool, AfterValidator(_true), Field(json_schema_extra={"const": True})]
MacAddress = Annotated[str, BeforeValidator(_mac)]
SocketAddress = Annotated[str, AfterValidator(_socket_address)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, AfterValidator(_header_value)]

EffortLevel = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Freedom = Literal["free", "either", "fixed"]

RequestSeconds = Annotated[float, Field(ge=1.0, le=600.0)]
ConnectSeconds = Annotated[float, Field(ge=0.1, le=600.0)]
WaitSeconds = Annotated[float, Field(ge=1.0, le=3600.0)]
WholeSeconds = Annotated[float, Field(ge=1.0, le=86400.0)]
Usd = Annotated[float, Field(ge=0.0)]

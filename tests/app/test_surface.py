"""Every route there is, seen from outside: none is open by mistake."""

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp
from msgspec import structs

from adapters.inbound.http.key_check import PUBLIC, needed_scope
from app.asgi import create_app, gateway_routes
from app.container import Container, container_for
from app.launch import find_launch
from config.translate_access import hash_line
from domain.access.keys import digest_of, token_of
from tests.adapters.inbound.gateway import Answered, Client

SECRET = "s" * 43
SCOPES = ("inference", "metrics", "admin")
FILE = """\
providers: [{name: only, base_url: "http://127.0.0.1:9/v1", model: m}]
profiles: [{name: default, providers: [only]}]
members: {alice: {}}
auth:
  keys:
    - {member: alice, hash_file: "${HASHES}/inference", scopes: [inference]}
    - {member: alice, hash_file: "${HASHES}/metrics", scopes: [metrics]}
    - {member: alice, hash_file: "${HASHES}/admin", scopes: [admin]}
"""


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    (tmp_path / "providers.yaml").write_text(FILE, encoding="utf-8")
    for scope in SCOPES:
        line = hash_line(scope, digest_of(scope, SECRET))
        (tmp_path / scope).write_text(line, encoding="ascii")
    launch = find_launch({"HASHES": str(tmp_path), "HOME": str(tmp_path)}, directory=tmp_path, home=tmp_path)
    container = container_for(launch)
    container.log_stream.override(BytesIO())
    yield container
    container.event_log().close()


def routes(container: Container) -> list[tuple[str, str]]:
    """Every path with every method it serves; a path parameter has some value."""
    found = []
    for route in Litestar(gateway_routes(container), openapi_config=None).routes:
        path = "/".join("x" if part.startswith("{") else part for part in route.path.split("/"))
        methods = getattr(route, "methods", None) or ("POST",)
        found += [(path or "/", method) for method in sorted(methods)]
    return found


async def ask(app: ASGIApp, path: str, method: str, headers: Mapping[str, str]) -> Answered:
    return await Client(app, path, b"{}", method=method, headers=headers).run()


async def test_no_route_answers_a_stranger_but_the_public_ones(container: Container) -> None:
    app = create_app(container)
    container.readiness().ready = True
    every = routes(container)
    assert len(every) > 12

    for path, method in every:
        answered = await ask(app, path, method, {})
        public = path in PUBLIC and method in ("GET", "HEAD")
        assert (answered.status == 401) != public, (path, method, answered.status)


async def test_no_route_opens_to_two_kinds_of_keys(container: Container) -> None:
    app = create_app(container)
    container.readiness().ready = True

    for path, method in routes(container):
        if path in PUBLIC:
            continue
        answers = [await ask(app, path, method, {"x-api-key": token_of(scope, SECRET)}) for scope in SCOPES]
        refused = [answer.status == 403 for answer in answers]
        assert refused.count(False) == 1, (path, method, [answer.status for answer in answers])


@pytest.mark.parametrize("host", ["evil.example", "evil.example.", "EVIL.example", "localhost@evil.example"])
async def test_no_route_answers_for_another_host_whatever_the_key(container: Container, host: str) -> None:
    app = create_app(container)
    container.readiness().ready = True

    for path, method in routes(container):
        for scope in SCOPES:
            headers = {"host": host, "x-api-key": token_of(scope, SECRET), "x-forwarded-host": "localhost"}
            answered = await ask(app, path, method, headers)
            assert answered.status == 403, (path, method)


async def test_no_route_takes_a_body_without_bound(container: Container) -> None:
    app = create_app(container)
    container.readiness().ready = True
    too_much = str(container.launch().config.server.max_body_bytes + 1)

    for path, method in routes(container):
        if method != "POST":
            continue
        for scope in SCOPES:
            headers = {"x-api-key": token_of(scope, SECRET), "content-length": too_much}
            answered = await ask(app, path, method, headers)
            assert answered.status in (403, 405, 413), (path, method, answered.status)


PAGE = Path(__file__).resolve().parents[2] / "docs" / "admin.md"
_ROW = re.compile(
    r"^\| `(?P<method>[A-Z]+)` \| `(?P<path>/[^`]+)` \| `(?P<scope>[a-z]+)` \|.+\|$", re.MULTILINE
)
_PLANE = ("/admin", "/metrics")


def administered(container: Container) -> Iterator[tuple[str, str, BaseRouteHandler | None]]:
    """Method, path and handler of every route for whoever runs the gateway."""
    for route in Litestar(gateway_routes(container), openapi_config=None).routes:
        if not route.path.startswith(_PLANE):
            continue
        if not isinstance(route, HTTPRoute):
            yield "GET", route.path_format, None
            continue
        for handler in route.route_handlers:
            for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                yield method, route.path_format, handler


def fields(handler: HTTPRouteHandler) -> set[str]:
    """What can be said to it: the fields of its body, and the parameters of its question."""
    asked = {name for name in handler.parsed_fn_signature.parameters if name not in {"request", "data"}}
    body = handler.parsed_data_field
    return asked | ({field.name for field in structs.fields(body.annotation)} if body else set())


def test_the_page_of_the_administration_names_every_route_and_what_it_takes(container: Container) -> None:
    told = {(row["method"], row["path"]): row for row in _ROW.finditer(PAGE.read_text(encoding="utf-8"))}
    every = list(administered(container))

    assert sorted(told) == sorted((method, path) for method, path, _ in every)
    for method, path, handler in every:
        row = told[method, path]
        assert row["scope"] == needed_scope(path), path
        wanted = fields(handler) if isinstance(handler, HTTPRouteHandler) else set()
        named = set(re.findall(r"[`{](\w+)[`}]", row[0]))
        assert wanted <= named, (path, wanted - named)


async def test_a_field_that_a_body_may_not_have_is_told_with_those_it_may(container: Container) -> None:
    app = create_app(container)
    container.readiness().ready = True
    headers = {"x-api-key": token_of("admin", SECRET), "content-type": "application/json"}

    odd = await Client(app, "/admin/keys", b'{"member": "alice", "expires": 3}', headers=headers).run()

    assert odd.status == 400
    assert "`expires`; there are: member, scopes," in odd.body.decode()
    assert "expires_in_s" in odd.body.decode()

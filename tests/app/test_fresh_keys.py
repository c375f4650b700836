"""A key that has just been made, replaced or revoked, shown to two workers that serve from one state."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.asgi import create_app
from app.container import container_for
from app.launch import find_launch
from config.translate_access import hash_line
from domain.access.keys import digest_of, token_of
from tests.adapters.inbound.gateway import Client

SECRET = "s" * 43
FILE = """\
providers: [{name: only, base_url: "http://127.0.0.1:9/v1", model: m}]
profiles: [{name: default, providers: [only]}]
members: {root: {}, alice: {}}
auth:
  keys: [{member: root, hash_file: "${HASHES}/admin", scopes: [admin]}]
"""


class Worker:
    """One that looks at the state when it has a reason to, and never because time has gone by."""

    def __init__(self, directory: Path) -> None:
        launch = find_launch(
            {"HASHES": str(directory), "HOME": str(directory)}, directory=directory, home=directory
        )
        self.container = container_for(launch)
        self.container.log_stream.override(BytesIO())
        self.container.readiness().ready = True
        self.app = create_app(self.container)

    async def administer(self, path: str, *, method: str = "POST", **wish: object) -> dict[str, Any]:
        headers = {"x-api-key": token_of("admin", SECRET), "content-type": "application/json"}
        answered = await Client(
            self.app, path, msgspec.json.encode(wish), method=method, headers=headers
        ).run()
        assert answered.status < 300
        told: dict[str, Any] = answered.json
        return told

    async def status(self, key: str) -> int:
        return (await Client(self.app, "/v1/models", method="GET", headers={"x-api-key": key}).run()).status

    async def close(self) -> None:
        await self.container.store().aclose()
        self.container.event_log().close()


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[tuple[Worker, Worker]]:
    (tmp_path / "providers.yaml").write_text(FILE, encoding="utf-8")
    (tmp_path / "admin").write_text(hash_line("admin", digest_of("admin", SECRET)), encoding="ascii")
    async with AsyncExitStack() as stack:
        one, other = Worker(tmp_path), Worker(tmp_path)
        for worker in (one, other):
            stack.push_async_callback(worker.close)
            await worker.container.keys().refresh()
        yield one, other


async def test_who_makes_replaces_or_revokes_a_key_knows_it_at_once(workers: tuple[Worker, Worker]) -> None:
    worker, _ = workers

    made = await worker.administer("/admin/keys", member="alice")
    assert await worker.status(made["key"]) == 200

    replaced = await worker.administer(f"/admin/keys/{made['id']}/rotate")
    assert await worker.status(replaced["key"]) == 200
    assert await worker.status(made["key"]) == 401

    await worker.administer(f"/admin/keys/{replaced['id']}", method="DELETE")
    assert await worker.status(replaced["key"]) == 401


async def test_another_worker_looks_before_it_calls_a_new_key_unknown(
    workers: tuple[Worker, Worker],
) -> None:
    worker, other = workers

    made = await worker.administer("/admin/keys", member="alice")

    assert await other.status(made["key"]) == 200

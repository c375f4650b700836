"""The state file bears what happens to files: two processes, full disks, power cuts, newer versions."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from domain.budget.accounts import Account, AccountKind, BudgetMode, Pot
from domain.budget.leases import Claim
from domain.budget.money import NanoUsd
from domain.budget.periods import Span
from domain.ports.storage import StoreUnavailable
from infrastructure.state.sqlite import SqliteStore
from infrastructure.state.sqlite_schema import MIGRATIONS
from infrastructure.state.sqlite_writer import Care, SqliteWriter, connected
from tests.fakes.fixed_clock import FixedClock

POT = Pot(Account(AccountKind.MEMBER, "anna"), Span.MONTH, "2026-07")


def claim(*, spent: int = 0, held: int = 0, need: int = 0) -> Claim:
    needs = (NanoUsd(need),) if need else ()
    return Claim(
        pot=POT,
        spent=NanoUsd(spent),
        held=NanoUsd(held),
        needs=needs,
        cap=NanoUsd(10**9),
        mode=BudgetMode.HARD,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(path, FixedClock())
    yield opened
    await opened.aclose()


def read(path: Path) -> bytes:
    return path.read_bytes()


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


async def settled(path: Path) -> int:
    reader = SqliteStore(path, FixedClock())
    found = sum(balance.settled for balance in await reader.balances(["2026-07"]))
    await reader.aclose()
    return found


async def test_a_file_is_made_with_its_folders_and_read_again(path: Path) -> None:
    deep = path.parent / "a" / "b" / "state.db"
    store = SqliteStore(deep, FixedClock())
    await store.exchange([claim(spent=5)])
    await store.aclose()

    assert await settled(deep) == 5


async def test_jobs_that_wait_share_a_transaction(store: SqliteStore, path: Path) -> None:
    await store.put("t", "n", "first")
    before = wal_size(path)

    await asyncio.gather(*(store.put("t", "n", str(number)) for number in range(200)))

    assert wal_size(path) - before < 60 * 4096
    assert await store.generation("t") == 201


def wal_size(path: Path) -> int:
    return path.with_name(f"{path.name}-wal").stat().st_size


def run_beside(script: str, path: Path, *, times: int = 1) -> list[tuple[int, str]]:
    """Processes of their own, at once: their exit codes, and what they said."""
    processes = [
        subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
        for _ in range(times)
    ]
    said = [process.communicate(timeout=50)[0] for process in processes]
    return [(process.returncode, words) for process, words in zip(processes, said, strict=True)]


async def test_a_bug_in_one_job_is_not_the_others_fault(path: Path) -> None:
    writer = SqliteWriter(path)
    await writer.run(lambda connection: connection.execute("CREATE TABLE t (n)"), Care.WRITE)

    async def add(number: int) -> None:
        def job(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO t VALUES (?)", (number,))
            _ = 1 // number

        await writer.run(job, Care.WRITE)

    found = await asyncio.gather(*map(add, range(-3, 4)), return_exceptions=True)
    rows = await writer.run(
        lambda connection: connection.execute("SELECT n FROM t ORDER BY n").fetchall(), Care.READ
    )
    await writer.aclose()

    assert [type(one) for one in found if one is not None] == [ZeroDivisionError]
    assert rows == [(-3,), (-2,), (-1,), (1,), (2,), (3,)]


async def test_a_store_that_cannot_be_opened_says_so_and_recovers(path: Path) -> None:
    path.parent.joinpath("file").write_text("in the way")
    store = SqliteStore(path.parent / "file" / "state.db", FixedClock())
    with pytest.raises(StoreUnavailable, match="file"):
        await store.exchange([claim(spent=5)])
    with pytest.raises(StoreUnavailable, match="file"):
        await store.records("keys")

    path.parent.joinpath("file").unlink()

    await store.exchange([claim(spent=5)])
    await store.aclose()


async def test_what_is_no_state_file_is_left_as_it_is(path: Path) -> None:
    diary = b"a diary, not a database" * 100
    write(path, diary)
    store = SqliteStore(path, FixedClock())

    with pytest.raises(StoreUnavailable, match="not a database"):
        await store.mourn()
    await store.aclose()

    assert read(path) == diary


async def test_a_file_of_a_newer_version_is_not_touched(path: Path) -> None:
    connection = connected(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    store = SqliteStore(path, FixedClock())

    with pytest.raises(StoreUnavailable, match="restore a backup"):
        await store.mourn()
    await store.aclose()


async def test_every_older_form_of_the_file_becomes_todays(path: Path) -> None:
    for version in range(len(MIGRATIONS) + 1):
        older = path.with_name(f"{version}.db")
        connection = connected(older)
        for step in MIGRATIONS[:version]:
            connection.executescript(step)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.close()

        store = SqliteStore(older, FixedClock())
        await store.exchange([claim(spent=5)])
        await store.aclose()


async def test_a_full_disk_loses_nothing_that_was_answered_and_is_told(path: Path) -> None:
    script = """
import asyncio, resource, sys
from pathlib import Path
from domain.ports.storage import StoreUnavailable
from infrastructure.state.sqlite import SqliteStore
from tests.fakes.fixed_clock import FixedClock
from tests.infrastructure.state.test_sqlite import claim

async def main() -> None:
    store = SqliteStore(Path(sys.argv[1]), FixedClock())
    await store.exchange([claim(spent=1)])
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    spent = 1
    try:
        while True:
            await store.put("t", str(spent), "x" * 20_000)
            await store.exchange([claim(spent=spent + 1)])
            spent += 1
    except StoreUnavailable as error:
        print(spent, error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    await store.exchange([claim(spent=spent + 1)])
    await store.aclose()

asyncio.run(main())
"""
    ((code, said),) = run_beside(script, path)

    assert code == 0
    written = int(said.split()[0])
    assert written > 1
    assert await settled(path) == written + 1


@pytest.mark.parametrize("tail", ["dropped", "torn", "garbled"])
async def test_after_a_power_cut_the_ledger_stands_where_it_was_last_synced(path: Path, tail: str) -> None:
    store = SqliteStore(path, FixedClock())
    await store.exchange([claim(spent=100, need=50, held=100)])
    synced, database = wal_size(path), read(path)
    for number in range(20):
        await store.count(f"not synced {number}", 1, lasts_s=60)
    log = read(path.with_name(f"{path.name}-wal"))
    assert len(log) > synced
    await store.aclose()

    for kept in range(synced, len(log), 1777) if tail != "dropped" else (synced,):
        after = path.with_name(f"{kept}.db")
        write(after, database)
        rest = log[synced:kept] if tail == "torn" else bytes(byte ^ 0x5A for byte in log[synced:kept])
        write(after.with_name(f"{after.name}-wal"), log[:synced] + rest)
        successor = SqliteStore(after, FixedClock())
        charges = await successor.mourn()
        await successor.aclose()

        assert [charge.amount for charge in charges] == [50]
        assert await settled(after) == 150


async def test_a_new_file_is_nobody_elses_business(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.db"
    store = SqliteStore(path, FixedClock())
    await store.count("ours", 1, lasts_s=60)

    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    await store.aclose()


async def test_a_file_that_is_opened_anew_keeps_what_others_have_written(path: Path) -> None:
    writer = SqliteWriter(path)
    await writer.run(lambda connection: connection.execute("CREATE TABLE ours (any)"), Care.DURABLE)
    with closing(connected(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM ours").fetchall()
        with pytest.raises(StoreUnavailable):
            await writer.run(lambda connection: connection.execute("nonsense"), Care.WRITE)
        await writer.run(lambda connection: connection.execute("INSERT INTO ours VALUES (1)"), Care.DURABLE)
        visit = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM ours').fetchall()"
        assert [code for code, _ in run_beside(visit, path, times=1)] == [0]
        assert path.with_name("state.db-wal").exists()
        reader.execute("COMMIT")
        assert reader.execute("SELECT * FROM ours").fetchall() == [(1,)]
    await writer.aclose()


async def test_a_new_file_that_another_process_is_busy_with_is_waited_for(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("CREATE TABLE theirs (any)")
        finishing = threading.Timer(0.2, other.execute, ["COMMIT"])
        finishing.start()
        store = SqliteStore(path, FixedClock())

        assert (await store.count("ours", 1, lasts_s=60)).total == 1

        await store.aclose()
        finishing.join()


async def test_two_processes_write_to_one_file(path: Path) -> None:
    script = """
import asyncio, sys
from pathlib import Path
from infrastructure.state.sqlite import SqliteStore
from tests.fakes.fixed_clock import FixedClock

async def main() -> None:
    store = SqliteStore(Path(sys.argv[1]), FixedClock())
    for _ in range(100):
        await store.count("both", 1, lasts_s=600)
    await store.aclose()

asyncio.run(main())
"""
    codes = [code for code, _ in run_beside(script, path, times=2)]

    assert codes == [0, 0]
    store = SqliteStore(path, FixedClock())
    assert await store.counted("both") == 200
    await store.aclose()


async def test_a_worker_that_was_killed_is_charged_by_the_next(path: Path) -> None:
    script = """
import asyncio, os, signal, sys
from pathlib import Path
from infrastructure.state.sqlite import SqliteStore
from tests.fakes.fixed_clock import FixedClock
from tests.infrastructure.state.test_sqlite import claim

async def main() -> None:
    store = SqliteStore(Path(sys.argv[1]), FixedClock())
    await store.exchange([claim(spent=7, held=7, need=100)])
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    for _ in range(3):
        run_beside(script, path)

    assert await settled(path) == 214 + 7
    store = SqliteStore(path, FixedClock())
    await store.mourn()
    await store.aclose()
    assert await settled(path) == 321

"""A copy of the state is whole, and putting it back loses nothing."""

import asyncio
import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from domain.ports.storage import StoreUnavailable
from infrastructure.state.backup import (
    InUse,
    NoBackup,
    NoSnapshots,
    Restored,
    SqliteSnapshots,
    Taken,
    back_up,
    restore,
)
from infrastructure.state.sqlite import SqliteStore
from tests.fakes.fixed_clock import FixedClock


def opened(path: Path) -> SqliteStore:
    return SqliteStore(path, FixedClock())


async def written(path: Path, **records: str) -> None:
    store = opened(path)
    for name, text in records.items():
        await store.put("keys", name, text)
    await store.mourn()
    await store.aclose()


async def said(path: Path) -> dict[str, str]:
    store = opened(path)
    found = dict(await store.records("keys"))
    await store.aclose()
    return found


async def test_a_copy_is_made_while_the_state_is_in_use(tmp_path: Path) -> None:
    state, copy = tmp_path / "state.db", tmp_path / "copy.db"
    store = opened(state)
    await store.put("keys", "one", "1")

    await asyncio.to_thread(back_up, state, copy)
    await store.put("keys", "two", "2")
    await store.aclose()

    assert await said(copy) == {"one": "1"}
    assert sorted(path.name for path in files(tmp_path) if "worker" not in path.name) == [
        "copy.db",
        "state.db",
    ]


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_what_is_restored_takes_the_place_of_what_was_there_and_that_is_kept(tmp_path: Path) -> None:
    state, copy = tmp_path / "state.db", tmp_path / "copy.db"
    await written(state, one="1")
    back_up(state, copy)
    await written(state, two="2")

    before = restore(copy, state).before

    assert await said(state) == {"one": "1"}
    assert before is not None
    assert await said(before) == {"one": "1", "two": "2"}


async def test_a_state_may_be_restored_where_there_was_none(tmp_path: Path) -> None:
    await written(tmp_path / "state.db", one="1")
    back_up(tmp_path / "state.db", tmp_path / "copy.db")

    assert restore(tmp_path / "copy.db", tmp_path / "new" / "state.db") == Restored()
    assert await said(tmp_path / "new" / "state.db") == {"one": "1"}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("kept", [0o600, 0o640])
async def test_a_restored_state_is_readable_by_those_who_could_read_it_before(
    tmp_path: Path, kept: int
) -> None:
    state, copy = tmp_path / "state.db", tmp_path / "copy.db"
    await written(state, one="1")
    back_up(state, copy)
    state.chmod(kept)
    copy.chmod(0o644)
    mask = os.umask(0)
    try:
        before = restore(copy, state).before
    finally:
        os.umask(mask)

    store = opened(state)
    await store.put("keys", "two", "2")
    modes = {path.name: mode(path) for path in files(tmp_path) if path.name.startswith("state.db-")}
    await store.aclose()

    assert before is not None
    assert (mode(state), mode(before)) == (kept, kept)
    assert modes == {"state.db-wal": kept, "state.db-shm": kept}


async def test_a_state_that_is_restored_where_there_was_none_is_for_its_owner_alone(tmp_path: Path) -> None:
    await written(tmp_path / "state.db", one="1")
    back_up(tmp_path / "state.db", tmp_path / "copy.db")
    (tmp_path / "copy.db").chmod(0o644)

    restore(tmp_path / "copy.db", tmp_path / "new" / "state.db")

    assert (mode(tmp_path / "new" / "state.db"), mode(tmp_path / "new")) == (0o600, 0o700)


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


@only_root
async def test_a_restored_state_belongs_to_whom_it_belonged(tmp_path: Path) -> None:
    state, copy = tmp_path / "state.db", tmp_path / "copy.db"
    await written(state, one="1")
    back_up(state, copy)
    os.chown(state, 10_001, 10_002)

    restore(copy, state)

    assert owner(state) == (10_001, 10_002)


def owner(path: Path) -> tuple[int, int]:
    return path.stat().st_uid, path.stat().st_gid


@only_root
@pytest.mark.parametrize("place", ["state.db", "deeper/still/state.db"])
async def test_a_state_that_is_restored_where_there_was_none_belongs_to_whom_the_folder_belongs(
    tmp_path: Path, place: str
) -> None:
    await written(tmp_path / "state.db", one="1")
    back_up(tmp_path / "state.db", tmp_path / "copy.db")
    folder = tmp_path / "var"
    folder.mkdir()
    os.chown(folder, 10_001, 10_002)

    assert restore(tmp_path / "copy.db", folder / place) == Restored()

    assert {owner(path) for path in folder.rglob("*")} == {(10_001, 10_002)}
    assert mode(folder / place) == 0o600


@only_root
async def test_whose_state_it_is_is_told_when_it_cannot_be_given_to_whom_the_folder_belongs(
    tmp_path: Path,
) -> None:
    await written(tmp_path / "state.db", one="1")
    with TemporaryDirectory() as name:  # which others than root can reach
        folder = Path(name)
        back_up(tmp_path / "state.db", folder / "copy.db")

        restored = restored_by_nobody(folder / "copy.db", folder / "state.db")

        assert await said(folder / "state.db") == {"one": "1"}
    assert restored.misplaced == "it belongs to user 65534, its folder to user 0 (Operation not permitted)"


def restored_by_nobody(copy: Path, state: Path) -> Restored:
    copy.chmod(0o644)
    state.parent.chmod(0o777)
    os.seteuid(65534)
    try:
        return restore(copy, state)
    finally:
        os.seteuid(0)


async def test_whatever_was_there_before_is_kept_however_often_one_restores(tmp_path: Path) -> None:
    state, copy = tmp_path / "state.db", tmp_path / "copy.db"
    await written(state, one="1")
    back_up(state, copy)
    kept = []
    for name in ("two", "three", "four"):
        await written(state, **{name: "x"})
        before = restore(copy, state).before
        assert before is not None
        kept.append(before)

    assert [path.name for path in kept] == [
        "state.db.before-restore",
        "state.db.before-restore-2",
        "state.db.before-restore-3",
    ]
    assert [set(await said(path)) for path in kept] == [{"one", "two"}, {"one", "three"}, {"one", "four"}]


async def test_a_copy_takes_no_other_file_s_place_unless_asked_to(tmp_path: Path) -> None:
    state, copy = tmp_path / "state.db", tmp_path / "copy.db"
    await written(state, one="1")
    back_up(state, copy)
    await written(state, two="2")

    with pytest.raises(Taken, match=str(copy)):
        back_up(state, copy)
    assert await said(copy) == {"one": "1"}

    back_up(state, copy, replaces=True)
    assert await said(copy) == {"one": "1", "two": "2"}
    with pytest.raises(Taken, match="the state itself"):
        back_up(state, state, replaces=True)


async def test_nothing_is_restored_below_a_running_gateway(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    await written(state, one="1")
    back_up(state, tmp_path / "copy.db")
    store = opened(state)
    await store.mourn()

    with pytest.raises(InUse, match="stop it first"):
        restore(tmp_path / "copy.db", state)
    await store.aclose()

    restore(tmp_path / "copy.db", state)


@pytest.mark.parametrize("content", [b"", b"a diary", b"SQLite format 3\x00" + bytes(4096)])
async def test_what_is_no_copy_is_refused_and_the_state_left_alone(tmp_path: Path, content: bytes) -> None:
    state, copy = tmp_path / "state.db", tmp_path / "copy.db"
    await written(state, one="1")
    put(copy, content)

    with pytest.raises(NoBackup, match=str(copy)):
        restore(copy, state)
    with pytest.raises(NoBackup, match="there is no file"):
        restore(tmp_path / "nowhere.db", state)

    assert await said(state) == {"one": "1"}


async def test_a_damaged_copy_is_refused(tmp_path: Path) -> None:
    state, copy = tmp_path / "state.db", tmp_path / "copy.db"
    await written(state, **{f"k{number}": "x" * 500 for number in range(100)})
    back_up(state, copy)
    content = bytearray(copy.read_bytes())
    content[20_000:40_000] = bytes(20_000)
    put(copy, bytes(content))

    with pytest.raises(NoBackup):
        restore(copy, state)


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


async def test_a_snapshot_comes_in_pieces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    await written(state, **{f"k{number}": "x" * 5000 for number in range(200)})
    snapshots = SqliteSnapshots(state)

    pieces = [piece async for piece in snapshots.snapshot()]
    put(tmp_path / "copy.db", b"".join(pieces))
    begun = snapshots.snapshot()
    await anext(begun)
    await begun.aclose()

    assert len(pieces) > 2
    assert len(await said(tmp_path / "copy.db")) == 200
    assert not [path for path in files(tmp_path) if path.name.startswith(".")]


async def test_a_state_that_is_not_there_cannot_be_copied(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="there is no state"):
        back_up(tmp_path / "state.db", tmp_path / "copy.db")
    for snapshots in (SqliteSnapshots(tmp_path / "gone" / "state.db"), NoSnapshots()):
        with pytest.raises(StoreUnavailable):
            await anext(snapshots.snapshot())

    assert files(tmp_path) == []

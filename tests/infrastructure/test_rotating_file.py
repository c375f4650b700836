"""The mirror of the events keeps its size, its lines and its neighbours."""

from pathlib import Path

from infrastructure.logging import LineWriter
from infrastructure.rotating_file import RotatingFile


def test_parent_folders_are_made_and_lines_appended(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "events.jsonl"
    for line in (b"one\n", b"two\n"):
        file = RotatingFile(path)
        file.write(line)
        file.close()

    assert path.read_bytes() == b"one\ntwo\n"


def test_a_file_that_has_grown_enough_is_set_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    file = RotatingFile(path, most_bytes=10, kept=2)
    for number in range(5):
        file.write(f"line {number}\n".encode())
    file.close()

    kept = {each.name: each.read_text() for each in tmp_path.iterdir()}
    assert kept == {
        "events.jsonl": "line 4\n",
        "events.jsonl.1": "line 3\n",
        "events.jsonl.2": "line 2\n",
    }


def test_a_process_notices_that_another_has_set_the_file_aside(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    ours, theirs = RotatingFile(path, most_bytes=12), RotatingFile(path, most_bytes=12)
    ours.write(b"ours 1\n")
    theirs.write(b"theirs\n")
    ours.flush()
    ours.write(b"ours 2\n")
    ours.flush()
    theirs.write(b"theirs\n")
    for file in (ours, theirs):
        file.close()

    everything = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert sorted(everything.split()) == sorted(b"ours 1 theirs ours 2 theirs".split())


def test_a_path_that_cannot_be_written_disturbs_nobody(tmp_path: Path) -> None:
    (tmp_path / "occupied").write_text("a file, not a folder")
    writer = LineWriter(RotatingFile(tmp_path / "occupied" / "events.jsonl"))

    writer.write(b"lost\n")
    writer.close()


def test_a_file_that_cannot_be_closed_is_not_kept(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "events.jsonl", most_bytes=4)
    file.write(b"one\n")
    file.close()
    file.write(b"two\n")
    file.close()

    assert (tmp_path / "events.jsonl").read_bytes() == b"one\ntwo\n"

"""The child takes the cores it may have, and keeps its one line of stdout clean."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.model_server.child import available_cores

ANNOUNCES = """
import os, sys
from infrastructure.model_server.child import take_stdout
announcements = take_stdout()
os.write(1, b"from a library written in C\\n")
print("from Python", flush=True)
print("the announcement", file=announcements, flush=True)
"""


@pytest.mark.parametrize(
    ("quota", "cores"), [("50000 100000", 1), ("100000 100000", 1), ("max 100000", None), ("", None)]
)
def test_a_containers_quota_bounds_the_threads(tmp_path: Path, quota: str, cores: int | None) -> None:
    quota_file = tmp_path / "cpu.max"
    quota_file.write_text(quota)

    assert available_cores(quota_file) == (cores or len(os.sched_getaffinity(0)))


def test_without_control_groups_the_affinity_counts(tmp_path: Path) -> None:
    assert available_cores(tmp_path / "absent") == len(os.sched_getaffinity(0))


def test_stdout_carries_the_announcement_alone() -> None:
    run = subprocess.run([sys.executable, "-c", ANNOUNCES], capture_output=True, text=True, check=True)

    assert run.stdout == "the announcement\n"
    assert run.stderr == "from a library written in C\nfrom Python\n"

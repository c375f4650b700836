"""Ids of requests are drawn many at a time, and still no two are alike."""

import subprocess
import sys

from infrastructure.request_ids import RequestIds


def test_processes_of_one_parent_do_not_make_the_same_ids() -> None:
    """A worker may be forked: what was drawn before is the same in all of them, and must not be used."""
    # Written at once and without an orderly end, which is not for a process that was forked from threads.
    program = """
import os
from infrastructure.request_ids import RequestIds
ids = RequestIds()
ids()
os.fork()
os.write(1, ids().encode() + b" ")
os._exit(0)
"""

    told = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=True)

    assert len(set(told.stdout.split())) == 2


def test_request_ids_do_not_repeat() -> None:
    ids = RequestIds()
    drawn = {ids() for _ in range(1000)}

    assert len(drawn) == 1000
    assert {len(each) for each in drawn} == {16}

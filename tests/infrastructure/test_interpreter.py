"""The interpreter is tuned once, and nothing that a process keeps is lost by it."""

import gc
import subprocess
import sys

PROGRAM = """
import gc, sys
from infrastructure.interpreter import settle
kept = [object() for _ in range(1000)]
settle()
print(gc.isenabled(), gc.get_freeze_count() > 0, len(kept), sys.getswitchinterval() > 0.005)
"""


def test_the_collector_stays_on_and_looks_away_from_what_lives_as_long_as_the_process() -> None:
    before = gc.get_threshold()
    told = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)

    assert told.stdout.split() == ["True", "True", "1000", "True"]
    assert gc.get_threshold() == before

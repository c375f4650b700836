"""Tunes the interpreter for a process that serves: many small objects on one busy thread."""

import gc
import sys

SWITCH_INTERVAL_S = 0.05
"""
How long the thread that serves keeps the interpreter before another may ask for it.

It gives way by itself whenever it waits for I/O, many times in that span. CPython's 5 ms let the server's own
threads, which hand over requests and could well wait for that moment, interrupt it in the midst of work.
"""

YOUNG_OBJECTS = 20_000
"""Allocations between two collections of the young; at CPython's 700 a few requests caused one."""

_YOUNG_PER_OLDER = 20


def settle() -> None:
    """
    To be called once, when everything that lives as long as the process has been built.

    What was built is taken out of the collector's sight: looking through modules and routes again and again
    finds nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, _YOUNG_PER_OLDER, _YOUNG_PER_OLDER)
    sys.setswitchinterval(SWITCH_INTERVAL_S)

"""Decides: what is asked, where it may go, and what a failure changes.

Nothing here reads a clock, opens a socket, writes a log line or awaits. Objects that change do so on
the event loop only and never across an `await`, so they need no locks.
"""

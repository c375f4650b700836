"""Supplies machinery that would serve any service: clock, pools, log, metrics, storage."""

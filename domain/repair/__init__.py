"""Mends what upstreams say: sans-IO stages over the events of one reply."""

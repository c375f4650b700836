"""Speaks the protocols of conversations: clients on one side, vendors on the other."""

"""A small language model served on loopback by a child process of the gateway."""

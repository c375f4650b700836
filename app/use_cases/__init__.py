"""One thing a client or an operator may ask for in each module."""

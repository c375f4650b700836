"""The tests; folders below mirror the packages they specify and hold no `__init__.py`."""

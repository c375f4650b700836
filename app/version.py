"""Which version this is."""

from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "coderouter-gateway"


def gateway_version() -> str:
    """The installed version; ``0.0.0+unknown`` when run without being installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "0.0.0+unknown"

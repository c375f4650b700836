"""What of the configuration a status page shows; no secret, and nothing that might hold one."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from config.schema.root import Config


def config_in_short(config: Config) -> dict[str, Any]:
    """The configuration as `metrics.json` tells it."""
    return {
        "default_profile": config.default_profile,
        "allow_paid": config.allow_paid,
        "display_timezone": config.display_timezone,
        "providers": [
            {
                "name": provider.name,
                "kind": provider.adapter or provider.kind,
                "paid": provider.paid,
                "base_url": _address(provider.base_url or ""),
            }
            for provider in config.providers
        ],
        "profiles": [
            {"name": profile.name, "providers": list(profile.providers)} for profile in config.profiles
        ],
    }


def _address(url: str) -> str:
    """Without its query: some vendors take keys there."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))

"""Which pages may call this server. CORS alone does not stop a request from being made, so the server asks itself."""

from chatkit.config import Config


def is_allowed(origin: str, *, scheme: str, host: str, config: Config) -> bool:
    """Listed, or the server's own. `null` (sandboxed frames, files) is neither."""
    origin = origin.lower()
    return origin in config.cors_origins or origin == f"{scheme}://{host}".lower()

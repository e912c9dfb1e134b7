"""The I/O shell: HTTP in, HTTP out, cache, backends, ledger. The in-process SDK.

    from router import Router

Names are loaded when they are first used: importing this package reads no file and costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import errors as errors
    from .errors import ApiError as ApiError
    from .errors import ConfigError as ConfigError
    from .errors import RouterError as RouterError
    from .sdk import Router as Router
    from .settings import Settings as Settings

_HOMES = {
    "ApiError": "errors",
    "ConfigError": "errors",
    "Router": "sdk",
    "RouterError": "errors",
    "Settings": "settings",
}

__all__ = ["ApiError", "ConfigError", "Router", "RouterError", "Settings", "errors"]


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module(".errors", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)

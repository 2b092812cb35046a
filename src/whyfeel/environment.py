"""The one place where environment variables are read."""

from __future__ import annotations

import os


def variable(name: str) -> str | None:
    """The value of an environment variable, None where it is unset or blank."""
    return os.environ.get(name, "").strip() or None

"""What a test needs beyond Python."""

from __future__ import annotations

import os

import pytest


def need(found: bool, what: str) -> None:
    """Skip a test on a bare machine; where everything is required, fail it."""
    if found:
        return
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"needed here: {what}")
    pytest.skip(f"not on this machine: {what}")

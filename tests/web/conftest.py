"""What the tests of pages share."""

from __future__ import annotations

import logging

import pytest

from web.browsing import chromium, tell

__all__ = ["chromium", "tell"]


@pytest.fixture(autouse=True)
def _heard() -> None:
    """What a server warns of reaches the tests, also after another test has served with logging turned down."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)

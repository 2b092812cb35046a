"""What the tests of pages share."""

from __future__ import annotations

import logging

import pytest
from browsing import chromium, tell

__all__ = ["chromium", "tell"]


@pytest.fixture(autouse=True)
def _heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a server would log reaches the tests, also after another test has set up logging as uvicorn does."""
    monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)

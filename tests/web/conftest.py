"""What the tests of pages share."""

from __future__ import annotations

from browsing import chromium, tell

__all__ = ["chromium", "tell"]

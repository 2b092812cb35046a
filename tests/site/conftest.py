"""What the tests of the site share."""

from __future__ import annotations

from web.browsing import chromium

__all__ = ["chromium"]

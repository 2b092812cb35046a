"""The price table: dated, shipped, and overridable by the user's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

from whyfeel.engine import Price
from whyfeel.errors import DataError, brief

Prices = Mapping[tuple[str, str], Price]


def load_prices(override: Path | None = None) -> Prices:
    """(provider, model) to price: the shipped table, with the user's entries put over it.

    The provider of a model given by its address is "any", so that `--prices` can price it: [any."NAME"].

    Raises:
        DataError: the user's file is unreadable or an entry is not `in`, `out` (dollars per million tokens) and
            `as_of` (a date).
    """
    shipped = files("whyfeel.models").joinpath("prices.toml").read_text(encoding="utf-8")
    table = _parse(tomllib.loads(shipped), "prices.toml")
    if override is not None:
        try:
            own = tomllib.loads(override.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise DataError(f"--prices: {str(override)!r} is not a readable TOML file: {error}") from None
        table |= _parse(own, str(override))
    return table


def _parse(tables: Mapping[str, Any], source: str) -> dict[tuple[str, str], Price]:
    return {
        (provider, name): _entry(entry, f"{source}: [{provider}.{name!r}]")
        for provider, models in tables.items()
        for name, entry in (models.items() if isinstance(models, dict) else [("", models)])
    }


def _entry(entry: object, where: str) -> Price:
    if not isinstance(entry, dict) or set(entry) != {"in", "out", "as_of"}:
        raise DataError(f"{where} must have the keys in, out (US dollars per million tokens) and as_of (a date)")
    amounts = (entry["in"], entry["out"])
    if not all(isinstance(a, int | float) and not isinstance(a, bool) and 0 <= a <= 1e9 for a in amounts):
        raise DataError(f"{where}: in and out must be dollars per million tokens, 0 or more; got {brief(amounts)}")
    if not isinstance(entry["as_of"], date):
        raise DataError(f"{where}: as_of must be a date such as 2026-11-05; got {entry['as_of']!r}")
    return Price(float(amounts[0]), float(amounts[1]), entry["as_of"])

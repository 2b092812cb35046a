"""The models of a run: which answers in which role, how it is asked, and where it lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from whyfeel.engine import Route
from whyfeel.errors import CallFailed, UserError
from whyfeel.models import Local, Prices, build_model
from whyfeel.models.local.settings import read_settings
from whyfeel.runs.destinations import check_local
from whyfeel.runs.options import SittingOptions

REPLAY = "replay:"  # tells the answers of one role


def routes_to(
    options: SittingOptions, asked: Mapping[str, tuple[str, Mapping[str, Any]]], prices: Prices, *, calls: bool
) -> dict[str, Route]:
    """The models of several roles.

    Roles that name the same model share it: its connections, and what its server has turned out not to take.

    Args:
        asked: role to the model's name and its sampling settings.
    """
    routes: dict[str, Route] = {}
    first: dict[str, Route] = {}
    for role, (spec, gen) in asked.items():
        route = first.get(spec) or route_to(options, spec, role, prices, gen, calls=calls)
        if not spec.startswith(REPLAY):
            first.setdefault(spec, route)
        routes[role] = replace(route, gen=gen)
    return routes


def route_to(
    options: SittingOptions, spec: str, role: str, prices: Prices, gen: Mapping[str, Any], *, calls: bool
) -> Route:
    """A model, priced (a budget in money needs a price), and how it is asked."""
    batched = options.batch is not None and spec.startswith(f"{options.batch}:")
    if batched:
        prices = {name: price.halved for name, price in prices.items()}
    calls = calls and not (options.ray is not None and spec.startswith("local:"))  # each actor loads its own
    model = build_model(spec, role, prices, calls=calls, local_only=options.local_only)
    if isinstance(model, Local):
        _check_settings(spec, gen)
    if options.max_cost is not None and model.price is None:
        raise UserError(f"--max-cost needs a price for {spec!r}; give one with --prices (see docs/running.md)")
    route = Route(model, gen, batched)
    if options.local_only:
        check_local({role: route})
    return route


def _check_settings(spec: str, gen: Mapping[str, Any]) -> None:
    """That a model in this process has the settings that the user gave it, found out before the first call."""
    try:
        read_settings(gen, [name for name, value in gen.items() if value is not None])
    except CallFailed as failed:
        raise UserError(f"{spec}: {failed.detail}") from None


def remarks(routes: Mapping[str, Route]) -> list[str]:
    """What the user should know of the models in this process: where each computes, in one line."""
    models = {id(route.model): route.model for route in routes.values()}.values()
    return [model.remark for model in models if isinstance(model, Local) and model.remark]


def addresses(plan_routes: Mapping[str, Route]) -> list[dict[str, Any]]:
    """Where each role's model lives, for the manifest."""
    return [
        {"role": role, "model": route.model.name, "address": route.model.address}
        for role, route in sorted(plan_routes.items())
    ]

"""JSON schemas in the strict form that structured output demands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema with every object closed, and every property of it required.

    >>> strict({"type": "object", "properties": {"n": {"type": "integer"}}})
    {'type': 'object', 'properties': {'n': {'type': 'integer'}}, 'required': ['n'], 'additionalProperties': False}
    """
    closed = {name: _strict(value) for name, value in schema.items()}
    properties = schema.get("properties")
    if isinstance(properties, dict):  # its keys are the user's names: one may be called "properties"
        closed["properties"] = {name: _strict(value) for name, value in properties.items()}
        closed["required"] = list(properties)
        closed["additionalProperties"] = False
    return closed


def _strict(value: object) -> object:
    if isinstance(value, dict):
        return strict(value)
    return [_strict(item) for item in value] if isinstance(value, list) else value

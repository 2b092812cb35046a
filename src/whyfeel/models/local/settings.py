"""What an ask's sampling settings mean to a model in this process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from whyfeel.errors import CallFailed

T = TypeVar("T")

TOKENS = 1024  # that an answer may have where nobody says
KNOWN = {"max_completion_tokens", "max_tokens", "seed", "stop", "temperature", "top_k", "top_p"}


@dataclass(frozen=True, slots=True)
class Settings:
    """How answers are drawn; those of one batch share them.

    Attributes:
        most: tokens that an answer may have, from 1.
        temperature: from 0, at which the likeliest token is taken.
        top_k: of so many likeliest tokens one is drawn; 0 for all.
        top_p: of the likeliest tokens that together have this probability one is drawn, in (0, 1].
        stop: an answer ends before the first of these texts.
    """

    most: int = TOKENS
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()


def read_settings(gen: Mapping[str, Any], insisted: Collection[str] = ()) -> tuple[Settings, tuple[str, ...]]:
    """The settings of an ask, and the names of those that are left out, sorted.

    A seed is read for its form alone: it is part of the ask's key, from which an answer is drawn.

    Args:
        gen: by their chat-completions names.
        insisted: those that the user asked for, which may not be left out.

    Raises:
        CallFailed: a value is none that the setting can have, or one is insisted on that there is not.

    >>> read_settings({"temperature": 0.7, "max_tokens": 5, "min_p": 0.1})
    (Settings(most=5, temperature=0.7, top_k=0, top_p=1.0, stop=()), ('min_p',))
    """
    unknown = sorted(set(gen) - KNOWN)
    for name in unknown:
        if name in insisted:
            raise _rejected(f"a local model has no setting {name!r} (it has {', '.join(sorted(KNOWN))}); leave it out")
    most = "max_completion_tokens" if "max_completion_tokens" in gen else "max_tokens"
    _read(gen, "seed", 0, _whole, "a whole number")
    settings = Settings(
        most=_read(gen, most, TOKENS, lambda v: _whole(v) and v >= 1, "a whole number from 1"),
        temperature=_read(gen, "temperature", 0.0, lambda v: _number(v) and 0 <= v <= 100, "a number from 0 to 100"),
        top_k=max(0, _read(gen, "top_k", 0, lambda v: _whole(v) and v >= -1, "a whole number from 1, or 0 for all")),
        top_p=_read(gen, "top_p", 1.0, lambda v: _number(v) and 0 < v <= 1, "a number above 0, at most 1"),
        stop=_read(gen, "stop", (), _texts, "a text or a list of texts, none of them empty"),
    )
    return settings, tuple(unknown)


def _read(gen: Mapping[str, Any], name: str, default: T, fits: Callable[[Any], bool], expected: str) -> T:
    value = gen.get(name)
    if value is None:
        return default
    if not fits(value):
        raise _rejected(f"{name}: expected {expected}, got {value!r:.100}")
    if name == "stop":
        value = (value,) if isinstance(value, str) else tuple(value)
    return type(default)(value)  # type: ignore[call-arg]


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _texts(value: object) -> bool:
    return (
        all(isinstance(one, str) and one for one in ([value] if isinstance(value, str) else value))
        if (isinstance(value, str | list | tuple))
        else False
    )


def _rejected(detail: str) -> CallFailed:
    return CallFailed("rejected", detail, again=False)

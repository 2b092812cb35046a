"""The published votes of Socratis' human study, and what was said of them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from whyfeel.stats.choices import Choice


@dataclass(frozen=True, slots=True)
class PublishedVotes:
    """A study of two systems, as it was published.

    Attributes:
        paper: where.
        a, b: what A and B stand for.
        counts: votes for each answer.
        claims: (what is claimed, where it stands).
    """

    paper: str
    a: str
    b: str
    counts: Mapping[Choice, int]
    claims: tuple[tuple[str, str], ...]


def load_votes() -> PublishedVotes:
    """Socratis: 372 votes for a human's reason or a machine's."""
    facts = tomllib.loads(files("whyfeel.tasks.published").joinpath("socratis.toml").read_text(encoding="utf-8"))
    claims = tuple((one["text"], one["where"]) for one in facts["claims"])
    return PublishedVotes(facts["paper"], facts["a"], facts["b"], facts["counts"], claims)

"""Which of several systems do people prefer? Bradley-Terry strengths with ties and the side an answer stood on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyfeel.stats.choices import WINNERS, Comparison
from whyfeel.stats.intervals import TAILS
from whyfeel.stats.ratios import Indices, picture_codes, product, resampling_weights
from whyfeel.stats.series import Floats

LEFT, RIGHT, TIE = range(3)

PRIOR = 0.01  # precision of the normal prior of each parameter: a 25th of what one vote between equals tells
STEPS, HALVINGS, SETTLED = 200, 40, 1e-9
SLACK = 1e-12  # relative: objectives as near to each other are the same one, up to rounding


@dataclass(frozen=True, slots=True)
class Term:
    """A parameter of the model with the ends of its 95% interval.

    Attributes:
        value: None where it is undefined.
        low, high: None where there is no interval.
        why: why a number is missing, "" where none is.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """The entry in a report; "why" only where there is something to say."""
        entry: dict[str, Any] = {"value": self.value, "low": self.low, "high": self.high}
        return entry | ({"why": self.why} if self.why else {})


APART = Term(None, why="no vote links the two")
ONE_SIDED = Term(None, why="the side cannot be told from the strengths: systems kept to one")
UNDECIDED = "every vote is a tie"


@dataclass(frozen=True, slots=True)
class Strengths:
    """The systems on one scale.

    Of systems i on the left and j on the right, with d = s_i - s_j + side, people prefer the left one, the right one
    or neither as exp(d / 2) : exp(-d / 2) : tie.

    Attributes:
        n: votes.
        strengths: s of each system, in logarithms; their mean over the systems of a group is 0.
        differences: s_i - s_j of every two systems, i before j by name: what tells whether they differ.
        side: what standing on the left is worth, in the same unit.
        tie: how often neither is preferred, beside 1 for each of two equals; 0 where nobody ever said so.
        groups: systems that votes link with each other, directly or through others. Strengths of different groups
            cannot be compared.
        notes: what should be read beside the figures.
    """

    n: int
    strengths: Mapping[str, Term]
    differences: Mapping[tuple[str, str], Term]
    side: Term
    tie: Term
    groups: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The entry in a report."""
        return {
            "n": self.n,
            "strengths": {name: one.to_json() for name, one in self.strengths.items()},
            "differences": [{"of": list(pair), **one.to_json()} for pair, one in self.differences.items()],
            "side": self.side.to_json(),
            "tie": self.tie.to_json(),
            "groups": [list(group) for group in self.groups],
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class _Design:
    """What was compared.

    Attributes:
        names: the systems, sorted.
        pairs: shape (pairs, 2): the distinct (left, right), as places in `names`.
        rows: shape (pairs, systems + 1): d = rows @ (strengths, side); the last column is 0 where the side cannot be
            told from the strengths.
        tied: whether any vote is a tie; without one the likelihood is greatest at tie = 0, where it is held.
        linked: which systems votes link, also through others, shape (systems, systems).
    """

    names: tuple[str, ...]
    pairs: Indices
    rows: Floats
    tied: bool
    linked: NDArray[np.bool_]

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The systems that are linked with each other."""
        return tuple(dict.fromkeys(tuple(self.names[i] for i in np.flatnonzero(row)) for row in self.linked))


def bradley_terry(votes: Sequence[Comparison], *, seed: int, resamples: int = 10_000) -> Strengths:
    """Strengths by maximum likelihood, under a prior so weak that it only matters where votes leave a number open.

    Each parameter (also log tie) has a normal prior of mean 0 and precision PRIOR. It keeps finite what the votes alone
    would put at infinity (a system that always wins), and sets the mean of the strengths to 0. Intervals are
    percentiles of resamples of whole pictures; one in which systems are no longer linked as they are is left out.

    Args:
        votes: both systems of a vote differ.
        seed: of the draws, which are those of `intervals.estimate`.
        resamples: how many, at least 1.

    Raises:
        ValueError: there are no votes, one compares a system with itself or has another winner than WINNERS.

    Source: Bradley & Terry, Biometrika 39 (1952); Davidson, JASA 65 (1970), for ties; Davidson & Beaver, Biometrics 33
    (1977), for the side, here with ties that do not depend on which side it helps.

    >>> votes = [Comparison("x", "y", winner, picture) for winner, picture in (("left", "1"), ("right", "2"))]
    >>> votes += [Comparison("y", "x", winner, "3") for winner in ("right", "left", "right")]
    >>> found = bradley_terry(votes, seed=0, resamples=100)
    >>> found.strengths["x"].value > 0 > found.strengths["y"].value, found.tie.value, found.notes
    (True, 0.0, ())
    """
    design, cells = _designed(votes, resamples)
    pictures = picture_codes([vote.picture for vote in votes])
    table = np.zeros((3 * len(design.pairs), int(pictures.max()) + 1))
    np.add.at(table, (cells, pictures), 1.0)
    counts = table.sum(axis=1).reshape(1, -1, 3)
    if counts[..., TIE].sum() == len(votes):
        none, names = Term(None, why=UNDECIDED), design.names
        pairs = dict.fromkeys(combinations(names, 2), none)
        return Strengths(len(votes), dict.fromkeys(names, none), pairs, none, none, design.groups, (UNDECIDED,))
    theta = _fitted(counts, design, np.zeros((1, len(design.names) + 2)))
    drawn = _resampled(table, design, theta, seed, resamples)
    return _told(design, counts, theta[0], drawn, resamples)


def _resampled(table: Floats, design: _Design, theta: Floats, seed: int, resamples: int) -> Floats:
    """The fits to resamples whose systems are linked as they are in the data, shape (fits, systems + 2).

    Args:
        table: votes in each cell about each picture, shape (3 * pairs, pictures).
        theta: the fit to the data, shape (1, systems + 2), from where the others are sought.
    """
    found = [theta[:0]]
    for _, weights in resampling_weights(table.shape[1], seed, resamples) if table.shape[1] > 1 else ():
        counts = product(table, weights.astype(np.float64)).T.reshape(len(weights), -1, 3)
        linked = _linked(counts.sum(axis=2) > 0, design.pairs, len(design.names))
        counts = counts[(linked == design.linked).all(axis=(1, 2))]
        found.append(_fitted(counts, design, np.repeat(theta, len(counts), axis=0)))
    return np.concatenate(found)


def _designed(votes: Sequence[Comparison], resamples: int) -> tuple[_Design, Indices]:
    """What is compared, and the cell (3 * pair + winner) of each vote."""
    if not votes or resamples < 1:
        raise ValueError(f"expected at least 1 vote and 1 resample, got {len(votes)} and {resamples}")
    for vote in votes:
        if vote.left == vote.right or vote.winner not in WINNERS:
            raise ValueError(f"expected two systems and a winner of {WINNERS}, got {vote}")
    names = tuple(sorted({name for vote in votes for name in (vote.left, vote.right)}))
    place = {name: index for index, name in enumerate(names)}
    sides = np.array([(place[vote.left], place[vote.right]) for vote in votes], np.intp)
    pairs, of = np.unique(sides, axis=0, return_inverse=True)
    unit = np.eye(len(names) + 1)
    rows = unit[pairs[:, 0]] - unit[pairs[:, 1]]
    sided = rows + unit[-1]
    rows = sided if np.linalg.matrix_rank(sided) > np.linalg.matrix_rank(rows) else rows
    winners = np.array([WINNERS.index(vote.winner) for vote in votes], np.intp)
    linked = _linked(np.ones((1, len(pairs)), np.bool_), pairs, len(names))[0]
    return _Design(names, pairs, rows, bool((winners == TIE).any()), linked), 3 * of.reshape(-1) + winners


def _chances(theta: Floats, design: _Design) -> tuple[Floats, Floats]:
    """Shares of left, right and tie for each pair, and their logarithms, shape (fits, pairs, 3)."""
    apart = theta[:, :-1] @ design.rows.T / 2
    tie = np.broadcast_to(theta[:, -1:] if design.tied else -np.inf, apart.shape)
    scores = np.stack([apart, -apart, tie], axis=-1)
    scores = scores - scores.max(axis=-1, keepdims=True)
    logs = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    return np.exp(logs), logs


def _loss(theta: Floats, counts: Floats, design: _Design) -> Floats:
    """The negative logarithm of likelihood times prior, shape (fits,)."""
    logs = np.where(counts > 0, _chances(theta, design)[1], 0.0)
    return np.asarray(PRIOR / 2 * (theta**2).sum(axis=1) - (counts * logs).sum(axis=(1, 2)))


def _fitted(counts: Floats, design: _Design, start: Floats) -> Floats:
    """Strengths, side and log tie where likelihood times prior is greatest, shape (fits, systems + 2): Newton's steps.

    The loss is convex; a step that does not lower it is halved.

    Args:
        counts: votes for each pair and winner, shape (fits, pairs, 3).
        start: shape (fits, systems + 2).
    """
    theta, loss = start, _loss(start, counts, design)
    for _ in range(STEPS):
        step = _step(theta, counts, design)
        for _ in range(HALVINGS):
            after = _loss(theta + step, counts, design)
            worse = after > loss + SLACK * (1 + np.abs(loss))
            if not worse.any():
                break
            step[worse] /= 2
        theta, loss = theta + step, after
        if np.abs(step).max(initial=0.0) < SETTLED:
            break
    return theta


def _step(theta: Floats, counts: Floats, design: _Design) -> Floats:
    """Newton's step from the gradient and the curvature of the loss."""
    chances, _ = _chances(theta, design)
    n, size, tie = counts.sum(axis=2), theta.shape[1], chances[..., TIE]
    lead = (chances[..., LEFT] - chances[..., RIGHT]) / 2
    gradient = PRIOR * theta
    gradient[:, :-1] -= ((counts[..., LEFT] - counts[..., RIGHT]) / 2 - n * lead) @ design.rows
    gradient[:, -1] -= (counts[..., TIE] - n * tie).sum(axis=1) if design.tied else 0.0
    curve = np.zeros((len(theta), size, size))
    squares = (design.rows[:, :, None] * design.rows[:, None, :]).reshape(len(design.rows), -1)
    curve[:, :-1, :-1] = (n * ((1 - tie) / 4 - lead**2) @ squares).reshape(-1, size - 1, size - 1)
    curve[:, :-1, -1] = curve[:, -1, :-1] = -(n * lead * tie) @ design.rows
    curve[:, -1, -1] = (n * tie * (1 - tie)).sum(axis=1)
    curve += PRIOR * np.eye(size)
    return np.asarray(-np.linalg.solve(curve, gradient[..., None])[..., 0])


def _linked(voted: NDArray[np.bool_], pairs: Indices, size: int) -> NDArray[np.bool_]:
    """Which of so many systems are linked, shape (fits, size, size), by the pairs with votes, shape (fits, pairs)."""
    reach = np.broadcast_to(np.eye(size), (len(voted), size, size)).copy()
    for here, (one, other) in zip(voted.T, pairs, strict=True):
        reach[here, one, other] = reach[here, other, one] = 1.0
    for _ in range(size.bit_length()):  # each doubles the length of the paths
        reach = (reach @ reach > 0).astype(np.float64)
    return np.asarray(reach > 0)


def _told(design: _Design, counts: Floats, theta: Floats, drawn: Floats, resamples: int) -> Strengths:
    names, gone = design.names, resamples - len(drawn)
    notes = {
        f"the systems fall into {len(design.groups)} groups that no vote links": len(design.groups) > 1,
        "votes alone would put a number at infinity: only the prior keeps it finite": _separable(counts[0], design),
        f"{gone} of {resamples} resamples are left out: in them fewer systems are linked": 0 < gone < resamples,
    }
    differences = {
        (names[i], names[j]): _term(theta[i] - theta[j], drawn[:, i] - drawn[:, j]) if design.linked[i, j] else APART
        for i, j in combinations(range(len(names)), 2)
    }
    return Strengths(
        int(counts.sum()),
        {name: _term(theta[i], drawn[:, i]) for i, name in enumerate(names)},
        differences,
        _term(theta[-2], drawn[:, -2]) if design.rows[:, -1].any() else ONE_SIDED,
        _term(np.exp(theta[-1]), np.exp(drawn[:, -1])) if design.tied else Term(0.0, why="no vote is a tie"),
        design.groups,
        tuple(note for note, holds in notes.items() if holds),
    )


def _term(value: float, drawn: Floats) -> Term:
    if not len(drawn):
        return Term(float(value), why="no interval (too few pictures link the systems)")
    low, high = np.quantile(drawn, TAILS)
    return Term(float(value), float(low), float(high))


def _separable(counts: Floats, design: _Design) -> bool:
    """Whether the likelihood grows without end in some direction, so that it is greatest at infinity.

    It does where a change of the parameters makes no vote less likely beside the two other choices, and one more
    likely: a linear program. Source: Albert & Anderson, Biometrika 71 (1984).
    """
    from scipy.optimize import linprog  # noqa: PLC0415 - takes a third of a second

    ties = np.zeros((len(design.rows), 1))
    left, right = np.hstack([design.rows / 2, ties]), np.hstack([-design.rows / 2, ties])
    scores = [left, right, np.hstack([0 * design.rows, ties + 1])][: 3 if design.tied else 2]
    margins = np.concatenate(
        [one[counts[:, k] > 0] - other[counts[:, k] > 0] for k, one in enumerate(scores) for other in scores]
    )
    found = linprog(-margins.sum(axis=0), A_ub=-margins, b_ub=np.zeros(len(margins)), bounds=(-1, 1))
    return bool(np.any(margins @ found.x > 1e-6))

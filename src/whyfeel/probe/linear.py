"""Multinomial logistic regression with an L2 penalty, on dense or sparse rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyfeel.probe.folds import Indices
from whyfeel.stats.series import Floats

Rows = Any  # an array of shape (n, width), or a scipy.sparse one
STRENGTHS = (1.0, 0.1, 0.01, 1e-3, 1e-4)  # of the penalty, from the strongest
ITERATIONS, GRADIENT = 200, 1e-4


@dataclass(frozen=True)
class Linear:
    """A fitted probe.

    Attributes:
        weights: shape (width + 1, classes), the last row the intercepts.
    """

    weights: Floats

    def logits(self, rows: Rows) -> Floats:
        """Shape (n, classes), log-probabilities but for a constant a row."""
        logits: Floats = np.asarray(rows @ self.weights[:-1].astype(rows.dtype), np.float64)
        logits += self.weights[-1]
        return logits


def fit_linear(
    rows: Rows, y: Indices, classes: int, strength: float, start: Linear | None = None, gradient: float = GRADIENT
) -> Linear:
    """The weights that minimise the mean cross-entropy plus strength / 2 times the sum of squared weights.

    Intercepts are not penalised. scikit-learn's C is 1 / (strength n).

    Args:
        rows: shape (n, width), float32 or float64; products are made in that type.
        y: labels from 0 to `classes` - 1, shape (n,).
        strength: above 0.
        start: where to begin, None at 0; it changes the time that is needed.
        gradient: the largest part of the gradient at the end.
    """
    from scipy.optimize import minimize  # noqa: PLC0415 - a quarter of a second

    n, width = rows.shape
    turned, each = rows.T, np.arange(n)

    def loss(flat: Any) -> tuple[float, Any]:  # noqa: ANN401 - scipy's own types of arrays
        weights = flat.reshape(width + 1, classes)
        logs = _log_softmax(Linear(weights).logits(rows))
        value = -logs[each, y].mean() + strength / 2 * float((weights[:-1] ** 2).sum())
        error = np.exp(logs, out=logs)
        error[each, y] -= 1
        error /= n
        slope = np.empty_like(weights)
        slope[:-1] = turned @ error.astype(rows.dtype)
        slope[:-1] += strength * weights[:-1]
        slope[-1] = error.sum(axis=0)
        return float(value), slope.ravel()

    first = np.zeros((width + 1) * classes) if start is None else start.weights.ravel()
    options: Any = {"maxiter": ITERATIONS, "gtol": gradient, "ftol": 1e-9}
    found = minimize(loss, first, jac=True, method="L-BFGS-B", options=options)
    return Linear(np.asarray(found.x, np.float64).reshape(width + 1, classes))


def log_loss(logits: Floats, y: Indices) -> float:
    """The mean cross-entropy in nats, at least 0.

    >>> round(log_loss(np.zeros((3, 4)), np.array([0, 1, 3])), 4)
    1.3863
    """
    return float(-_log_softmax(logits)[np.arange(len(y)), y].mean())


def _log_softmax(logits: Floats) -> Floats:
    shifted: Floats = logits - logits.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def standardised(rows: NDArray[np.float32], known: Indices) -> NDArray[np.float32]:
    """All rows less the mean of the known ones, over their standard deviation; a column that never varies becomes 0.

    Args:
        rows: shape (n, width).
        known: positions of the rows that may be looked at.
    """
    seen = rows[known].astype(np.float64)
    centre, spread = seen.mean(axis=0), seen.std(axis=0)
    still = spread <= 1e-7 * np.maximum(1.0, np.abs(centre))
    scale = np.where(still, 0.0, 1 / np.where(still, 1.0, spread))
    ready: NDArray[np.float32] = ((rows - centre) * scale).astype(np.float32)
    return ready

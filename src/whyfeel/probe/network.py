"""A probe of two layers, by torch: what a linear one cannot tell, it may."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyfeel.probe.folds import Indices
from whyfeel.records import rng
from whyfeel.stats.series import Floats

HIDDEN = 128
RATE, DECAY, BATCH = 1e-3, 1.0, 128
EPOCHS, PATIENCE = 60, 4  # epochs at most, and epochs without a better validation loss


def fit_network(
    rows: NDArray[np.float32], y: Indices, classes: int, inner: Indices, validation: Indices, *, seed: int, name: str
) -> tuple[Floats, float]:
    """Logits of all rows by a network that learnt from `inner`, stopped where `validation` was predicted best.

    One hidden layer of 128 rectified units, AdamW, the same numbers for the same arguments on one machine.

    Args:
        rows: shape (n, width).
        y: labels from 0 to `classes` - 1, shape (n,).
        inner, validation: positions of the rows that may be looked at.
        seed, name: of the first weights and of the order of learning.

    Returns:
        shape (n, classes), and the mean cross-entropy over `validation`.
    """
    import torch  # noqa: PLC0415 - an extra, and slow

    generator = torch.Generator().manual_seed(int(rng(seed, "network", name).integers(1 << 62)))
    x, target = torch.from_numpy(np.ascontiguousarray(rows)), torch.from_numpy(y)
    learnt, held = torch.from_numpy(inner), torch.from_numpy(validation)
    layers = [_layer(x.shape[1], HIDDEN, generator), _layer(HIDDEN, classes, generator)]
    parameters = [one for layer in layers for one in layer]
    descent = torch.optim.AdamW(parameters, lr=RATE, weight_decay=DECAY)
    entropy = torch.nn.functional.cross_entropy
    best, kept, since = float("inf"), [one.detach().clone() for one in parameters], 0
    for _ in range(EPOCHS):
        for batch in learnt[torch.randperm(len(learnt), generator=generator)].split(BATCH):
            descent.zero_grad()
            entropy(_forward(x[batch], parameters), target[batch]).backward()
            descent.step()
        with torch.no_grad():
            loss = float(entropy(_forward(x[held], parameters), target[held]))
        since += 1
        if loss < best:
            best, kept, since = loss, [one.detach().clone() for one in parameters], 0
        if since == PATIENCE:
            break
    with torch.no_grad():
        return _forward(x, kept).numpy().astype(np.float64), best


def _layer(width: int, out: int, generator: Any) -> tuple[Any, Any]:  # noqa: ANN401 - a late import's
    import torch  # noqa: PLC0415

    weights = torch.randn(width, out, generator=generator) * (2 / max(1, width)) ** 0.5
    return weights.requires_grad_(), torch.zeros(out, requires_grad=True)


def _forward(x: Any, parameters: Any) -> Any:  # noqa: ANN401
    first, shift, second, end = parameters
    return (x @ first + shift).relu() @ second + end

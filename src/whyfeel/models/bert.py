"""The encoder of BERT (https://arxiv.org/abs/1810.04805) in numpy, for short texts on a processor.

Texts come in batches of equal length: nothing is padded, so nothing needs to be masked.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyfeel.models.safetensors import Tensors

Floats = NDArray[np.float32]
ACTIVATED = 32  # rows: what they pass through stays in the processor's cache, three times as fast as all at once
PREFIXES = ("", "bert.", "0.auto_model.")  # saved as an encoder, with a head, and as the first of several modules
# Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: erf to 1.5e-7, here halved and of x / sqrt(2);
# six times as fast as scipy's, which computes in double precision
_P = 0.3275911 / math.sqrt(2)
_A = tuple(a / 2 for a in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592))


def gelu(x: Floats) -> Floats:
    """X times the normal distribution's share below x, to 1e-6 (https://arxiv.org/abs/1606.08415); any shape.

    >>> gelu(np.array([-1, 0, 2], np.float32)).round(4).tolist() == np.float32([-0.1587, 0, 1.9545]).tolist()
    True
    """
    size = np.abs(x)
    t = np.reciprocal(size * np.float32(_P) + np.float32(1))
    share = t * np.float32(_A[0])
    for a in _A[1:]:
        share += np.float32(a)
        share *= t
    np.multiply(x, x, out=t)
    t *= np.float32(-0.5)
    share *= np.exp(t, out=t)  # the share below -|x|
    share *= size
    above: Floats = np.maximum(x, np.float32(0), out=size)
    above -= share
    return above


def gelu_tanh(x: Floats) -> Floats:
    """The same by way of tanh, up to 5e-4 from it; some models are trained so."""
    inner = x * x
    inner *= np.float32(0.044715)
    inner += np.float32(1)
    inner *= x
    inner *= np.float32(math.sqrt(2 / math.pi))
    np.tanh(inner, out=inner)
    inner += np.float32(1)
    inner *= x
    inner *= np.float32(0.5)
    return inner


ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "gelu": gelu,
    "gelu_new": gelu_tanh,
    "gelu_pytorch_tanh": gelu_tanh,
}


@dataclass(frozen=True, slots=True)
class Build:
    """How an encoder is built.

    Attributes:
        hidden: numbers a token, a multiple of `heads`.
        layers: how many layers.
        heads: how many heads of attention a layer has.
        activation: one of ACTIVATIONS.
        epsilon: what is added to a variance before its root is taken, above 0.
    """

    hidden: int
    layers: int
    heads: int
    activation: str
    epsilon: float


@dataclass(frozen=True, slots=True)
class _Dense:
    weight: Floats  # shape (out, in)
    bias: Floats  # shape (out,)

    def __call__(self, x: Floats) -> Floats:
        """Rows of `in` numbers to rows of `out`."""
        found: Floats = x @ self.weight.T
        found += self.bias
        return found


@dataclass(frozen=True, slots=True)
class _Norm:
    weight: Floats
    bias: Floats
    epsilon: float

    def __call__(self, x: Floats) -> Floats:
        """Each row to mean 0 and variance 1, then scaled and shifted; in place."""
        x -= x.mean(axis=1, keepdims=True)
        variance = np.einsum("ij,ij->i", x, x) / np.float32(x.shape[1])
        x *= np.reciprocal(np.sqrt(variance + np.float32(self.epsilon)))[:, None]
        x *= self.weight
        x += self.bias
        return x


@dataclass(frozen=True, slots=True)
class _Layer:
    attend: _Dense  # query, key and value, one below the other
    merge: _Dense
    merged: _Norm
    widen: _Dense
    narrow: _Dense
    narrowed: _Norm


class Bert:
    """From tokens to a vector each.

    Args:
        tensors: the weights.
        build: how they belong together.

    Attributes:
        vocabulary: how many tokens it knows.
        positions: the most tokens that a text may have.

    Raises:
        DataError: a tensor is missing or not of the shape that the build asks for.
    """

    def __init__(self, tensors: Tensors, build: Build) -> None:
        self._tensors, self._build = tensors, build
        self._prefix = tensors.prefix("embeddings.word_embeddings.weight", PREFIXES)
        self._words = self._take("embeddings.word_embeddings.weight", None, build.hidden)
        # a text is one segment, the first
        segment = self._take("embeddings.token_type_embeddings.weight", None, build.hidden)[0]
        self._places = self._take("embeddings.position_embeddings.weight", None, build.hidden) + segment
        self._start = self._norm("embeddings.LayerNorm")
        self._layers = [self._layer(f"encoder.layer.{i}.") for i in range(build.layers)]
        self._activate = ACTIVATIONS[build.activation]
        self.vocabulary, self.positions = len(self._words), len(self._places)

    def __call__(self, tokens: NDArray[np.int64]) -> Floats:
        """The last layer's vectors, shape (n, length, hidden).

        Args:
            tokens: shape (n, length), n and length from 1, below `vocabulary` and not longer than `positions`.
        """
        texts, length = tokens.shape
        x: Floats = self._words[tokens.reshape(-1)]
        x.reshape(texts, length, -1)[:] += self._places[:length]
        self._start(x)
        for layer in self._layers:
            added = layer.merge(self._attention(layer.attend(x), texts))
            added += x
            x = layer.merged(added)
            wide = layer.widen(x)
            for start in range(0, len(wide), ACTIVATED):
                wide[start : start + ACTIVATED] = self._activate(wide[start : start + ACTIVATED])
            added = layer.narrow(wide)
            added += x
            x = layer.narrowed(added)
        return x.reshape(texts, length, -1)

    def _attention(self, asked: Floats, texts: int) -> Floats:
        """What each token takes from the others of its text; rows of queries, keys and values to rows of `hidden`."""
        rows, heads, hidden = len(asked), self._build.heads, self._build.hidden
        split = asked.reshape(texts, rows // texts, 3, heads, hidden // heads)
        query, key, value = split.transpose(2, 0, 3, 1, 4)
        share = query @ key.swapaxes(-1, -2)
        share -= share.max(axis=-1, keepdims=True)
        np.exp(share, out=share)
        share /= share.sum(axis=-1, keepdims=True)
        found = np.empty((texts, rows // texts, heads, hidden // heads), np.float32)
        np.matmul(share, value, out=found.transpose(0, 2, 1, 3))
        return found.reshape(rows, hidden)

    def _layer(self, name: str) -> _Layer:
        hidden = self._build.hidden
        parts = [self._dense(f"{name}attention.self.{part}", hidden, hidden) for part in ("query", "key", "value")]
        root = np.float32(math.sqrt(hidden // self._build.heads))  # scores are divided by it: here, once and for all
        parts[0] = _Dense(parts[0].weight / root, parts[0].bias / root)
        widen = self._dense(f"{name}intermediate.dense", None, hidden)
        return _Layer(
            _Dense(np.concatenate([p.weight for p in parts]), np.concatenate([p.bias for p in parts])),
            self._dense(f"{name}attention.output.dense", hidden, hidden),
            self._norm(f"{name}attention.output.LayerNorm"),
            widen,
            self._dense(f"{name}output.dense", hidden, len(widen.bias)),
            self._norm(f"{name}output.LayerNorm"),
        )

    def _dense(self, name: str, rows: int | None, columns: int) -> _Dense:
        weight = self._take(f"{name}.weight", rows, columns)
        return _Dense(weight, self._take(f"{name}.bias", len(weight)))

    def _norm(self, name: str) -> _Norm:
        hidden = self._build.hidden
        return _Norm(self._take(f"{name}.weight", hidden), self._take(f"{name}.bias", hidden), self._build.epsilon)

    def _take(self, name: str, *shape: int | None) -> Floats:
        return self._tensors.take(self._prefix + name, *shape)

"""The metrics by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from whyfeel.errors import UserError
from whyfeel.metrics.bartscore import bartscore
from whyfeel.metrics.base import Metric
from whyfeel.metrics.bertscore import bertscore
from whyfeel.metrics.bleu import Bleu
from whyfeel.metrics.chrf import Chrf
from whyfeel.metrics.cider import Cider, CiderD
from whyfeel.metrics.clipscore import clipscore
from whyfeel.metrics.coherence import Coherence, Embedder
from whyfeel.metrics.distinct import Distinct, Length
from whyfeel.metrics.rouge import RougeL


@dataclass(frozen=True, slots=True)
class Tools:
    """What a metric cannot build by itself.

    Attributes:
        sentences: splits an answer into its sentences.
        embedder: loads a sentence embedder by folder or Hub id.
        local_only: whether a checkpoint of the Hub may come from its cache alone.
    """

    sentences: Callable[[str], Sequence[str]]
    embedder: Callable[[str], Embedder]
    local_only: bool = False


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """A metric as a command names it.

    Attributes:
        name: "bleu"; one with a checkpoint is written "bertscore:FOLDER".
        title: what it is in one line.
        build: makes it from the checkpoint as the user named it, "" where it takes none, and the tools; whatever is
            heavy is imported there.
        checkpoint: whether it needs one.
    """

    name: str
    title: str
    build: Callable[[str, Tools], Metric]
    checkpoint: bool = False


def _coherence(checkpoint: str, tools: Tools) -> Metric:
    return Coherence(tools.sentences, tools.embedder(checkpoint), checkpoint)


def _by_model(name: str, title: str, make: Callable[..., Metric], which: str) -> MetricInfo:
    """A figure of a family whose figures share one model."""
    return MetricInfo(name, title, lambda spec, tools: make(which, spec, local_only=tools.local_only), checkpoint=True)


METRICS: tuple[MetricInfo, ...] = (
    MetricInfo("bleu", "n-grams of 1 to 4 words in common, precision (sacrebleu)", lambda *_: Bleu()),
    MetricInfo("chrf", "n-grams of 1 to 6 characters in common, F2 (sacrebleu)", lambda *_: Chrf()),
    MetricInfo("rouge-l", "longest common subsequence of words, F1", lambda *_: RougeL()),
    MetricInfo("cider", "n-grams of 1 to 4 stems, weighted by how rare they are", lambda *_: Cider()),
    MetricInfo("cider-d", "the same without stems, with counts held and lengths compared", lambda *_: CiderD()),
    MetricInfo("distinct-1", "different words among all words", lambda *_: Distinct(1)),
    MetricInfo("distinct-2", "different pairs of words among all pairs", lambda *_: Distinct(2)),
    MetricInfo("length", "words an answer", lambda *_: Length()),
    MetricInfo("coherence", "cosine of neighbouring sentences", _coherence, checkpoint=True),
    _by_model("bertscore", "tokens alike to an encoder, F1; CHECKPOINT#LAYER", bertscore, "f1"),
    _by_model("bertscore-precision", "tokens alike to an encoder, precision", bertscore, "precision"),
    _by_model("bertscore-recall", "tokens alike to an encoder, recall", bertscore, "recall"),
    _by_model("bartscore-source-hypothesis", "mean log p(answer | question)", bartscore, "source-hypothesis"),
    _by_model("bartscore-hypothesis-reference", "mean log p(reference | answer)", bartscore, "hypothesis-reference"),
    _by_model("bartscore-reference-hypothesis", "mean log p(answer | reference)", bartscore, "reference-hypothesis"),
    _by_model("bartscore-f", "mean of the two above, both with references", bartscore, "f"),
    _by_model("clipscore", "picture and answer in CLIP, 2.5 times the cosine", clipscore, "clipscore"),
    _by_model("clipscore-raw", "picture and answer in CLIP, 100 times the cosine", clipscore, "clipscore-raw"),
    _by_model("refclipscore", "harmonic mean of clipscore and the best reference", clipscore, "refclipscore"),
    _by_model("refclipscore-raw", "the same with the cosine as it is", clipscore, "refclipscore-raw"),
)
DEFAULT = tuple(info.name for info in METRICS if not info.checkpoint)


def build_metrics(specs: Sequence[str], tools: Tools) -> list[Metric]:
    """The metrics that were asked for, in their order.

    Args:
        specs: names, those with a checkpoint as "NAME:CHECKPOINT".
        tools: what some of them need.

    Raises:
        UserError: there is no such metric, one stands twice, or a checkpoint is missing or surplus; or whatever
            building it raises.
    """
    # all names are looked at before a checkpoint of gigabytes is loaded
    found = [_asked(spec) for spec in specs]
    names = [info.name for info, _ in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"--metric names {twice!r} twice: its values have one file; run the command once for each")
    return [info.build(checkpoint, tools) for info, checkpoint in found]


def _asked(spec: str) -> tuple[MetricInfo, str]:
    name, colon, checkpoint = spec.partition(":")
    info = next((one for one in METRICS if one.name == name), None)
    if info is None:
        known = [one.name for one in METRICS]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UserError(f"--metric: there is no metric {name!r}.{hint} There are: {', '.join(known)}.")
    if info.checkpoint and not checkpoint:
        raise UserError(f"--metric {name}: expected {name}:CHECKPOINT, a folder or a Hub id, and none was given")
    if colon and not info.checkpoint:
        raise UserError(f"--metric {spec!r}: {name} takes no checkpoint; write {name}")
    return info, checkpoint

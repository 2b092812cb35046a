"""`whyfeel metrics`: the answers of a finished run measured against its references, by any of the metrics."""

from __future__ import annotations

import base64
import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from whyfeel.errors import DataError
from whyfeel.judging.claims import statements
from whyfeel.media import BadPicture, Loaded, MediaStore, max_side_of
from whyfeel.metrics import DEFAULT, Item, Measured, Metric, Tools, build_metrics
from whyfeel.models.embedder import Embedder, load_embedder
from whyfeel.records import Response, Sample, json_line
from whyfeel.runs.finished import Finished, read_finished
from whyfeel.runs.folder import RunFolder, misfit, read_json, write_json, write_whole
from whyfeel.runs.lines import read_responses
from whyfeel.stats import Series, estimate

SCHEMA = 1
FOLDER, SUMMARY = "metrics", "summary.json"
KEPT: Mapping[str, Any] = {"responses": str, "metrics": dict}  # what is relied on in a summary written before


@dataclass(frozen=True)
class Answers:
    """The answers of a run, n in the task's order.

    Attributes:
        run: the run.
        places: shape (m,), where the m answers that were obtained stand among the n.
        items: those m.
        unscored: reason to how many answers were not obtained.
        digest: SHA-256 of the file they were read from.
    """

    run: Finished
    places: np.ndarray[tuple[int], np.dtype[np.intp]]
    items: tuple[Item, ...]
    unscored: Mapping[str, int]
    digest: str


def measure_run(
    path: Path,
    specs: Sequence[str] = DEFAULT,
    *,
    data: Path | None = None,
    images: Path | None = None,
    local_only: bool = False,
) -> dict[str, Any]:
    """Measure a finished run and write what was found into its folder.

    `metrics/NAME.jsonl` gets {"id", "value"} for every sample of the run, in the task's order, with null where there
    is no answer or the metric is undefined; `metrics/summary.json` what is returned. Metrics of the same answers that
    were measured before stay in it.

    Args:
        path: the run folder.
        specs: the metrics, those with a checkpoint as "NAME:CHECKPOINT".
        data, images: where the task's records and pictures lie now, where not where run.json says.
        local_only: whether nothing may be downloaded.

    Returns:
        what `whyfeel metrics --json` prints: docs/metrics.md has its parts.

    Raises:
        UserError: there is no such metric, what it needs is missing, or this is no finished run; says which.
        StoreFailed: a file cannot be written.
    """
    metrics = build_metrics(specs, tools(local_only=local_only))
    folder = RunFolder(path)
    answers = read_answers(read_finished(path, data=data), folder, metrics, images)
    with folder.locked():
        entries = {metric.name: _measure(metric, answers, folder.path / FOLDER) for metric in metrics}
        return _write_summary(answers, entries, folder.path / FOLDER / SUMMARY)


def tools(*, local_only: bool) -> Tools:
    """What metrics cannot build by themselves; `local_only` as in `measure_run`."""

    def embedder(spec: str) -> Embedder:
        return load_embedder(spec, option="--metric coherence:", local_only=local_only)

    return Tools(sentences, embedder, local_only)


def sentences(text: str) -> list[str]:
    r"""What an answer states, sentence by sentence: no preamble, heading or refusal, no list marks.

    >>> sentences("Here is why:\n1. A cake.\n2. Her friends sing.")
    ['A cake', 'Her friends sing']
    """
    return [statement.heads[0].text for statement in statements(text)]


def read_answers(run: Finished, folder: RunFolder, metrics: Iterable[Metric], images: Path | None) -> Answers:
    """The answers of a run, with their pictures where one of the metrics reads these.

    Args:
        run: the run.
        folder: its folder.
        metrics: what the answers are for.
        images: where the pictures lie now, None for where run.json says.

    Raises:
        DataError: a file of the run is damaged.
    """
    chosen = set(run.ids)
    samples = [sample for sample in run.task if sample.id in chosen]
    responses = {one.sample_id: one for one in read_responses(folder.responses)}
    answered = [place for place, sample in enumerate(samples) if responses[sample.id].unscored is None]
    shown: Iterator[bytes | None] = iter([None] * len(answered))
    if any("picture" in metric.needs for metric in metrics):
        root = images or (Path(run.manifest["images"]) if run.manifest["images"] else None)
        shown = _pictures([samples[place] for place in answered], root, folder, run.manifest["spec"])
    items = [_item(samples[place], responses[samples[place].id], next(shown)) for place in answered]
    lost = Counter(one.unscored.reason for one in responses.values() if one.unscored is not None)
    digest = hashlib.sha256(folder.responses.read_bytes()).hexdigest()
    return Answers(run, np.array(answered, np.intp), tuple(items), dict(sorted(lost.items())), digest)


def _item(sample: Sample, response: Response, picture: bytes | None) -> Item:
    references = tuple(trigger.text for trigger in sample.triggers)
    asked = "\n".join(part for part in (sample.caption, sample.question) if part)
    return Item(sample.id, response.text, references, asked, picture, sample.cluster)


def _pictures(
    samples: Sequence[Sample], root: Path | None, folder: RunFolder, spec: Mapping[str, Any]
) -> Iterator[bytes | None]:
    """The first picture of each sample as it was sent, None where there is none that could be."""
    max_side = max_side_of(str(spec.get("pictures", "")))
    with closing(MediaStore(root, fetched=folder.pictures)) as store:
        for sample in samples:
            try:
                first = store.read(sample.media[0]) if sample.media else None
                sent = None if first is None else Loaded(first, max_side)
            except BadPicture:
                sent = None
            yield None if sent is None else base64.b64decode(sent.base64)


def _measure(metric: Metric, answers: Answers, folder: Path) -> dict[str, Any]:
    """The entry of a metric in summary.json; its values are written beside it."""
    measured = measure(metric, answers.items)
    run = answers.run
    values = np.full(len(run.ids), np.nan)
    values[answers.places] = [math.nan if value is None else value for value in measured.values]
    said = (None if math.isnan(value) else value for value in values.tolist())
    lines = (json_line({"id": one, "value": value}) for one, value in zip(run.ids, said, strict=True))
    write_whole(folder / f"{metric.name}.jsonl", ((line + "\n").encode() for line in lines))
    like: dict[str, Any] = {"order": run.task.groups, "macro": run.task.macro, "seed": run.manifest["spec"]["seed"]}
    series = Series(metric.name, values, np.ones(len(values)))
    scores = estimate([series], run.groups, run.clusters, **like)[metric.name]
    return {
        "source": metric.source,
        "range": [end if math.isfinite(end) else None for end in (metric.low, metric.high)],
        # the bounds of an estimate hold for scores from 0 to 1 alone
        "scores": {group: {k: v for k, v in one.to_json().items() if k != "bounds"} for group, one in scores.items()},
        "undefined": dict(sorted(measured.why.items())),
        "facts": dict(measured.facts),
    }


def measure(metric: Metric, items: Sequence[Item]) -> Measured:
    """What a metric finds.

    Raises:
        ValueError: it is not what `Measured` says: a fault in the metric.
    """
    measured = metric.measure(items)
    missing = sum(value is None for value in measured.values)
    if len(measured.values) != len(items) or sum(measured.why.values()) != missing:
        raise ValueError(f"{metric.name}: {len(measured.values)} values for {len(items)} items, {missing} of them None")
    for value in measured.values:
        if value is not None and not (math.isfinite(value) and metric.low <= value <= metric.high):
            raise ValueError(f"{metric.name}: {value} is not from {metric.low} to {metric.high}")
    return measured


def _write_summary(answers: Answers, entries: Mapping[str, Any], path: Path) -> dict[str, Any]:
    run = answers.run
    spec = run.manifest["spec"]
    summary = {
        "schema": SCHEMA,
        "task": run.task.name,
        **{name: spec[name] for name in ("model", "strategy", "seed")},
        "responses": answers.digest,
        "n": len(run.ids),
        "answered": len(answers.items),
        "unscored": dict(answers.unscored),
        "metrics": dict(entries),
    }
    write_json(path, summary | {"metrics": {**_earlier(path, answers.digest), **entries}})
    return summary


def _earlier(path: Path, digest: str) -> dict[str, Any]:
    """The entries of metrics that were measured before on the same answers."""
    if not path.exists():
        return {}
    before = read_json(path, "the metrics of a run; delete it to have it made anew")
    if (wrong := misfit(before, KEPT)) is not None:
        raise DataError(f"{str(path)!r} is damaged: it should hold {wrong!r}; delete it to have it made anew")
    return dict(before["metrics"]) if before["responses"] == digest else {}

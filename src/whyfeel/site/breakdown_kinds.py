"""Triggers found by their kind, where an annotation in the report tells the kinds of the records' triggers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from whyfeel.annotate.finished import read_annotation_run
from whyfeel.annotate.review.final import final_annotations
from whyfeel.records import KINDS, AnnotatedTrigger, Judgement, Sample
from whyfeel.site.book import Judged, RunView
from whyfeel.site.breakdown_data import OVERALL, Breakdown, Cell, View
from whyfeel.stats import Series, estimate

ALL = "all"
SHOWN, INFERRED = "explicit", "implicit"
GROUPS = (*KINDS, SHOWN, INFERRED)
Kinds = Mapping[str, Mapping[str, AnnotatedTrigger]]  # sample id to the text of a trigger to what is known of it


def read_kinds(folders: Iterable[Path], samples: Iterable[Sample]) -> Kinds:
    """What annotations tell of the triggers of samples that were exported from them.

    A sample is known by its id, and its triggers by their texts; one with another trigger beside them is not known.

    Args:
        folders: of `whyfeel annotate`.
        samples: of the task that was run.
    """
    triggers = {one.id: {trigger.text for trigger in one.triggers} for one in samples}
    known: dict[str, Mapping[str, AnnotatedTrigger]] = {}
    for folder in folders:
        with closing(read_annotation_run(folder)) as run:
            for final in final_annotations(run):
                own = {one.text.strip(): one for one in final.annotation.kept}
                if triggers.get(final.annotation.sample_id, {""}) <= own.keys():
                    known[final.annotation.sample_id] = own
    return known


def by_kind(view: View, samples: Iterable[Sample], kinds: Kinds) -> Breakdown:
    """The share of triggers found, by their kind, and by whether they can be seen.

    Args:
        kinds: what annotations tell of the board's triggers; {} where none does.
    """
    said = "The share of the annotated triggers found, by their kind, and by whether they are seen or inferred."
    held = {one.id: [kinds[one.id].get(trigger.text) for trigger in one.triggers] for one in samples if one.id in kinds}
    cells = [cell for pair in view.runs for cell in _kind_cells(*pair, held)] if held else []
    why = "" if cells else "This judge counts triggers and does not say which of them it found."
    if not held:
        why = "The records do not tell the kinds of their triggers, nor which of them are implicit. "
        why += "Records made by “whyfeel export” do where the folder of their annotation is in the report, too."
    title = "By kind of trigger, explicit and implicit"
    return Breakdown("kind", title, said, view.title, "triggers_found", tuple(cells), nothing=why, order=GROUPS)


def _kind_cells(run: RunView, judged: Judged, held: Mapping[str, Sequence[AnnotatedTrigger | None]]) -> list[Cell]:
    finished = judged.finished
    above, below = np.zeros((2, len(GROUPS), len(finished.ids)))
    for place, judgement in enumerate(finished.judgements):
        triggers = held.get(judgement.sample_id, ())
        found = found_of(judgement, len(triggers))
        if found is None and judgement.unscored is None and triggers:
            return []
        for n, trigger in enumerate(triggers):
            for row in _rows(trigger):
                below[row, place] += 1
                above[row, place] += np.nan if found is None else found[n]
    series = [Series(name, *pair) for name, *pair in zip(GROUPS, above, below, strict=True) if pair[1].any()]
    seed = run.manifest["spec"]["seed"]
    by = estimate(series, [ALL] * len(finished.ids), finished.clusters, order=[ALL], macro=False, seed=seed)
    return [Cell(run.name, name, one[OVERALL]) for name, one in by.items()]


def _rows(trigger: AnnotatedTrigger | None) -> list[int]:
    """The rows of the groups that a trigger is in."""
    if trigger is None:
        return []
    seen = {True: SHOWN, False: INFERRED, None: None}[trigger.explicit]
    return [GROUPS.index(one) for one in (trigger.kind, seen) if one is not None]


def found_of(judgement: Judgement, n: int) -> list[float] | None:
    """How far each of n triggers was found, from 0 to 1; None where the judge does not say, or nothing was scored."""
    detail = judgement.detail
    if judgement.unscored is not None:
        return None
    if members := detail.get("members"):
        each = [found_of(Judgement(judgement.sample_id, detail=one.get("detail", {})), n) for one in members]
        return None if None in each else np.mean([one for one in each if one], axis=0).tolist() if n else []
    if "matched" in detail:
        places = {one[0] for one in detail["matched"]}
        return [float(place in places) for place in range(n)]
    if "verdicts" in detail and len(detail["verdicts"]) == n:
        return [float(one["verdict"] == "supported" and not one.get("shared")) for one in detail["verdicts"]]
    return [0.0] * n if detail.get("tries") == 0 else None

"""A study's votes as a folder of CSV with a data card, put in its place whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whyfeel.interop.card import code
from whyfeel.interop.placing import CARD, placing
from whyfeel.runs.folder import write_json, write_whole
from whyfeel.study.collected import Collected
from whyfeel.study.design import Design
from whyfeel.study.export import DEMOGRAPHICS, PAYMENTS, columns, sheets
from whyfeel.study.systems import labels

DESIGN, RESULTS = "design.json", "results.json"
DOCUMENTS = {
    DESIGN: "The study as it was shown: every text, every item, and the rules by which answers count.",
    RESULTS: "What `whyfeel study results --json` printed of it.",
}
WARNINGS = (
    "**payments.csv names people.** It is readable by you alone and has no place in what you publish. It has no "
    "rater numbers; but where one person alone did not complete the study, or one alone did, raters.csv tells which "
    "rater that is.",
    "Comments are raters' own words, and may name people: read them before you publish them. Times lead to people for "
    "whoever knows when each took part. design.json holds the completion code, which lets anybody be paid while the "
    "study goes on.",
    "People judged how well a text gives a reason for an emotion that was named to them. Their votes say nothing "
    "certain about what anybody in a picture felt, and nothing about pictures, languages or raters of other kinds.",
    "A cell of somebody else's words that a spreadsheet might run as a formula has an apostrophe before it.",
)


def export_study(
    design: Design,
    collected: Collected,
    names: Mapping[int, str] | None,
    document: Mapping[str, Any],
    out: Path,
    *,
    demographics: bool,
) -> dict[str, Any]:
    """Write a study's tables with a data card; what was exported to the same place before is replaced.

    Args:
        design: the study.
        collected: what its store holds.
        names: number to name of the systems, None while the study is blind.
        document: its results.
        out: the folder.
        demographics: whether what raters said of themselves is written, too.

    Returns:
        "out", "files" in it, and whether it is "blind".

    Raises:
        UserError: something else stands there, or nothing can be written there.
        StoreFailed: the disk is full.
        DataError: an answer is none of the design's.
    """
    called = None if names is None else labels(design, names)
    files = sheets(design, collected, called, demographics=demographics)
    with placing(out, [*columns(design), *DOCUMENTS]) as place:
        for name, text in files.items():
            write_whole(place.staged / name, [text.encode()])
        for name in {PAYMENTS, DEMOGRAPHICS} & set(files):
            (place.staged / name).chmod(0o600)  # nobody else could enter the folder it is made in
        write_json(place.staged / DESIGN, design.to_json())
        write_json(place.staged / RESULTS, document)
        place.put(_card(design, document, [*files]))
    return {"out": str(out), "files": [*files, *DOCUMENTS, CARD], "blind": document["blind"]}


def _card(design: Design, document: Mapping[str, Any], files: list[str]) -> str:
    raters, kind = document["raters"], {"pairwise": "compared two texts", "rating": "rated a text"}[design.kind]
    facts = [
        f"study {code(design.texts.title)}, of {code(design.created)}, digest {code(design.digest)}",
        f"task {code(design.task)}, seed {design.seed}; at each item a rater {kind}",
        f"{document['votes']:,} votes of {raters['counted']:,} raters; {document['exclusions']['raters']:,} raters do "
        "not count, by rules that were fixed before the first vote",
        *(f"system {number}: {code(name)}" for number, name in document["systems"].items() if not document["blind"]),
        *([] if document["blind"] else document["warnings"]),
    ]
    items = "\n".join(f"- {fact}" for fact in facts)
    parts = [f"# What people said of {len(design.items):,} items", items, *WARNINGS]
    if DEMOGRAPHICS not in files:
        parts.append("What raters said of themselves is left out.")
    for name in files:
        rows = "\n".join(f"- `{column}`: {told}" for column, told in _told(design, name).items())
        parts += [f"## {name}", rows]
    for name, told in DOCUMENTS.items():
        parts += [f"## {name}", told]
    return "\n\n".join(parts)


def _told(design: Design, name: str) -> dict[str, str]:
    told = columns(design)[name]
    # the questions are the user's words
    return {column: code(text) if name == DEMOGRAPHICS and column != "rater" else text for column, text in told.items()}

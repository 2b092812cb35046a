"""GoEmotions, as released: a line a comment, its text, its labels and its id, with tabs between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from whyfeel.errors import DataError, UserError, brief
from whyfeel.records import Sample
from whyfeel.tasks.reading import BOM, place, shown

FINE, EKMAN, SENTIMENT = "28", "ekman", "sentiment"
SEVERAL = "with more than one label"
NEUTRAL = "neutral"
# Demszky et al., GoEmotions: A Dataset of Fine-Grained Emotions (ACL 2020), appendix: the coarser taxonomies
OF_EKMAN: Mapping[str, str] = {
    "anger": "anger annoyance disapproval",
    "disgust": "disgust",
    "fear": "fear nervousness",
    "joy": "admiration amusement approval caring desire excitement gratitude joy love optimism pride relief",
    NEUTRAL: NEUTRAL,
    "sadness": "disappointment embarrassment grief remorse sadness",
    "surprise": "confusion curiosity realization surprise",
}
OF_SENTIMENT: Mapping[str, str] = {
    "ambiguous": OF_EKMAN["surprise"],
    "negative": f"{OF_EKMAN['anger']} {OF_EKMAN['disgust']} {OF_EKMAN['fear']} {OF_EKMAN['sadness']}",
    NEUTRAL: NEUTRAL,
    "positive": OF_EKMAN["joy"],
}
TAXONOMIES: Mapping[str, Mapping[str, str]] = {FINE: {}, EKMAN: OF_EKMAN, SENTIMENT: OF_SENTIMENT}


def read_goemotions(data: Path, labels: str) -> tuple[list[Sample], Counter[str]]:
    """The comments that have one label, and how many were left out, with why.

    Two fine labels that one coarser label covers are one.

    Args:
        data: a file of comments, or a folder with *.tsv; `labels.txt` lies beside them.
        labels: "28", "ekman" or "sentiment".

    Raises:
        UserError: there are no such labels.
        DataError: a file is missing, or a line is not what it should be.
    """
    if labels not in TAXONOMIES:
        raise UserError(f"--labels: expected {', '.join(TAXONOMIES)}, got {brief(labels)}")
    folder = data if data.is_dir() else data.parent
    files = sorted(data.glob("*.tsv")) if data.is_dir() else [data]
    if not files:
        raise DataError(f"--data: there is no *.tsv in {str(data)!r}; expected GoEmotions' dev.tsv, test.tsv or both")
    coarse = {fine: name for name, fines in TAXONOMIES[labels].items() for fine in fines.split()}
    names = [coarse.get(name, name) for name in _names(folder / "labels.txt", coarse)]
    found, left_out = [], Counter[str]()
    for path in files:
        for text, ids, comment in _lines(path, len(names)):
            if len(said := {names[one] for one in ids}) > 1:
                left_out[SEVERAL] += 1
            else:
                found.append(Sample(comment, text, said.pop(), (), (), comment))
    return found, left_out


def _names(path: Path, coarse: Mapping[str, str]) -> list[str]:
    names = [line.strip() for _, line in _texts(path) if line.strip()]
    if len(names) < 2 or len(set(names)) < len(names):
        raise DataError(f"{place(path)}: expected a label a line, all different, got {len(names)} lines")
    if coarse and (strange := sorted(set(names) - set(coarse))):
        raise DataError(f"{place(path)}: no coarser label is known for {brief(strange[0])}; leave --labels out")
    return names


def _lines(path: Path, labels: int) -> Iterator[tuple[str, list[int], str]]:
    """Text, label ids and comment id of each line."""
    for number, line in _texts(path):
        if not line.strip():
            continue
        parts = line.split("\t")
        if len(parts) != 3 or not parts[0].strip() or not parts[2].strip():
            why = f"expected a text, label ids and a comment's id with tabs between them, got {shown(line)}"
            raise DataError(f"{place(path, number)}: {why}")
        try:
            ids = [int(one) for one in parts[1].split(",")]
        except ValueError:
            why = f"expected label ids with commas between them, got {shown(parts[1])}"
            raise DataError(f"{place(path, number)}: {why}") from None
        if strange := [one for one in ids if not 0 <= one < labels]:
            why = f"the label id {strange[0]} is unknown; labels.txt has 0 to {labels - 1}"
            raise DataError(f"{place(path, number)}: {why}")
        yield parts[0].strip(), ids, parts[2].strip()


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file from 1; only a line feed ends one, since comments hold the other line ends."""
    try:
        raw = path.read_bytes().removeprefix(BOM)
    except OSError as error:
        raise DataError(f"{place(path)} cannot be read: {error.strerror}") from None
    for number, line in enumerate(raw.split(b"\n"), 1):
        try:
            yield number, line.decode().removesuffix("\r")
        except UnicodeDecodeError:
            raise DataError(f"{place(path, number)}: expected UTF-8") from None

"""A finished annotation, read back from its folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from whyfeel.annotate.manifest import ANNOTATE, ANNOTATIONS, read_manifest
from whyfeel.engine import LEDGER, Ledger
from whyfeel.errors import DataError
from whyfeel.media import BadPicture, Loaded
from whyfeel.records import Annotation, Answer, Kind
from whyfeel.runs.folder import misfit
from whyfeel.runs.lines import read_lines

TRIGGER: Mapping[str, Any] = {
    **dict.fromkeys(("id", "text", "dropped"), str),
    "kind": str | None,
    "explicit": bool | None,
    "confidence": float | int | None,
    "asks": [str],
    "merged": [str],
    "gates": dict,
}
LINE: Mapping[str, Any] = {
    **dict.fromkeys(("id", "emotion", "person", "query", "question"), str),
    "image": str | None,
    "triggers": [TRIGGER],
    "steps": [dict.fromkeys(("phase", "label", "question", "answer", "ask"), str)],
    "flags": [str],
    "unscored": dict | None,
}


class AnnotationRun:
    """One run of `whyfeel annotate`; use from one thread.

    Attributes:
        path: the folder.
        manifest: its run.json.
        images: the root of the pictures.
    """

    def __init__(self, path: Path, manifest: Mapping[str, Any], ledger: Ledger) -> None:
        self.path = path
        self.manifest = manifest
        self.images = Path(manifest["images"]) if manifest["images"] is not None else None
        self._ledger = ledger

    def annotations(self) -> Iterator[Annotation]:
        """The annotations in the source's order, read anew.

        Raises:
            DataError: a line is no annotation; names it.
        """
        file = self.path / ANNOTATIONS
        for number, line in enumerate(read_lines(file), 1):
            yield _annotation(line, f"{str(file)!r} record {number}")

    def answer(self, key: str) -> Answer | None:
        """The recorded answer to an ask."""
        return self._ledger.get(key)

    def asked(self, key: str) -> Mapping[str, Any] | None:
        """What was asked: model, role, messages [[speaker, [text or {"picture": token}]]], settings."""
        return self._ledger.asked(key)

    def check_shown(self, annotation: Annotation, loaded: Loaded) -> None:
        """That a picture is the one which the first recorded ask with a picture showed; where there is none, any is.

        Raises:
            BadPicture: it is another.
        """
        for key in annotation.asks:
            asked = self.asked(key)
            parts = [part for _, turn in asked["messages"] for part in turn] if asked else []
            if tokens := {part["picture"] for part in parts if not isinstance(part, str)}:
                if loaded.token not in tokens:
                    raise BadPicture(f"{annotation.image!r} is no longer the file that was annotated")
                return

    def close(self) -> None:
        """Let the ledger go."""
        self._ledger.close()


def read_annotation_run(path: Path) -> AnnotationRun:
    """A run of `whyfeel annotate` that is there to be read.

    Raises:
        UserError: this is a run of another command.
        DataError: it is no run folder, is not finished, or is damaged.
    """
    manifest = read_manifest(path, ANNOTATE)
    if not (path / ANNOTATIONS).is_file():
        raise DataError(f"{str(path)!r} has no {ANNOTATIONS}: run its `whyfeel annotate` command again, which ends it")
    return AnnotationRun(path, manifest, Ledger(path / LEDGER, readonly=True))


def _annotation(line: Mapping[str, Any], where: str) -> Annotation:
    wrong = misfit(line, LINE)
    if wrong is None and any(one["kind"] not in {None, *get_args(Kind)} for one in line["triggers"]):
        wrong = "triggers.kind"
    if wrong is None:
        try:
            return Annotation.from_json(line)
        except TypeError as error:  # a name that none of its records has
            wrong = str(error).rpartition(" ")[2].strip("'")
    why = f"expected an annotation, and its {wrong!r} is missing, unknown or of another kind"
    raise DataError(f"{where}: {why}; run `whyfeel annotate` again, which writes the file anew")

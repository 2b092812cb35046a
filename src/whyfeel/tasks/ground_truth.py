"""The ground truth of EIBench's basic set, one JSON document: what it says of each image, or why that is malformed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from whyfeel.tasks.annotation import parse_triggers
from whyfeel.tasks.reading import Malformed, json_document, lines_naming, shown, text_fault, twice


class Truth:
    """The ground truth of the basic set: an annotation an image, or why it cannot be read.

    Attributes:
        annotations: the sound ones, by image.

    Raises:
        DataError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._whole: Malformed | None = None
        self._spoilt: dict[str, Malformed] = {}
        self.annotations: Mapping[str, str] = {}
        value, repeated = json_document(path)
        if isinstance(value, dict):
            faults = {image: why for image, annotation in value.items() if (why := _truth_fault(image, annotation))}
            faults |= {image: twice(image) for image in repeated if image in value}
            self._spoilt = self._placed(faults)
            self.annotations = {image: text for image, text in value.items() if image not in faults}
        else:
            what = f"expected one object {{image: annotation}}, got {shown(value)}"
            self._whole = value if isinstance(value, Malformed) else Malformed(str(path), None, what)

    def fault(self, image: str) -> Malformed | None:
        """Why the annotation of an image cannot be read, None where it can."""
        return self._whole or self._spoilt.get(image)

    def lacks(self, image: str) -> bool:
        """Whether the file says nothing about an image."""
        return self._whole is None and image not in self.annotations and image not in self._spoilt

    def unasked(self, asked: set[str], questions: Path) -> list[Malformed]:
        """What is malformed beside the images asked about: the file as a whole, and annotations without a question."""
        if self._whole is not None:
            return [self._whole]
        why = f"has no question; expected one in {str(questions)!r}"
        alone = self._placed({image: f"{image!r} {why}" for image in self.annotations if image not in asked})
        return [*self._spoilt.values(), *alone.values()]

    def _placed(self, faults: Mapping[str, str]) -> dict[str, Malformed]:
        lines = lines_naming(self._path, faults)
        return {
            image: Malformed(str(self._path), next(iter(lines[image]), None), why + _also(why, lines[image]))
            for image, why in faults.items()
        }


def _also(why: str, lines: list[int]) -> str:
    """Where the key stands once more, if that is what is wrong."""
    return f" (here and on line {lines[1]})" if why.endswith("each key once") and len(lines) > 1 else ""


def _truth_fault(image: str, annotation: object) -> str | None:
    if (fault := text_fault(annotation)) is not None:
        return f"expected the ground truth of {image!r}, got {fault}"
    return no_trigger(image, str(annotation))


def no_trigger(image: str, annotation: str) -> str | None:
    """Why the annotation of an image cannot be used, None where it has a trigger."""
    if parse_triggers(annotation)[0]:
        return None
    return f"the ground truth of {image!r} is {shown(annotation)}; expected a trigger in it"

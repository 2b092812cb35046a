"""The two EIBench tasks, read from the files of the released repository as they are.

`EI_Basic/user.jsonl` holds {image: question} a line, `EI_Basic/basic_ground_truth.json` one object
{image: annotation}, `EI_Complex/ec_complex.jsonl` {image: {question: annotation}} a line. An odd record is
flagged and kept. All files are read once when a task is opened, so that whatever is wrong is told before
anything is asked, and once more whenever the task is iterated over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from whyfeel.errors import DataError
from whyfeel.judging import Scorer
from whyfeel.records import Media, Sample
from whyfeel.tasks.annotation import parse_triggers
from whyfeel.tasks.questions import emotion_of, question_flags
from whyfeel.tasks.reading import (
    Repeats,
    Seen,
    check_text,
    json_document,
    json_lines,
    lines_naming,
    place,
    shown,
    text_fault,
)

BASIC, COMPLEX = "eibench-basic", "eibench-complex"
RELEASE = "the released EIBench repository; --data is the folder that holds EI_Basic/ and EI_Complex/"
IMAGES_HELP = (
    "CAER-S and EmoSet-118K must be requested from their authors; "
    "--images is the folder which holds CAER-S/ and EmoSet-118k/"
)
QUESTIONS, TRUTH = Path("EI_Basic", "user.jsonl"), Path("EI_Basic", "basic_ground_truth.json")
COMPLEX_FILES = (Path("EI_Complex", "ec_complex.jsonl"), Path("EI_Complex", "ei_complex.jsonl"))
FOLDERS = {
    "CAER-S/train/Angry": "angry",
    "CAER-S/train/Happy": "happy",
    "EmoSet-118k/image/excitement": "excited",
    "EmoSet-118k/image/sadness": "sad",
}
# The order in which groups are reported; the first four are those of the basic set.
EMOTIONS = ("happy", "angry", "sad", "excited", "afraid", "worried", "surprised", "confused", "other")


class EIBenchBasic:
    """`eibench-basic`: one question an image, and four emotions, told by the image's folder.

    Args:
        data: the folder that holds EI_Basic/.
        images: the folder that holds CAER-S/ and EmoSet-118k/, None for text only.

    Raises:
        DataError: a file is missing or malformed; names the file, the line and what was expected.
    """

    name = BASIC
    groups: tuple[str, ...] = EMOTIONS[:4]
    macro = True
    scorer: Scorer = "basic"
    images_help = IMAGES_HELP

    def __init__(self, data: Path, images: Path | None = None) -> None:
        self.images = images
        self.files: tuple[Path, ...] = (_existing(data, QUESTIONS), _existing(data, TRUTH))
        self._elsewhere = _images_of(data, COMPLEX_FILES)
        self._truth = _truth(self.files[1])
        self._repeats = Repeats()
        self._repeats = self._check()

    def __iter__(self) -> Iterator[Sample]:
        """The samples in the order of user.jsonl."""
        for line, image, question in _questions(self.files[0]):
            if line not in self._repeats.dropped:
                yield self._sample(line, image, question)

    def _check(self) -> Repeats:
        """Every question has its ground truth, and every ground truth its question."""
        seen, asked = Seen(self.files[0]), set[str]()
        for line, image, question in _questions(self.files[0]):
            seen.add(line, image, question)
            self._sample(line, image, question)
            asked.add(image)
        if not asked:
            raise DataError(f"{place(self.files[0])} holds no record; expected one {{image: question}} a line")
        for image in self._truth:
            if image not in asked:
                where = _truth_place(self.files[1], image)
                raise DataError(f"{where}: {image!r} has no question; expected one in {str(self.files[0])!r}")
        return seen.repeats

    def _sample(self, line: int, image: str, question: str) -> Sample:
        where = place(self.files[0], line)
        folder = image.rpartition("/")[0]
        if folder not in FOLDERS:
            known = ", ".join(FOLDERS)
            raise DataError(f"{where}: the folder {folder!r} of {image!r} tells no emotion; expected one of {known}")
        if image not in self._truth:
            raise DataError(f"{where}: {image!r} has no ground truth; expected it in {str(self.files[1])!r}")
        flags = self._repeats.flags(line) + ([f"also in {COMPLEX}"] if image in self._elsewhere else [])
        where_truth = partial(_truth_place, self.files[1], image)
        return _sample(image, image, question, self._truth[image], FOLDERS[folder], flags, where_truth)


class EIBenchComplex:
    """`eibench-complex`: several questions an image, each naming the emotion it asks about.

    The emotion is the one the question names, never the image's folder; where it names two, the first. Groups are
    those that occur, in a fixed order. `Sample.id` is the image and the number of the question among its own.

    Args:
        data: the folder that holds EI_Complex/.
        images: the folder that holds EmoSet-118k/, None for text only.

    Raises:
        DataError: the file is missing or malformed; names the file, the line and what was expected.
    """

    name = COMPLEX
    macro = False
    scorer: Scorer = "complex"
    images_help = IMAGES_HELP

    def __init__(self, data: Path, images: Path | None = None) -> None:
        self.images = images
        self.files: tuple[Path, ...] = (_existing(data, *COMPLEX_FILES),)
        self._elsewhere = _images_of(data, (QUESTIONS,))
        self._repeats = Repeats()
        self._repeats, found = self._check()
        self.groups: tuple[str, ...] = tuple(emotion for emotion in EMOTIONS if emotion in found)

    def __iter__(self) -> Iterator[Sample]:
        """The samples in file order."""
        asked = Counter[str]()
        for line, image, question, annotation in _complex_records(self.files[0]):
            if line not in self._repeats.dropped:
                asked[image] += 1
                yield self._sample(line, f"{image}#{asked[image]}", image, question, annotation)

    def _check(self) -> tuple[Repeats, set[str]]:
        """The equal records, and the emotions that occur."""
        seen, found = Seen(self.files[0]), set[str]()
        for line, image, question, annotation in _complex_records(self.files[0]):
            seen.add(line, f"{image}: {question}", annotation)
            found.add(self._sample(line, image, image, question, annotation).emotion)
        if not found:
            what = "expected one {image: {question: annotation}} a line"
            raise DataError(f"{place(self.files[0])} holds no record; {what}")
        return seen.repeats, found

    def _sample(self, line: int, id_: str, image: str, question: str, annotation: str) -> Sample:
        emotion = emotion_of(question)
        flags = self._repeats.flags(line) + ([f"also in {BASIC}"] if image in self._elsewhere else [])
        flags += [] if emotion else ["no known emotion in the question"]
        where = partial(place, self.files[0], line)
        return _sample(id_, image, question, annotation, emotion or "other", flags, where)


def _sample(
    id_: str,
    image: str,
    question: str,
    annotation: str,
    emotion: str,
    flags: list[str],
    where: Callable[[], str],
) -> Sample:
    triggers, odd = parse_triggers(annotation)
    if not triggers:
        raise DataError(f"{where()}: the ground truth of {image!r} is {shown(annotation)}; expected a trigger in it")
    return Sample(
        id=id_,
        question=question,
        emotion=emotion,
        triggers=tuple(triggers),
        media=(Media(image),),
        cluster=image,
        flags=(*question_flags(question), *odd, *flags),
        annotation=annotation,
    )


def _existing(data: Path, *names: Path) -> Path:
    """The first of the files that is there."""
    for name in names:
        if (data / name).is_file():
            return data / name
    hint = ""
    if (data / names[0].name).is_file():
        hint = f"; that is the folder {str(data)!r} itself: give the one above it"
    raise DataError(f"there is no file {str(data / names[0])!r}; expected {RELEASE}{hint}")


def _truth(path: Path) -> dict[str, str]:
    """The ground truth by image, every annotation a text."""
    truth = json_document(path)
    if not isinstance(truth, dict):
        raise DataError(f"{place(path)}: expected one object {{image: annotation}}, got {shown(truth)}")
    for image, annotation in truth.items():
        if (fault := text_fault(annotation)) is not None:
            raise DataError(f"{_truth_place(path, image)}: expected the ground truth of {image!r}, got {fault}")
    return truth


def _truth_place(path: Path, image: str) -> str:
    """Where an image stands in the ground truth; looked up only for an error."""
    return place(path, next(iter(lines_naming(path, image)), None))


def _questions(path: Path) -> Iterator[tuple[int, str, str]]:
    """(line, image, question) of user.jsonl."""
    for line, value in json_lines(path):
        where = place(path, line)
        image, question = _pair(value, where, "{image: question}")
        yield line, image, check_text(question, where, f"the question about {image!r}")


def _complex_records(path: Path) -> Iterator[tuple[int, str, str, str]]:
    """(line, image, question, annotation) of ec_complex.jsonl."""
    for line, value in json_lines(path):
        where = place(path, line)
        image, asked = _pair(value, where, "{image: {question: annotation}}")
        question, annotation = _pair(asked, where, f"{{question: annotation}} for {image!r}")
        yield line, image, question, check_text(annotation, where, f"the ground truth of {image!r}")


def _pair(value: object, where: str, expected: str) -> tuple[str, object]:
    """The one key and value of an object."""
    if not isinstance(value, dict) or len(value) != 1:
        raise DataError(f"{where}: expected one {expected}, got {shown(value)}")
    [(key, inner)] = value.items()
    return check_text(key, where, f"a key in {expected}"), inner


def _images_of(data: Path, names: tuple[Path, ...]) -> frozenset[str]:
    """The images of the other task's records; none where its file is not there."""
    for name in names:
        if (data / name).is_file():
            lines = json_lines(data / name)
            return frozenset(image for _, value in lines if isinstance(value, dict) for image in value)
    return frozenset()

"""The two EIBench tasks, read from the files of the released repository as they are.

`EI_Basic/user.jsonl` holds {image: question} a line, `EI_Basic/basic_ground_truth.json` one object
{image: annotation}, `EI_Complex/ec_complex.jsonl` {image: {question: annotation}} a line. An odd record is
flagged and kept, a malformed one is left out and told. All files are read once when a task is made, so that whatever
is wrong is known before anything is asked, and the questions once more whenever the task is iterated over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from whyfeel.errors import DataError
from whyfeel.judging import FoilKind, Scorer
from whyfeel.records import Media, Sample
from whyfeel.replies import question_flags
from whyfeel.tasks.annotation import parse_triggers
from whyfeel.tasks.ground_truth import Truth, no_trigger
from whyfeel.tasks.questions import emotion_of
from whyfeel.tasks.reading import Malformed, Refused, check_text, json_records, shown
from whyfeel.tasks.survey import Seen, Survey

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
OTHER = "other"  # the group of a question that names no emotion we know
# The order in which groups are reported; the first four are those of the basic set.
EMOTIONS = ("happy", "angry", "sad", "excited", "afraid", "worried", "surprised", "confused", OTHER)


class EIBenchBasic:
    """`eibench-basic`: one question an image, and four emotions, told by the image's folder.

    Args:
        data: the folder that holds EI_Basic/.
        images: the folder that holds CAER-S/ and EmoSet-118k/, None for text only.

    Raises:
        DataError: a file is missing or cannot be read.
    """

    name = BASIC
    groups: tuple[str, ...] = EMOTIONS[:4]
    macro = True
    scorer: Scorer = "basic"
    alternatives = False
    foils: FoilKind = "emotion"
    images_help = IMAGES_HELP
    left_out: tuple[tuple[str, str], ...] = ()

    def __init__(self, data: Path, images: Path | None = None) -> None:
        self.images = images
        self.files: tuple[Path, ...] = (_existing(data, QUESTIONS), _existing(data, TRUTH))
        self._elsewhere = _images_of(data, COMPLEX_FILES)
        self._truth = Truth(self.files[1])
        self._survey = self._surveyed()

    @property
    def malformed(self) -> tuple[Malformed, ...]:
        """The questions and ground truths that cannot be read, and those of which the other is missing."""
        return self._survey.malformed

    def __iter__(self) -> Iterator[Sample]:
        """The samples in the order of user.jsonl."""
        for line, (image, question) in self._survey.sound(self._rows()):
            flags = self._survey.flags(line) + ([f"also in {COMPLEX}"] if image in self._elsewhere else [])
            emotion = FOLDERS[image.rpartition("/")[0]]
            yield _sample(image, image, question, self._truth.annotations[image], emotion, flags)

    def _rows(self) -> Iterator[tuple[int, tuple[str, str] | Malformed]]:
        """(line, (image, question)), or what is wrong with the question or its ground truth."""
        for line, row in json_records(self.files[0], self._question):
            spoilt = None if isinstance(row, Malformed) else self._truth.fault(row[0])
            yield line, spoilt or row

    def _question(self, value: object) -> tuple[str, str]:
        image, question = _pair(value, "{image: question}")
        folder = image.rpartition("/")[0]
        text = check_text(question, f"the question about {image!r}")
        if folder not in FOLDERS:
            known = ", ".join(FOLDERS)
            raise Refused(f"the folder {folder!r} of {image!r} tells no emotion; expected one of {known}")
        if self._truth.lacks(image):
            raise Refused(f"{image!r} has no ground truth; expected it in {str(self.files[1])!r}")
        return image, text

    def _surveyed(self) -> Survey:
        """Every question has its ground truth, and every ground truth its question."""
        seen, asked = Seen(self.files[0]), set[str]()
        for line, row in self._rows():
            if isinstance(row, Malformed):
                seen.refuse(line, row)
            else:
                seen.add(line, *row)
                asked.add(row[0])
        return seen.survey("one {image: question}", self._truth.unasked(asked, self.files[0]))


class EIBenchComplex:
    """`eibench-complex`: several questions an image, each naming the emotion it asks about.

    The emotion is the one the question names, never the image's folder; where it names two, the first. Groups are
    those that occur, in a fixed order. `Sample.id` is the image and the number of the question among its own.

    Args:
        data: the folder that holds EI_Complex/.
        images: the folder that holds EmoSet-118k/, None for text only.

    Raises:
        DataError: the file is missing or cannot be read.
    """

    name = COMPLEX
    macro = False
    scorer: Scorer = "complex"
    alternatives = False
    foils: FoilKind = "picture"
    images_help = IMAGES_HELP
    left_out: tuple[tuple[str, str], ...] = ()

    def __init__(self, data: Path, images: Path | None = None) -> None:
        self.images = images
        self.files: tuple[Path, ...] = (_existing(data, *COMPLEX_FILES),)
        self._elsewhere = _images_of(data, (QUESTIONS,))
        self._survey, found = self._surveyed()
        self.groups: tuple[str, ...] = tuple(emotion for emotion in EMOTIONS if emotion in found)

    @property
    def malformed(self) -> tuple[Malformed, ...]:
        """The records that cannot be read."""
        return self._survey.malformed

    def __iter__(self) -> Iterator[Sample]:
        """The samples in file order."""
        asked = Counter[str]()
        for line, (image, question, annotation) in self._survey.sound(json_records(self.files[0], _complex_record)):
            asked[image] += 1
            emotion = emotion_of(question)
            flags = self._survey.flags(line) + ([f"also in {BASIC}"] if image in self._elsewhere else [])
            flags += [] if emotion else ["no known emotion in the question"]
            yield _sample(f"{image}#{asked[image]}", image, question, annotation, emotion or OTHER, flags)

    def _surveyed(self) -> tuple[Survey, set[str]]:
        """The equal and the malformed records, and the emotions that occur."""
        seen, found = Seen(self.files[0]), set[str]()
        for line, row in json_records(self.files[0], _complex_record):
            if isinstance(row, Malformed):
                seen.refuse(line, row)
            else:
                image, question, annotation = row
                if seen.add(line, f"{image}: {question}", annotation):
                    found.add(emotion_of(question) or OTHER)
        return seen.survey("one {image: {question: annotation}}"), found


def _sample(id_: str, image: str, question: str, annotation: str, emotion: str, flags: list[str]) -> Sample:
    triggers, odd = parse_triggers(annotation)
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


def _complex_record(value: object) -> tuple[str, str, str]:
    """(image, question, annotation) of a line of ec_complex.jsonl."""
    image, asked = _pair(value, "{image: {question: annotation}}")
    question, annotation = _pair(asked, f"{{question: annotation}} for {image!r}")
    text = check_text(annotation, f"the ground truth of {image!r}")
    if (fault := no_trigger(image, text)) is not None:
        raise Refused(fault)
    return image, question, text


def _pair(value: object, expected: str) -> tuple[str, object]:
    """The one key and value of an object."""
    if not isinstance(value, dict) or len(value) != 1:
        raise Refused(f"expected one {expected}, got {shown(value)}")
    [(key, inner)] = value.items()
    return check_text(key, f"a key in {expected}"), inner


def _images_of(data: Path, names: tuple[Path, ...]) -> frozenset[str]:
    """The images of the other task's records that can be read; none where its file is not there."""
    for name in names:
        if (data / name).is_file():
            rows = json_records(data / name, lambda value: value)
            return frozenset(image for _, value in rows if isinstance(value, dict) for image in value)
    return frozenset()

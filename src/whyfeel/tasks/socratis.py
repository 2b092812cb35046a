"""Socratis, read from its released JSON file as it is: why would a person feel that, seeing this picture and caption?

`{pair: [[image, caption, emotions, explanations, demographics], …]}`, one entry a worker, the emotions and explanations
three each and padded. A sample is one emotion of one pair; its triggers are the reasons that the workers gave for it.
Demographics are looked at for their shape and dropped: nothing that leaves this module holds any. Only
`socratis_groups` reads them, for a report that was asked for.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from whyfeel.judging import FoilKind, Scorer
from whyfeel.records import Media, Sample, Trigger, numbered
from whyfeel.tasks.emotion_words import normalised
from whyfeel.tasks.reading import SURROGATE, Malformed, Refused, json_document, text_fault, twice

SOCRATIS = "socratis"
FORM = "{pair: [[image, caption, emotions, explanations, demographics], …]}"
QUESTION = 'Why would a person who sees this picture feel "{word}"?'
SLOTS = 3  # emotions a worker could name
PADDING = frozenset({"", "none"})
GROUPS, LEAST = 12, 30  # emotions that are reported by name, and the samples each of them has at least
OTHER = "other"
# Groups of every summary; an emotion of this name would overwrite them.
RESERVED = frozenset({"overall", "macro", OTHER})

Slot = tuple[str, str]  # an emotion and the reason for it, each "" where none is given
Said = tuple[int, str, str]  # the entry, from 1, its emotion as written, and its reason or ""
Odd = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """What one worker said of a pair."""

    image: str
    caption: str
    slots: tuple[Slot, ...]


class Socratis:
    """`socratis`: one sample a pair and emotion for which somebody gave a reason.

    Workers' emotions belong together where they are equal but for case, blanks and obvious misspellings; the question
    has the word that most of them wrote. Summaries name the GROUPS commonest emotions with LEAST or more samples, most
    frequent first; all others are `other`.

    Args:
        data: the released file. It is read once and held.
        images: the folder the image paths start from, None for text only.

    Attributes:
        left_out: (pair or sample id, why): what made no sample, because an answer could be compared with nothing.

    Raises:
        DataError: the file is missing or cannot be read.
    """

    name = SOCRATIS
    macro = False
    scorer: Scorer = "complex"
    alternatives = True
    foils: FoilKind = "emotion"
    images_help = "--images is the folder the image paths of the file start from; Socratis' authors share the pictures"

    def __init__(self, data: Path, images: Path | None = None) -> None:
        self.images = images
        self.files: tuple[Path, ...] = (data,)
        reading = _Reading(str(data))
        reading.document(*json_document(data))
        self.malformed: tuple[Malformed, ...] = tuple(dict.fromkeys(reading.malformed))
        self.left_out: tuple[Odd, ...] = tuple(reading.left_out)
        self.groups: tuple[str, ...] = _groups(reading.samples)
        named = {emotion: sys.intern(emotion) for emotion in self.groups}
        self._samples = [replace(one, emotion=named.get(one.emotion, OTHER)) for one in reading.samples]

    def __iter__(self) -> Iterator[Sample]:
        """The samples in file order."""
        return iter(self._samples)


class _Reading:
    """What a file holds, gathered a pair at a time; a sample's emotion is the normalised word, not yet its group."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.samples: list[Sample] = []
        self.malformed: list[Malformed] = []
        self.left_out: list[Odd] = []

    def document(self, value: object, repeated: Sequence[str]) -> None:
        """Take the whole file, and the keys that stand twice in an object of it."""
        if isinstance(value, Malformed):
            self.malformed.append(value)
            return
        if not isinstance(value, dict) or not value:
            self._refuse(f"expected one object {FORM}, got {_kind(value)}")
            return
        for key in repeated:
            self._refuse(twice(key))
        for key in list(value):
            self._pair(key, value.pop(key))  # what was read is let go

    def _refuse(self, reason: str) -> None:
        self.malformed.append(Malformed(self._file, None, reason))

    def _pair(self, key: str, value: object) -> None:
        if (fault := text_fault(key)) is not None:
            return self._refuse(f"expected the name of a pair, got {fault}")
        if not isinstance(value, list) or not value:
            return self._refuse(f"pair {key!r}: expected a list of one or more entries, got {_kind(value)}")
        entries = []
        for place, one in enumerate(value, 1):
            try:
                entries.append((place, read_entry(one)))
            except Refused as why:
                self._refuse(f"pair {key!r}, entry {place}: {why}")
        return self._gather(key, entries) if entries else None

    def _gather(self, key: str, entries: Sequence[tuple[int, Entry]]) -> None:
        """The samples of a pair; the first entry's picture and caption stand."""
        first = entries[0][1]
        flags = [flag for flag, lacks in (("no picture", not first.image), ("no caption", not first.caption)) if lacks]
        said: dict[str, list[Said]] = {}
        for place, entry in entries:
            if entry.image != first.image:
                self.left_out.append((key, f"another picture at entry {place}"))
                continue
            if entry.caption != first.caption:
                flags.append(f"another caption at entry {place}")
            for raw, reason in entry.slots:
                if raw:
                    said.setdefault(normalised(raw), []).append((place, raw, reason))
                elif reason:
                    self.left_out.append((key, f"a reason without an emotion at entry {place}"))
        for emotion, ones in said.items():
            if any(reason for _, _, reason in ones):
                self.samples.append(_sample(key, first, emotion, ones, flags))
            else:
                self.left_out.append((sample_id(key, emotion), "no reason is given"))


def _sample(key: str, pair: Entry, emotion: str, said: Sequence[Said], flags: Sequence[str]) -> Sample:
    """One emotion of a pair, with the reasons of all who named it, each once."""
    words = Counter(raw for _, raw, reason in said if reason)
    odd = [f"{raw!r} is read as {emotion!r}" for raw in words if raw.casefold() != emotion]
    reasons: dict[str, None] = {}
    for place, _, reason in said:
        if reason in reasons:
            odd.append(f"the same reason again at entry {place}")
        elif reason:
            reasons[reason] = None
    word = words.most_common(1)[0][0]
    return Sample(
        id=sample_id(key, emotion),
        question=QUESTION.format(word=word),
        emotion=emotion,
        triggers=tuple(Trigger(reason) for reason in reasons),
        media=(Media(pair.image),) if pair.image else (),
        cluster=pair.image or key,
        flags=(*flags, *odd),
        annotation=numbered(reasons),
        caption=pair.caption,
        word=word,
    )


def _groups(samples: Sequence[Sample]) -> tuple[str, ...]:
    """The emotions that are reported by name, and `other` where some are not."""
    counts = Counter(sample.emotion for sample in samples)
    ranked = sorted((-n, emotion) for emotion, n in counts.items() if n >= LEAST and emotion not in RESERVED)
    common = [emotion for _, emotion in ranked[:GROUPS]]
    return tuple(common) if len(common) == len(counts) else (*common, OTHER)


def sample_id(pair: str, emotion: str) -> str:
    """The id of the sample that asks about a normalised emotion of a pair."""
    return f"{pair}#{emotion}"


def read_entry(value: object) -> Entry:
    """One worker's entry; its demographics may be missing.

    Raises:
        Refused: it is none; the message tells kinds of values and never a value, which may be somebody's age.
    """
    if not isinstance(value, list) or len(value) not in {4, 5}:
        raise Refused(f"expected [image, caption, emotions, explanations, demographics], got {_kind(value)}")
    image, caption = _text(value[0], "the image"), _text(value[1], "the caption").strip()
    if "://" in image:
        raise Refused("expected the image to be a path below the images folder, got a URL")
    emotions, reasons = _slots(value[2], "emotions"), _slots(value[3], "explanations")
    if len(value) == 5:
        _check_demographics(value[4])
    return Entry(image if image.strip() else "", caption, tuple(zip(emotions, reasons, strict=True)))


def _slots(value: object, what: str) -> list[str]:
    """Three texts, each on one line, "" for padding."""
    if not isinstance(value, list) or len(value) != SLOTS:
        raise Refused(f"expected a list of {SLOTS} {what}, got {_kind(value)}")
    texts = [" ".join(_text(one, f"each of the {what}").split()) for one in value]
    return ["" if text.casefold() in PADDING else text for text in texts]


def _text(value: object, what: str) -> str:
    """A text that UTF-8 can carry, "" for null."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused(f"expected {what} to be a text or null, got {_kind(value)}")
    if SURROGATE.search(value):
        raise Refused(f"expected {what} to be valid Unicode")
    return value


def _check_demographics(value: object) -> None:
    """Nothing, or an object of texts and of lists of pairs of texts, as `ethnicity` is one."""
    if value is None:
        return
    if not isinstance(value, dict):
        raise Refused(f"expected the demographics to be an object or null, got {_kind(value)}")
    for one in value.values():
        pairs = one if isinstance(one, list) else []
        paired = all(isinstance(p, list) and len(p) == 2 and all(isinstance(w, str) for w in p) for p in pairs)
        if not (paired and isinstance(one, str | list | None)):
            raise Refused(f"expected texts and lists of [text, text] in the demographics, got {_kind(one)}")


def _kind(value: object) -> str:
    """What came, without its content."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    names = {dict: "an object", str: "a text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")

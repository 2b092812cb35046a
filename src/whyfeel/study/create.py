"""`whyfeel study create`: sources become the items of a frozen design, and whose texts they are a key apart from it."""

from __future__ import annotations

import base64
import hashlib
import math
import secrets
import shlex
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from whyfeel.engine.tables import store_failed, to_disk
from whyfeel.errors import UserError
from whyfeel.media import BadPicture, Loaded, MediaStore
from whyfeel.records import Media, Sample, content_id, rng, storable
from whyfeel.runs.folder import write_json, write_whole
from whyfeel.study.design import SCHEMA, Candidate, Design, Item, Key, Rules, Terms
from whyfeel.study.folder import StudyFolder
from whyfeel.study.options import StudyOptions, read_scale
from whyfeel.study.sources import Material, Slot, draw, read_material, slots_of
from whyfeel.study.texts import read_texts, told

TRIES = 2  # at the comprehension check
REPEATS = 2
WORDS_A_MINUTE, SECONDS_A_PAGE, SECONDS_AROUND = 200, 10, 180  # around: consent, instructions, the check
NAMED = 3  # pictures that are named in a note
NOT_SHOWN = "the picture cannot be shown"
SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif"}


def create_study(options: StudyOptions) -> dict[str, Any]:
    """Make a study folder, whole or not at all.

    Returns:
        what `whyfeel study create --json` prints: {"study", "digest", "kind", "task", "systems": how many, "items",
        "left_out": reason to how many, "pages": that a rater sees at most, "minutes": that they may take, "raters": at
        least, "entry", "serve": the command, "notes"}. It does not tell which system is which.

    Raises:
        UserError: the options, the sources or the texts cannot be used, or the folder is there; says what to do.
        StoreFailed: the disk takes no more.
    """
    options.check()
    out = _free(options.out)
    scale = read_scale(options.scale, options.anchors) if options.kind == "rating" else None
    texts = read_texts(options.kind, scale, options.texts)
    if options.attention > len(texts.attention):
        raise UserError(f"--attention {options.attention}: the texts have {len(texts.attention)} checks to draw from")
    material = read_material(options)
    slots, left_out = slots_of(material, options.kind)
    with _staged(out) as folder, closing(_Gallery(material, folder, shown=not options.no_images)) as gallery:
        chosen = _choose(slots, options, gallery, left_out)
        items, key = _coded(chosen, material, options.seed, gallery)
        terms, rules = _terms(options, len(items))
        minutes = _minutes(items, terms)
        texts = told(texts, items=_pages(terms), minutes=minutes, entry=terms.entry)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        head = (SCHEMA, options.kind, material.task, options.seed, created, scale)
        design = Design(*head, items, dict(sorted(left_out.items())), texts, terms, rules)
        write_json(folder.design, design.to_json())
        write_json(folder.key, Key(design.digest, key).to_json())
        folder.key.chmod(0o600)
    return _document(design, out, minutes, [*_notes(design, options), *gallery.notes()])


class _Gallery:
    """The pictures of a study, each as a model is sent it, in files named by their content.

    Args:
        shown: whether pictures are shown at all.
    """

    def __init__(self, material: Material, study: StudyFolder, *, shown: bool) -> None:
        self._store = MediaStore(material.images, max_side=material.max_side, fetched=material.fetched)
        self._max_side, self._folder, self._shown = material.max_side, study.pictures, shown
        self._faults: dict[Media, str | None] = {}
        self._names: dict[Media, str] = {}

    def fault(self, sample: Sample) -> str | None:
        """Why a sample's picture cannot be shown, None where it can or there is none to show."""
        if not (self._shown and sample.media):
            return None
        media = sample.media[0]
        if media not in self._faults:
            self._faults[media] = self._store.fault(media)
        return self._faults[media]

    def put(self, sample: Sample) -> None:
        """Copy a sample's picture into the folder; one that turns out to be unsound has a fault from then on."""
        if not (self._shown and sample.media) or (media := sample.media[0]) in self._names:
            return
        try:
            loaded = Loaded(self._store.read(media), self._max_side)
        except BadPicture as bad:
            self._faults[media] = str(bad)
            return
        data = base64.b64decode(loaded.base64)
        self._names[media] = hashlib.sha256(data).hexdigest()[:32] + SUFFIXES[loaded.header.mime]
        write_whole(self._folder / self._names[media], [data])

    def name(self, sample: Sample) -> str:
        """The file of a sample's picture, "" where none is shown."""
        return self._names[sample.media[0]] if self._shown and sample.media else ""

    def keep(self, samples: Sequence[Sample]) -> None:
        """Remove what no sample of these shows; the folder is there afterwards, also where it is empty."""
        names = {self.name(sample) for sample in samples}
        self._folder.mkdir(exist_ok=True)
        for path in self._folder.iterdir():
            if path.name not in names:
                path.unlink()

    def close(self) -> None:
        """Let the pictures go."""
        self._store.close()

    def notes(self) -> list[str]:
        """Which pictures cannot be shown, and why."""
        bad = {media.path: why for media, why in self._faults.items() if why}
        named = [f"{path}: {why}" for path, why in list(bad.items())[:NAMED]]
        more = f", and {len(bad) - NAMED:,} more" if len(bad) > NAMED else ""
        return [f"{len(bad):,} pictures cannot be shown: {'; '.join(named)}{more}"] if bad else []


def _choose(slots: Sequence[Slot], options: StudyOptions, gallery: _Gallery, left_out: Counter[str]) -> list[Slot]:
    """The items, their pictures in the folder; what is not chosen is counted."""
    while True:
        fit = [slot for slot in slots if gallery.fault(slot.sample) is None]
        lost = {NOT_SHOWN: len(slots) - len(fit)}
        n = len(fit) if options.items is None else options.items
        if not 0 < n <= len(fit):
            reasons = "; ".join(f"{reason} ({count:,})" for reason, count in {**left_out, **lost}.items() if count)
            why = "; ".join([f"left out: {reasons or 'nothing'}", *gallery.notes()])
            raise UserError(f"--items: {max(n, 1):,} are asked for, {len(fit):,} can be made; {why}")
        chosen = draw(fit, n, rng(options.seed, "study items"))
        for slot in chosen:
            gallery.put(slot.sample)
        if all(gallery.fault(slot.sample) is None for slot in chosen):
            gallery.keep([slot.sample for slot in chosen])
            left_out.update({reason: count for reason, count in (lost | {"not drawn": len(fit) - n}).items() if count})
            return chosen


def _coded(
    chosen: Sequence[Slot], material: Material, seed: int, gallery: _Gallery
) -> tuple[tuple[Item, ...], dict[int, Any]]:
    """The items in a drawn order, their sources as numbers, and the source of each number.

    A secret that is kept nowhere goes into every draw and every id: who knows the data, the seed and this program
    still cannot tell which number is whose. Candidates stand by number, so that what `assignment` balances, how often
    an item's or a rater's sides are swapped, is how often each system stands on the left.
    """
    secret = secrets.token_hex(16)
    numbers = (rng(seed, "study systems", secret).permutation(len(material.voices)) + 1).tolist()
    items = []
    for slot in chosen:
        candidates = tuple(
            Candidate(
                content_id([secret, slot.sample.id, voice]),
                material.voices[voice].texts[slot.sample.id],
                numbers[voice],
            )
            for voice in sorted(slot.voices, key=numbers.__getitem__)
        )
        items.append(_item(slot.sample, candidates, secret, gallery.name(slot.sample)))
    order = rng(seed, "study order", secret).permutation(len(items)).tolist()
    key = {number: voice.source for number, voice in sorted(zip(numbers, material.voices, strict=True))}
    return tuple(items[place] for place in order), key


def _item(sample: Sample, candidates: tuple[Candidate, ...], secret: str, picture: str) -> Item:
    id_ = content_id([secret, *sorted(one.id for one in candidates)])
    words = (storable(text) for text in (sample.question, sample.caption, sample.article))
    question, caption, article = words
    return Item(id_, sample.id, sample.cluster, question, picture, caption, article, candidates)


def _terms(options: StudyOptions, items: int) -> tuple[Terms, Rules]:
    each = min(options.items_each, items)
    repeats = min(REPEATS, each) if options.repeats is None else options.repeats
    if repeats > each:
        raise UserError(f"--repeats {repeats}: a rater gets {each} items, and no more than that can come again")
    failed = options.attention // 2 if options.max_failed_attention is None else options.max_failed_attention
    seats, code = options.seats, storable(options.completion_code)
    terms = Terms(*(options.ratings, each, repeats, options.attention), options.entry, seats, options.lease * 60, code)
    return terms, Rules(TRIES, failed, options.min_seconds, alike=True)


def _pages(terms: Terms) -> int:
    return terms.items + terms.repeats + terms.attention


def _minutes(items: Sequence[Item], terms: Terms) -> int:
    """What a rater may take, from how much there is to read."""
    texts = ((item.question, item.caption, item.article, *(one.text for one in item.candidates)) for item in items)
    words = sum(len(text.split()) for parts in texts for text in parts) / len(items)
    reading = (terms.items + terms.repeats) * words / WORDS_A_MINUTE
    return math.ceil(reading + (_pages(terms) * SECONDS_A_PAGE + SECONDS_AROUND) / 60)


def _document(design: Design, out: Path, minutes: int, notes: Sequence[str]) -> dict[str, Any]:
    return {
        "study": str(out),
        "digest": design.digest,
        "kind": design.kind,
        "task": design.task,
        "systems": len(design.systems),
        "items": len(design.items),
        "left_out": dict(design.left_out),
        "pages": _pages(design.terms),
        "minutes": minutes,
        "raters": _raters(design),
        "entry": design.terms.entry,
        "serve": f"whyfeel study serve {shlex.quote(str(out))}",
        "notes": list(notes),
    }


def _raters(design: Design) -> int:
    """How many it takes at least, where nobody skips, leaves or is left out."""
    return math.ceil(len(design.items) * design.terms.ratings / design.terms.items)


def _notes(design: Design, options: StudyOptions) -> list[str]:
    notes = []
    if options.texts is None:
        notes.append("the consent page names nobody to turn to: --texts FILE puts your own words and address there")
    if design.terms.entry == "invited" and design.terms.seats < _raters(design):
        notes.append(f"{design.terms.seats:,} seats are fewer than the raters it takes: some items will lack votes")
    if design.terms.entry == "prolific" and not design.terms.completion_code:
        notes.append("Prolific's raters bring a code back, and there is none: --completion-code C")
    return notes


def _free(out: Path) -> Path:
    """The place of the study, which holds nothing yet."""
    try:
        out = out.resolve()
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            what = "holds something already" if out.is_dir() else "is a file"
            raise UserError(f"STUDY: {str(out)!r} {what}; a study is made once and never changed: choose another place")
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"STUDY: {str(out)[:200]!r} cannot be a folder: {error}") from None
    return out


@contextmanager
def _staged(out: Path) -> Iterator[StudyFolder]:
    """A hidden folder beside the place, which takes it at the end; where it does not, nothing is left of it.

    It is the user's alone, as mkdtemp makes it: what raters say of themselves will lie in it.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{out.name[:40]}-", dir=out.parent))
    except OSError as error:
        raise UserError(f"STUDY: {str(out)!r} cannot be made: {error.strerror}; choose another place") from None
    try:
        yield StudyFolder(made)
        made.rename(out)
        to_disk(out.parent)
    except OSError as error:
        raise store_failed("the study", out, error) from None
    finally:
        with suppress(OSError):
            shutil.rmtree(made)

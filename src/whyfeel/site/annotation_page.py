"""annotations/SLUG.html: what a chain of asks found in pictures, what its gates dropped, and what people made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from whyfeel.annotate.finished import AnnotationRun, read_annotation_run
from whyfeel.annotate.review.final import Final, final_annotations
from whyfeel.errors import DataError
from whyfeel.interop.people import people_of
from whyfeel.media.store import max_side_of
from whyfeel.records import AnnotatedTrigger, Annotation, Media
from whyfeel.report import numbers
from whyfeel.report.annotation_table import annotation_table
from whyfeel.runs.folder import RunFolder, misfit, read_json
from whyfeel.site.book import Book, slugs
from whyfeel.site.options import SiteOptions
from whyfeel.site.pages import File, Page
from whyfeel.site.pictures import Pictures
from whyfeel.site.printed import notes_of, tables_of

EXAMPLES = 3  # of what each gate dropped
# what the page relies on
SUMMARY: Mapping[str, Any] = {
    **dict.fromkeys(("n", "annotated", "without_triggers", "calls"), int),
    **dict.fromkeys(("source", "vlm", "llm"), str),
    **dict.fromkeys(("unscored", "kinds", "flags", "phases", "left_out"), dict),
    "triggers": {**dict.fromkeys(("found", "kept", "explicit"), int), "dropped": dict},
    "tokens": {"in": int, "out": int},
    "cost": float | int | None,
    "seconds": float | int,
}
NEXT = ". Next: "  # what the command says to who has just run it


@dataclass(slots=True)
class Dropped:
    """Triggers that do not count, for one reason: how many, and some of them with the ids of their samples."""

    n: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TriggerTold:
    """A trigger of an item.

    Attributes:
        trigger: as it stands in the end.
        facts: its kind, whether it can be seen, how sure the chain is; what each gate said of it.
        sources: the steps of the chain that it came from, as a summary cites them.
    """

    trigger: AnnotatedTrigger
    facts: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One picture and question: the annotation in the end, its status, and its triggers, those that count first."""

    annotation: Annotation
    status: str
    triggers: tuple[TriggerTold, ...]

    @property
    def media(self) -> Media | None:
        """The picture, None for a text."""
        return None if self.annotation.image is None else Media(self.annotation.image)


class Annotations:
    """A page for each annotation; `files` has its thumbnails.

    Args:
        options: where its pictures lie now, and whether they may be shown.
    """

    def __init__(self, options: SiteOptions) -> None:
        self._options = options
        self._pictures: dict[Path, tuple[Pictures, tuple[Media, ...]]] = {}

    def pages(self, book: Book) -> Iterable[Page]:
        """In the order of the book."""
        slug = slugs()
        return [self._page(path, slug(path.resolve().name)) for path in book.annotations]

    def files(self, book: Book) -> Iterator[File]:
        """The thumbnails, and the pictures as models were shown them."""
        for path in book.annotations:
            pictures, media = self._pictures[path]
            yield from pictures.files(media if self._options.pictures else ())

    def _page(self, path: Path, slug: str) -> Page:
        with closing(read_annotation_run(path)) as run:
            items = [item_of(final) for final in final_annotations(run)]
            values = {
                "summary": _summary(path),
                "facts_of": facts_of(run),
                "questions": run.manifest["spec"]["settings"].get("questions", []),
                "dropped": dropped_of(items),
                "statuses": Counter(item.status for item in items),
                "people": people_of(run).lines(),
                "items": items,
            }
            root = self._options.images or run.images
            pictures = Pictures(root, [RunFolder(path).pictures], max_side_of(run.manifest["spec"].get("pictures", "")))
        self._pictures[path] = pictures, tuple(item.media for item in items if item.media is not None)
        parts = annotation_table(values["summary"], path)
        notes = [one.partition(NEXT)[0] for one in notes_of(parts)[:-1]]  # the last says where files lie
        told = {"tables": tables_of(parts), "notes": notes, "shown": pictures.shown}
        return Page(f"annotations/{slug}", path.resolve().name, "annotation.html", values | told)


def item_of(final: Final) -> Item:
    """An annotation as people left it."""
    told = [trigger_told(final.annotation, one) for one in final.annotation.triggers]
    told.sort(key=lambda one: bool(one.trigger.dropped))
    return Item(final.annotation, final.status, tuple(told))


def trigger_told(annotation: Annotation, trigger: AnnotatedTrigger) -> TriggerTold:
    """A trigger with where it comes from and what was said of it."""
    asks = frozenset(trigger.asks)
    sources = dict.fromkeys(step.label or step.phase for step in annotation.steps if step.ask in asks)
    seen = {True: "seen", False: "inferred", None: ""}[trigger.explicit]
    sure = "" if trigger.confidence is None else f"confidence {numbers.score(trigger.confidence, 2)}"
    gates = (f"{gate}: {said}" for gate, said in trigger.gates.items())
    facts = tuple(filter(None, (trigger.kind, seen, sure, *gates)))
    return TriggerTold(trigger, facts, tuple(sources) if trigger.asks else ("a person",))


def dropped_of(items: Iterable[Item]) -> dict[str, Dropped]:
    """What does not count in the end, by reason, the commonest first."""
    found: dict[str, Dropped] = {}
    for item in items:
        for told in item.triggers:
            if reason := told.trigger.drop_reason:
                one = found.setdefault(reason, Dropped())
                one.n += 1
                if len(one.examples) < EXAMPLES:
                    one.examples.append((told.trigger.text, item.annotation.sample_id))
    return dict(sorted(found.items(), key=lambda entry: (-entry[1].n, entry[0])))


def facts_of(run: AnnotationRun) -> list[tuple[str, str]]:
    """How it was made, a line each, as run.json has it."""
    manifest, spec = run.manifest, run.manifest["spec"]
    settings = {name: value for name, value in spec["settings"].items() if name != "questions"}
    told = {
        "source": spec["source"],
        "from": Path(str(manifest.get("input") or "")).name,
        "shown the pictures": _asked(spec["vlm"], spec.get("gen")),
        "told of them in words": _asked(spec["llm"], spec.get("llm_gen")),
        "asked by the user": spec.get("query") or "",
        "emotions given by the user": ", ".join(spec.get("emotion") or ()),
        "pictures are sent as": str(spec.get("pictures", "")),
        "seed": str(spec.get("seed", "")),
        "the first of it": str(manifest.get("limit") or ""),
        "run id": str(manifest.get("id", "")),
        "begun": str(manifest["created"]),
        "whyfeel": str(manifest.get("whyfeel", "")),
    }
    lists = {
        name: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in settings.items()
    }
    hashes = [(f"SHA-256 of {name}", str(digest)) for name, digest in spec["data"].items()]
    prompts = [(f"prompt {name}", str(digest)) for name, digest in spec["prompts"].items()]
    roles: dict[tuple[str, str], list[str]] = {}
    for one in manifest["addresses"]:
        roles.setdefault((one["model"], one["address"] or "a ledger"), []).append(one["role"])
    places = [(f"{model} at {address}", ", ".join(dict.fromkeys(names))) for (model, address), names in roles.items()]
    return [(name, value) for name, value in (told | lists).items() if value] + hashes + prompts + places


def _asked(model: str, gen: Mapping[str, Any] | None) -> str:
    return f"{model} ({', '.join(f'{name} {value}' for name, value in gen.items())})" if gen else model


def _summary(path: Path) -> dict[str, Any]:
    file = RunFolder(path).summary
    summary = read_json(file, "a finished annotation has one")
    if (wrong := misfit(summary, SUMMARY)) is not None:
        why = f"{str(file)!r} is damaged: it should hold {wrong!r}; run `whyfeel annotate` again, which writes it anew"
        raise DataError(why)
    return summary

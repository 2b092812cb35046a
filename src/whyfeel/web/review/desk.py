"""What the pages work on: a run, its review, and who may see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from whyfeel.annotate.finished import AnnotationRun, read_annotation_run
from whyfeel.annotate.review.edits import ADJUDICATOR, Edit
from whyfeel.annotate.review.file import REVIEW, seen
from whyfeel.annotate.review.fold import reviewed
from whyfeel.annotate.review.store import ReviewStore
from whyfeel.errors import DataError
from whyfeel.media import BadPicture, Loaded, MediaStore, max_side_of
from whyfeel.records import AnnotatedTrigger, Annotation, Media, content_id
from whyfeel.runs.folder import RunFolder
from whyfeel.web.tokens import Seals, checked_name, read_seals

KEY = "review.key"  # the secret of the links, in the run folder


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked of a review."""

    reviewers: tuple[str, ...] = ()
    adjudicators: tuple[str, ...] = ()
    double: float | None = None
    seed: int | None = None


class Desk:
    """One review, open.

    Args:
        run: as it was annotated.
        annotations: by key, a hash of the item's id that can stand in an address; all in memory, some kilobytes each.
        people: the names whose links are good, an adjudicator's with its prefix.
    """

    def __init__(
        self,
        run: AnnotationRun,
        annotations: Mapping[str, Annotation],
        store: ReviewStore,
        seals: Seals,
        people: frozenset[str],
    ) -> None:
        self.run, self.annotations, self.store, self.seals, self.people = run, annotations, store, seals, people
        max_side = max_side_of(str(run.manifest["spec"].get("pictures", "")))
        self.media = MediaStore(run.images, max_side=max_side, fetched=RunFolder(run.path).pictures)

    def person(self, token: str) -> str | None:
        """Who shows a token, None for nobody whom this review knows."""
        name = self.seals.name(token)
        return name if name in self.people else None

    def tokens(self) -> list[tuple[str, str]]:
        """Each person with their token, in the order of their names."""
        return [(name, self.seals.token(name)) for name in sorted(self.people)]

    def triggers(self, annotation: Annotation, edits: tuple[Edit, ...]) -> tuple[AnnotatedTrigger, ...]:
        """The triggers as a reviewer's edits leave them.

        Raises:
            DataError: they do not fit, because the annotation is no longer the one that was reviewed.
        """
        try:
            return reviewed(annotation, edits)
        except ValueError as error:
            why = f"the review of {annotation.sample_id!r} does not fit its annotation ({error})"
            raise DataError(f"{why}; was annotations.jsonl replaced?") from None

    async def picture(self, annotation: Annotation) -> Loaded:
        """The picture as it was sent to the model.

        Raises:
            BadPicture: there is none, it cannot be read, or it is no longer the one that was sent.
        """
        if annotation.image is None:
            raise BadPicture("the item has no picture")
        loaded = await self.media.load(Media(annotation.image))
        self.run.check_shown(annotation, loaded)
        return loaded


def key_of(sample_id: str) -> str:
    """What stands for an item in addresses and drafts."""
    return content_id(sample_id)[:16]


@contextmanager
def open_desk(path: Path, wish: Wish) -> Iterator[Desk]:
    """Open the review of a run of `whyfeel annotate`, a new one where there is none.

    Raises:
        DataError: there is no such run, or a file in it is damaged.
        UserError: a name cannot be one, or the review was begun with another share or seed.
    """
    names = [checked_name(name) for name in wish.reviewers]
    names += [ADJUDICATOR + checked_name(name) for name in wish.adjudicators]
    with closing(read_annotation_run(path)) as run:
        annotations = list(run.annotations())
        with closing(
            ReviewStore(path / REVIEW, list(map(seen, annotations)), double=wish.double, seed=wish.seed)
        ) as store:
            by_key = {key_of(one.sample_id): one for one in annotations}
            desk = Desk(run, by_key, store, read_seals(path / KEY), frozenset(names))
            with closing(desk.media):
                yield desk


def review_status(path: Path, wish: Wish) -> dict[str, Any]:
    """How far the review of a run is and how far its reviewers agree, as `whyfeel review --json` prints it.

    Begins no review where there is none.

    Raises:
        UserError, DataError: as `open_desk`.
    """
    with closing(read_annotation_run(path)) as run, TemporaryDirectory() as scratch:
        place = path if (path / REVIEW).is_file() else Path(scratch)
        made = list(map(seen, run.annotations()))
        with closing(ReviewStore(place / REVIEW, made, double=wish.double, seed=wish.seed)) as store:
            left = len(store.to_adjudicate())
            return {**asdict(store.progress()), "to_adjudicate": left, "agreement": agreement_of(run)}


def agreement_of(run: AnnotationRun) -> dict[str, Any]:
    """How far those who reviewed the same items agree."""
    from whyfeel.annotate.review.agreement import agreement  # noqa: PLC0415 - the pages that need it are few

    return agreement(run).to_json()

"""A look at every picture before anything is paid for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from whyfeel.errors import UserError
from whyfeel.media import MediaStore
from whyfeel.records import Corpus, Media, Sample

SHOWN = 20  # bad pictures that are named before the first call


@dataclass(frozen=True, slots=True)
class PictureSurvey:
    """What was found.

    Attributes:
        samples: how many samples there are.
        shown: how many pictures they show.
        bad: pictures that cannot be sent, with the reason.
        urls: pictures that are still to be fetched.
    """

    samples: int
    shown: int
    bad: Mapping[Media, str]
    urls: tuple[str, ...]


def survey_pictures(
    samples: Iterable[Sample], images: Path | None, name: str, images_help: str, *, look: bool, allow_urls: bool
) -> PictureSurvey:
    """Count the samples and look at every picture's header and end.

    Args:
        name: of the task or source, and `images_help` how to get its pictures: for messages.
        look: whether pictures are shown to anybody.
        allow_urls: whether pictures at URLs are fetched later.

    Raises:
        UserError: there is no sample; pictures are to be shown and no folder was named; or it holds none of them.
    """
    media = MediaStore(images)
    total, shown, missing = 0, 0, 0
    bad: dict[Media, str] = {}
    urls: dict[str, None] = {}
    for sample in samples:
        total += 1
        if not look:
            continue
        if sample.media and images is None:
            raise UserError(f"{name} needs its pictures: {images_help}")
        for one in sample.media:
            shown += 1
            if allow_urls and one.is_url:
                urls[one.path] = None
            elif (why := bad.get(one) or media.fault(one)) is not None:
                bad[one] = why
                missing += why.startswith("no such file")
    media.close()
    if not total:
        raise UserError(f"{name} has no samples to run")
    if shown > 1 and missing == shown:
        why = next(iter(bad.values()))
        raise UserError(f"--images: none of the {shown:,} pictures is under {str(images)!r} ({why}); {images_help}")
    return PictureSurvey(total, shown, bad, tuple(urls))


class Sendable:
    """The samples of a task whose pictures can all be sent; pictures at URLs are not looked at."""

    def __init__(self, task: Corpus, images: Path | None) -> None:
        self._task, self._images = task, images

    def __iter__(self) -> Iterator[Sample]:
        """In the task's order; a picture's header is read when its sample comes up."""
        if self._images is None:
            yield from self._task
            return
        media = MediaStore(self._images)
        try:
            for sample in self._task:
                if not any(media.fault(one) for one in sample.media if not one.is_url):
                    yield sample
        finally:
            media.close()


def bad_pictures(bad: Mapping[Media, str], others: str) -> list[str]:
    """The remarks that name the pictures which cannot be sent; `others` tells where those are that are not named."""
    if not bad:
        return []
    named = [f"  {media.path}: {why}" for media, why in list(bad.items())[:SHOWN]]
    more = [f"  and {len(bad) - SHOWN} more ({others})"] if len(bad) > SHOWN else []
    return [f"{len(bad)} pictures cannot be sent and stay unscored:", *named, *more]

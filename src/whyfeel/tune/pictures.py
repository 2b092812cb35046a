"""The pictures of the samples, as a run would send them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from whyfeel.errors import UserError
from whyfeel.media import BadPicture, Loaded, MediaStore
from whyfeel.records import Media, Sample

NAMED = 3


def read_pictures(root: Path | None, samples: Sequence[Sample], max_side: int | None) -> dict[Media, Loaded]:
    """Every picture of some samples, read once and made ready.

    Raises:
        UserError: some cannot be sent; names them.
    """
    found: dict[Media, Loaded] = {}
    bad: dict[str, str] = {}
    with closing(MediaStore(root, max_side=max_side)) as store:
        for media in dict.fromkeys(media for sample in samples for media in sample.media):
            try:
                found[media] = Loaded(store.read(media), max_side)
            except BadPicture as why:
                bad[media.path] = str(why)
    if bad:
        few = "; ".join(f"{path!r}: {why}" for path, why in list(bad.items())[:NAMED])
        raise UserError(f"{len(bad):,} pictures cannot be used (--images names their folder): {few}")
    return found


def keys_of(sample: Sample, pictures: dict[Media, Loaded]) -> tuple[str, ...]:
    """What a sample must not share with one of the other side: its cluster, and what its pictures hold."""
    return (f"cluster {sample.cluster}", *(pictures[media].token for media in sample.media))

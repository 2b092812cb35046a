"""The pictures of a run, as they were sent to a model, for formats that hold or name them."""

from __future__ import annotations

import base64
from pathlib import Path

from whyfeel.annotate.finished import AnnotationRun
from whyfeel.errors import UserError
from whyfeel.media import BadPicture, Loaded, MediaStore, max_side_of
from whyfeel.records import Annotation, Media
from whyfeel.runs import RunFolder

NAMED = 3  # pictures that an error names


class Pictures:
    """The pictures below the run's images folder, and those that it fetched.

    Attributes:
        lacking: pictures that cannot be used, with the reason.
    """

    def __init__(self, run: AnnotationRun) -> None:
        self._run, self._images = run, run.images
        self._max_side = max_side_of(run.manifest["spec"].get("pictures", ""))
        self._store = MediaStore(run.images, fetched=RunFolder(run.path).pictures)
        self.lacking: dict[str, str] = {}

    def is_there(self, image: str) -> bool:
        """Whether a picture can be found and sent; one that cannot is noted."""
        if (why := self._store.fault(Media(image))) is not None:
            self.lacking.setdefault(image, why)
        return why is None

    def sent(self, annotation: Annotation, image: str) -> bytes | None:
        """The bytes of a picture without metadata, as a model was shown it; one that cannot be had is noted.

        Args:
            annotation: of the picture; a file that is another by now is lacking.
            image: its path.
        """
        try:
            loaded = Loaded(self._store.read(Media(image)), self._max_side)
            self._run.check_shown(annotation, loaded)
            return base64.b64decode(loaded.base64)
        except BadPicture as bad:
            self.lacking.setdefault(image, str(bad))
            return None

    def check(self) -> None:
        """That none was lacking.

        Raises:
            UserError: some were; names them.
        """
        if self.lacking:
            some = "; ".join(f"{image!r} ({why})" for image, why in list(self.lacking.items())[:NAMED])
            more = f" and {len(self.lacking) - NAMED:,} more" if len(self.lacking) > NAMED else ""
            raise UserError(
                f"{len(self.lacking):,} pictures of the run cannot be used: {some}{more}; they should lie below "
                f"{_shown(self._images)}: put them back, or name their folder under 'images' in the run's run.json"
            )

    def close(self) -> None:
        """Let the reader go."""
        self._store.close()


def _shown(images: Path | None) -> str:
    return repr(str(images)) if images is not None else "the images folder, which run.json does not name"

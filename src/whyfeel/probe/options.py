"""What a user may set of a probe, checked before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from whyfeel.errors import UserError, brief

LOCAL = "local:"
GOEMOTIONS = "goemotions"
LAST, MEAN = "last", "mean"
FARTHEST = 256  # tokens behind a text
MOST_FOLDS = 20


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """One command.

    Attributes:
        source: "goemotions" or the name of a task.
        model: "local:" and a folder or Hub id.
        out: the folder that keeps the states and takes the figures.
        data, images: of the source.
        labels: of GoEmotions: "28", "ekman" or "sentiment"; None for 28.
        pictures: whether a task's pictures are shown, with one sentence for all, in place of its questions.
        position: whose states are probed by layer: those of the text's last token, or the mean over its tokens.
        offsets: tokens behind the text's end at which it is probed how long the emotion stays; 0 is the last token.
        systems: system prompts, each contrasted with none.
        folds: of the cross-validation.
        limit, sample: how many texts are read: the first, or drawn by label.
        seed: of everything random.
    """

    source: str
    model: str
    out: Path
    data: Path | None = None
    images: Path | None = None
    labels: str | None = None
    pictures: bool = False
    position: str = LAST
    offsets: tuple[int, ...] = (0, 1, 2, 4, 8, 16)
    systems: tuple[str, ...] = ()
    folds: int = 5
    limit: int | None = None
    sample: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.model.startswith(LOCAL) or self.model == LOCAL:
            why = "only a model that runs here shows its hidden states"
            raise UserError(f"--model: expected local: and a folder or Hub id, got {brief(self.model)}: {why}")
        if self.position not in {LAST, MEAN}:
            raise UserError(f"--position: expected {LAST} or {MEAN}, got {brief(self.position)}")
        if any(one < 0 or one > FARTHEST for one in self.offsets) or len(set(self.offsets)) < len(self.offsets):
            got = ",".join(map(str, self.offsets))
            raise UserError(f"--offsets: expected different numbers from 0 to {FARTHEST}, got {got}")
        if not 2 <= self.folds <= MOST_FOLDS:
            raise UserError(f"--folds: expected 2 to {MOST_FOLDS}, got {self.folds}")
        if self.limit is not None and self.sample is not None:
            raise UserError("--limit and --sample: give one of them")
        if any(one is not None and one < 1 for one in (self.limit, self.sample)):
            raise UserError("--limit, --sample: expected at least 1")
        if any(not one.strip() for one in self.systems) or len(set(self.systems)) < len(self.systems):
            raise UserError("--system: expected different texts that are not blank")

    @property
    def slots(self) -> tuple[str | int, ...]:
        """What is kept of each text: the position that is probed by layer, then the offsets."""
        return tuple(dict.fromkeys((self.position, *map(slot_of, self.offsets))))

    @property
    def checkpoint(self) -> str:
        """The model's folder or Hub id."""
        return self.model.removeprefix(LOCAL)


def slot_of(offset: int) -> str | int:
    """How an offset is kept: at 0 a text's last token."""
    return offset or LAST

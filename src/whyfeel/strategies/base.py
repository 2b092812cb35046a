"""What a strategy is."""

from __future__ import annotations

from typing import Protocol

from whyfeel.records import Asking, Response, Sample


class Strategy(Protocol):
    """How a sample is put to a model.

    Attributes:
        name: the strategy as it is written in a command, in its one canonical spelling.
        asks: asks a sample, for planning; 0 for a baseline, which asks nothing.
        needs_pictures: whether its asks carry the sample's pictures.
        prompts: ids of the prompt texts it uses; their hashes are part of a run's spec.
    """

    @property
    def name(self) -> str: ...
    @property
    def asks(self) -> int: ...
    @property
    def needs_pictures(self) -> bool: ...
    @property
    def prompts(self) -> tuple[str, ...]: ...

    def respond(self, sample: Sample) -> Asking[Response]:
        """The conversation about one sample."""
        ...

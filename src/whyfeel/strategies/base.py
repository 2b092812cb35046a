"""What a strategy is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from whyfeel.records import Asking, Response, Sample


class Strategy(Protocol):
    """How a sample is put to a model.

    Attributes:
        name: the strategy as it is written in a command, in its one canonical spelling.
        roles: the roles it asks in, and whether those asks show the sample's pictures; empty for a baseline, which
            asks nothing. "answer" is the model under test.
        prompts: ids of the prompt texts it uses; their hashes are part of a run's spec.
    """

    @property
    def name(self) -> str: ...
    @property
    def roles(self) -> Mapping[str, bool]: ...
    @property
    def prompts(self) -> tuple[str, ...]: ...

    def respond(self, sample: Sample) -> Asking[Response]:
        """The conversation about one sample."""
        ...

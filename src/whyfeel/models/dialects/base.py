"""What an endpoint must know of a protocol: how to ask, how to read a reply, and what an error reply means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from whyfeel.engine import Reply, Request

Kind = Literal["key", "credit", "rate", "server", "setting", "content", "rejected"]
SCHEMA = "response_format"  # stands for the ask's schema among the settings, whatever a protocol calls it
EXCERPT = 500  # characters of an unusable reply that are kept for the message


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What an endpoint has learned that its server will not take.

    Attributes:
        left_out: settings that are not sent; "response_format" stands for the schema.
        renamed: settings that the server knows by another name, such as {"max_tokens": "max_completion_tokens"}.
    """

    left_out: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """What an error reply says.

    Attributes:
        kind: "key" and "credit" end a run; "rate" and "server" may pass; "setting" can be adapted to; "content" is a
            refusal by the provider, which is an answer; "rejected" is everything else.
        message: the server's own words, one printable line of at most some hundred characters.
        setting: which setting, by the name the ask has for it, for kind "setting".
        instead: what the server calls it, where it says so.
    """

    kind: Kind
    message: str
    setting: str | None = None
    instead: str | None = None


class Dialect(Protocol):
    """A protocol that servers speak; it holds no connection and no key.

    `encode` gives a request's body in pieces, none of them a copy of a picture. `decode` reads a body that came with
    status 200 and raises CallFailed where it is no reply; an empty, refused or cut-off reply is a reply. `refused`
    reads a body that came with any other status, and takes anything for a body. `decode_names` reads the reply to
    GET /models and raises CallFailed where it is no list of models.

    Attributes:
        path: where requests go, below the base URL.
    """

    @property
    def path(self) -> str: ...

    def headers(self, key: str | None) -> dict[str, str]: ...
    def encode(self, model: str, request: Request, adapted: Adaptation) -> list[bytes]: ...
    def decode(self, body: bytes) -> Reply: ...
    def refused(self, status: int, body: bytes) -> Refused: ...
    def decode_names(self, body: bytes) -> list[str]: ...


def excerpt(body: bytes) -> str:
    """The start of an unusable body, printable and on one line."""
    text = " ".join(body[: EXCERPT * 4].decode("utf-8", "replace").split())[:EXCERPT]
    return repr(text) if text else "an empty body"

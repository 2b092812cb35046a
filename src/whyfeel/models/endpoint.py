"""A model behind a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from whyfeel.engine import Price, Reply, Request
from whyfeel.errors import RATE_LIMITED, CallFailed, KeyRefused, NoCredit, WhyfeelError
from whyfeel.models.connection import Body, Connection, Deadlines, Received
from whyfeel.models.dialects.base import SCHEMA, Adaptation, Dialect, Refused
from whyfeel.models.dialects.chat import ChatCompletions

__all__ = ["Deadlines", "Endpoint"]

LARGEST_REPLY = 2 * 1024 * 1024  # bytes, after decompression
MOST_ADAPTATIONS = 6  # in one call
LONGEST_PAUSE = 86_400.0  # seconds; what is longer is as good as never


class Endpoint:
    """One model of one server.

    Args:
        name: the model's name, as the server knows it.
        base_url: up to and including /v1.
        dialect: the protocol the server speaks; chat completions unless told otherwise.
        key: removed from everything that is kept or shown.
        price: None where it is unknown.
        deadlines: when a call is given up.
        largest_reply: bytes after which a reply is cut off and the call fails.
        local_only: whether only this machine and private networks may be spoken to, and no proxy.

    Raises:
        UserError: what the environment says of proxies and certificates cannot be followed.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        dialect: Dialect | None = None,
        key: str | None = None,
        price: Price | None = None,
        deadlines: Deadlines | None = None,
        largest_reply: int = LARGEST_REPLY,
        local_only: bool = False,
    ) -> None:
        self.name = name
        self.address = base_url.rstrip("/")
        self.price = price
        self._dialect = dialect or ChatCompletions()
        self._has_key = bool(key)
        self._largest_reply = largest_reply
        self._adapted = Adaptation()
        self._connection = Connection(
            self.address, self._dialect.headers(key), key=key, deadlines=deadlines, local_only=local_only
        )

    async def answer(self, request: Request) -> Reply:
        """Make one call; again at once, without a setting that the server will not take and nobody insisted on.

        Raises:
            CallFailed: no reply; says whether another try may help.
            KeyRefused: 401 or 403.
            NoCredit: the account is empty.
            EndpointDown: the server cannot be trusted.
        """
        adaptations = 0
        while True:
            adapted = self.adapted(request)
            body = Body(self.pieces(request, adapted))
            received = await self._connection.send("POST", self.path, body, self._largest_reply)
            refused = self._read(received, request, adapted)
            if isinstance(refused, Reply):
                return refused
            adaptations += 1
            if adaptations > MOST_ADAPTATIONS or not self._adapt(refused, request, adapted):
                raise self._failure(received, refused, request)

    @property
    def path(self) -> str:
        """Where requests go, below the base URL."""
        return self._dialect.path

    def pieces(self, request: Request, adapted: Adaptation) -> list[bytes]:
        """The body of a request, less the settings that the server will not take."""
        return self._dialect.encode(self.name, request, adapted)

    def read(self, request: Request, adapted: Adaptation, status: int, body: bytes) -> Reply:
        """The reply to a request that was sent another way.

        Args:
            adapted: what its pieces were made with.
            status, body: what came.

        Raises:
            CallFailed, KeyRefused, NoCredit: as for `answer`; another try may help where something was learned.
        """
        received = Received(status, {}, self._connection.secrets.removed(body), cut=False)
        refused = self._read(received, request, adapted)
        if isinstance(refused, Reply):
            return refused
        if self._adapt(refused, request, adapted):
            raise CallFailed("rejected", f"{refused.message}; to be asked without {refused.setting!r}")
        raise self._failure(received, refused, request)

    async def names(self) -> list[str]:
        """The models the server says it has.

        Raises:
            CallFailed, KeyRefused, NoCredit, EndpointDown: as for `answer`.
        """
        return self._dialect.decode_names(await self.fetch("GET", "/models"))

    async def fetch(
        self,
        method: str,
        path: str,
        body: aiohttp.payload.Payload | aiohttp.FormData | None = None,
        *,
        most: int | None = None,
    ) -> bytes:
        """The body of a reply with status 200, the key removed from it.

        Args:
            method: such as "GET".
            path: below the base URL, with its leading slash.
            body: what is sent.
            most: bytes, after decompression, that the reply may have; None for `largest_reply`.

        Raises:
            CallFailed, KeyRefused, NoCredit, EndpointDown: as for `answer`.
        """
        received = await self._connection.send(method, path, body, most or self._largest_reply)
        if received.status != 200:
            raise self._failure(received, self._dialect.refused(received.status, received.body))
        return _whole(received)

    def _read(self, received: Received, request: Request, adapted: Adaptation) -> Reply | Refused:
        """What came back: an answer, which a refusal by the provider is too, or none."""
        left_out = _left_out(request, adapted)
        if received.status == 200:
            return self._kept(self._dialect.decode(_whole(received)), left_out)
        refused = self._dialect.refused(received.status, received.body)
        return Reply("", "refused", "content_filter", left_out=left_out) if refused.kind == "content" else refused

    def adapted(self, request: Request) -> Adaptation:
        """What has been learned, less what this request's user insists on."""
        if self._adapted.left_out & request.insisted:
            return replace(self._adapted, left_out=self._adapted.left_out - request.insisted)
        return self._adapted

    def _adapt(self, refused: Refused, request: Request, sent: Adaptation) -> bool:
        """Learn from a refusal; whether another call may fare better.

        Args:
            refused: what the server said.
            request: what was asked.
            sent: the adaptation it was asked with; other calls may have learned more meanwhile.
        """
        original = {new: old for old, new in sent.renamed.items()}
        setting = original.get(refused.setting or "", refused.setting)
        if refused.kind != "setting" or setting not in _settings(request) - sent.left_out:
            return False
        known = self._adapted
        if refused.instead is not None and refused.instead != sent.renamed.get(setting):
            self._adapted = replace(known, renamed={**known.renamed, setting: refused.instead})
            return True
        if setting in request.insisted:
            return False
        self._adapted = replace(known, left_out=known.left_out | {setting})
        return True

    def _kept(self, reply: Reply, left_out: tuple[str, ...]) -> Reply:
        """A reply without the key; JSON has more ways to write one than can be looked for before it is read."""
        words = (reply.text, reply.served, reply.finish, reply.reasoning)
        text, served, finish, reasoning = clean = tuple(
            said and self._connection.secrets.hidden(said) for said in words
        )
        if clean == words and not left_out:
            return reply
        return replace(
            reply, text=text or "", served=served, finish=finish, reasoning=reasoning or "", left_out=left_out
        )

    def _failure(self, received: Received, refused: Refused, request: Request | None = None) -> WhyfeelError:
        """What an error reply means to whoever called."""
        said = f"status {received.status}: {self._connection.secrets.line(refused.message)}"
        if refused.kind == "key":
            return KeyRefused(
                f"{self.address} refused the {'key' if self._has_key else 'call, which carried no key'} ({said}); "
                "check the key's variable (`whyfeel models` names it) and what the key may use"
            )
        if refused.kind == "credit":
            return NoCredit(
                f"{self.address}: the account has no credit left ({said}). Nothing is lost: "
                "run the same command again when it has"
            )
        if refused.kind in {"rate", "server"}:
            reason = RATE_LIMITED if refused.kind == "rate" else "server error"
            return CallFailed(reason, said, retry_after=_retry_after(received.headers))
        if received.cut:
            more = f"status {received.status}, more than {len(received.body):,} bytes"
            return CallFailed("reply too large", more, again=False)
        return CallFailed("rejected", said + self._advice(received, refused, request), again=False)

    def _advice(self, received: Received, refused: Refused, request: Request | None) -> str:
        """What more there is to say of a rejected call."""
        if 300 <= received.status < 400 and (to := received.headers.get("Location")):
            return f"; redirects are not followed, and this one leads to {self._connection.secrets.line(to)!r}"
        if request is not None and refused.kind == "setting" and refused.setting in request.insisted:
            flag = "--judge-gen" if request.ask.role == "judge" else "--gen"
            return f"; the server does not take it: leave it out with {flag} {refused.setting}=null"
        return ""

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()


def _whole(received: Received) -> bytes:
    if received.cut:
        raise CallFailed("reply too large", f"more than {len(received.body):,} bytes", again=False)
    return received.body


def _settings(request: Request) -> set[str]:
    """The settings of a request; "response_format" stands for its schema."""
    return {*request.ask.gen, SCHEMA} if request.ask.schema is not None else {*request.ask.gen}


def _left_out(request: Request, adapted: Adaptation) -> tuple[str, ...]:
    """Those of a request's settings that were not sent, sorted."""
    return tuple(sorted(_settings(request) & adapted.left_out)) if adapted.left_out else ()


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from either form of Retry-After: a number, or a date by the server's own clock."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        when = _date(value)
        if when is None:
            return None
        seconds = (when - (_date(headers.get("Date", "")) or datetime.now(UTC))).total_seconds()
    return min(LONGEST_PAUSE, max(0.0, seconds))


def _date(value: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)

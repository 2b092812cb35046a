"""A study as it is served: its design, its store, who may come in, and the pictures it shows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import PurePath
from urllib.parse import urlsplit

from whyfeel.errors import UserError
from whyfeel.hosts import is_loopback, literal
from whyfeel.media import BadPicture, Header, read_header
from whyfeel.study.design import Entry
from whyfeel.study.folder import StudyFolder
from whyfeel.study.store import StudyStore
from whyfeel.web.guard import HOSTS
from whyfeel.web.tokens import read_seals

SEAT, PID = "seat", "PROLIFIC_PID"  # what an address brings
PROLIFIC_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
UNKNOWN: Mapping[Entry, str] = {
    "open": "Please begin at the study's first page.",
    "invited": "Please open the link that you were sent: by it this page knows your place in the study.",
    "prolific": "Please come in through the study's page at Prolific: by it this page knows who takes part.",
}


class Stranger(Exception):
    """Nobody whom the study knows; the message says what they can do."""


class Site:
    """One study, served.

    Args:
        folder: of the study; its design and the secret of its pages are read here, the latter is made where it is
            missing.
        address: by which raters reach the pages, "" where this machine alone does.

    Raises:
        UserError, DataError: a file is missing or damaged.
    """

    store: StudyStore  # set while it is open, by the loop that serves

    def __init__(self, folder: StudyFolder, address: str = "") -> None:
        self.folder, self.address = folder, address
        self.design = folder.read_design()
        self.seals = read_seals(folder.secret)
        names = {item.picture for item in self.design.items}
        self.pictures = frozenset(name for name in names if name and PurePath(name).name == name)
        self.checking = asyncio.Lock()  # one comprehension check at a time: a second click is no second try
        self._headers: dict[str, Header | None] = {}

    @property
    def cookie(self) -> str:
        """The name of the cookie: another one for each study, since cookies do not know of ports."""
        return f"whyfeel-study-{self.seals.mark}"

    @property
    def seats(self) -> tuple[str, ...]:
        """The names of an invited study's seats."""
        return tuple(f"seat {n:02}" for n in range(1, self.design.terms.seats + 1))

    def links(self, home: str) -> list[str]:
        """What raters are given: one link, or one a seat with the seat's name before it."""
        entry = self.design.terms.entry
        if entry == "invited":
            return [f"{seat}: {home}/?{SEAT}={self.seals.token(seat)}" for seat in self.seats]
        return [f"{home}/?{PID}={{{{%{PID}%}}}}" if entry == "prolific" else f"{home}/"]

    def entrant(self, given: Mapping[str, str]) -> str:
        """Who comes in, as the store calls them.

        Args:
            given: what the address, or the consent's form, says of them.

        Raises:
            Stranger: it does not say who, or names nobody whom the study knows.
        """
        entry = self.design.terms.entry
        if entry == "invited":
            if (seat := self.seals.name(given.get(SEAT, ""))) not in self.seats:
                raise Stranger(UNKNOWN[entry])
            return f"invited:{seat}"
        if entry == "prolific":
            if not PROLIFIC_ID.fullmatch(given.get(PID, "")):
                raise Stranger(UNKNOWN[entry])
            return f"prolific:{given[PID]}"
        return ""

    async def enter(self, entrant: str, consent: str) -> str:
        """The token of one who has consented.

        Args:
            entrant: as `entrant` told it.
            consent: the id of the form; sent twice, by a double click, it means the same person, whichever process
                takes it: the token follows from it and the study's secret.

        Raises:
            AlreadyBegun: see there.
            StoreFailed: the store cannot be written.
        """
        return await self.store.begin(entrant, self.seals.form(f"token {entrant} {consent}"))

    def header(self, picture: str) -> Header | None:
        """Format and size of a picture; None where it cannot be shown."""
        if picture not in self._headers:
            try:
                with (self.folder.pictures / picture).open("rb") as file:
                    self._headers[picture] = read_header(file) if picture in self.pictures else None
            except (OSError, BadPicture):
                return None  # it may be there the next time
        return self._headers[picture]


def address_of(host: str, given: str | None) -> str:
    """The address by which raters reach the pages, as browsers write it; "" where this machine alone does.

    Args:
        host: that the server binds.
        given: `--address`.

    Raises:
        UserError: others could reach the host, and there is no address; or it cannot be one.
    """
    if given is None:
        if host not in HOSTS:
            why = "others could reach the study there; say by which address they do: --address https://HOST"
            raise UserError(f"--host {host!r}: {why}")
        return ""
    try:
        parts = urlsplit(given)
        name, port, usual = parts.hostname, parts.port, {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        name = port = usual = None
    if not name or not name.isascii() or parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in given:
        raise UserError(f"--address is http(s)://HOST[:PORT] without a path, not {given!r:.200}")
    host = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, usual} else "")


def in_the_clear(address: str) -> bool:
    """Whether what raters send to an address can be read on its way."""
    name = urlsplit(address).hostname or ""
    found = literal(name)
    at_home = name == "localhost" or (found is not None and is_loopback(found))
    return address.startswith("http:") and not at_home

"""Who may see the pages: a name, sealed with a secret that lies in a file."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from whyfeel.errors import DataError, UserError

KEY_BYTES = 32
MOST_NAME = 60  # characters


class Seals:
    """Tokens under one secret: a name in base64, a dot, and its HMAC-SHA256.

    >>> seals = Seals(b"s" * 32)
    >>> seals.name(seals.token("reviewer-a")), seals.name("cmV2aWV3ZXItYQ.00"), seals.name("")
    ('reviewer-a', None, None)
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.mark = self._seal("cookie", "")[:8]  # tells the cookies of two servers on one machine apart

    def token(self, name: str) -> str:
        """The token that stands for a name; the same at every start, so that a link stays good."""
        return f"{base64.urlsafe_b64encode(name.encode()).decode().rstrip('=')}.{self._seal('reviewer', name)}"

    def name(self, token: str) -> str | None:
        """The name that a token stands for, None where the token is not ours."""
        front, _, seal = token.partition(".")
        try:
            name = base64.urlsafe_b64decode(front + "=" * (-len(front) % 4)).decode()
        except (binascii.Error, ValueError):
            return None
        return name if _same(seal, self._seal("reviewer", name)) else None

    def form(self, name: str) -> str:
        """What every form of a person carries besides the cookie, so that no other site can post in their name."""
        return self._seal("form", name)

    def is_form(self, name: str, seal: str) -> bool:
        """Whether a form was made for this person."""
        return _same(seal, self.form(name))

    def _seal(self, purpose: str, name: str) -> str:
        return hmac.new(self._secret, f"{purpose}:{name}".encode(), hashlib.sha256).hexdigest()


def read_seals(path: Path) -> Seals:
    """The seals under the secret in a file, which is made at the first start, for its owner's eyes only.

    Raises:
        DataError: the file holds no secret.
        UserError: it can be neither read nor made.
    """
    try:
        # os.open sets the mode as it makes the file: nobody else can read it even for a moment
        with suppress(FileExistsError):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(KEY_BYTES) + "\n")
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise UserError(f"{str(path)!r} can be neither read nor made: {error.strerror}") from None
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        why = f"{str(path)!r} should hold {KEY_BYTES} bytes in hexadecimal; remove it, and new links are made"
        raise DataError(why)
    return Seals(secret)


def checked_name(name: str) -> str:
    """A reviewer's name as it is kept: one printable line without a colon.

    Raises:
        UserError: it cannot be one.
    """
    name = " ".join(name.split())
    if not name or len(name) > MOST_NAME or not name.isprintable() or ":" in name:
        raise UserError(
            f"a reviewer's name is up to {MOST_NAME} printable characters without a colon, not {name!r:.80}"
        )
    return name


def _same(given: str, ours: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), ours.encode())

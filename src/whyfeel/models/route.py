"""The way to a server: what the environment says of proxies and certificates, and what is not to be reached at all."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from whyfeel.environment import proxy_for, variable
from whyfeel.errors import UserError
from whyfeel.hosts import is_private, literal

if TYPE_CHECKING:
    from ssl import SSLContext

BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def proxy_to(address: str) -> URL | None:
    """The proxy the environment names for an address, None for a direct connection.

    Raises:
        UserError: it is no address of an http proxy.
    """
    told = proxy_for(address)
    if told is None:
        return None
    try:
        proxy = URL(told)
        f"{proxy.user}:{proxy.password}".encode("latin-1")  # what the header of a proxy can carry
        good = proxy.scheme in {"http", "https"} and bool(proxy.host) and proxy.port is not None
    except ValueError:
        good = False
    if not good:  # the value may hold a password, and is not shown
        raise UserError(
            f"the proxy that the environment names for {address} (HTTP_PROXY, HTTPS_PROXY or ALL_PROXY) must be an "
            "address such as http://proxy:3128; SOCKS is not spoken"
        )
    return proxy


def proxy_secrets(proxy: URL | None) -> tuple[str, ...]:
    """A proxy's password in the ways it could come back."""
    if proxy is None or proxy.password is None:
        return ()
    pair = f"{proxy.user or ''}:{proxy.password}".encode("latin-1")
    return (proxy.password, proxy.raw_password or "", b64encode(pair).decode())


def trusted() -> SSLContext:
    """The machine's certificates and those the environment names.

    OpenSSL itself reads SSL_CERT_FILE and SSL_CERT_DIR, but says nothing of a file that is missing.

    Raises:
        UserError: a file is missing or holds no certificate.
    """
    import ssl  # noqa: PLC0415 - for https alone

    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    for name in BUNDLES:
        if (told := variable(name)) is None:
            continue
        try:
            folder = Path(told).is_dir()
            context.load_verify_locations(capath=told if folder else None, cafile=None if folder else told)
        except (OSError, ValueError) as error:
            raise UserError(f"{name}: expected a file of certificates (PEM) at {told!r}: {error}") from None
    return context


def refuse_public(address: str) -> None:
    """Refuse an address that is a public number; a name is checked when it is resolved.

    Raises:
        UserError: it is one.
    """
    number = literal(URL(address).host or "")
    if number is not None and not is_private(number):
        raise UserError(f"{address} is neither on this machine nor in a private network, as --local-only demands")


def local_resolver() -> aiohttp.abc.AbstractResolver:
    """Resolves names to addresses of this machine and of private networks, and to no others."""
    from whyfeel.media.resolvers import LocalResolver  # noqa: PLC0415 - seldom asked for

    return LocalResolver()

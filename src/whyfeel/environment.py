"""The one place where environment variables are read."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit


def variable(name: str) -> str | None:
    """The value of an environment variable, None where it is unset or blank."""
    return os.environ.get(name, "").strip() or None


def proxy_for(url: str) -> str | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY (or their lower-case forms) name for a URL.

    Args:
        url: a good http or https URL.

    Returns:
        The proxy's URL, which may hold a password, or None for a direct connection; always None for this machine.
    """
    # most of the command line needs none of it
    from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]  # noqa: PLC0415

    parts = urlsplit(url)
    host = parts.hostname or ""
    proxies = getproxies_environment()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or _is_loopback(host):
        return None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    # an address of IPv6 is bracketed in URLs, but seldom in NO_PROXY
    if any(proxy_bypass_environment(name) for name in (f"{host}:{port}", f"[{host}]:{port}")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def cache_folder() -> Path | None:
    """Where our caches go: $XDG_CACHE_HOME/whyfeel or ~/.cache/whyfeel; None where there is no home folder."""
    caches, home = variable("XDG_CACHE_HOME"), variable("HOME")
    if caches is not None and Path(caches).is_absolute():  # its specification has a relative one passed over
        return Path(caches, "whyfeel")
    # os.path, since Path.is_dir raises for a name that is too long for any file
    there = home is not None and os.path.isdir(home)  # noqa: PTH112
    return Path(home, ".cache", "whyfeel").absolute() if home is not None and there else None

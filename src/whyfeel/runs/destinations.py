"""Where a run's pictures and questions go: told before the first call, and held in the building on demand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from urllib.parse import SplitResult, urlsplit

from whyfeel.engine import Route
from whyfeel.environment import proxy_for
from whyfeel.errors import UserError
from whyfeel.hosts import Address, is_loopback, is_private, literal, lookup
from whyfeel.models import Local
from whyfeel.models.local import IN_PROCESS

NOWHERE = ("", IN_PROCESS)  # addresses of models that send nothing to any host
PORTS = {"http": 80, "https": 443}


def picture_hosts(routes: Mapping[str, Route], shown: Collection[str], *, local_only: bool = False) -> list[str]:
    """The hosts that pictures will be sent to, each once, in words such as "10.0.0.7 (private network)".

    Nothing is looked up: only an address and localhost are told to be on this machine or in a private network.

    Args:
        routes: role to model; a model in this process sends nothing.
        shown: the roles that are shown pictures.
        local_only: whether calls pass by the environment's proxies, as they do then.
    """
    addresses = [route.model.address for role, route in routes.items() if role in shown]
    return list(dict.fromkeys(_in_words(one, local_only=local_only) for one in addresses if one not in NOWHERE))


def announcement(hosts: Iterable[str]) -> str:
    """The remark before the first call.

    >>> announcement(["127.0.0.1:8000 (this machine)", "api.openai.com"])
    'pictures go to 127.0.0.1:8000 (this machine), api.openai.com'
    >>> announcement([])
    'no picture is sent to any host'
    """
    named = ", ".join(hosts)
    return f"pictures go to {named}" if named else "no picture is sent to any host"


def check_sight(routes: Mapping[str, Route], shown: Collection[str]) -> None:
    """That the models in this process which are to be shown pictures can see.

    Args:
        routes: role to model.
        shown: the roles that are shown pictures.

    Raises:
        UserError: one of them reads text alone.
    """
    for role in sorted(shown):
        model = routes[role].model if role in routes else None
        if isinstance(model, Local) and model.sees is False:
            raise UserError(
                f"the model {model.name} sees no pictures, and the role {role!r} is shown them; name a model that does"
            )


def check_local(routes: Mapping[str, Route], resolve: Callable[[str, int], list[Address]] = lookup) -> None:
    """That every model of a run is in this process, on this machine or in a private network, as --local-only demands.

    Args:
        routes: role to model, also those that are sent only text.
        resolve: finds all addresses of a host and a port, or raises OSError.

    Raises:
        UserError: a model's host has any other address, or none; names the model and the host.
    """
    models: dict[str, str] = {}
    for route in routes.values():
        models.setdefault(route.model.address, route.model.name)
    for address, model in models.items():
        if address not in NOWHERE:
            _check_host(model, address, resolve)


def _check_host(model: str, address: str, resolve: Callable[[str, int], list[Address]]) -> None:
    parts = urlsplit(address)
    host = parts.hostname or address
    number = literal(host)
    try:
        found = [number] if number is not None else resolve(host, parts.port or PORTS.get(parts.scheme, 0))
    except OSError as error:
        raise UserError(
            f"--local-only: the host {host!r} of the model {model!r} cannot be resolved ({error.strerror or error}), "
            "so nobody knows whether it is in a private network; write its address, or mend the name"
        ) from None
    outside = [one for one in found if not is_private(one)]
    if outside or not found:
        where = f"at {outside[0]}, which is neither on this machine nor in a private network" if outside else "nowhere"
        raise UserError(
            f"--local-only: the host {host!r} of the model {model!r} is {where}; name a model that is, or leave "
            "--local-only out"
        )


def _in_words(address: str, *, local_only: bool) -> str:
    parts = urlsplit(address)
    proxy = None if local_only else proxy_for(address)
    through = f" through the proxy {_host_and_port(urlsplit(proxy))}" if proxy else ""
    return f"{_host_and_port(parts) or address}{_place(parts.hostname or '')}{through}"


def _host_and_port(parts: SplitResult) -> str:
    """A host as it stands in a URL, with its port where that is not the usual one; never a user or a password."""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return host if parts.port in {None, PORTS.get(parts.scheme)} else f"{host}:{parts.port}"


def _place(host: str) -> str:
    number = literal(host)
    if host == "localhost" or host.endswith(".localhost") or (number is not None and is_loopback(number)):
        return " (this machine)"
    return " (private network)" if number is not None and is_private(number) else ""

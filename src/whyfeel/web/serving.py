"""A socket, and a server on it."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from whyfeel.errors import UserError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

HOST = "127.0.0.1"


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens at an address of this machine.

    Raises:
        UserError: something else listens there already, or this machine has no such address.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise UserError(f"--port: {host}:{port} cannot be used ({why}); choose another") from None


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until a signal ends it; an answer that is under way is given first.

    Raises:
        SystemExit: the application could not start.
    """
    import uvicorn  # noqa: PLC0415

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # addresses hold tokens
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run(sockets=[listener])

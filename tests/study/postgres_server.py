"""A PostgreSQL cluster that is thrown away after the tests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

USER = "postgres"  # whom the server runs as where the tests are root's: it refuses root


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, which Debian keeps off the PATH; None where they are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = str(found[-1]) if found else shutil.which("initdb")
    return None if path is None else Path(path).parent


class Cluster:
    """A cluster on 127.0.0.1.

    Args:
        folder: an empty folder for it, for the server's own user to write to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._programs = folder, programs()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        self._do("initdb", "-U", "whyfeel", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql://whyfeel@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "on",
            "shared_buffers": "16MB",
            "max_connections": 60,
            "autovacuum": "off",
            "recovery_init_sync_method": "syncfs",
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._do("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", f"-p {self.port} {options}", "start")

    def stop(self) -> None:
        """As a crash does: nothing is written on the way out, the next start recovers from the log."""
        self._do("pg_ctl", "-m", "immediate", "-w", "stop")

    def kill(self) -> None:
        """Without any warning; the processes of its connections notice for themselves, and then it can be started."""
        os.kill(self.pid, signal.SIGKILL)
        (self.folder / "data" / "postmaster.pid").unlink()

    def _do(self, program: str, *args: str) -> None:
        assert self._programs is not None
        command = [str(self._programs / program), "-D", str(self.folder / "data"), *args]
        if os.geteuid() == 0:
            command = ["runuser", "-u", USER, "--", *command]
        with (self.folder.parent / f"{self.folder.name}.{program}").open("a+") as told:  # the server inherits it
            done = subprocess.run(command, check=False, cwd=self.folder, stdout=told, stderr=told, timeout=60)
            told.seek(0)
            assert done.returncode == 0, told.read()

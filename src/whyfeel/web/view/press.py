"""Makes the pages in a process of its own, so that pages are served meanwhile and what they took is given back."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic

from whyfeel.errors import RunStopped, UserError, WhyfeelError
from whyfeel.site.live import build_live
from whyfeel.site.options import SiteOptions

SITE = "site"  # the pages, in an edition's folder


class Press:
    """Makes one edition of the pages after the other.

    Args:
        paths: of runs, annotations and studies.
        options: of the site.
        scratch: a folder for the editions; the last two are kept, since a page of an older one may still be read.
    """

    def __init__(self, paths: Sequence[Path], options: SiteOptions, scratch: Path) -> None:
        self.paths = tuple(paths)
        self._options, self._scratch = options, scratch
        self.number = 0  # of the last edition
        self._process: multiprocessing.process.BaseProcess | None = None
        self.seconds = 0.0  # that the last edition took

    def make(self) -> Path:
        """Make the next edition; returns the folder of its pages.

        Raises:
            UserError: as `build_live`.
            RunStopped: it could not be made for another reason.
        """
        began = monotonic()
        self.number += 1
        edition = self._scratch / str(self.number)
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe(duplex=False)
        self._process = spawn.Process(
            target=_make, args=(theirs, self.paths, edition, self._options), daemon=True, name="whyfeel-view"
        )
        self._process.start()
        theirs.close()
        try:
            kind, why = ours.recv()
        except EOFError:  # it was ended from outside
            kind, why = RunStopped, "the pages were not made: their process was ended"
        self._process.join()
        self.seconds = monotonic() - began
        if kind is not None:
            shutil.rmtree(edition, ignore_errors=True)
            raise kind(why)
        shutil.rmtree(self._scratch / str(self.number - 2), ignore_errors=True)
        return edition / SITE

    def stop(self) -> None:
        """End what is being made."""
        if self._process is not None:
            self._process.kill()


def _make(theirs: Connection, paths: Sequence[Path], edition: Path, options: SiteOptions) -> None:
    """The work of the other process: tells the kind and the words of what went wrong, or (None, "")."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever serves the pages
    try:
        build_live(paths, edition, options)
    except UserError as error:
        theirs.send((UserError, str(error)))
    except WhyfeelError as error:
        theirs.send((RunStopped, str(error)))
    else:
        theirs.send((None, ""))

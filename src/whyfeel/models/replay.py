"""A model that only remembers: it answers from the ledger of an earlier run, without any network."""

from __future__ import annotations

from pathlib import Path

from whyfeel.engine import Ledger, Price, Reply, Request, ledger_file
from whyfeel.errors import CallFailed, DataError


class Replay:
    """The answers in another run's ledger, under the name of the model that gave them.

    Args:
        ledger: a run folder or a ledger file.
        role: the role it answers; its model in that ledger is the declared name.

    Raises:
        DataError: there is no ledger, or not exactly one model answered the role in it.
    """

    address = ""
    price = Price(0.0, 0.0)

    def __init__(self, ledger: Path, role: str) -> None:
        path = ledger_file(ledger)
        self._ledger = Ledger(path, readonly=True)
        names = self._ledger.models(role)
        if len(names) != 1:
            self._ledger.close()
            found = ", ".join(map(repr, names)) or "none"
            raise DataError(f"replay: {str(path)!r} must hold one model that gave {role!r} answers; it holds {found}")
        self.name = names[0]
        self._source = str(ledger)

    async def answer(self, request: Request) -> Reply:
        """The remembered answer.

        Raises:
            CallFailed: the ledger has none to this ask.
        """
        known = self._ledger.get(request.key)
        if known is None:
            raise CallFailed("not in the replayed ledger", f"no answer under key {request.key}", again=False)
        return Reply(
            *(known.text, known.outcome, known.finish, known.tokens_in, known.tokens_out, known.served),
            *(self._source, known.reasoning, known.left_out),
        )

    async def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()

"""A chat-completions server for the self-ask chain: every phase gets a reply in its own form, after a fixed delay.

Run as `python bench/phase_server.py LATENCY_MS`; all else is as mock_server.py has it. What shows no picture asks for
its form by the phase's name; what shows one is told by words of the chain's prompts, which stand behind the picture. A
request of no phase is answered with status 400, so that a prompt that has changed cannot go unnoticed.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys

from mock_server import REPLY, Server, http, main

TRIGGERS = 5  # EIBench's mean is 4.6 a picture
OWN = "0000000"  # in every text: the number of the call, so that no two chains ask the same
FORM = re.compile(rb'"json_schema":\{"name":"(\w+)"')
COUNT = re.compile(rb"Write ([0-9]) questions")
SEEN = (
    f"Picture {OWN} shows a woman beside a table, her head bowed and her hands folded before her. Behind her two "
    "others stand close together and look away from her. What is on the table cannot be made out, and the light is low."
)
WORDS = (b"Rewrite this as one question", b"Is this statement about the picture", b"in at most three sentences")
SHOWN = dict(zip(WORDS, (f"Why may the woman of picture {OWN} feel that way?", f"Seen: {SEEN}", SEEN), strict=True))
FILE = {"kind": "social", "explicit": True, "confidence": 70, "from": ["G1", "G2", "S1"]}
TOLD = {
    "parse": {"person": "the woman", "emotion": "sad", "task": "Find what in the picture makes the woman sad."},
    "summary": {"triggers": [{"trigger": f"Others look away, {OWN} {n}", **FILE} for n in range(TRIGGERS)]},
    "duplicate": {"same": []},
    "relevant": {"verdicts": [{"number": n, "bears": "yes"} for n in range(1, TRIGGERS + 1)]},
}
UNKNOWN = http(b'{"error": {"message": "this is no phase of the chain"}}').replace(b"200 OK", b"400 Bad Request")


def reply(text: str) -> bytes:
    """A whole HTTP reply that says a text."""
    message = {"role": "assistant", "content": text}
    return http(json.dumps({**REPLY, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode())


class PhaseServer(Server):
    """Tells the phase of a request and answers it; every reply has its own number in its text."""

    def __init__(self, latency: float) -> None:
        super().__init__(latency)
        self.told = {phase.encode(): reply(json.dumps(value)) for phase, value in TOLD.items()}
        self.shown = [(words, reply(text)) for words, text in SHOWN.items()]
        scenes = {n: "\n".join(f"{i}. What of {OWN} is seen at place {i}?" for i in range(1, n + 1)) for n in range(10)}
        self.scenes = {str(count).encode(): reply(text) for count, text in scenes.items()}

    def reply(self, end: bytes) -> bytes:
        """The reply to a request, by its last bytes."""
        return self.form(end).replace(OWN.encode(), b"%07d" % self.calls)

    def form(self, end: bytes) -> bytes:
        """The reply of the request's phase."""
        if (form := FORM.search(end)) is not None:
            return self.told.get(form[1], UNKNOWN)
        if (count := COUNT.search(end)) is not None:
            return self.scenes[count[1]]
        return next((answer for words, answer in self.shown if words in end), UNKNOWN)


if __name__ == "__main__":
    asyncio.run(main(PhaseServer(float(sys.argv[1]) / 1000)))

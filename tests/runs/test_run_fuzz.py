"""Whatever a model and a judge say, every sample of a run has an outcome: thousands of hostile replies in one run."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from scripted_runs import least_and_most

from whyfeel.engine import Request
from whyfeel.records import Text

SAMPLES = 600  # a seed: of the pieces below each stands in hundreds of replies
CAUSES = ("rain", "joy", "喜び", 'a "quoted" word')
NUMBERS = re.compile(r"^(\d+)\. (.*)$", re.MULTILINE)
BITS = (
    *("{score: 5/5}", "{score: 0/0}", "{score: 2.5/5}", "{Score:3 / 4 }", "score is 7 out of 5", "{score: -1/3}"),
    *('{"nonce": "0", "verdicts": [], "claims": []}', '{"verdicts": [{"number": 1}]}', "{", "}", "[[[[", '{"a":' * 9),
    *("```json", "<think>", "</think>", "END ANSWER", "\x00", "\ud800", "\u202e", "\u200b", "\ufeff", "\u2028", "\r"),
    *(
        "1. Rain",
        "2) the crowd\n",
        "- joy; and grief, because of, with",
        "NaN",
        "1e999",
        "\\u0000",
        "'",
        '"',
        "…",
        "...",
    ),
    *("a" * 3_000, "喜び", "𝕏", "ﬁ", "Ⅷ", "½", "İ", "ß", " ", "", "I'm sorry, I cannot", "$question $$ ${x}", "%s {0}"),
)


def babble(rand: random.Random) -> str:
    return "".join(rand.choice(BITS) for _ in range(rand.randint(0, 8)))


def mangled(rand: random.Random, reply: str) -> str:
    """A reply with a few characters lost, doubled or replaced, or something added."""
    for _ in range(rand.randint(0, 3)):
        at = rand.randint(0, len(reply))
        reply = rand.choice(
            [
                reply[:at] + rand.choice(BITS) + reply[at:],
                reply[:at] + reply[at + rand.randint(1, 30) :],
                reply[:at],
                reply + reply,
                babble(rand) + reply,
            ]
        )
    return reply


def verdict(rand: random.Random, said: str) -> str:
    """A reply of the form that `verdicts` asks for, with honest and dishonest parts."""
    nonce = re.search(r"BEGIN ANSWER (\w+)\n(.*)\nEND ANSWER", said, re.DOTALL)
    if nonce is None:
        return babble(rand)
    answer, causes = nonce[2], NUMBERS.findall(said[: nonce.start()])
    quotes = [answer, answer[:5], answer[-4:], "not there at all", "", *answer.split()[:3]]
    verdicts = [
        {
            "number": int(n),
            "reason": rand.choice(BITS),
            "quote": rand.choice(quotes),
            "verdict": rand.choice(["supported", "contradicted", "absent", "absent", "maybe"][: rand.randint(3, 5)]),
        }
        for n, _ in causes
    ]
    claims = [{"quote": rand.choice(quotes), "reason": ""} for _ in range(rand.randint(0, 2))]
    reply = json.dumps({"nonce": nonce[1], "verdicts": verdicts, "claims": claims}, ensure_ascii=rand.random() < 0.5)
    return mangled(rand, reply) if rand.random() < 0.6 else reply


def words_of(request: Request) -> str:
    return "\n".join(part.text for m in request.ask.messages for part in m.parts if isinstance(part, Text))


@pytest.mark.parametrize("judge", ["overlap", "official-llama3", "official-gpt", "verdicts"])
@pytest.mark.parametrize("seed", range(2))
def test_every_sample_has_an_outcome_and_every_file_can_be_read(judge: str, seed: int, sit, tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    rand = random.Random(f"records {seed}")
    with data.open("w", encoding="utf-8") as file:
        for n in range(SAMPLES):
            triggers = [f"cause {n} {k} {rand.choice(CAUSES)}" for k in range(1 + n % 5)]
            record = {"id": f"{n}", "question": f"Why {n}?", "emotion": f"e{n % 3}", "triggers": triggers}
            file.write(json.dumps(record) + "\n")

    def answer(request: Request) -> str:
        return mangled(random.Random(f"answer {seed} {request.key}"), "1. rain\n2. joy because of a crowd")

    def judged(request: Request) -> str:
        rand = random.Random(f"verdict {seed} {request.key}")
        said = words_of(request)
        return verdict(rand, said) if judge == "verdicts" else mangled(rand, "{score: 2/5} because")

    done = sit(tmp_path / "run", answer=answer, verdict=judged, task="jsonl", data=data, judge=judge)
    summary = done.result.summary
    assert summary["n"] == SAMPLES
    assert summary["scored"] + sum(summary["unscored"].values()) == SAMPLES
    assert not done.result.faults
    assert "fault" not in summary["unscored"]
    assert summary["scored"]
    assert judge == "overlap" or summary["unscored"]
    for name, by in summary["scores"].items():
        least, most = least_and_most(name)
        most = min(most, 1.2)  # the released scorer pays for more than there is
        for one in by.values():
            assert one["value"] is None or least <= one["bounds"][0] <= one["value"] <= one["bounds"][1] <= most, one
    for name in ("responses.jsonl", "judgements.jsonl"):
        lines = (tmp_path / "run" / name).read_bytes().split(b"\n")
        assert [json.loads(line)["id"] for line in lines[:-1]] == [str(n) for n in range(SAMPLES)]
    again = sit(tmp_path / "run", answer=answer, verdict=judged, task="jsonl", data=data, judge=judge)
    assert not again.answerer.requests
    assert not again.judge.requests
    assert again.result.summary["scores"] == summary["scores"]

"""The judge `verdicts`: an LLM says of each trigger whether the answer names it, and must quote the answer for it.

One reply an answer, asked for by a JSON schema, holds a verdict for each trigger and the claims that no trigger
supports. What can be checked without a model is checked (`verdict_text`, `quotes`); a reply that fails is sent back
with what was wrong, up to TRIES replies in all. Totals always come from the annotation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence, Set
from itertools import count

from whyfeel.judging.counts import CountsTally
from whyfeel.judging.quotes import AnswerText, quotable
from whyfeel.judging.verdict_scores import INVENTED, quote_fault, score
from whyfeel.judging.verdict_text import LOOK_SCHEMA, SCHEMA, Block, Verdict, read_verdicts
from whyfeel.prompts import Prompts
from whyfeel.records import (
    Ask,
    Asking,
    Judgement,
    Message,
    Picture,
    Response,
    Sample,
    Text,
    Trigger,
    Unscored,
    canonical,
)

TRIES = 3
NONCE_DIGITS = 16
LONGEST_TURN = 20_000  # characters of a reply that is sent back; after a longer one the judge is asked afresh
MEANS = ("f1", "recall", "precision", "contradicted", "unsupported")

_CHECKED = "An LLM judges each trigger: its quotes are checked, its understanding is not."
_BLIND = "Blind to the picture: a true cause that is not annotated counts as unsupported."
_LOOKS = "It sees the picture; a true cause that is not annotated is unsupported but not invented."


def nonce_of(seed: int, *answers: str) -> str:
    """16 hex digits that depend on nothing but the seed and the answers, and that none of these contains."""
    hashes = (hashlib.sha256(canonical([seed, *answers, n]).encode()).hexdigest() for n in count())
    nonces = (one[:NONCE_DIGITS] for one in hashes)
    return next(nonce for nonce in nonces if not any(nonce in answer for answer in answers))


def sent_back(messages: tuple[Message, ...], reply: str, again: str) -> tuple[Message, ...]:
    """The conversation with a judge's reply and what was wrong with it; as it was where there is no reply."""
    if not reply.strip() or len(reply) > LONGEST_TURN:
        return messages
    return *messages, Message("assistant", (Text(reply),)), Message("user", (Text(again),))


GivenAway = Callable[[str, Sequence[Trigger]], Set[int]]


def nothing_given_away(question: str, triggers: Sequence[Trigger]) -> Set[int]:  # noqa: ARG001
    """No trigger is given away by any question."""
    return frozenset()


class VerdictsJudge:
    """One LLM that gives a verdict on each trigger.

    Args:
        texts: the prompt text "verdicts".
        seed: of the nonces.
        see_image: whether it is shown the sample's pictures, and says of each claim whether it is seen there.
        role: in which it asks.
        given_away: which of some triggers a question gives away, by their places.
    """

    name = "verdicts"
    headline = "kf1"
    prompts = ("verdicts",)
    version = "2"

    def __init__(
        self,
        texts: Prompts,
        *,
        seed: int = 0,
        see_image: bool = False,
        role: str = "judge",
        given_away: GivenAway = nothing_given_away,
    ) -> None:
        self.roles: Mapping[str, bool] = {role: see_image}
        self._texts = texts
        self._seed = seed
        self._look = see_image
        self._role = role
        self._given_away = given_away

    @property
    def note(self) -> str:
        """What its checks hold, and what it cannot see."""
        return f"{_CHECKED} {_LOOKS if self._look else _BLIND}"

    def judge(self, sample: Sample, response: Response) -> Asking[Judgement]:
        """Ask until a reply passes the checks; an answer in which nothing could be quoted scores 0 and is not asked of.

        Returns:
            a judgement; unscored, after the last try, as "unparsed", "two verdicts", "forged verdict", "wrong count" or
            "quote not in answer".
        """
        if not sample.triggers:
            return Judgement(sample.id, unscored=Unscored("no triggers", "the sample has no annotated trigger"))
        look = self._look and bool(sample.media)
        text = AnswerText(response.text)
        leaked = self._given_away(sample.question, sample.triggers)
        if not quotable(text.words):
            nothing = Block(tuple(Verdict("absent", "", "") for _ in sample.triggers))
            return _judgement(sample, text, nothing, (), leaked, look=look)
        nonce = nonce_of(self._seed, response.text)
        messages = self._messages(sample, response.text, nonce, look=look)
        gen = {"temperature": 0, "max_tokens": 300 + 120 * len(sample.triggers)}
        keys: list[str] = []
        fault: Unscored | None = None
        for repeat in range(TRIES):
            answer = yield Ask(self._role, messages, gen, LOOK_SCHEMA if look else SCHEMA, repeat)
            keys.append(answer.ask_id)
            block = read_verdicts(answer.text, nonce, len(sample.triggers), look=look)
            checked = block if isinstance(block, Unscored) else quote_fault(block, text) or block
            if isinstance(checked, Block):
                return _judgement(sample, text, checked, tuple(keys), leaked, look=look)
            fault = checked
            messages = sent_back(messages, answer.text, self._texts.fill("verdicts", "again", fault=fault.detail))
        return Judgement(sample.id, {}, {"tries": TRIES}, tuple(keys), fault)

    def _messages(self, sample: Sample, answer: str, nonce: str, *, look: bool) -> tuple[Message, ...]:
        fill = self._texts.fill
        notes = [fill("verdicts", "rubric", rubric=sample.rubric)] if sample.rubric else []
        notes += [fill("verdicts", "look")] if look else []
        text = fill(
            "verdicts",
            "user",
            question=sample.question,
            triggers="\n".join(f"{n}. {' '.join(one.text.split())}" for n, one in enumerate(sample.triggers, 1)),
            count=str(len(sample.triggers)),
            notes="".join(f"\n{note}\n" for note in notes),
            nonce=nonce,
            answer=answer,
            form=fill("verdicts", "form_look" if look else "form"),
        )
        pictures = map(Picture, sample.media if look else ())
        return (
            Message("system", (Text(fill("verdicts", "system")),)),
            Message("user", (*pictures, Text(text))),
        )

    def tally(self) -> CountsTally:
        """An empty tally."""
        return verdicts_tally(see_image=self._look)


def verdicts_tally(*, see_image: bool) -> CountsTally:
    """An empty tally of verdicts."""
    return CountsTally((*MEANS, INVENTED) if see_image else MEANS)


def _judgement(
    sample: Sample, answer: AnswerText, block: Block, keys: tuple[str, ...], leaked: Set[int], *, look: bool
) -> Judgement:
    scored = score(sample.triggers, block, answer, leaked=leaked, look=look)
    verdicts: list[dict[str, str | bool]] = [
        {"verdict": one.label, "quote": one.quote, "reason": one.reason} for one in block.verdicts
    ]
    for place in scored.shared:
        verdicts[place]["shared"] = True
    for place in leaked:
        verdicts[place]["leaked"] = True
    claims = [{"quote": one.quote, "reason": one.reason} | ({"seen": one.seen} if look else {}) for one in block.claims]
    detail = {"verdicts": verdicts, "claims": claims, "tries": len(keys)} if keys else {"tries": 0}
    return Judgement(sample.id, scored.counts, detail, keys)

"""The judge `pairwise`: an LLM says which of two answers gives the better reason, asked once in either order.

Where the two orders come to different ends, the judge went by the place and not by the answer: that is a tie.
Source: Zheng et al., Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena (2023), section 3.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from whyfeel.errors import AskFailed
from whyfeel.judging.jury import Jury, JuryTally, role_of
from whyfeel.judging.pairwise_scores import ENDS, IDENTICAL, PairwiseTally, pair_counts
from whyfeel.judging.pairwise_text import SCHEMA, Label, Preference, read_preference
from whyfeel.judging.verdicts import nonce_of, sent_back
from whyfeel.prompts import Prompts
from whyfeel.records import Ask, Asking, Judgement, Message, Picture, Response, Sample, Text, Unscored, storable
from whyfeel.records.ids import text_id
from whyfeel.strategies.alongside import alongside

TRIES = 2
HUMAN = "human"
NO_OPPONENT = "no opponent"
_GEN = {"temperature": 0, "max_tokens": 300}


@dataclass(frozen=True)
class Opponent:
    """Whose answers the judged ones are compared with.

    Attributes:
        name: HUMAN, or the model and strategy of a run.
        answers: sample id to answer; a sample that is not there has none.
    """

    name: str
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Heard:
    """What came of one order; `label` is None where it is unscored."""

    label: Label | None
    told: Mapping[str, Any]
    asks: tuple[str, ...] = ()
    unscored: Unscored | None = None


class PairwiseJudge:
    """One LLM that prefers one of two answers, or neither.

    Args:
        texts: the prompt text "pairwise".
        opponent: whose answers the judged ones are compared with.
        seed: of the nonces.
        see_image: whether it is shown the sample's pictures.
        role: in which it asks.
    """

    name = "pairwise"
    headline = "preferred"
    prompts = ("pairwise",)
    version = ""

    def __init__(
        self, texts: Prompts, opponent: Opponent, *, seed: int = 0, see_image: bool = False, role: str = "judge"
    ) -> None:
        self.roles: Mapping[str, bool] = {role: see_image}
        self._texts = texts
        self._opponent = opponent
        self._seed = seed
        self._look = see_image
        self._role = role

    @property
    def note(self) -> str:
        """Whom it compares with, and what it cannot see."""
        whose = "people's" if self._opponent.name == HUMAN else f"that of {self._opponent.name}"
        sees = "It sees the picture." if self._look else "Blind to the picture."
        return f"An LLM compares each answer with {whose}, in both orders; where they differ it is a tie. {sees}"

    def judge(self, sample: Sample, response: Response) -> Asking[Judgement]:
        """Ask in both orders, each until a reply passes the checks; equal texts are a tie of which nobody is asked.

        Returns:
            a judgement; unscored as "no opponent", or as the first order is that has no preference after its last try:
            "unparsed", "two verdicts" or "forged verdict".
        """
        against = told_of(self._opponent, sample)
        other = self._opponent.answers.get(sample.id)
        if other is None:
            why = f"{self._opponent.name} has no answer to this sample"
            return Judgement(sample.id, {}, against, unscored=Unscored(NO_OPPONENT, why))
        if response.text.split() == other.split():
            return Judgement(sample.id, IDENTICAL, {**against, "orders": [], "consistent": True})
        heard = yield from alongside(
            [self._order(sample, response.text, other, "answer"), self._order(sample, other, response.text, "opponent")]
        )
        detail: dict[str, Any] = {**against, "orders": [one.told for one in heard]}
        keys = tuple(key for one in heard for key in one.asks)
        first, second = heard[0].label, heard[1].label
        if first is None or second is None:
            return Judgement(sample.id, {}, detail, keys, heard[0].unscored or heard[1].unscored)
        counts = pair_counts(first, second)
        return Judgement(sample.id, counts, {**detail, "consistent": bool(counts["consistent"])}, keys)

    def _order(self, sample: Sample, first: str, second: str, name: str) -> Asking[_Heard]:
        """One order, `name` saying whose answer is shown first."""
        nonce = nonce_of(self._seed, first, second)
        messages = self._messages(sample, first, second, nonce)
        keys: list[str] = []
        fault = Unscored("")
        for repeat in range(TRIES):
            try:
                answer = yield Ask(self._role, messages, _GEN, SCHEMA, repeat)
            except AskFailed as failed:
                fault = Unscored(failed.reason, failed.detail)
                break
            keys.append(answer.ask_id)
            found = read_preference(answer.text, nonce)
            if isinstance(found, Preference):
                told = {"first": name, "verdict": found.label, "reason": found.reason, "tries": len(keys)}
                return _Heard(found.label, told, tuple(keys))
            fault = found
            messages = sent_back(messages, answer.text, self._texts.fill("pairwise", "again", fault=fault.detail))
        return _Heard(None, {"first": name, "unscored": fault.reason, "tries": len(keys)}, tuple(keys), fault)

    def _messages(self, sample: Sample, first: str, second: str, nonce: str) -> tuple[Message, ...]:
        fill = partial(self._texts.fill, "pairwise")
        look = self._look and bool(sample.media)
        notes = [fill("caption", caption=sample.caption)] if sample.caption else []
        notes += [fill("article", article=sample.article)] if sample.article else []
        notes += [fill("look")] if look else []
        text = fill(
            "user",
            question=sample.question,
            notes="".join(f"\n{note}\n" for note in notes),
            nonce=nonce,
            first=first,
            second=second,
        )
        pictures = map(Picture, sample.media if look else ())
        return Message("system", (Text(fill("system")),)), Message("user", (*pictures, Text(text)))

    def tally(self) -> PairwiseTally:
        """An empty tally."""
        return PairwiseTally()


def told_of(opponent: Opponent, sample: Sample) -> dict[str, Any]:
    """What a judgement's detail tells of the opponent: its name, and which text of its was compared."""
    text = opponent.answers.get(sample.id)
    if text is None:
        return {"against": opponent.name}
    return {"against": opponent.name, "opponent": text_id(storable(text))}


class PairwisePanel(Jury):
    """The judge `pairwise` asked of several models.

    Args:
        members: the declared names of the models, at least two, all different.
        texts, opponent, seed, see_image: as for `PairwiseJudge`.
    """

    def __init__(
        self, members: Sequence[str], texts: Prompts, opponent: Opponent, *, seed: int = 0, see_image: bool = False
    ) -> None:
        make = partial(PairwiseJudge, texts, opponent, seed=seed, see_image=see_image)
        super().__init__({name: make(role=role_of(place)) for place, name in enumerate(members)})
        self._opponent = opponent

    def judge(self, sample: Sample, response: Response) -> Asking[Judgement]:
        """As any panel; that there is no opponent is no member's failing."""
        if sample.id not in self._opponent.answers:
            return (yield from self._first.judge(sample, response))
        judged = yield from super().judge(sample, response)
        return replace(judged, detail={**told_of(self._opponent, sample), **judged.detail})

    def tally(self) -> PairwisePanelTally:
        """An empty tally."""
        return PairwisePanelTally(tuple(self._judges))


class PairwisePanelTally(JuryTally):
    """A panel's comparisons; its agreement is over won, tied and lost of the samples that were asked of."""

    def __init__(self, members: Sequence[str]) -> None:
        super().__init__(members, PairwiseTally, _end)

    def facts(self) -> Mapping[str, Any]:
        """{"pairwise": how steady they are together, and as "members" and "agreement" what `panel` tells}."""
        own = {name: tally.facts()["pairwise"] for name, tally in self._own.items()}
        panel, together = self.panel(), self._mean.facts()["pairwise"]
        members = [{**one, **own[one["model"]]} for one in panel["members"]]
        decided = round(together["decided"] * len(own))  # the members' mean, as the number of their preferences
        return {"pairwise": {**together, "decided": decided, **panel, "members": members}}


def _end(_: Sample, judgement: Judgement) -> list[float]:
    """The place of a member's end among ENDS; NaN where it has none, or where nobody was asked."""
    ends = [place for place, name in enumerate(ENDS) if judgement.detail.get("orders") and judgement.counts.get(name)]
    return [float(one) for one in ends] or [float("nan")]

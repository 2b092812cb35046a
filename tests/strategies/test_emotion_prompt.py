"""Sentences that appeal to the model: ours, and the paper's through a file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from whyfeel.errors import UserError
from whyfeel.prompts import load_prompts, shipped_prompts
from whyfeel.records import Answer, Ask, Media, Sample, Text, Trigger
from whyfeel.runs.spec import prompt_hashes
from whyfeel.strategies import Strategy, build_strategy

CORPUS = [Sample(f"s{n}", f"Why {n}?", "sad", (Trigger("rain"),), (Media(f"{n}.png"),), f"{n}") for n in range(6)]
NUMBERS = [str(number) for number in range(1, 12)]


def turns(strategy: Strategy) -> list[str]:
    step = next(strategy.respond(CORPUS[0]))
    asks = step if isinstance(step, list) else [step]
    (said,) = {"\0".join(p.text for m in ask.messages for p in m.parts if isinstance(p, Text)) for ask in asks}
    return said.split("\0")


@pytest.fixture
def released(shared: Path) -> dict[str, str]:
    """The paper's eleven, by number."""
    stimuli = json.loads((shared / "data" / "emotion_prompt" / "stimuli.json").read_text())
    return {str(int(name.removeprefix("EP"))): text for name, text in stimuli.items()}


def test_it_stands_behind_the_question_and_two_is_the_usual_one() -> None:
    ours = shipped_prompts()
    (plain,) = turns(build_strategy("direct", ours))
    for number in NUMBERS:
        (text,) = turns(build_strategy(f"emotion-prompt({number})", ours))
        assert text == f"{plain} {ours.texts['emotion-prompt'][number]}"
    strategy = build_strategy("emotion-prompt", ours)
    assert (strategy.name, strategy.prompts) == ("direct+emotion-prompt(2)", ("direct", "emotion-prompt"))


def test_the_papers_eleven_come_from_a_file(released: dict[str, str], tmp_path: Path) -> None:
    assert list(released) == NUMBERS
    lines = [f"{number} = {json.dumps(text)}" for number, text in released.items()]
    (tmp_path / "paper.toml").write_text("\n".join(["[emotion-prompt]", *lines]), encoding="utf-8")
    prompts = load_prompts(str(tmp_path / "paper.toml"))
    for number, text in released.items():
        (said,) = turns(build_strategy(f"direct+emotion-prompt({number})", prompts))
        assert said.endswith(f"{CORPUS[0].question} {text}")
    assert prompts.origin["emotion-prompt"] == "paper.toml"


def test_none_of_ours_is_in_the_papers_words(released: dict[str, str]) -> None:
    def runs_of_four(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"[a-z]+", text.lower())
        return set(zip(words, words[1:], words[2:], words[3:], strict=False))

    theirs = set().union(*map(runs_of_four, released.values()))
    ours = shipped_prompts().texts["emotion-prompt"]
    assert list(ours) == NUMBERS
    assert [number for number, text in ours.items() if runs_of_four(text) & theirs] == []


def test_all_modifiers_compose() -> None:
    ours = shipped_prompts()
    spec = "direct+cot+emotion-prompt(2)+few-shot(4)"
    strategy = build_strategy(spec, ours, None, CORPUS)
    assert strategy.name == build_strategy("cot + emotion-prompt+few-shot", ours, None, CORPUS).name == spec
    *shown, last = turns(strategy)
    think, appeal = (ours.texts["cot"]["suffix"].strip(), ours.texts["emotion-prompt"]["2"])
    assert last.endswith(f"Why 0? {think} {appeal}")
    assert len(shown) == 8
    assert not any(appeal in text or think in text for text in shown)
    assert list(prompt_hashes(ours, strategy.prompts)) == ["direct", "cot", "emotion-prompt"]


def test_all_of_them_are_asked_several_times() -> None:
    ours = shipped_prompts()
    once = build_strategy("direct+cot+emotion-prompt(2)+few-shot(4)", ours, None, CORPUS)
    spec = "direct+self-consistency(3)+cot+emotion-prompt(2)+few-shot(4)"
    thrice = build_strategy(spec, ours, None, CORPUS)
    assert (thrice.name, thrice.prompts, thrice.roles) == (spec, once.prompts, once.roles)
    conversation = thrice.respond(CORPUS[0])
    asks = next(conversation)
    plain = next(once.respond(CORPUS[0]))
    assert isinstance(asks, list)
    assert isinstance(plain, Ask)
    assert [ask.messages for ask in asks] == [plain.messages] * 3
    with pytest.raises(StopIteration):
        conversation.send([Answer(f"k{n}", "1. rain") for n in range(3)])


@pytest.mark.parametrize("number", ["0", "12", "02", "EP02", ""])
def test_any_other_number_is_a_mistake(number: str) -> None:
    with pytest.raises(UserError, match=r"choose one of: emotion-prompt, emotion-prompt\(1\), .*\(11\)$"):
        build_strategy(f"emotion-prompt({number})", shipped_prompts())

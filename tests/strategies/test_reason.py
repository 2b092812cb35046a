"""What `reason` sends in each of its settings, and what it does where something is lacking."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.errors import AskFailed, UserError
from whyfeel.prompts import Prompts, load_prompts, shipped_prompts
from whyfeel.records import Answer, Ask, Media, Picture, Response, Sample, Text, Trigger
from whyfeel.strategies import build_strategy

PROMPTS = Prompts(
    {
        "reason": {
            "user": "See, read $caption. Why $emotion?",
            "no_caption": "See. Why $emotion?",
            "no_image": "Read $caption. Why $emotion?",
            "article": "$article | $reason",
        },
        "persona": {"assistant": "You help."},
        "cot": {"suffix": "Think."},
    },
    {},
)
SAMPLE = Sample(
    *("p#angry", "QUESTION", "other", (Trigger("GOLD"),), (Media("a.png"),), "a.png"),
    *(("FLAG",), "ANNOTATION", "RUBRIC", "PERSON", "A $5 $emotion", "Long ${caption} ago.", "agry"),
)
BARE = Sample("s", "QUESTION", "sad", (), (Media("a.png"),), "a.png")


def sent(spec: str, sample: Sample, prompts: Prompts = PROMPTS) -> Ask:
    conversation = build_strategy(spec, prompts).respond(sample)
    ask = next(conversation)
    assert isinstance(ask, Ask)
    with pytest.raises(StopIteration) as ended:
        conversation.send(Answer("k", "They would.", "truncated"))
    assert ended.value.value == Response(sample.id, "They would.", "truncated", ("k",))
    return ask


@pytest.mark.parametrize(
    ("spec", "sample", "pictures", "text"),
    [
        ("reason", SAMPLE, 1, "See, read A $5 $emotion. Why agry?"),
        ("reason(no-caption)", SAMPLE, 1, "See. Why agry?"),
        ("reason(no-image)", SAMPLE, 0, "Read A $5 $emotion. Why agry?"),
        ("reason(article)", SAMPLE, 1, "Long ${caption} ago. | See, read A $5 $emotion. Why agry?"),
        ("reason", BARE, 1, "See. Why sad?"),
        ("reason", Sample("t", "?", "sad", (), (), "t", caption="C"), 0, "Read C. Why sad?"),
        ("reason(article)", Sample("t", "?", "sad", (), (), "t", caption="C", article="A"), 0, "A | Read C. Why sad?"),
        ("reason+persona(assistant)+cot", SAMPLE, 1, "You help. See, read A $5 $emotion. Why agry? Think."),
    ],
)
def test_each_setting_sends_its_own_text(spec: str, sample: Sample, pictures: int, text: str) -> None:
    ask = sent(spec, sample)
    [turn] = ask.messages
    assert turn.parts == (*(Picture(Media("a.png")),) * pictures, Text(text))
    assert (turn.speaker, ask.role, ask.gen) == ("user", "answer", {"temperature": 0, "max_tokens": 512})


@pytest.mark.parametrize(
    ("spec", "sample", "reason"),
    [
        ("reason(no-image)", BARE, "no caption"),
        ("reason(article)", BARE, "no article"),
        ("reason", Sample("t", "?", "sad", (), (), "t"), "no caption"),
        ("reason(no-caption)", Sample("t", "?", "sad", (), (), "t", caption="C"), "no picture"),
    ],
)
def test_a_sample_that_lacks_what_is_to_be_shown_is_unscored(spec: str, sample: Sample, reason: str) -> None:
    with pytest.raises(AskFailed) as failed:
        next(build_strategy(spec, PROMPTS).respond(sample))
    assert failed.value.reason == reason
    assert repr(sample.id) in failed.value.detail


def test_its_name_its_roles_and_its_text() -> None:
    for setting, shows in (("", True), ("(no-caption)", True), ("(no-image)", False), ("(article)", True)):
        strategy = build_strategy(f" reason{setting} + cot", PROMPTS)
        assert (strategy.name, strategy.roles) == (f"reason{setting}+cot", {"answer": shows})
        assert strategy.prompts == ("reason", "cot")
    with pytest.raises(UserError, match=r"no 'reason\(blind\)'; choose one of: reason, reason\(no-caption\), "):
        build_strategy("reason(blind)", PROMPTS)


@given(caption=st.text(), article=st.text(min_size=1), word=st.text(min_size=1))
def test_the_shipped_texts_hold_what_they_should_and_nothing_of_the_truth(
    caption: str, article: str, word: str
) -> None:
    sample = Sample(
        *("ID", "QUESTION", "EMOTION", (Trigger("GOLD"),), (Media("PATH"),), "CLUSTER"),
        *(("FLAG",), "ANNOTATION", "RUBRIC", "PERSON", caption, article, word),
    )
    for setting, held in (("", caption), ("(no-caption)", ""), ("(article)", article)):
        text = str(sent(f"reason{setting}", sample, shipped_prompts()).messages[0].parts[-1].text)
        assert held in text
        assert f'"{word}"' in text
        for kept in ("ID", "QUESTION", "GOLD", "PATH", "CLUSTER", "FLAG", "ANNOTATION", "RUBRIC", "PERSON", "EMOTION"):
            assert kept not in text or kept in caption + article + word


def test_another_wording_replaces_ours(tmp_path) -> None:
    path = tmp_path / "paper.toml"
    path.write_text("[reason]\nuser = 'What makes one feel \"$emotion\" about $caption?'\n")
    ask = sent("reason", SAMPLE, load_prompts(path))
    assert ask.messages[0].parts[-1] == Text('What makes one feel "agry" about A $5 $emotion?')

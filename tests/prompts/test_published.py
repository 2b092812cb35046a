"""Published wording, read out of scripts of the same shape as the released ones, in other words."""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.errors import DataError
from whyfeel.prompts import Prompts, load_prompts, shipped_prompts
from whyfeel.prompts.published import FAMILIES, JUDGES, TASKS
from whyfeel.prompts.scripts import judging_in, question_in
from whyfeel.records import Media, Picture, Sample, Text, user_turn
from whyfeel.strategies import build_strategy

Write = Callable[..., Path]

LLAVA, LLAVA_COMPLEX = FAMILIES["llava"]
SAMPLE = Sample("s", "Why is SHE sad?", "sad", (), (Media("a.png"),), "a")

BASIC = """
import torch  # is not there when this is read
raise SystemExit("this script was run")

def main(args):
    log = f"{args.model}: {args.out}"
    for data in tqdm(ec_data):
        for img_path, question in data.items():
            # inp = f"Be a dog. Sniff the photo, {question}."
            inp = QUESTION
            inp = TOKEN + '\\n' + inp
            write({f"{img_path}": inp, f"{img_path}.txt": f"{img_path}\\n"}, f"Bearer {args.key}")
"""
JUDGE = """
def ask(prompt):
    return create([{"role": "system", "content": 'Be a "fair" cat for $5.'}, {"role": "user", "content": prompt}])

for data in ec_data:
    for img_path, data_input in data.items():
        content = "Purr as {score: n/m}, e.g. {score: 1/2}. It costs $5."

        content = content + f" Now:\\n\\n{data_input}. And {{the}} truth:\\n{gt[img_path]}\\n\\nPurr:"
        write({f"{img_path}": ask(prompt=content)})
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a script into a folder like that of the release; `text` stands where the question's f-string does."""

    def written(script: str, text: str, shape: str = BASIC) -> Path:
        path = tmp_path / script
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shape.replace("QUESTION", text), encoding="utf-8")
        return path

    return written


def load(data: Path | None, source: str = "eibench", task: str = TASKS[0], judge: str = "") -> Prompts:
    return load_prompts(source, data=data, task=task, judge=judge)


def sent(prompts: Prompts, strategy: str) -> str:
    """The words that go out with the picture."""
    ask = next(build_strategy(strategy, prompts).respond(SAMPLE))
    (_, text) = ask.messages[0].parts  # type: ignore[union-attr]
    assert isinstance(text, Text)
    assert ask.messages == user_turn(Picture(Media("a.png")), text)  # type: ignore[union-attr]
    return text.text


# --- the question


@pytest.mark.parametrize(
    ("text", "direct", "thinking"),
    [
        (
            """f"Be a dog. Sniff, {question}. Let's go step by step." """,
            "Be a dog. Sniff, Why is SHE sad?.",
            "Be a dog. Sniff, Why is SHE sad?. Let's go step by step.",
        ),
        (
            "f'Be a dog. Sniff, {question.lower()} Go Step by Step!'",
            "Be a dog. Sniff, why is she sad?",
            "Be a dog. Sniff, why is she sad? Go Step by Step!",
        ),
        (
            "f'Sniff, {question} Be brief. Step by step, please'",
            "Sniff, Why is SHE sad? Be brief.",
            "Sniff, Why is SHE sad? Be brief. Step by step, please",
        ),
        (
            "[{'image': p + img_path}, {'text': f'For $5 {{or}} ${question}x: step by step. $question'}]",
            "For $5 {or} $Why is SHE sad?x: step by step. $question",
            None,
        ),
        ("('Be a dog. ' f'Sniff, {question}')", "Be a dog. Sniff, Why is SHE sad?", None),
    ],
)
def test_what_is_sent_is_what_the_script_would_send(write: Write, text: str, direct: str, thinking: str | None) -> None:
    write(LLAVA, text)
    data = write("EI_Basic/user.jsonl", "").parents[1]
    prompts = load(data)
    assert sent(prompts, "direct") == direct
    # Python's own formatting of the same words is the oracle
    value = eval(text, {"question": SAMPLE.question, "p": "/", "img_path": "a.png"})
    whole = value if isinstance(value, str) else value[1]["text"]
    assert whole == (thinking or direct)
    if thinking:
        assert sent(prompts, "direct+cot") == thinking
    else:
        assert prompts.texts["cot"] == shipped_prompts().texts["cot"]


def test_only_what_is_published_is_replaced_and_each_text_says_where_it_comes_from(write: Write) -> None:
    write(LLAVA, """f"Sniff, {question}. Let's go step by step." """)
    data = write("EI_Basic/gpt-eval.py", "", JUDGE).parents[1]
    prompts, shipped = load(data, judge="official-gpt"), shipped_prompts()
    place = f"EIBench {LLAVA} line 10"
    assert prompts.origin == {
        **shipped.origin, "direct": place, "cot": place, "official": "EIBench EI_Basic/gpt-eval.py lines 3, 7, 9",
    }  # fmt: skip
    assert {name: prompts.texts[name] for name in ("caption", "persona")} == {
        name: shipped.texts[name] for name in ("caption", "persona")
    }
    assert load(data).origin["official"] == load(data, judge="overlap").origin["official"] == shipped.origin["official"]
    assert sent(prompts, "direct+persona(architect)").endswith(" Sniff, Why is SHE sad?.")


def test_every_family_has_its_script_of_each_task(write: Write) -> None:
    for family, scripts in FAMILIES.items():
        for task, script in zip(TASKS, scripts, strict=True):
            write(script, f'f"In the {script} way: {{question}}"')
            data = write("EI_Basic/user.jsonl", "").parents[1]
            assert sent(load(data, f"eibench:{family}", task), "direct") == f"In the {script} way: {SAMPLE.question}"
    assert load(data) == load(data, "eibench:llava")
    assert len({script for scripts in FAMILIES.values() for script in scripts}) == 13  # video-llava has one for both


def test_chain_of_thought_is_the_familys_own_or_else_llavas(write: Write) -> None:
    otter, otter_complex = FAMILIES["otter"]
    write(otter_complex, 'f"Sniff, {question}"')
    write(otter, 'f"Sniff, {question} In otter steps, step by step."')
    write(LLAVA, 'f"Sniff, {question}. In llama steps, step by step."')
    data = write(FAMILIES["gpt"][0], 'f"Sniff, {question}"').parents[2]
    assert sent(load(data, "eibench:otter", TASKS[1]), "cot") == "Sniff, Why is SHE sad? In otter steps, step by step."
    assert sent(load(data, "eibench:gpt"), "cot") == "Sniff, Why is SHE sad? In llama steps, step by step."
    assert load(data, "eibench:gpt").origin["cot"] == f"EIBench {LLAVA} line 10"
    write(otter_complex, 'f"Sniff, {question} In complex steps, step by step."')
    assert sent(load(data, "eibench:otter", TASKS[1]), "cot").endswith("sad? In complex steps, step by step.")


# --- the judge


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("task", TASKS)
def test_a_judge_is_asked_as_the_script_would_ask(write: Write, judge: str, task: str) -> None:
    script = JUDGES[judge][TASKS.index(task)]
    write(script, "", JUDGE)
    data = write(FAMILIES["llava"][TASKS.index(task)], 'f"Sniff, {question}"').parents[4]
    prompts = load(data, task=task, judge=judge)
    assert prompts.fill("official", "system", answer="", truth="") == 'Be a "fair" cat for $5.'
    assert prompts.fill("official", "user", answer="$truth {a}", truth="1. rain\n2. cold") == (
        "Purr as {score: n/m}, e.g. {score: 1/2}. It costs $5. "
        "Now:\n\n$truth {a}. And {the} truth:\n1. rain\n2. cold\n\nPurr:"
    )
    assert prompts.origin["official"].startswith(f"EIBench {script} lines")


# --- what is refused


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("f'Sniff, {question}' + f'Sniff on, {question}'", "found 2 of them"),
        ("'Sniff, ' + question", "found none"),
        ("f'Sniff, {question!r}'", "found none"),
        ("f'Sniff, {question:>5}'", "found none"),
        ("f'Sniff, {question.upper()}'", "found none"),
        ("f'Sniff, {question.lower(1)}'", "found none"),
        ("f'Sniff, {question} at {img_path}'", "found none"),
        ("f'Sniff, {other}'", "found none"),
        ("f'Sniff, {question", "is not a Python script"),
        ("'a\0b'", "is not a Python script"),
        ("-" * 100_000 + "1", "is not a Python script"),
        ("(" * 1_000, "is not a Python script"),
    ],
)
def test_a_script_of_another_shape_is_refused(write: Write, text: str, says: str) -> None:
    path = write(LLAVA, text)
    with pytest.raises(DataError, match=r"\A[^\n]+\Z") as refused:
        load(path.parents[4])
    assert str(refused.value).startswith(repr(str(path)))
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"system"', '"developer"', "exactly one text of a system message, found none"),
        ("'Be a \"fair\" cat for $5.'", "words", "exactly one text of a system message, found none"),
        (
            "content + f",
            "other + f",
            "exactly one f-string of an answer and a truth that is added to a text, found none",
        ),
        ("{gt[img_path]}", "", "added to a text, found none"),
        ("write(", "content = content + f'{a} {b}'; write(", "added to a text, found 2 of them"),
        ('content = "Purr', 'contents = "Purr', "exactly one text assigned to 'content', found none"),
        ("write(", "content = 'Hiss'; write(", "exactly one text assigned to 'content', found 2 of them"),
    ],
)
def test_a_judge_of_another_shape_is_refused(write: Write, old: str, new: str, says: str) -> None:
    assert old in JUDGE
    path = write("judge.py", "", JUDGE.replace(old, new))
    with pytest.raises(DataError, match=r"\A[^\n]+\Z") as refused:
        judging_in(path)
    assert repr(str(path)) in str(refused.value)
    assert says in str(refused.value)


def test_what_is_not_there_is_named(write: Write, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"beside EI_Basic/ the folder '{tmp_path}/baselines'"):
        load(tmp_path)
    write(FAMILIES["gpt"][0], 'f"Sniff, {question}"')
    with pytest.raises(DataError, match=f"'{tmp_path}/{LLAVA}' cannot be read: No such file"):
        load(tmp_path)
    with pytest.raises(DataError, match=f"'{tmp_path}/EI_Basic/llama3-eval.py' cannot be read: No such file"):
        load(tmp_path, "eibench:gpt", judge="official-llama3")
    assert load(tmp_path, "eibench:gpt").origin["cot"] == shipped_prompts().origin["cot"]


@pytest.mark.parametrize(
    ("source", "task", "says"),
    [
        ("eibench:gpt5", TASKS[0], "no wording for 'gpt5'; choose one of: llava, qwen, gpt, claude, minigpt, otter"),
        ("eibench:", TASKS[0], "no wording for ''; choose one of"),
        ("eibench", "scenes", "goes with eibench-basic and eibench-complex and their --data, not 'scenes'"),
    ],
)
def test_what_is_not_published_is_refused(tmp_path: Path, source: str, task: str, says: str) -> None:
    with pytest.raises(DataError, match=r"\A--prompts[^\n]+\Z") as refused:
        load(tmp_path, source, task)
    assert says in str(refused.value)


def test_the_published_wording_needs_the_data() -> None:
    with pytest.raises(DataError, match="and their --data"):
        load(None)


@pytest.mark.parametrize("source", ["./eibench", Path("eibench"), "eibench.toml", "./eibench:gpt"])
def test_a_file_may_have_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str | Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / source).write_text('[direct]\nuser = "Sniff, $question"\n')
    assert load_prompts(source).origin["direct"] == Path(source).name


def test_scripts_that_python_would_warn_about_and_other_encodings_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"# coding: latin-1\nx = '\\d'\nfor q in x:\n    y = f'Sniff caf\xe9, {q}'\n")
    assert question_in(path).template == "Sniff café, ${question}"


words = st.text(max_size=40).map(lambda text: f" {text.encode('utf-8', 'replace').decode()} ")


@given(words, words, st.booleans())
def test_any_words_come_through_as_they_are(
    tmp_path_factory: pytest.TempPathFactory, before: str, after: str, lower: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "words.py"
    one, other = (repr(text.replace("{", "{{").replace("}", "}}")) for text in (before, after))
    slot = "{q.lower()}" if lower else "{q}"
    path.write_text(f"for q in x:\n    y = 'a b' f{one} f'{slot}' f{other}\n", encoding="utf-8")
    filled = string.Template(question_in(path).template).substitute(question="Why?", question_lower="why?")
    assert filled == f"a b{before}{'why?' if lower else 'Why?'}{after}"

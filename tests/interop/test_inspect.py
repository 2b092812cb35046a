"""An evaluation by Inspect and a run of ours on the same answers: the same words sent, the same scores."""

from __future__ import annotations

import gc
import json
import math
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from needs import need
from told import Told
from truthful_judge import truthful
from whyfeel.engine import Request
from whyfeel.judging import canaries_of
from whyfeel.media import MediaStore
from whyfeel.models import Scripted
from whyfeel.records import Ask, Message, Text, user_turn
from whyfeel.replies import closed
from whyfeel.runs import routing

# Inspect's own: names that its libraries have given up, and streams that it leaves to the garbage collector
pytestmark = [pytest.mark.filterwarnings(f"ignore::{one}") for one in ("DeprecationWarning", "ResourceWarning")]

GEN = {"temperature", "max_tokens"}
Call = tuple[str, str, str]  # the model, all that is said and shown, and the settings
TRIGGERS = {
    "a": ["a cake", "old friends"],
    "b": ["a lost match"],
    "c": ["a letter", "the rain"],
    "d": ["a dog"],
    "e": ["a red kite", "the sea", "a holiday"],
    "f": ["a broken cup"],
    "g": ["a long queue", "the noise", "no seats left", "the heat"],
}


@pytest.fixture
def inspecting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Our tasks, and an Inspect that writes below tmp_path."""
    need(find_spec("inspect_ai") is not None, "the package inspect_ai (pip install 'whyfeel[inspect]')")
    monkeypatch.setenv("INSPECT_LOG_DIR", str(tmp_path / "logs"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    from whyfeel.interop import inspect_tasks  # noqa: PLC0415

    yield inspect_tasks
    inspect_tasks.bench_of.cache_clear()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Eight questions about seven pictures, of which one is not there and one is sent otherwise than it lies."""
    for name, mode in (("a", "RGB"), ("b", "RGBA"), ("c", "L"), ("e", "RGB"), ("f", "RGB"), ("g", "RGB")):
        Image.new(mode, (20, 10)).save(tmp_path / f"{name}.png")
    records = [
        {"id": f"{name}{n}", "image": f"{name}.png", "question": f"Why {name} {n}?", "emotion": "sad", "triggers": told}
        for name, told in TRIGGERS.items()
        for n in range(2 if name == "a" else 1)
    ]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, records)) + "\n")
    return tmp_path / "mine.jsonl"


def said(model: str, text: str) -> str:
    """What either model answers: the judge has no verdict on the letter, and the model nothing to say of b."""
    if model == "judge":
        return "I would rather not say." if "a letter\n2." in text.partition("BEGIN ANSWER")[2] else truthful(text)
    return next(
        (f"1. {told[0]}\n2. the weather" if name != "c" else "1. a letter\n2. the rain"
         for name, told in TRIGGERS.items() if name != "b" and f"Why {name} " in text), "")  # fmt: skip


@pytest.fixture
def ours(whyfeel: Callable[..., Told], monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path) -> Any:
    """A run of ours: its summary and its calls."""

    def run(*more: str) -> tuple[dict[str, Any], list[Call]]:
        calls: list[Call] = []

        def build(spec: str, role: str, *_: object, **__: object) -> Scripted:
            def script(request: Request) -> str:
                parts = [p for m in request.ask.messages for p in m.parts]
                shown = [f"{p.header.mime} {p.base64.decode()}" for p in request.pictures.values()]
                words = "\n".join(p.text for p in parts if isinstance(p, Text))
                calls.append((spec, "\n".join([*shown, words]), json.dumps(dict(request.ask.gen), sort_keys=True)))
                return said(spec, words)

            return Scripted(script, name=spec)

        monkeypatch.setattr(routing, "build_model", build)
        told = whyfeel("run", "jsonl", "--data", data, "--model", "under-test", *more, "--controls", "none",
                       "--out", tmp_path / "run", "--json")  # fmt: skip
        assert told.status == 0, told.err
        return told.json, calls

    return run


@pytest.fixture
def theirs(inspecting: Any, data: Path) -> Iterator[Any]:
    """The same by Inspect: its log and its calls."""
    from inspect_ai import eval as inspect_eval  # noqa: PLC0415
    from inspect_ai.model import ContentImage, ModelOutput, ModelUsage, get_model  # noqa: PLC0415

    def run(**choices: Any) -> tuple[Any, list[Call]]:
        calls: list[Call] = []

        def scripted(name: str) -> Any:
            def answer(messages: Any, _tools: object, _choice: object, settings: Any) -> ModelOutput:
                content = [[m.content] if isinstance(m.content, str) else m.content for m in messages]
                flat = [part for parts in content for part in parts]
                shown = [
                    p.image.removeprefix("data:").replace(";base64,", " ") for p in flat if isinstance(p, ContentImage)
                ]
                words = "\n".join(p if isinstance(p, str) else p.text for p in flat if not isinstance(p, ContentImage))
                gen = settings.model_dump(include=GEN, exclude_none=True)
                gen = {key: int(value) if value == int(value) else value for key, value in gen.items()}
                calls.append((name, "\n".join([*shown, words]), json.dumps(gen, sort_keys=True)))
                output = ModelOutput.from_content(name, said(name, words))
                output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
                return output

            return get_model("mockllm/model", custom_outputs=answer, memoize=False)

        (log,) = inspect_eval(
            inspecting.jsonl,
            model=scripted("under-test"),
            model_roles={"judge": scripted("judge")},
            task_args={"data": str(data), **choices},
            **dict.fromkeys(("score_display", "log_realtime", "acp_server", "ctl_server"), False),
            display="none",
        )
        return log, calls

    yield run
    gc.collect()  # of what an evaluation leaves, while its warnings are not heard


def test_a_run_and_an_evaluation_say_the_same_to_the_last_digit(ours: Any, theirs: Any) -> None:
    judge = ("--judge", "verdicts", "--judge-model", "judge", "--seed", "3")
    summary, our_calls = ours(*judge, "--strategy", "direct+cot+emotion-prompt(2)+self-consistency(3)")
    log, their_calls = theirs(judge="verdicts", seed=3, strategy="direct+cot+emotion-prompt(2)+self-consistency(3)")
    assert log.status == "success", log.error
    canaries = canaries_of("verdicts")  # which a run of ours has besides
    ours_less = {call for call in our_calls if not any(canary in call[1] for canary in canaries)}
    assert set(their_calls) == ours_less, "a run of ours asks equal ones once"
    assert any("image/png" in told for _, told, _ in our_calls)
    (score,) = log.results.scores
    theirs_by_name = {name: metric.value for name, metric in score.metrics.items()}
    expected: dict[str, float] = {"n": 8, "unscored": 2}
    assert summary["unscored"] == {"bad picture": 1, "unparsed": 1}
    for name, by in summary["scores"].items():
        for group, one in by.items():
            told = name if group == "overall" else f"{name} {group}"
            bounds = dict(zip(("least", "most"), one["bounds"], strict=True))
            values = {"": one["value"], " low": one["low"], " high": one["high"]}
            values |= {f" {end}": value for end, value in bounds.items()}
            expected |= {told + end: value for end, value in values.items() if value is not None}
    assert theirs_by_name == expected
    assert next(iter(theirs_by_name)) == summary["headline"]["score"]


async def test_an_ask_goes_as_it_is_but_for_what_the_user_set(inspecting: Any) -> None:
    from inspect_ai.model import GenerateConfig, ModelOutput, ModelUsage, get_model  # noqa: PLC0415

    from whyfeel.interop.inspect_model import conversing  # noqa: PLC0415

    outputs = [
        ModelOutput.from_content("m", "<think>Rain?</think>1. Rain", stop_reason="max_tokens"),
        ModelOutput.from_content("m", "", stop_reason="content_filter"),
        ModelOutput(model="m", usage=ModelUsage(input_tokens=7)),
    ]
    for one in outputs:
        one.usage = one.usage or ModelUsage(input_tokens=5, output_tokens=6, total_tokens=11)
    seen: list[Any] = []

    def answer(messages: Any, _tools: object, _choice: object, settings: Any) -> ModelOutput:
        seen.append((messages, settings))
        return outputs[len(seen) - 1]

    model = get_model("mockllm/m", config=GenerateConfig(temperature=0.4), custom_outputs=answer, memoize=False)
    engine = conversing({"judge": model}, MediaStore(None))
    turns = (Message("system", (Text("Be."),)), Message("assistant", (Text("a"), Text("b"))), *user_turn(Text("Why?")))
    schema = closed(n={"type": "integer"})
    cut, filtered, nothing = [
        await engine.ask(Ask("judge", turns, {"temperature": 0, "max_tokens": 9}, schema, n), "judge", {})
        for n in range(3)
    ]
    assert (cut.text, cut.reasoning, cut.outcome, cut.tokens_in, cut.tokens_out) == (
        "1. Rain",
        "Rain?",
        "truncated",
        5,
        6,
    )
    assert (filtered.outcome, nothing.outcome, nothing.text) == ("refused", "empty", "")
    assert len({one.ask_id for one in (cut, filtered, nothing)}) == 3
    messages, settings = seen[0]
    assert [(one.role, one.content) for one in messages] == [
        ("system", "Be."),
        ("assistant", "a\n\nb"),
        ("user", "Why?"),
    ]
    assert (settings.temperature, settings.max_tokens) == (0.4, 9)
    sent = settings.response_schema.model_dump(exclude_none=True)
    assert sent == {"name": "judge", "json_schema": json.loads(json.dumps(schema)), "strict": True}


async def test_any_solvers_output_can_be_judged(inspecting: Any) -> None:
    from inspect_ai.model import ModelName, ModelOutput  # noqa: PLC0415
    from inspect_ai.scorer import Target  # noqa: PLC0415
    from inspect_ai.solver import TaskState  # noqa: PLC0415

    (made,) = [one for one in inspecting.scenes().dataset if one.id == "birthday-cake"]
    state = TaskState(ModelName("mockllm/m"), made.id, 1, made.input, [])
    state.output = ModelOutput.from_content("m", "\n".join(f"{n}. {one}" for n, one in enumerate(made.target, 1)))
    score = await inspecting.judge(task="scenes")(state, Target(""))
    assert (score.value["recall"], score.value["f1"], score.reason) == (1, 1, None)
    assert "kf1" not in score.value, "which no single sample has"
    state.store.set(
        inspecting.ANSWERED, {"id": made.id, "unscored": {"reason": "timeout", "detail": "60 s"}, "asks": []}
    )
    score = await inspecting.judge(task="scenes")(state, Target(""))
    assert (score.reason, score.explanation, math.isnan(score.value["recall"])) == ("timeout", "60 s", True)


def test_mistakes_are_told_in_one_line(inspecting: Any) -> None:
    for choices, told in [
        ({"jugde": "overlap"}, "there is no choice 'jugde'; there are data, "),
        ({"judge": "verdict"}, "there is no judge 'verdict'. Did you mean 'verdicts'?"),
        ({"judge": "pairwise"}, "the judge pairwise compares with another run: `whyfeel judge RUN"),
        ({"judge_model": "mockllm/m"}, "the judge overlap asks no model: leave judge_model out"),
        ({"strategy": "dierct"}, "there is no strategy 'dierct'"),
        ({"data": "nowhere"}, "scenes comes with whyfeel"),
        ({"seed": 1.5}, "seed: input should be a valid integer"),
        ({"max_side": "abc"}, "max_side: input should be a valid integer"),
        ({"max_side": 3}, "max_side: input should be greater than or equal to 16; got 3"),
        ({"strategy": 3}, "strategy: input should be a valid string; got 3"),
        ({"judge_model": 3}, "judge_model: input should be a valid tuple; got 3"),
        ({"images": ["a", "b"]}, "images: input should be a valid string"),
    ]:
        with pytest.raises(Exception, match=r"^whyfeel: ") as raised:
            inspecting.scenes(**choices)
        assert type(raised.value).__name__ == "PrerequisiteError"
        assert told in str(raised.value.message)
    with pytest.raises(Exception, match=r"^Model role 'judge' is required and was not specified\.$"):
        inspecting.scenes(judge="verdicts")

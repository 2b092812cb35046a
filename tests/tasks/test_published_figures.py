"""The published figures: carried over right, adding up, and what a run must be to be held against one."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.models import declared_name
from whyfeel.prompts import shipped_prompts
from whyfeel.prompts.published import FAMILIES, JUDGES
from whyfeel.strategies import build_strategy
from whyfeel.tasks import open_task
from whyfeel.tasks.published import (
    Cell,
    Figure,
    JudgedRun,
    Published,
    left_out,
    load_published,
    of_row,
    overall_cells,
    unfit,
)
from whyfeel.tasks.published.figures import spelled

LLAMA, GPT = "llama-3-8b-instruct", "gpt-3.5-turbo"


@pytest.fixture(scope="module")
def published() -> Published:
    return load_published()


@pytest.fixture(scope="module")
def listed(eibench: Path) -> list[dict[str, str]]:
    """The same figures as they lie beside the annotations, one a line."""
    with (eibench / "published.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def figure(published: Published, subset: str, setting: str, model: str, judge: str, group: str = "overall") -> Figure:
    wanted = (subset, setting, model, judge, group)
    [found] = [f for f in published.figures if (f.subset, f.setting, f.model.name, f.judge.name, f.group) == wanted]
    return found


# --- the figures ----------------------------------------------------------------------------------------------------


def test_every_figure_is_carried_over(published: Published, listed: list[dict[str, str]]) -> None:
    ours = [(f.subset, f.setting, f.model.name, f.group, f.judge.name, f.claimed) for f in published.figures]
    names = ("subset", "setting", "model", "group", "judge")
    theirs = [(*(row[name] for name in names), float(row["recall_percent"])) for row in listed]
    assert len(ours) == 31 * 5 * 2 + 13 * 2
    assert sorted(ours) == sorted(theirs)


@pytest.mark.parametrize(
    ("row", "claimed"),  # read off the README by eye
    [
        (("basic", "User Question", "MiniGPT-v2", LLAMA, "sad"), 60.47),
        (("basic", "User Question & Caption", "LLaMA-3 (8B) (Text Only)", GPT, "happy"), 50.73),
        (("basic", "User Question & CoT", "CFSA (LLaVA-NEXT (34B))", LLAMA, "excited"), 72.63),
        (("basic", "Close-source Models", "Claude-3-haiku", GPT, "overall"), 62.41),
        (("complex", "Close-Source", "ChatGPT-4o", GPT, "overall"), 39.57),
    ],
)
def test_figures_of_the_readme(published: Published, row: tuple[str, ...], claimed: float) -> None:
    assert figure(published, *row).claimed == claimed


def test_the_files_and_their_samples_are_the_released_ones(published: Published, eibench: Path) -> None:
    for task, emotions in (("eibench-basic", ("happy", "angry", "sad", "excited")), ("eibench-complex", ())):
        opened = open_task(task, eibench, None)
        assert published.hashes[task] == {hashlib.sha256(path.read_bytes()).hexdigest() for path in opened.files}
        labels = [sample.emotion for sample in opened]
        counts = {emotion: labels.count(emotion) for emotion in emotions} | {"overall": len(labels)}
        assert {f.group: f.n for f in published.figures if f.task == task} == counts


def test_each_row_can_be_asked_for(published: Published) -> None:
    prompts = shipped_prompts()
    for one in published.figures:
        assert one.judge.judge in JUDGES
        assert one.bar or one.model.family in FAMILIES
        if one.strategy != "self-ask":  # CFSA, the one procedure that is named before it is there
            assert build_strategy(one.strategy, prompts).name == one.strategy
        assert one.model.means(declared_name(one.model.example))
        assert one.judge.means(declared_name(one.judge.example))


def test_only_providers_notices_withdraw_a_model(published: Published) -> None:
    gone = {one.model.name for one in published.figures if one.model.withdrawn}
    assert gone == {"ChatGPT-4V", "Claude-3-haiku", "Claude-3-sonnet"}
    assert {one.judge.name for one in published.figures if one.judge.withdrawn} == {GPT}
    assert all(
        any(year in one.withdrawn for year in ("2024", "2025", "2026")) for one in published.figures if one.withdrawn
    )


# --- the arithmetic -------------------------------------------------------------------------------------------------


def test_all_overall_figures_but_one_are_the_mean_of_their_classes(
    published: Published, listed: list[dict[str, str]]
) -> None:
    n = {"happy": 91, "angry": 342, "sad": 462, "excited": 720}
    exact: dict[tuple[str, str, str], Fraction] = {}
    for row in listed:
        if row["subset"] == "basic":
            weight = Fraction(-n[row["group"]], 1615) if row["group"] in n else Fraction(1)
            key = (row["setting"], row["model"], row["judge"])
            exact[key] = exact.get(key, Fraction()) + weight * Fraction(row["recall_percent"])
    cells = {(c.figure.setting, c.figure.model.name, c.figure.judge.name): c for c in overall_cells(published.figures)}
    assert {key: cell.difference for key, cell in cells.items()} == {
        key: pytest.approx(float(difference), abs=1e-9) for key, difference in exact.items()
    }
    assert len(cells) == 62
    off = [key for key, cell in cells.items() if not cell.agrees]
    assert off == [("Close-source Models", "ChatGPT-4V", GPT)] == [key for key in exact if abs(exact[key]) > 0.06]
    assert cells[off[0]].implied == pytest.approx(48.38, abs=0.005)
    # by hand for Claude-3-sonnet: (91*44.58 + 342*38.95 + 462*55.98 + 720*61.41) / 1615 = 54.1521, published 54.10
    assert max(abs(cell.difference) for cell in cells.values() if cell.agrees) == pytest.approx(0.0521, abs=5e-5)


@pytest.mark.parametrize(("implied", "agrees"), [(54.31, True), (54.43, True), (54.30, False), (54.44, False)])
def test_the_tolerance_has_two_sides(published: Published, implied: float, agrees: bool) -> None:
    one = figure(published, "basic", "User Question", "LLaVA-1.5 (13B)", LLAMA)
    assert one.claimed == 54.37
    assert Cell(one, implied + (1e-9 if implied < one.claimed else -1e-9)).agrees is agrees


def test_without_classes_there_is_nothing_to_add_up(published: Published) -> None:
    assert overall_cells(f for f in published.figures if f.subset == "complex") == []


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ("LLaVA-1.5 (13B)", ["llava-hf/llava-1.5-13b-hf", "liuhaotian/llava-v1.5-13b", "llava:13b-v1.5-fp16"]),
        ("LLaVA-1.5 (13B)", ["LLaVA-1.5 (13B)", "models/llava-1.5-13b/"]),
        ("LLaVA-NEXT (7B)", ["llava-hf/llava-v1.6-mistral-7b-hf", "llava-v1.6-vicuna-7b", "LLaVA-NeXT-7B"]),
        ("LLaVA-NEXT (34B)", ["liuhaotian/llava-v1.6-34b", "llava:34b-v1.6"]),
        ("Qwen-VL-Chat", ["Qwen/Qwen-VL-Chat", "qwen_vl_chat"]),
        ("Video-LLaVA", ["LanguageBind/Video-LLaVA-7B-hf"]),
        ("MiniGPT-v2", ["MiniGPT4-v2", "minigptv2", "minigpt-v2"]),
        ("Otter", ["luodian/OTTER-Image-LLaMA7B-LA-InContext"]),
        ("ChatGPT-4V", ["gpt-4-vision-preview", "gpt-4-1106-vision-preview"]),
        ("ChatGPT-4o", ["gpt-4o", "openai/gpt-4o-2024-05-13"]),
        ("Claude-3-haiku", ["claude-3-haiku-20240307", "anthropic/claude-3-haiku"]),
        ("LLaMA-3 (8B) (Text Only)", ["meta-llama/Meta-Llama-3-8B-Instruct", "llama3:8b-instruct"]),
    ],
)
def test_a_model_goes_by_several_names(published: Published, row: str, names: list[str]) -> None:
    models = {one.model.name: one.model for one in published.figures}
    for name in names:
        same = {one for one in models if models[one].means(name)} - {"CFSA (LLaVA-NEXT (34B))"}
        assert same == {row}, name


@pytest.mark.parametrize(
    "name",
    [
        *("llava:13b", "llava-v1.6-34b-awq", "llava-1.5-7b-hf", "llava-next-video-7b", "llava-v1.6-mistral-13b"),
        *("gpt-4o-mini", "gpt-4o-2024-08-06", "chatgpt-4o-latest", "gpt-4", "claude-3-5-haiku-20241022"),
        *("claude-3-opus", "Qwen2-VL-7B", "qwen-vl-plus-2025-08-15", "qwen-vl-chat-int4", "minigpt-4", "m", "", "-"),
        "baseline:oracle",
    ],
)
def test_another_model_is_none_of_the_tables(published: Published, name: str) -> None:
    assert not any(one.model.means(name) for one in published.figures)


@pytest.mark.parametrize(
    ("name", "judge"),
    [
        *((name, LLAMA) for name in ("meta-llama/Meta-Llama-3-8B-Instruct", "llama-3-8b-instruct")),
        *((name, LLAMA) for name in ("llama3:8b-instruct", "llama3:8b-instruct-fp16")),
        *((name, GPT) for name in ("gpt-3.5-turbo", "openai/gpt-3.5-turbo", "gpt-3.5-turbo-0125")),
        *((name, None) for name in ("Llama-3.1-8B-Instruct", "llama3:8b-instruct-q4_0", "llama3:70b-instruct")),
        *((name, None) for name in ("Meta-Llama-3-8B-Instruct-Lite", "Meta-Llama-3-8B", "gpt-3.5-turbo-instruct")),
        *((name, None) for name in ("gpt-35", "gpt-3x5-turbo", "gpt-3.5-turbo-16k", "gpt-4o-mini")),
    ],
)
def test_a_judges_model_goes_by_several_names(published: Published, name: str, judge: str | None) -> None:
    judges = {one.judge.name: one.judge for one in published.figures}
    assert [one for one in judges if judges[one].means(name)] == ([judge] if judge else [])


@given(st.text(max_size=40))
def test_spelling_is_done_once(name: str) -> None:
    once = spelled(name)
    assert spelled(once) == once
    assert not set(once) - set("abcdefghijklmnopqrstuvwxyz0123456789.-")


# --- what fits ------------------------------------------------------------------------------------------------------


def origin(script: str) -> str:
    return f"EIBench {script} lines 7, 9"


@pytest.fixture
def fit(published: Published) -> JudgedRun:
    """A run that may be held against the figures of LLaVA-1.5 with chain of thought."""
    return JudgedRun(
        task="eibench-basic",
        model="llava-hf/llava-1.5-13b-hf",
        strategy="direct+cot",
        hashes=published.hashes["eibench-basic"],
        prompts={"direct": origin(FAMILIES["llava"][0]), "cot": origin(FAMILIES["otter"][0])},
        judge="official-llama3",
        judge_model="Meta-Llama-3-8B-Instruct",
        judge_gen={},
        judge_prompts={"official": origin(JUDGES["official-llama3"][0])},
        n=1615,
    )


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"judge_gen": {"temperature": 0.1, "top_p": 0.9}}, ""),
    ({"prompts": {}}, "other prompts: direct"),
    ({"prompts": {"direct": "whyfeel v1", "cot": origin(FAMILIES["llava"][0])}}, "other prompts: direct"),
    ({"prompts": {"direct": origin(FAMILIES["llava"][0]), "cot": "mine.toml"}}, "other prompts: cot"),
    ({"prompts": {"direct": "EIBench.toml"}}, "other prompts: direct"),
    ({"prompts": {"direct": origin(FAMILIES["qwen"][0])}}, "another model's prompts"),
    ({"prompts": {"direct": origin(FAMILIES["llava"][1])}}, "another model's prompts"),  # those of the complex set
    ({"judge": "overlap", "judge_model": None}, "judged by overlap"),
    ({"judge": "official-gpt"}, "judged by official-gpt"),
    ({"judge_model": "gpt-4o"}, "judged by gpt-4o"),
    ({"judge_prompts": {}}, "run.json does not tell the judge's prompt"),
    ({"judge_prompts": {"official": "whyfeel v1"}}, "other prompts: the judge's"),
    ({"judge_prompts": {"official": origin(JUDGES["official-gpt"][0])}}, "other prompts: the judge's"),
    ({"judge_prompts": {"official": origin(JUDGES["official-llama3"][1])}}, "other prompts: the judge's"),
    ({"judge_gen": {"temperature": 0}}, "judge's temperature changed"),
    ({"judge_gen": {"seed": 1}}, "judge's seed changed"),
    ({"hashes": frozenset({"0" * 64})}, "other record files"),
    ({"n": 1614}, "1,614 of 1,615 samples"),
    ({"n": 20, "judge_model": "gpt-4o"}, "judged by gpt-4o"),  # the first reason
]


@pytest.mark.parametrize(("change", "why"), CHANGES)
def test_the_first_reason_why_a_run_is_not_comparable(
    published: Published, fit: JudgedRun, change: dict[str, Any], why: str
) -> None:
    one = figure(published, "basic", "User Question & CoT", "LLaVA-1.5 (13B)", LLAMA)
    run = replace(fit, **change)
    assert of_row(one, run)
    assert unfit(one, run, published) == why


def test_a_run_is_of_the_rows_of_its_task_model_and_setting_alone(published: Published, fit: JudgedRun) -> None:
    def rows(run: JudgedRun) -> set[tuple[str, str]]:
        return {(one.setting, one.model.name) for one in published.figures if of_row(one, run)}

    cot, model = "User Question & CoT", "LLaVA-1.5 (13B)"
    assert rows(fit) == {(cot, model)}
    assert rows(replace(fit, strategy="direct")) == {("User Question", model)}
    assert rows(replace(fit, strategy="caption")) == {("User Question & Caption", model)}
    assert rows(replace(fit, strategy="direct", task="eibench-complex")) == {("Open-Source", model)}
    assert rows(replace(fit, model="llava-v1.6-34b")) == {(cot, "LLaVA-NEXT (34B)")}
    assert rows(replace(fit, model="llava-v1.6-34b", strategy="self-ask")) == {(cot, "CFSA (LLaVA-NEXT (34B))")}


def test_rows_of_which_not_all_was_published_are_never_verified(published: Published, fit: JudgedRun) -> None:
    barred = {(one.setting, one.model.name): one for one in published.figures if one.bar and one.judge.name == LLAMA}
    assert len(barred) == 9 + 1 + 2
    for one in barred.values():
        assert unfit(one, replace(fit, task=one.task), published) == one.bar


@pytest.mark.parametrize(
    ("task", "model", "strategy", "why"),
    [
        ("scenes", "gpt-4o", "direct", "not about EIBench: it is a run of scenes"),
        ("eibench-basic", "gpt-5", "direct", "the figures of eibench-basic are of no model 'gpt-5'"),
        ("eibench-complex", "llama3:8b-instruct", "direct", "the figures of eibench-complex are of no model"),
        ("eibench-basic", "gpt-4o", "direct+cot", "the figures of ChatGPT-4o are of direct, not of 'direct+cot'"),
        ("eibench-basic", "Otter", "answer file", "are of direct, caption, direct+cot, not of 'answer file'"),
        ("eibench-basic", "llava-v1.6-34b", "self-ask", ""),
        ("eibench-basic", "llama3:8b-instruct", "caption(text-only)", ""),
    ],
)
def test_why_a_run_is_of_no_row(published: Published, task: str, model: str, strategy: str, why: str) -> None:
    said = left_out(published.figures, task, model, strategy)
    assert why in said
    assert bool(said) == bool(why)

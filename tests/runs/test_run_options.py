from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.errors import UserError
from whyfeel.runs import RunOptions, parse_settings, run_options
from whyfeel.runs.options import OURS

NEEDED = {"task": "scenes", "model": "baseline:echo", "out": Path("r")}


def config(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(given: dict[str, object], path: Path | None = None) -> str:
    with pytest.raises(UserError) as refused:
        run_options(given, path)
    return str(refused.value)


def test_the_defaults_are_those_of_the_docs() -> None:
    options = run_options(NEEDED)
    assert options.model_dump() == {
        **NEEDED,
        "strategy": "direct",
        "helper": None,
        "judge": "overlap",
        "seed": 0,
        "concurrency": 32,
        "gen": {},
        "judge_gen": {},
        **dict.fromkeys(("judge_model", "data", "images", "prompts", "limit", "sample", "rpm", "tpm")),
        **dict.fromkeys(("max_calls", "max_cost", "prices", "captioner", "captions", "max_side", "batch")),
        **dict.fromkeys(("controls", "until", "embedder", "against", "ray", "actors")),
        **dict.fromkeys(("allow_urls", "local_only", "see_image"), False),
        "reuse": (),
        "allow_host": (),
    }


def test_a_config_stands_under_the_command_line_whose_silence_changes_nothing(tmp_path: Path) -> None:
    path = config(
        tmp_path,
        'task = "scenes"\nmodel = "vllm:a"\nout = "there"\nseed = 3\njudge-model = "vllm:b"\nmax_calls = 7\n'
        'reuse = ["x", "y"]\n[gen]\ntemperature = 0.5\nstop = ["END"]\n[judge-gen]\nseed = 1\n',
    )
    options = run_options({"model": "vllm:c", "out": Path("here"), "seed": None, "judge_model": None}, path)
    assert (options.model, options.out, options.seed) == ("vllm:c", Path("here"), 3)
    assert (options.judge_model, options.max_calls) == ("vllm:b", 7)
    assert options.gen == {"temperature": 0.5, "stop": ["END"]}
    assert options.judge_gen == {"seed": 1}
    assert options.reuse == (Path("x"), Path("y"))


@pytest.mark.parametrize("name", ["max-calls", "max_calls"])
def test_dashes_and_underscores_name_the_same_option(tmp_path: Path, name: str) -> None:
    assert run_options(NEEDED, config(tmp_path, f"{name} = 4")).max_calls == 4


def test_an_option_given_on_the_command_line_replaces_the_whole_table_of_the_config(tmp_path: Path) -> None:
    path = config(tmp_path, "[gen]\ntemperature = 0.5\n")
    assert run_options(NEEDED | {"gen": {"max_tokens": 9}}, path).gen == {"max_tokens": 9}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("modle = 'a'", "did you mean 'model'?"),
        ("concurency = 2", "did you mean 'concurrency'?"),
        ("banana = 1", "'banana', which is no option of a run"),
        ("limit = 'ten'", "--limit: input should be a valid integer"),
        ("limit = 1.5", "--limit"),
        ("limit = 0", "--limit: input should be greater than 0; got 0"),
        ("sample = -1", "--sample"),
        ("seed = 'x'", "--seed"),
        ("gen = 'temperature=0'", "--gen"),
        ("judge = 3", "--judge"),
        ("concurrency = 5000", "--concurrency"),
        ("rpm = 0", "--rpm"),
        ("max-calls = -1", "--max-calls"),
        ("max-cost = -0.5", "--max-cost"),
        ("max-cost = nan", "--max-cost"),
        ("reuse = 3", "--reuse"),
        ("[gen]\ntemperature = nan", "--gen: the settings cannot be sent as JSON"),
        ("[judge-gen]\ntop_p = inf", "--judge-gen: the settings cannot be sent as JSON"),
        ("[gen]\nstop = 2024-01-01", "--gen"),
        ('prompts = "a\\u0000b"', "--prompts: a path cannot hold the character 0"),
        ("limit = 1\nsample = 2", "--limit takes the first samples and --sample draws some"),
        ("actors = 2", "--actors says how many actors of Ray do the work: it needs --ray"),
        ("ray = 'local'\nactors = 0", "--actors: input should be greater than 0; got 0"),
        ("ray = ''", "--ray"),
        ("ray = 'local'\nbatch = 'openai'", "--batch gathers requests in one process and --ray spreads them"),
        ("ray = 'local'\nuntil = 5", "--until stops by what is judged in order, and --ray judges out of order"),
        ("limit =", "is not a readable TOML file"),
        ("limit = 1\nlimit = 2", "is not a readable TOML file"),
    ],
)
def test_what_a_config_gets_wrong_is_named_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    message = refusal(dict(NEEDED), config(tmp_path, text))
    assert said in message
    assert "\n" not in message.split("TOML file")[0]


def test_a_config_that_is_no_text_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    for name in ("binary.toml", "nowhere.toml", "."):
        assert "--config" in refusal(dict(NEEDED), tmp_path / name)


@pytest.mark.parametrize(("missing", "flag"), [("task", "TASK"), ("model", "--model"), ("out", "--out")])
def test_what_is_missing_is_named_as_it_is_written(missing: str, flag: str) -> None:
    message = refusal({name: value for name, value in NEEDED.items() if name != missing})
    assert message.startswith(f"{flag} is needed")


def test_a_path_too_long_for_the_system_is_the_users_mistake() -> None:
    assert "too long" in refusal(NEEDED | {"data": Path("a" * 300)})


def test_options_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        RunOptions(task="a", model="b", out=Path("c")).seed = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("texts", "settings"),
    [
        (None, None),
        ([], None),
        (["temperature=0,max_tokens=512"], {"temperature": 0, "max_tokens": 512}),
        (["temperature=0", "top_p=0.5"], {"temperature": 0, "top_p": 0.5}),
        (["stop=END"], {"stop": "END"}),
        (['stop="END"'], {"stop": "END"}),
        (["stop="], {"stop": ""}),
        (["a=b=c"], {"a": "b=c"}),
        ([" a = 1 , b = true "], {"a": 1, "b": True}),
        (["temperature=null"], {"temperature": None}),
        (['{"stop": ["a", "b"], "n": 1}', "n=2"], {"stop": ["a", "b"], "n": 2}),
        (["reasoning={}"], {"reasoning": {}}),
        (["a=" + "[" * 100_000], {"a": "[" * 100_000}),
    ],
)
def test_settings_are_json_where_they_can_be(texts: list[str] | None, settings: object) -> None:
    assert parse_settings(texts, "--gen") == settings


@pytest.mark.parametrize("text", ["", "temperature", "=1", "a=1,", "a=1,,b=2", "{", "{]", '{"a": 1', "{" * 100_000])
def test_settings_that_are_no_pairs_are_refused_with_the_flag(text: str) -> None:
    with pytest.raises(UserError, match="--judge-gen"):
        parse_settings([text], "--judge-gen")


@pytest.mark.parametrize("text", ["temperature=NaN", "temperature=1e999", '{"a": [-Infinity]}', '{"a": {"b": NaN}}'])
def test_settings_that_json_cannot_carry_are_refused_before_anything_is_planned(text: str) -> None:
    assert "--gen" in refusal(NEEDED | {"gen": parse_settings([text], "--gen")})


names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1)
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(st.dictionaries(names, plain | st.text(st.characters(exclude_characters=",", codec="utf-8"))))
def test_what_is_written_as_pairs_is_read_back(settings: dict[str, object]) -> None:
    text = ",".join(f"{name}={json.dumps(value)}" for name, value in settings.items())
    assert (parse_settings([text], "--gen") if text else {}) == settings


values = st.recursive(
    plain | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@given(st.dictionaries(st.text().filter(lambda name: name not in OURS), values))
def test_any_json_object_is_taken_as_it_is(settings: dict[str, object]) -> None:
    assert parse_settings([json.dumps(settings)], "--gen") == settings
    assert run_options(NEEDED | {"gen": settings}).gen == settings


@pytest.mark.parametrize("name", ["model", "messages", "stream"])
def test_a_setting_that_is_no_sampling_setting_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=rf"\A--gen: '{name}' is no sampling setting"):
        run_options({"task": "scenes", "model": "baseline:echo", "out": Path("r"), "gen": {name: "x"}})


def test_two_spellings_of_a_number_are_one_setting() -> None:
    """Else a run resumed under the other spelling would pay for every answer again."""
    told = [
        run_options({"task": "t", "model": "m", "out": Path("r"), "gen": {"temperature": zero, "top_p": 0.5}}).gen
        for zero in (0, 0.0)
    ]
    assert [repr(settings["temperature"]) for settings in told] == ["0", "0"]
    assert told[0]["top_p"] == 0.5

"""What a user writes, with some of it changed: taken, or refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutating import Edits, edits, often, one_line, tried

from whyfeel.errors import DataError, UserError
from whyfeel.models import load_prices
from whyfeel.prompts import load_prompts, shipped_prompts
from whyfeel.records import canonical
from whyfeel.runs import parse_settings, run_options

PAIRS = [
    b"temperature=0.5,max_tokens=512,stop=END",
    b'{"temperature": 0.5, "stop": ["a,b"], "chat_template_kwargs": {"enable_thinking": false}}',
    b"seed=null,top_k=7,response_format={}",
]
PROMPTS = b"""[direct]
user = '''$question Be brief. $$5'''

[cot]
suffix = "Think."

[official]
user = "$answer|$truth"
"""
CONFIG = b'task = "scenes"\nmodel = "baseline:echo"\nout = "r"\nseed = 3\nmax-side = 512\n[gen]\ntemperature = 0.5\n'
PRICES = (
    b'[openai."gpt-4o"]\nin = 2.5\nout = 10\nas_of = 2026-11-05\n\n[any.mock]\nin = 0\nout = 0.2\nas_of = 2026-11-05\n'
)


@given(edits, st.sampled_from(PAIRS))
@often(400)
def test_settings_are_sent_as_json_or_refused(change: Edits, pairs: bytes) -> None:
    text = change.of(pairs).decode("utf-8", "surrogateescape")
    told = {"task": "scenes", "model": "baseline:echo", "out": Path("r")}
    options = tried(lambda: run_options(told | {"gen": parse_settings([text], "--gen")}), UserError)
    if isinstance(options, UserError):
        assert "--gen" in str(options)
        return
    assert json.loads(canonical(options.gen)) == options.gen
    assert not {"model", "messages", "stream"} & options.gen.keys()


@given(edits)
@often(250)
def test_prompts_of_a_file_can_be_filled_in_or_are_refused(tmp_path: Path, change: Edits) -> None:
    file = tmp_path / "prompts.toml"
    file.write_bytes(change.of(PROMPTS))
    prompts = tried(lambda: load_prompts(str(file)), DataError)
    if isinstance(prompts, DataError):
        assert one_line(prompts).startswith("--prompts: ")
        return
    assert prompts.texts.keys() == shipped_prompts().texts.keys()
    said = prompts.fill("direct", "user", question="Why $x?", question_lower="why $x?")
    assert "why $x?" in said.lower()
    prompts.fill("official", "user", answer="a", truth="t")
    assert json.loads(json.dumps(prompts.manifest())) == prompts.manifest()


@given(edits)
@often(250)
def test_a_config_is_taken_or_refused(tmp_path: Path, change: Edits) -> None:
    file = tmp_path / "run.toml"
    file.write_bytes(change.of(CONFIG))
    options = tried(lambda: run_options({}, file), UserError)
    if isinstance(options, UserError):
        one_line(options)
        return
    canonical([options.gen, options.seed])  # both stand in run.json
    assert options.max_side is None or 16 <= options.max_side <= 65_535


@given(edits)
@often(250)
def test_prices_are_taken_or_refused(tmp_path: Path, change: Edits) -> None:
    file = tmp_path / "prices.toml"
    file.write_bytes(change.of(PRICES))
    prices = tried(lambda: load_prices(file), UserError)
    if isinstance(prices, UserError):
        one_line(prices)
        return
    for price in prices.values():
        assert 0 <= price.cost(10, 10) < float("inf")


def test_what_is_spoilt_is_sound_before(tmp_path: Path) -> None:
    """Else nothing here would reach further than the first check."""
    for name, data in (("p", PROMPTS), ("c", CONFIG), ("m", PRICES)):
        (tmp_path / name).write_bytes(data)
    assert "Be brief" in load_prompts(str(tmp_path / "p")).fill("direct", "user", question="?")
    assert run_options({}, tmp_path / "c").max_side == 512
    assert load_prices(tmp_path / "m")["any", "mock"].cost(0, 10) == 2e-6
    assert all(parse_settings([text.decode()], "--gen") for text in PAIRS)


@pytest.mark.parametrize("number", ["9" * 4301, "0x" + "f" * 4000], ids=["decimal", "hexadecimal"])
def test_a_number_of_thousands_of_digits_is_refused(tmp_path: Path, number: str) -> None:
    """Python reads the one from no text and writes the other to none: each raises a ValueError somewhere else."""
    for line in (f"max-side = {number}", f"seed = {number}", f"gen = {{ top_k = {number} }}"):
        config = tmp_path / "run.toml"
        config.write_text(f'task = "scenes"\nmodel = "baseline:echo"\nout = "r"\n{line}\n')
        with pytest.raises(UserError) as refused:
            run_options({}, config)
        assert len(one_line(refused.value)) < 1000
    prices = tmp_path / "prices.toml"
    prices.write_text(f"[any.mock]\nin = {number}\nout = 0\nas_of = 2026-11-05\n")
    with pytest.raises(DataError, match=r"\A--prices: |\A'?/.*: \[any") as refused:
        load_prices(prices)
    assert len(one_line(refused.value)) < 1000

"""Every preset against a server of ours that is as particular as its provider."""

from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiohttp import web
from PIL import Image
from provider_server import ANSWER, KEY, THOUGHT, Provider, picture_in, providers

from whyfeel.engine import Reply, Request
from whyfeel.errors import CallFailed, KeyRefused, UserError
from whyfeel.media import Loaded
from whyfeel.models import Endpoint, build_model, preset_states
from whyfeel.models.presets import PRESETS
from whyfeel.records import Ask, Media, Message, Picture, Text

Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]

OUT = io.BytesIO()
Image.new("RGB", (3, 2), "red").save(OUT, "PNG")
MEDIA = Media("1.png")
SCHEMA = {"type": "object", "properties": {"why": {"type": "string"}}}
GEN = {"temperature": 0, "max_tokens": 64, "seed": 3}
REQUEST = Request(
    "k",
    Ask(
        "judge",
        (Message("system", (Text("Be brief."),)), Message("user", (Picture(MEDIA), Text("Why is she sad?")))),
        GEN,
        SCHEMA,
    ),
    pictures={MEDIA: Loaded(OUT.getvalue())},
)
SERVED = Reply(ANSWER, "ok", "stop", 100, 20, "m-served")


@dataclass(frozen=True)
class Expected:
    """What comes of the request above: the reply, how many calls it took, and the last call's settings."""

    reply: Reply
    calls: int
    settings: dict[str, Any]


STRICT = {**SCHEMA, "required": ["why"], "additionalProperties": False}
FORMAT = {"type": "json_schema", "json_schema": {"name": "judge", "schema": STRICT, "strict": True}}
AS_ASKED = {**GEN, "response_format": FORMAT}
LIMITED = {"max_completion_tokens": 64, "seed": 3, "response_format": FORMAT}

EXPECTED = {
    "openai": Expected(replace(SERVED, left_out=("temperature",)), 2, LIMITED),
    "anthropic": Expected(
        replace(SERVED, finish="end_turn", reasoning=THOUGHT, left_out=("seed",)),
        2,
        {
            "max_tokens": 64,
            "temperature": 0,
            "system": "Be brief.",
            "output_config": {"format": {"type": "json_schema", "schema": STRICT}},
        },
    ),
    "gemini": Expected(
        replace(SERVED, left_out=("seed",)), 2, {"temperature": 0, "max_tokens": 64, "response_format": FORMAT}
    ),
    "openrouter": Expected(replace(SERVED, reasoning=THOUGHT, cost=0.00125), 1, AS_ASKED),
    "dashscope": Expected(replace(SERVED, reasoning=THOUGHT, left_out=("response_format",)), 2, GEN),
    "together": Expected(replace(SERVED, finish="eos", reasoning=THOUGHT), 1, AS_ASKED),
    "mistral": Expected(
        replace(SERVED, reasoning=THOUGHT),
        1,
        {"temperature": 0, "max_tokens": 64, "random_seed": 3, "response_format": FORMAT},
    ),
    "ollama": Expected(replace(SERVED, reasoning=THOUGHT), 1, AS_ASKED),
    "vllm": Expected(replace(SERVED, reasoning=THOUGHT), 1, AS_ASKED),
    "lmstudio": Expected(SERVED, 1, AS_ASKED),
}


@pytest.fixture
def reach(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Awaitable[tuple[Endpoint, Provider]]]:
    """Start a provider's server and build the model as a user would: the key and the address in the environment."""

    async def start(name: str, spec: str = "{name}:m") -> tuple[Endpoint, Provider]:
        provider, preset = providers()[name], PRESETS[name]
        base = await serve(provider.handle)
        monkeypatch.setenv(preset.url_variable, base)
        if provider.needs_key:
            monkeypatch.setenv(preset.key_variable, KEY)
            monkeypatch.setenv("WHYFEEL_API_KEY", KEY)
        model = build_model(spec.format(name=name, base=base), "judge", {})
        assert isinstance(model, Endpoint)
        return model, provider

    return start


def test_every_preset_has_its_server() -> None:
    assert set(EXPECTED) == set(providers()) == set(PRESETS)


@pytest.mark.parametrize("name", EXPECTED)
async def test_a_preset_speaks_with_its_provider(name: str, reach: Any) -> None:
    model, provider = await reach(name)
    expected = EXPECTED[name]
    try:
        assert await model.answer(REQUEST) == expected.reply
        assert len(provider.seen) == expected.calls
        body = provider.seen[-1]
        assert {key: body[key] for key in body if key not in {"model", "messages"}} == expected.settings
        assert body["model"] == "m"
        assert picture_in(body) == OUT.getvalue()
        assert ("Be brief." in json.dumps(body["messages"])) == (name != "anthropic")
        # what was learned is known from now on
        assert await model.answer(REQUEST) == expected.reply
        assert len(provider.seen) == expected.calls + 1
        assert await model.names() == ["m"]
    finally:
        await model.close()


@pytest.mark.parametrize("name", [name for name, provider in providers().items() if provider.needs_key])
async def test_a_wrong_key_is_refused(name: str, reach: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model, provider = await reach(name)
    await model.close()
    monkeypatch.setenv(PRESETS[name].key_variable, "another-key-entirely")
    model = build_model(f"{name}:m", "judge", {})
    with pytest.raises(KeyRefused):
        await model.answer(REQUEST)
    await model.close()
    assert provider.seen == []


async def test_any_server_by_its_address_is_adapted_to(reach: Any) -> None:
    """The new name of the limit, no temperature: both learned from the server."""
    model, provider = await reach("openai", "{base}#m")
    assert await model.answer(REQUEST) == replace(SERVED, left_out=("temperature",))
    assert len(provider.seen) == 3
    assert {key: provider.seen[-1][key] for key in LIMITED} == LIMITED
    await model.close()


async def test_a_setting_that_the_user_insists_on_is_not_left_out(reach: Any) -> None:
    model, provider = await reach("gemini")
    with pytest.raises(CallFailed, match="seed") as failed:
        await model.answer(replace(REQUEST, insisted=frozenset({"seed"})))
    assert (failed.value.reason, failed.value.again) == ("rejected", False)
    assert len(provider.seen) == 1
    await model.close()


async def test_one_of_two_settings_that_exclude_each_other_is_left_out(reach: Any) -> None:
    model, _ = await reach("anthropic")
    ask = replace(REQUEST.ask, gen={"temperature": 0.1, "top_p": 0.9, "max_tokens": 512})
    reply = await model.answer(replace(REQUEST, ask=ask))
    assert (reply.text, reply.left_out) == (ANSWER, ("top_p",))
    await model.close()


async def test_json_is_asked_for_where_the_prompt_speaks_of_it(reach: Any) -> None:
    model, provider = await reach("dashscope")
    ask = replace(REQUEST.ask, messages=(Message("user", (Picture(MEDIA), Text("Why? Answer in JSON."))),))
    assert (await model.answer(replace(REQUEST, ask=ask))).left_out == ()
    assert provider.seen[0]["response_format"] == {"type": "json_object"}
    await model.close()


class TestPresets:
    def test_addresses_and_variables(self) -> None:
        """Each as its provider documents it."""
        assert {p.name: (p.base_url, *p.key_variables, p.url_variable) for p in PRESETS.values()} == {
            "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
            "anthropic": ("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
            "gemini": (
                *("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", "GOOGLE_API_KEY"),
                "GOOGLE_GEMINI_BASE_URL",
            ),
            "openrouter": ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "OPENROUTER_BASE_URL"),
            "dashscope": (
                *("https://dashscope.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
                "DASHSCOPE_BASE_URL",
            ),
            "together": (
                *("https://api.together.xyz/v1", "TOGETHER_API_KEY", "TOGETHERAI_API_KEY"),
                "TOGETHER_BASE_URL",
            ),
            "mistral": ("https://api.mistral.ai/v1", "MISTRAL_API_KEY", "MISTRAL_BASE_URL"),
            "ollama": ("http://127.0.0.1:11434/v1", "OLLAMA_API_KEY", "OLLAMA_HOST"),
            "vllm": ("http://127.0.0.1:8000/v1", "VLLM_API_KEY", "VLLM_BASE_URL"),
            "lmstudio": ("http://127.0.0.1:1234/v1", "LM_API_TOKEN", "LM_STUDIO_BASE_URL"),
        }

    def test_only_local_servers_are_free_and_without_a_key(self) -> None:
        for preset in PRESETS.values():
            local = preset.base_url.startswith("http://127.0.0.1:")
            assert (preset.free, not preset.key_needed) == (local, local)

    @pytest.mark.parametrize(
        ("name", "second"), [(p.name, p.second_key_variable) for p in PRESETS.values() if p.second_key_variable]
    )
    def test_the_second_variable_is_read_where_the_first_is_not_set(
        self, name: str, second: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def state() -> tuple[str, bool]:
            return next((s.key_variable, s.key_set) for s in preset_states() if s.preset.name == name)

        first = PRESETS[name].key_variable
        assert state() == (first, False)
        with pytest.raises(UserError, match=first):
            build_model(f"{name}:m", "answer", {})
        monkeypatch.setenv(second, KEY)
        assert state() == (second, True)
        build_model(f"{name}:m", "answer", {})
        monkeypatch.setenv(first, "another")
        assert state() == (first, True)

    @pytest.mark.parametrize(
        ("name", "own", "address"),
        [
            ("anthropic", "https://proxy.example", "https://proxy.example/v1"),
            ("anthropic", "https://proxy.example/claude/v1", "https://proxy.example/claude/v1"),
            ("gemini", "https://proxy.example/", "https://proxy.example/v1beta/openai"),
            ("openrouter", "https://eu.openrouter.ai", "https://eu.openrouter.ai/api/v1"),
            (
                *("dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
                "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            ),
            ("lmstudio", "10.0.0.7", "http://10.0.0.7:1234/v1"),
        ],
    )
    def test_an_address_without_a_path_gets_the_providers(
        self, name: str, own: str, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PRESETS[name].url_variable, own)
        monkeypatch.setenv(PRESETS[name].key_variable, KEY)
        assert build_model(f"{name}:m", "answer", {}).address == address

    def test_local_only_refuses_a_public_provider_and_takes_ones_own_server(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        for spec in ("vllm:m", "http://192.168.1.5:8000/v1#m", "http://[::1]:1/v1#m"):
            assert build_model(spec, "answer", {}, local_only=True).name == "m"
        with pytest.raises(UserError, match=r"93\.184\.215\.14"):
            build_model("http://93.184.215.14/v1#m", "answer", {}, local_only=True)

"""From what a user writes after `--model` to a model; no secret is ever repeated."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from whyfeel.engine import Price
from whyfeel.errors import DataError, UserError
from whyfeel.models import ANY_SERVER_KEY, Endpoint, build_model, load_prices, preset_states
from whyfeel.models.presets import PRESETS

DAY = date(2026, 11, 5)
PRICES = {
    ("openai", "gpt-4o"): Price(2.5, 10.0, DAY),
    ("any", "qwen"): Price(1.0, 2.0, DAY),
    ("vllm", "paid"): Price(3.0, 4.0, DAY),
}
SECRET = "sk-very-secret"


def build(spec: str) -> Endpoint:
    model = build_model(spec, "answer", PRICES)
    assert isinstance(model, Endpoint)
    return model


def refused(spec: str) -> str:
    with pytest.raises(UserError, match=r"\A[^\n]+\Z") as error:
        build_model(spec, "answer", PRICES)
    return str(error.value)


def url(endpoint: Endpoint) -> str:
    return endpoint.address + endpoint._dialect.path


def key(endpoint: Endpoint) -> str | None:
    """The key that calls would carry."""
    headers = endpoint._connection._headers
    return headers.get("x-api-key") or headers.get("Authorization", "").removeprefix("Bearer ") or None


class TestForms:
    def test_a_provider_and_a_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", f" {SECRET}\n")
        model = build("openai:gpt-4o")
        assert (model.name, model.address) == ("gpt-4o", "https://api.openai.com/v1")
        assert model.price == Price(2.5, 10.0, DAY)
        assert key(model) == SECRET
        assert build("openai:ft:gpt-4o:me").name == "ft:gpt-4o:me"
        assert build("openai:unpriced").price is None

    @pytest.mark.parametrize(
        ("spec", "address"),
        [
            ("ollama:llava:7b", "http://127.0.0.1:11434/v1"),
            ("vllm:Qwen/Qwen2-VL", "http://127.0.0.1:8000/v1"),
            ("lmstudio:qwen/qwen3-vl-8b", "http://127.0.0.1:1234/v1"),
        ],
    )
    def test_a_server_of_ones_own_needs_no_key_and_costs_nothing(self, spec: str, address: str) -> None:
        model = build(spec)
        assert (f"{spec.partition(':')[0]}:{model.name}", model.address) == (spec, address)
        assert key(model) is None
        assert model.price == Price(0.0, 0.0)
        assert build("vllm:paid").price == Price(3.0, 4.0, DAY)

    @pytest.mark.parametrize(
        ("spec", "name", "sent_to"),
        [
            ("http://127.0.0.1:8000/v1#m", "m", "http://127.0.0.1:8000/v1/chat/completions"),
            ("https://h/v1/#m", "m", "https://h/v1/chat/completions"),
            ("http://[::1]:8000/v1#m", "m", "http://[::1]:8000/v1/chat/completions"),
            ("http://h:1/a/b/v1#Qwen/Qwen2-VL:7b", "Qwen/Qwen2-VL:7b", "http://h:1/a/b/v1/chat/completions"),
            ("http://h/v1#a#b", "a#b", "http://h/v1/chat/completions"),
        ],
    )
    def test_any_server_by_its_address(self, spec: str, name: str, sent_to: str) -> None:
        model = build(spec)
        assert (model.name, url(model)) == (name, sent_to)
        assert model.price is None

    def test_any_server_may_be_priced_by_its_models_name(self) -> None:
        assert build("http://h/v1#qwen").price == Price(1.0, 2.0, DAY)

    def test_a_providers_key_is_never_sent_to_another_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        assert key(build("http://h/v1#m")) is None
        monkeypatch.setenv(ANY_SERVER_KEY, "another")
        assert key(build("http://h/v1#m")) == "another"
        assert key(build("openai:gpt-4o")) == SECRET
        assert key(build("ollama:m")) is None

    @pytest.mark.parametrize("spec", ["", "gpt-4o", "openai:", "replay:", ":", "vllm"])
    def test_what_is_no_form_is_refused_with_the_forms(self, spec: str) -> None:
        message = refused(spec)
        assert "http://host:port/v1#NAME" in message
        assert "replay:RUN" in message
        assert all(name in message for name in PRESETS)

    @pytest.mark.parametrize(
        ("spec", "near"), [("opena:m", "openai"), ("olama:m", "ollama"), ("vlm:m", "vllm"), ("repaly:x", "replay")]
    )
    def test_an_unknown_provider_is_met_with_a_guess(self, spec: str, near: str) -> None:
        message = refused(spec)
        assert repr(spec.partition(":")[0]) in message
        assert f"did you mean {near!r}?" in message

    def test_a_provider_unlike_any_other_is_met_without_one(self) -> None:
        assert "did you mean" not in refused("zzzz:m")

    @pytest.mark.parametrize("value", [None, "", "  \n"])
    def test_a_missing_key_is_named_by_its_variable(self, value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        if value is not None:
            monkeypatch.setenv("OPENAI_API_KEY", value)
        assert refused("openai:gpt-4o") == "openai:gpt-4o: no key; set the environment variable OPENAI_API_KEY"


class TestAddresses:
    @pytest.mark.parametrize(
        "spec",
        [
            f"http://user:{SECRET}@h/v1#m",
            f"https://{SECRET}@h/v1#m",
            f"http://:{SECRET}@h/v1#m",
            f"http://h/v1?key={SECRET}#m",
        ],
    )
    def test_an_address_that_holds_a_secret_is_refused_unspoken(self, spec: str) -> None:
        message = refused(spec)
        assert SECRET not in message
        assert ANY_SERVER_KEY in message

    @pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "OLLAMA_HOST", "VLLM_BASE_URL"])
    @pytest.mark.parametrize("form", ["http://user:{}@h/v1", "http://h/v1?key={}", "user:{}@h:1"])
    def test_so_is_one_in_a_variable(self, variable: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        monkeypatch.setenv(variable, form.format(SECRET))
        message = refused(f"{variable.partition('_')[0].lower()}:m")
        assert message.startswith(variable)
        assert SECRET not in message

    @pytest.mark.parametrize(
        "address",
        [
            *("http:", "http://", "http:///v1", "http://:8000/v1", "http://h:0/v1", "http://h:99999/v1"),
            *(
                "http://h:x/v1",
                "http://[::g]/v1",
                "http://[::1/v1",
                "https:/h/v1",
                "http://a\\b/v1",
                "http://h\udc80/v1",
            ),
        ],
    )
    def test_what_is_no_address_is_refused(self, address: str) -> None:
        assert "expected an address such as http://127.0.0.1:8000/v1" in refused(f"{address}#m")

    @pytest.mark.parametrize("spec", ["http://h/v1", "http://h/v1#", "https://h"])
    def test_a_server_without_a_models_name_is_refused(self, spec: str) -> None:
        assert "#NAME" in refused(spec)

    @pytest.mark.parametrize(
        ("host", "address"),
        [
            ("http://10.0.0.5:11434", "http://10.0.0.5:11434/v1"),
            ("10.0.0.5:11434", "http://10.0.0.5:11434/v1"),
            ("https://h/", "https://h/v1"),
            ("https://h/ollama/v1", "https://h/ollama/v1"),
            ("https://h/ollama/v1/", "https://h/ollama/v1"),
            ("  h:5000\n", "http://h:5000/v1"),
            ("", "http://127.0.0.1:11434/v1"),
            ("10.0.0.5", "http://10.0.0.5:11434/v1"),
        ],
    )
    def test_ollama_host_is_read_as_ollama_reads_it(
        self, host: str, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OLLAMA_HOST", host)
        assert build("ollama:m").address == address

    def test_the_usual_variable_moves_a_provider(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/proxy/v1/")
        model = build("openai:gpt-4o")
        assert url(model) == "http://127.0.0.1:9/proxy/v1/chat/completions"
        assert (model.name, key(model)) == ("gpt-4o", SECRET)


def test_the_states_tell_whether_a_key_is_set_and_never_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("VLLM_BASE_URL", "http://gpu:8000/v1")
    states = {state.preset.name: state for state in preset_states()}
    assert list(states) == list(PRESETS)
    assert states["openai"].key_set
    assert not states["vllm"].key_set
    assert states["vllm"].base_url == "http://gpu:8000/v1"
    assert SECRET not in repr(states)


class TestPrices:
    def test_the_shipped_prices_are_sound_and_dated(self) -> None:
        prices = load_prices()
        assert ("openai", "gpt-4o") in prices
        for (provider, name), entry in prices.items():
            assert provider in PRESETS
            assert name
            assert 0 < entry.tokens_in < entry.tokens_out < 1000
            assert entry.as_of is not None
            assert entry.as_of >= date(2026, 1, 1)

    def test_a_price_is_in_dollars_per_million_tokens(self) -> None:
        assert Price(2.5, 10.0).cost(1_000_000, 100_000) == 3.5
        assert Price(2.5, 10.0).cost(0, 0) == 0
        assert Price(2.5, 10.0).cost(None, 5) is None
        assert Price(2.5, 10.0).cost(5, None) is None

    def test_the_users_prices_stand_over_the_shipped(self, tmp_path: Path) -> None:
        own = tmp_path / "prices.toml"
        own.write_text(
            '[openai."gpt-4o"]\nin = 1\nout = 2.5\nas_of = 2027-01-31\n'
            '[any."qwen"]\nin = 0\nout = 0.0\nas_of = 2027-01-31\n'
        )
        prices = load_prices(own)
        assert prices["openai", "gpt-4o"] == Price(1.0, 2.5, date(2027, 1, 31))
        assert prices["any", "qwen"] == Price(0.0, 0.0, date(2027, 1, 31))
        shipped = load_prices()
        assert {key: prices[key] for key in shipped if key != ("openai", "gpt-4o")} == {
            key: entry for key, entry in shipped.items() if key != ("openai", "gpt-4o")
        }

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ('[openai."m"]\nin = 1\nout = 2', "must have the keys in, out"),
            ('[openai."m"]\nin = 1\nout = 2\nas_of = 2027-01-31\nper = "k"', "must have the keys in, out"),
            ("openai = 3", "must have the keys in, out"),
            ("[openai]\nm = 3", "must have the keys in, out"),
            ('[openai."m"]\nin = -1\nout = 2\nas_of = 2027-01-31', "0 or more; got (-1, 2)"),
            ('[openai."m"]\nin = nan\nout = 2\nas_of = 2027-01-31', "0 or more"),
            ('[openai."m"]\nin = inf\nout = 2\nas_of = 2027-01-31', "0 or more"),
            ('[openai."m"]\nin = "1"\nout = 2\nas_of = 2027-01-31', "0 or more"),
            ('[openai."m"]\nin = true\nout = 2\nas_of = 2027-01-31', "0 or more"),
            (f'[openai."m"]\nin = 1{"0" * 400}\nout = 2\nas_of = 2027-01-31', "0 or more"),
            ('[openai."m"]\nin = 1\nout = 2\nas_of = "yesterday"', "must be a date such as"),
            ('[openai."m"]\nin = 1\nout = 2\nas_of = 2027', "must be a date such as"),
            ("[openai", "is not a readable TOML file"),
            ("x = " + "[" * 100_000, "is not a readable TOML file"),
        ],
    )
    def test_a_bad_entry_is_refused_in_one_line(self, tmp_path: Path, text: str, says: str) -> None:
        own = tmp_path / "prices.toml"
        own.write_text(text)
        with pytest.raises(DataError, match=r"\A[^\n]*prices\.toml[^\n]*\Z") as error:
            load_prices(own)
        assert says in str(error.value)

    def test_a_file_that_cannot_be_read_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "latin.toml").write_bytes(b"# caf\xe9")
        for path in (tmp_path, tmp_path / "nothing.toml", tmp_path / "latin.toml"):
            with pytest.raises(DataError, match=r"\A--prices: [^\n]+\Z"):
                load_prices(path)

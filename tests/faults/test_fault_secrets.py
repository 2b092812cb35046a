"""A key goes to its own endpoint and nowhere else, also when the endpoint says it back."""

from __future__ import annotations

import json

import pytest
from chat_server import Say, chat, good, words

KEY = "sk-planted/key+0123456789-ABCDEFG"
HIDDEN = "[key removed]"


def echoed(call):
    """The key as the server got it."""
    kind, _, key = call.headers["authorization"].partition(" ")
    assert kind == "Bearer"
    return key


def shapes(key):
    """How a server's JSON may write it: as it is, with the slashes that PHP escapes, and all in escapes."""
    return [key, key.replace("/", "\\/"), "".join(f"\\u{ord(c):04x}" for c in key)]


def answering(shape):
    def script(call):
        if call.model == "judge":
            return good(call)
        body = good(call).body.replace(b"The cause", b"Your key: " + shapes(echoed(call))[shape].encode() + b" cause")
        return Say(body)

    return script


def failing(status, template):
    """One person's question fails for ever with the key in the body."""

    def script(call):
        if call.model == "mock" and call.person == 5:
            return Say(template.replace(b"KEY", echoed(call).encode()), status, {"Retry-After": "0"})
        return good(call)

    return script


def assert_clean(folder, *texts):
    """The key is in no file and in none of the texts, in no spelling."""
    places = {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    assert any(name.endswith("ledger.sqlite") for name in places)
    places |= {f"text {n}": text.encode() for n, text in enumerate(texts)}
    for name, held in places.items():
        for shape in shapes(KEY):
            assert shape.encode() not in held, name
        assert b"planted" not in held, name


@pytest.mark.parametrize("shape", range(3), ids=["as it is", "slashes escaped", "all escaped"])
def test_an_answer_that_holds_the_key_is_kept_without_it(shape, few, serve, cli, args, lines, tmp_path):
    server, run = serve(answering(shape)), tmp_path / "run"
    done = cli.run(*args(few, server, run, "--json"), env={"WHYFEEL_API_KEY": KEY})
    assert done.status == 0, done.err
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {KEY}"}
    assert_clean(run, done.out, done.err)
    assert HIDDEN in lines(run / "responses.jsonl")[0]["text"]


@pytest.mark.parametrize(
    ("status", "template", "reason"),
    [
        (500, b'{"error":"bad things happened to KEY"}', "server error"),
        (400, b'{"error":"KEY"}', "rejected"),
        (400, b'{"error":"sk-planted\\/key+0123456789-ABCDEFG"}', "rejected"),
        (200, b"<html>KEY</html>", "bad reply"),
        (200, b'{"error":{"message":"KEY is over its quota"}}', "bad reply"),
        (200, b"x" * 470 + b"KEY", "bad reply"),
    ],
)
def test_a_failure_that_holds_the_key_is_told_without_it(
    status, template, reason, few, serve, here, lines, monkeypatch, capfd, tmp_path
):
    monkeypatch.setenv("WHYFEEL_API_KEY", KEY)
    run = tmp_path / "run"
    assert here(few, serve(failing(status, template)), run).summary["unscored"] == {reason: 1}
    assert_clean(run, *capfd.readouterr())
    assert lines(run / "responses.jsonl")[5]["unscored"]["reason"] == reason


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_that_holds_the_key_is_told_without_it(status, few, serve, cli, args, tmp_path):
    def script(call):
        key = echoed(call)
        return Say(f'{{"error":"no such key: {key} or {shapes(key)[1]}"}}'.encode(), status, {"X-Key": key})

    run = tmp_path / "run"
    done = cli.run(*args(few, serve(script), run), env={"WHYFEEL_API_KEY": KEY})
    assert done.status == 2
    assert HIDDEN in done.one_line()
    assert_clean(run, done.out, done.err)


def test_a_key_in_the_other_words_of_a_reply_is_removed_too(few, serve, here, ledger, monkeypatch, tmp_path):
    monkeypatch.setenv("WHYFEEL_API_KEY", KEY)
    escaped = shapes(KEY)[2].encode()

    def script(call):
        body = chat(words(call), "FINISH", model="served-to-KEY").body
        return Say(body.replace(b"KEY", escaped).replace(b"FINISH", escaped))

    run = tmp_path / "run"
    here(few, serve(script), run)
    assert set(ledger(run, "served, finish")) == {(f"served-to-{HIDDEN}", HIDDEN)}
    assert_clean(run)


def test_a_provider_s_key_goes_to_the_provider_alone(few, serve, cli, args, tmp_path):
    server, other, run = serve(good), serve(good), tmp_path / "run"
    env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.url, "WHYFEEL_API_KEY": "sk-another"}
    command = args(few, server, run, "--json", judge=other)
    command[command.index(server.model("mock"))] = "openai:mock"
    done = cli.run(*command, env=env)
    assert done.status == 0, done.err
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {KEY}"}
    assert {call.headers["authorization"] for call in other.calls} == {"Bearer sk-another"}
    assert_clean(run, done.out, done.err)
    assert json.loads(done.out)["model"] == "mock"


def test_where_no_key_is_set_none_is_sent(few, serve, cli, args, tmp_path):
    server = serve(good)
    done = cli.run(*args(few, server, tmp_path / "run"), env={"OPENAI_API_KEY": KEY})
    assert done.status == 0, done.err
    assert all("authorization" not in call.headers for call in server.calls)


@pytest.mark.parametrize("key", ["none", "a", "EMPTY"])
def test_a_word_that_stands_in_for_a_key_is_no_secret(key, few, serve, here, lines, monkeypatch, tmp_path):
    """Local servers want some key; what people write there may be a word of the answer, or of JSON."""
    monkeypatch.setenv("WHYFEEL_API_KEY", key)

    def script(call):
        return good(call) if call.model == "judge" else chat(f"none or EMPTY: person {call.person}")

    server, run = serve(script), tmp_path / "run"
    assert here(few, server, run).summary["scored"] == few.count
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {key}"}
    assert lines(run / "responses.jsonl")[3]["text"] == "none or EMPTY: person 3"


def test_a_redirect_carries_the_key_nowhere(few, serve, here, monkeypatch, tmp_path):
    monkeypatch.setenv("WHYFEEL_API_KEY", KEY)
    stranger = serve(good)
    server = serve(lambda call: Say(b"", 307, {"Location": f"{stranger.url}/chat/completions"}))
    assert here(few, server, tmp_path / "run").summary["unscored"] == {"rejected": few.count}
    assert stranger.calls == []

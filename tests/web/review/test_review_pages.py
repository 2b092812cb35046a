"""The review's pages without a browser: who gets in, what is shown, and what becomes of every form."""

from __future__ import annotations

import asyncio
import json
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from asgi import Reply, asked
from reviewable import SCENES, scene_annotations, write_run

from told import Told
from whyfeel.annotate.finished import read_annotation_run
from whyfeel.annotate.review.final import final_annotations
from whyfeel.errors import DataError, StoreFailed, UserError
from whyfeel.records import AnnotatedTrigger, Annotation, json_line
from whyfeel.web.review.application import create_app, listening
from whyfeel.web.review.desk import Desk, Wish, key_of, open_desk
from whyfeel.web.tokens import checked_name, read_seals

PICK = re.compile(r'name="pick:(\w+)" value="([01])\.(\w+)"')


@dataclass
class Client:
    """Speaks ASGI to the application in this thread, with the headers that a browser would send."""

    app: Any
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, form: dict[str, str] | None = None, **headers: str) -> Reply:
        body = urlencode(form or {}).encode()
        sent = {"host": "127.0.0.1:8417", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookies:
            sent.setdefault("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if method == "POST":
            sent = {"origin": "null", "sec-fetch-site": "same-origin", "content-length": str(len(body))} | sent
            sent["content-type"] = "application/x-www-form-urlencoded"
        reply = asyncio.run(asked(self.app, method, path, body, sent))
        self.cookies |= reply.cookies
        return reply

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, **headers)

    def press(self, page: Reply, do: str, trigger: str = "", /, **fields: str) -> Reply:
        """Send the form of a page that has this button, with these fields over its own."""
        form, action = form_of(page, do, trigger)
        return self.ask("POST", action, form | {"do": do} | fields)


class Forms(HTMLParser):
    """The forms of a page: address, hidden fields, and the values of their buttons, also of those that stand apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str], set[str]]] = []
        self.by_id: dict[str, int] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form" and told["method"] == "post":
            self.by_id[told.get("id", "")] = len(self.found)
            self.found.append((told["action"], {}, set()))
        elif tag == "input" and told.get("type") == "hidden":
            self.found[-1][1][told["name"]] = told["value"]
        elif tag == "button" and "value" in told:
            self.found[self.by_id[told["form"]] if "form" in told else -1][2].add(told["value"])


def form_of(page: Reply, do: str, trigger: str = "") -> tuple[dict[str, str], str]:
    for action, hidden, buttons in Forms(page.text).found:
        if (do in buttons or action.endswith(f"/{do}")) and hidden.get("trigger", "") == trigger:
            return hidden, action
    raise AssertionError(f"no form with {do!r} for {trigger!r}")


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    with ExitStack() as opened:

        def make(annotations: list[Annotation], **wish: Any) -> Desk:
            folder = tmp_path / "RUN"
            if not folder.exists():
                write_run(folder, annotations)
            return opened.enter_context(open_desk(folder, Wish(**({"reviewers": ("reviewer-a", "reviewer-b")} | wish))))

        yield make


def client(desk: Desk, name: str = "reviewer-a") -> Client:
    made = Client(create_app(desk))
    assert made.get(f"/?token={desk.seals.token(name)}").status == 200
    return made


def path_of(annotation: Annotation) -> str:
    return f"/items/{key_of(annotation.sample_id)}"


# ---- who gets in


def test_only_a_token_opens_a_page(desks: Callable[..., Desk]) -> None:
    desk = desks(scene_annotations(1))
    (item,) = desk.annotations
    stranger = Client(create_app(desk))
    for path in ("/items", f"/items/{item}", f"/items/{item}/picture", "/alive", "/agreement", "/next"):
        assert stranger.get(path).status == 403, path
    forged = desk.seals.token("reviewer-a")[:-1] + ("0" if desk.seals.token("reviewer-a")[-1] != "0" else "1")
    for token in (forged, desk.seals.token("Carl"), "x", "é.é", "." * 9):
        assert stranger.get(f"/?token={quote(token)}").status == 403
        assert stranger.get("/items", cookie=f"whyfeel-{desk.seals.mark}={quote(token)}").status == 403
    reply = stranger.get(f"/?token={desk.seals.token('reviewer-a')}")
    kept = reply.headers["set-cookie"].lower()
    assert "httponly" in kept
    assert "samesite=strict" in kept
    assert 'content="0; url=/next"' in reply.text
    assert stranger.get("/items").status == 200


def test_the_secret_is_its_owners_and_links_outlive_a_restart(tmp_path: Path) -> None:
    seals = read_seals(tmp_path / "review.key")
    file = tmp_path / "review.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_seals(tmp_path / "review.key").name(seals.token("Ånn 安")) == "Ånn 安"
    file.write_text("00" * 32)
    assert read_seals(tmp_path / "review.key").name(seals.token("reviewer-a")) is None
    file.write_text("short")
    with pytest.raises(DataError, match="32 bytes"):
        read_seals(tmp_path / "review.key")
    for name in ("", "  ", "adjudicator:reviewer-a", "a" * 61, "a\x1bb", "\u202eAnn"):
        with pytest.raises(UserError, match="reviewer's name"):
            checked_name(name)


def test_other_hosts_and_other_sites_are_refused(desks: Callable[..., Desk]) -> None:
    desk = desks(scene_annotations(1))
    a_client = client(desk)
    for host in ("evil.example", "127.0.0.1.evil.example:8417", "", "192.168.0.7", "[::1"):
        assert a_client.get("/items", host=host).status == 403, host
    assert a_client.get("/items", host="localhost:8417").status == 200
    (annotation,) = desk.annotations.values()
    form, action = form_of(a_client.get(path_of(annotation)), "hallucination", "t1")
    form["do"] = "hallucination"
    bad = {"origin": "http://evil.example"}, {"sec_fetch_site": "cross-site"}, {"origin": "http://127.0.0.1:9"}
    for headers in bad:
        assert a_client.ask("POST", action, form, **headers).status == 403
    assert a_client.ask("POST", action, form | {"seal": desk.seals.form("reviewer-b")}).status == 403
    assert a_client.ask("PUT", action, form).status == 405
    assert a_client.ask("POST", action, form, content_length="1000001").status == 413
    assert a_client.ask("POST", action, form, content_length="x").status == 411
    assert desk.store.edits(annotation.sample_id, "reviewer-a") == ()
    assert a_client.ask("POST", action, form, origin="http://127.0.0.1:8417").status == 303
    assert len(desk.store.edits(annotation.sample_id, "reviewer-a")) == 1


def test_every_answer_carries_the_headers_that_keep_it_here(desks: Callable[..., Desk]) -> None:
    a_client = client(desks(scene_annotations(1)))
    for path in ("/items", "/static/review.js", "/nothing", "/items/nothing", "/adjudicate"):
        reply = a_client.get(path)
        assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert "unsafe" not in reply.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["cache-control"] == "no-store"
        assert reply.status == (200 if path in {"/items", "/static/review.js"} else 404)
        assert not re.search(r"\son\w+=|\sstyle=|<style|<script>", reply.text) or path.endswith(".js")


# ---- what is shown


def test_an_item_shows_its_triggers_in_order_and_what_was_set_aside(desks: Callable[..., Desk]) -> None:
    desk = desks(scene_annotations(1))
    (annotation,) = desk.annotations.values()
    page = client(desk).get(path_of(annotation))
    assert annotation.question in page.words
    told = [page.words.index(one.text) for one in annotation.triggers]
    assert told == sorted(told)
    assert "Triggers 6" in page.words
    assert "Set aside 1" in page.words
    assert "not grounded" in page.words
    assert "confidence 0.84" in page.words
    assert "grounded: seen" in page.words


def test_the_picture_is_what_was_sent_and_nothing_else_can_be_had(desks: Callable[..., Desk], tmp_path: Path) -> None:
    first, second, third, fourth = scene_annotations(4)
    outside = replace(second, image="../../../../../../../../etc/passwd", steps=())
    text = replace(fourth, image=None, steps=())
    write_run(tmp_path / "RUN", [first, outside, third, text])
    other = replace(third, image=fourth.image)  # its recorded asks showed another file
    lines = "".join(json_line(one.to_json()) + "\n" for one in (first, outside, other, text))
    (tmp_path / "RUN" / "annotations.jsonl").write_text(lines, "utf-8")
    desk = desks([])
    a_client = client(desk)
    good = a_client.get(path_of(first) + "/picture")
    assert (good.status, good.headers["content-type"]) == (200, "image/png")
    assert good.body == (SCENES / first.image).read_bytes()
    for one, why in ((outside, "outside the images folder"), (other, "no longer the file"), (text, "no picture")):
        reply = a_client.get(path_of(one) + "/picture")
        assert (reply.status, why in reply.text) == (404, True)
    assert "outside the images folder" in a_client.get(path_of(outside)).words
    assert "<img" not in a_client.get(path_of(text)).text


def test_where_a_trigger_comes_from_is_told_with_the_recorded_ask(desks: Callable[..., Desk]) -> None:
    desk = desks(scene_annotations(1))
    (annotation,) = desk.annotations.values()
    a_client = client(desk)
    whole = a_client.get(path_of(annotation) + "/from?trigger=t1")
    part = a_client.get(path_of(annotation) + "/from?trigger=t1", hx_request="true")
    for page in (whole, part):
        assert "What are they doing?" in page.words
        assert "vllm:llava-v1.6-34b" in page.words
        assert "with the picture" in page.words
        assert '"temperature": 0' in page.words
        assert "What do their faces show?" not in page.words
    assert "<html" not in part.text
    assert a_client.get(path_of(annotation) + "/from?trigger=t99").status == 404
    a_client.press(a_client.get(path_of(annotation)), "add", text="It is her birthday", kind="social", explicit="no")
    added = desk.store.edits(annotation.sample_id, "reviewer-a")[-1].trigger
    assert "A person added it" in a_client.get(f"{path_of(annotation)}/from?trigger={added}").words


def test_text_out_of_data_is_text(desks: Callable[..., Desk]) -> None:
    (scene,) = scene_annotations(1)
    nasty = ("<script>alert(1)</script>", "\u202eright to left", "a\ud800b", "</textarea><b>bold", "long " * 20_000)
    triggers = tuple(AnnotatedTrigger(f't"{n}><b>', text, gates={"<i>": "<b>"}) for n, text in enumerate(nasty))
    hostile = replace(
        *(scene,),
        sample_id="<b>/../é",
        emotion="<i>x",
        question="<u>why",
        flags=("<s>",),
        triggers=triggers,
        person="<p>",
    )
    a_client = client(desks([hostile]))
    for path in (path_of(hostile), "/items", path_of(hostile) + f"/from?trigger={quote(triggers[0].id)}"):
        page = a_client.get(path)
        assert page.status == 200
        assert not re.search(r"<script>|<b>bold|<i>x|<u>why|<s>|<b>", re.sub(r"<b>[GS]\d", "", page.text))
    page = a_client.get(path_of(hostile))
    assert "<script>alert(1)</script>" in page.words
    assert "a\\ud800b" in page.words
    assert "all 100,000 characters" in page.words
    assert a_client.press(page, "hallucination", triggers[0].id).status == 303


# ---- what becomes of a form


def test_every_button_makes_its_edit(desks: Callable[..., Desk], tmp_path: Path) -> None:
    desk = desks(scene_annotations(1))
    (annotation,) = desk.annotations.values()
    a_client, path = client(desk), path_of(annotation)
    presses: list[tuple[str, str, dict[str, str]]] = [
        ("hallucination", "t6", {"why": "no kite"}),
        ("irrelevant", "t3", {}),
        ("restore", "t7", {}),
        ("edit", "t1", {"text": " A cake \n with candles "}),
        ("add", "", {"text": "She turns seven", "kind": "social", "explicit": "no"}),
        ("kind:physical", "t2", {}),
        ("implicit", "t2", {}),
        ("down", "t1", {}),
        ("up", "t5", {}),
        ("merge", "t4", {"into": "t2"}),
        ("hallucination", "t5", {}),
        ("undo", "", {}),
    ]
    for do, trigger, fields in presses:
        reply = a_client.press(a_client.get(path), do, trigger, **fields)
        assert (reply.status, reply.headers.get("location")) == (303, path), (do, reply.words)
    edits = desk.store.edits(annotation.sample_id, "reviewer-a")
    assert [one.action for one in edits] == [
        *("remove", "remove", "restore", "edit", "add", "kind", "explicit", "move", "move", "merge", "remove", "undo")
    ]
    assert edits[0].why == "no kite"
    left = desk.triggers(annotation, edits)
    added = f"r{edits[4].id[:8]}"
    assert [one.id for one in left if not one.dropped] == ["t2", "t1", "t5", "t7", added]
    by_id = {one.id: one for one in left}
    assert by_id["t1"].text == "A cake with candles"
    assert (by_id["t2"].kind, by_id["t2"].explicit) == ("physical", False)
    assert (by_id[added].text, by_id[added].kind, by_id[added].explicit) == ("She turns seven", "social", False)
    assert a_client.press(a_client.get(path), "finish").headers["location"] == "/items?done=1"
    (final,) = final_annotations(read_annotation_run(tmp_path / "RUN"))
    assert (final.status, final.annotation.triggers) == ("reviewed", left)


def test_a_form_sent_twice_counts_once(desks: Callable[..., Desk]) -> None:
    desk = desks(scene_annotations(1))
    (annotation,) = desk.annotations.values()
    a_client = client(desk)
    form, action = form_of(a_client.get(path_of(annotation)), "add")
    form |= {"do": "add", "text": "She turns seven", "kind": "social", "explicit": "yes"}
    assert [a_client.ask("POST", action, form).status for _ in range(3)] == [303, 303, 303]
    assert len(desk.store.edits(annotation.sample_id, "reviewer-a")) == 1
    reply = a_client.ask("POST", action, form | {"text": "She turns eight"})
    assert reply.status == 409
    assert "She turns eight" in reply.text


def test_a_tab_that_is_behind_gets_the_state_and_keeps_its_text(desks: Callable[..., Desk]) -> None:
    desk = desks(scene_annotations(1))
    (annotation,) = desk.annotations.values()
    a_client = client(desk)
    old = a_client.get(path_of(annotation))
    a_client.press(old, "hallucination", "t6")
    reply = a_client.press(old, "edit", "t1", text="My better words")
    assert reply.status == 409
    assert "has changed since this page showed it" in reply.words
    assert ">My better words</textarea>" in reply.text
    assert a_client.press(reply, "edit", "t1", text="My better words").status == 303
    assert [one.action for one in desk.store.edits(annotation.sample_id, "reviewer-a")] == ["remove", "edit"]


@pytest.mark.parametrize(
    ("do", "trigger", "fields", "why"),
    [
        ("edit", "t1", {"text": "   "}, "words"),
        ("edit", "t1", {"text": "x" * 2001, "why": "so"}, "at most 2,000"),
        ("merge", "t1", {"into": "t1"}, "itself"),
        ("merge", "t1", {"into": "t7"}, "restore it first"),
        ("hallucination", "t1", {"trigger": "t99"}, "no trigger"),
        ("hallucination", "t1", {"edit": "not hex"}, "32 hex digits"),
        ("hallucination", "t1", {"do": "explode"}, "no button"),
        ("down", "t1", {"do": "up"}, "cannot move further"),
        ("kind:social", "t1", {"do": "kind:odd"}, "odd"),
    ],
)
def test_an_edit_that_does_not_fit_is_told_and_changes_nothing(
    desks: Callable[..., Desk], do: str, trigger: str, fields: dict[str, str], why: str
) -> None:
    desk = desks(scene_annotations(1))
    (annotation,) = desk.annotations.values()
    a_client = client(desk)
    reply = a_client.press(a_client.get(path_of(annotation)), do, trigger, **fields)
    assert (reply.status, why in reply.words) == (422, True), reply.words[:600]
    assert desk.store.edits(annotation.sample_id, "reviewer-a") == ()


def test_what_somebody_else_holds_is_told_and_taken_over_only_on_purpose(desks: Callable[..., Desk]) -> None:
    desk = desks(scene_annotations(2))
    first, second = desk.annotations.values()
    a_client, b_client = client(desk), client(desk, "reviewer-b")
    assert a_client.get("/next").headers["location"] == path_of(first)
    mine = a_client.get(path_of(first))
    assert b_client.get("/next").headers["location"] == path_of(second)
    theirs = b_client.get(path_of(first))
    assert re.search(r"reviewer-a has this item in hand until \d\d:\d\d", theirs.words)
    assert "hallucination" not in theirs.text
    assert b_client.press(theirs, "claim").status == 303
    assert b_client.press(b_client.get(path_of(first)), "hallucination", "t1").status == 303
    lost = a_client.press(mine, "edit", "t1", text="reviewer-a's words")
    assert lost.status == 409
    assert "reviewer-b has this item in hand" in lost.words
    assert "reviewer-a's words" in lost.words
    assert desk.store.edits(first.sample_id, "reviewer-a") == ()


def test_finished_items_can_be_opened_again(desks: Callable[..., Desk]) -> None:
    desk = desks(scene_annotations(2))
    first, second = desk.annotations.values()
    a_client = client(desk)
    page = a_client.get(path_of(first))
    assert a_client.press(page, "finish").headers["location"] == path_of(second)
    done = a_client.get(path_of(first))
    assert "You have finished this item" in done.words
    assert a_client.press(page, "hallucination", "t1").status == 409
    assert a_client.press(done, "reopen").headers["location"] == path_of(first)
    assert a_client.press(a_client.get(path_of(first)), "hallucination", "t1").status == 303
    assert a_client.press(a_client.get(path_of(second)), "skip").headers["location"] == path_of(first)


def test_the_list_filters_and_counts(desks: Callable[..., Desk]) -> None:
    annotations = scene_annotations(3)
    annotations[1] = replace(annotations[1], emotion="sad", flags=("too many triggers",))
    many = [replace(annotations[2], sample_id=f"more/{n:03}") for n in range(120)]
    desk = desks([*annotations, *many])
    a_client = client(desk)
    a_client.press(a_client.get(path_of(annotations[0])), "finish")
    found = re.compile(r"([\d,]+) of 123 items")
    counts = {
        "": "123",
        "emotion=sad": "1",
        "flag=too+many+triggers": "1",
        "state=finished+by+you": "1",
        "below=0.3": "0",
    }
    for query, n in {**counts, "below=0,5": "123", "below=x&page=y": "123", "page=99": "123"}.items():
        page = a_client.get(f"/items?{query}")
        assert found.search(page.words).group(1) == n, query
    assert "page 2 of 2" in a_client.get("/items?page=2").words
    assert "1 of 123 finished · 1 by you" in page.words


def test_an_adjudicator_settles_what_two_left_differently(desks: Callable[..., Desk], tmp_path: Path) -> None:
    desk = desks(scene_annotations(2), adjudicators=("reviewer-c",), double=1.0)
    first, second = desk.annotations.values()
    a_client, b_client, c_client = client(desk), client(desk, "reviewer-b"), client(desk, "adjudicator:reviewer-c")
    a_client.press(a_client.get(path_of(first)), "hallucination", "t6")
    a_client.press(a_client.get(path_of(first)), "add", text="She turns seven", kind="social", explicit="no")
    b_client.press(b_client.get(path_of(first)), "edit", "t1", text="A cake")
    for one in (a_client, b_client):
        one.press(one.get(path_of(first)), "finish")
        one.press(one.get(path_of(second)), "finish")
    key = key_of(first.sample_id)
    assert a_client.get(f"/adjudicate/{key}").status == 404
    assert c_client.get("/next").headers["location"] == f"/adjudicate/{key}"
    listed = c_client.get("/items")
    assert (f"/adjudicate/{key}" in listed.text, f"/items/{key}" in listed.text) == (True, False)
    assert "Go on settling" in listed.words
    page = c_client.get(f"/adjudicate/{key}")
    assert page.words.index("reviewer-a reviewer-b") < page.words.index("does not have it")
    assert "Smiling broadly both keep it" in page.words
    form, action = form_of(page, key)
    pick = {(name, side): f"{side}.{stamp}" for name, side, stamp in PICK.findall(page.text)}
    picks = {"pick:t1": pick["t1", "1"], "pick:t6": pick["t6", "0"]}
    open_one = c_client.ask("POST", action, form | picks)
    assert (open_one.status, "pick a side" in open_one.words) == (409, True)
    added = f"r{desk.store.edits(first.sample_id, 'reviewer-a')[1].id[:8]}"
    picks |= {f"pick:{added}": pick[added, "0"], "why": "as agreed"}
    unseen = c_client.ask("POST", action, form | picks | {"seen": "x"})
    assert (unseen.status, unseen.text.count(" checked ")) == (409, 3)
    stale = c_client.ask("POST", action, form | picks | {"pick:t1": f"1.{'0' * 12}"})
    assert (stale.status, stale.text.count(" checked "), "pick a side" in stale.words) == (409, 2, True)
    assert c_client.ask("POST", action, form | picks).headers["location"] == "/adjudicate"
    final, same = final_annotations(read_annotation_run(tmp_path / "RUN"))
    assert final.annotation.kept[0].text == "A cake"
    assert final.annotation.kept[-1].text == "She turns seven"
    assert "t6" not in [one.id for one in final.annotation.kept]
    assert (final.status, same.status) == ("adjudicated", "reviewed")
    told = a_client.get("/agreement")
    assert "2 of 2 items that two reviewers annotate have been finished by both" in told.words
    # of 6 + 5 triggers one was removed by one reviewer alone
    assert "Krippendorff's alpha" in told.words


def test_a_port_that_is_taken_is_told() -> None:
    with listening(0) as taken, pytest.raises(UserError, match="choose another"):
        listening(taken.getsockname()[1])


# ---- the command


def test_the_status_as_json_begins_no_review(whyfeel: Callable[..., Told], tmp_path: Path) -> None:
    folder = write_run(tmp_path / "RUN", scene_annotations(3))
    before = sorted(folder.iterdir())
    told = whyfeel("review", folder, "--double", "0.67", "--json")
    assert (told.status, told.err) == (0, "")
    found = json.loads(told.out)
    assert [found[name] for name in ("items", "finished", "doubles", "to_adjudicate")] == [3, 0, 2, 0]
    assert found["agreement"]["f1"]["value"] is None
    assert sorted(folder.iterdir()) == before


def test_what_cannot_be_reviewed_is_told_in_a_line(
    whyfeel: Callable[..., Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_run(tmp_path / "RUN", scene_annotations(1))
    with open_desk(folder, Wish(("reviewer-a",), double=1.0)):
        pass
    cases = {
        ("review", tmp_path, "--json"): "run.json",
        ("review", folder, "--double", "0.5", "--json"): "--double 1",
        ("review", folder, "--reviewer", "a:b"): "without a colon",
        ("review", folder, "--double", "1", "--port", "70000"): "65535",
    }
    for line, why in cases.items():
        told = whyfeel(*line)
        assert (told.status, told.out, len(told.err.splitlines())) == (2, "", 1), told
        assert why in told.err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    told = whyfeel("review", folder)
    assert (told.status, told.err) == (
        2,
        "whyfeel: the review needs FastAPI and what goes with it: pip install 'whyfeel[web]'\n",
    )


def test_a_full_disk_is_told_on_the_page(desks: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desks(scene_annotations(1))
    (annotation,) = desk.annotations.values()
    a_client = client(desk)
    page = a_client.get(path_of(annotation))

    def full(*_: object) -> None:
        raise StoreFailed("the review cannot be written: the disk is full")

    monkeypatch.setattr(desk.store, "add", full)
    reply = a_client.press(page, "hallucination", "t1")
    assert (reply.status, "the disk is full" in reply.words) == (500, True)

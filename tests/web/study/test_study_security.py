"""Who gets into a study's pages, what forms count, and what nobody can fetch; and thirty raters at once."""

from __future__ import annotations

import asyncio
import json
import re
import stat
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import aiohttp
import pytest
from asking import HOST, Client, Forms, Reply, served
from studied import design_of, write_study

from told import Told
from whyfeel.errors import StoreFailed, UserError
from whyfeel.study.folder import StudyFolder
from whyfeel.web import serving
from whyfeel.web.study import application
from whyfeel.web.study.application import MOST_BODY, check_store, create_app
from whyfeel.web.study.site import Site

PATHS = ("/instructions", "/next", "/trials/1", "/about-you", "/done", "/leave")


# ---- tokens


async def test_only_a_token_opens_a_page(tmp_path: Path) -> None:
    one, two = (write_study(tmp_path / name, design_of()) for name in "ab")
    async with served(one) as app, served(two) as elsewhere:
        rater = Client(app)
        page = await rater.begin()
        (cookie,) = rater.cookies
        token = rater.cookies[cookie]
        foreign = Client(elsewhere)
        await foreign.consent()
        guesses = ("", "x", token[:-1] + ("A" if token[-1] != "A" else "B"), token * 2, quote("é\0"), "1", "1 OR 1=1")
        picture = f"/pictures/{app.state.site.design.items[0].picture}"
        for guess in (*guesses, *foreign.cookies.values()):
            stranger = Client(app, {cookie: guess})
            for path in (*PATHS, picture):
                assert (await stranger.get(path)).status == 403, (guess, path)
            assert (await stranger.send(page, answer="left")).status == 403
        named = Client(app, dict.fromkeys(foreign.cookies, token))  # under another study's name
        assert (await named.get("/next")).status == 403
        assert (await rater.get(picture)).status == 200
        assert [trial.answer for trial in (await app.state.site.store.collected()).trials if trial.answer] == []


async def test_a_token_is_a_cookie_and_stands_nowhere_else(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "S", design_of(entry="invited", seats=1))
    async with served(folder, "https://study.example.org") as app:
        rater = Client(app)
        path = app.state.site.links("")[0].partition(": ")[2]
        reply = await rater.send(await rater.get(path))
        kept = reply.headers["set-cookie"].lower()
        for flag in ("httponly", "samesite=lax", "path=/", "secure"):
            assert flag in kept
        assert "domain" not in kept
        (token,) = rater.cookies.values()
        check = await rater.get("/instructions")
        await rater.send(check, q0="1", q1="1")
        pages = [await rater.get(one) for one in ("/instructions", "/next", "/trials/1", "/trials/2", "/leave")]
        assert {one.status for one in pages} == {200, 303}
        for page in (reply, check, *pages):
            assert token.encode() not in page.body
            assert token not in page.headers.get("location", "")
        files = b"".join(one.read_bytes() for one in folder.path.iterdir() if one.is_file())
        assert b"invited:seat 01" in files  # what is looked through is what was written
        assert token.encode() not in files
    async with served(folder) as app:
        home = Client(app)
        assert "secure" not in (await home.send(await home.get(path))).headers["set-cookie"].lower()
    assert stat.S_IMODE(folder.secret.stat().st_mode) == 0o600


# ---- forms


async def test_a_form_counts_for_its_rater_and_its_page_alone(tmp_path: Path) -> None:
    async with served(write_study(tmp_path / "S", design_of())) as app:
        rater, other = Client(app), Client(app)
        mine, theirs = await rater.begin(), await other.begin()
        action, own = Forms(mine.text).found[0]
        seals = {
            "none": {"seal": "-"},
            "empty": {"seal": ""},
            "another rater's": Forms(theirs.text).found[0][1],
            "another page's": Forms((await rater.get("/leave")).text).found[0][1],
            "the consent's": {"seal": Forms((await Client(app).get("/")).text).found[0][1]["seal"]},
            "odd": {"seal": "é" * 64},
        }
        for name, fields in seals.items():
            reply = await rater.send(mine, answer="left", **fields)
            assert (reply.status, "Nothing was changed" in reply.words) == (403, True), name
        # a seal of one trial at the address of the next
        assert (await rater.send(mine, answer="left")).status == 303
        await rater.get("/next")
        assert (await rater.ask("POST", "/trials/2", own | {"answer": "left"})).status == 403
        for path in ("/leave", "/about-you", "/instructions"):
            reply = await other.ask("POST", path, Forms(theirs.text).found[0][1])
            assert reply.status in {303, 403}
        held = await app.state.site.store.collected()
        assert [one.status for one in held.raters] == ["working", "working"]
        assert [(one.rater, one.place) for one in held.trials if one.answer] == [(1, 1)]
        # fields that no page has change nothing
        page = await other.get("/trials/1")
        odd = {"rater": "1", "swapped": "1", "place": "3", "role": "item", "answered": "0", "action": action}
        assert (await other.send(page, answer="right", **odd)).onward == "/trials/2"
        (trial,) = [one for one in (await app.state.site.store.collected()).trials if one.rater == 2 and one.answer]
        assert (trial.place, trial.answer) == (1, "right")


async def test_a_consent_counts_for_whom_it_was_made(tmp_path: Path) -> None:
    async with served(write_study(tmp_path / "S", design_of(entry="prolific"))) as app:
        page = await Client(app).get("/?PROLIFIC_PID=aa")
        for fields in ({"PROLIFIC_PID": "bb"}, {"consent": "0" * 32}, {"seal": "-"}, {"PROLIFIC_PID": "<b>"}):
            stranger = Client(app)
            assert (await stranger.send(page, **fields)).status == 403
            assert stranger.cookies == {}
        assert (await app.state.site.store.collected()).raters == ()


async def test_forms_of_other_sites_are_refused(tmp_path: Path) -> None:
    async with served(write_study(tmp_path / "S", design_of())) as app:
        rater = Client(app)
        page = await rater.begin()
        action, own = Forms(page.text).found[0]
        form = own | {"answer": "left"}
        for headers in (
            {"origin": "https://evil.example"},
            {"origin": "http://127.0.0.1:9"},
            {"origin": ""},
            {"sec_fetch_site": "cross-site"},
            {"sec_fetch_site": "same-site"},
        ):
            assert (await rater.ask("POST", action, form, **headers)).status == 403, headers
        assert (await app.state.site.store.trial(1, 1)).answer == ""
        assert (await rater.ask("POST", action, form, origin=f"http://{HOST}")).status == 303


async def test_hosts_and_origins_of_the_address(tmp_path: Path) -> None:
    public = "https://study.example.org"
    async with served(write_study(tmp_path / "S", design_of()), public) as app:
        rater = Client(app)
        for host in ("evil.example", "study.example.org.evil.example", "", "10.0.0.7", "[::1", "[::1]:8418", "-"):
            assert (await rater.get("/", host=host)).status == 403, host
        for host in ("127.0.0.1", HOST, "localhost:1", "study.example.org", "STUDY.example.org:8443"):
            assert (await rater.get("/", host=host)).status == 200, host
        action, own = Forms((await rater.get("/")).text).found[0]
        outside = {"host": "study.example.org"}
        for origin in ("http://study.example.org", f"{public}:8443", f"{public}.evil.example", f"http://{HOST}"):
            assert (await rater.ask("POST", action, own, origin=origin, **outside)).status == 403, origin
        # a proxy that passes its host on, and one that does not
        assert (await rater.ask("POST", action, own, origin=public, **outside)).status == 303
        assert (await rater.ask("POST", action, own, origin=public)).status == 303
    async with served(StudyFolder(tmp_path / "S")) as app:
        assert (await Client(app).get("/", host="study.example.org")).status == 403


async def test_bodies_have_a_length_and_an_end(tmp_path: Path) -> None:
    async with served(write_study(tmp_path / "S", design_of())) as app:
        rater = Client(app)
        page = await rater.begin()
        action, own = Forms(page.text).found[0]
        form = own | {"answer": "left"}
        lengths = {str(MOST_BODY + 1): 413, "9" * 5000: 413, "x": 411, "-": 411, "-1": 411, "\u00b2": 411}
        for length, status in lengths.items():
            assert (await rater.ask("POST", action, form, content_length=length)).status == status, length
        assert (await rater.ask("POST", action, form, transfer_encoding="chunked")).status == 411
        kinds = ("text/plain", "application/json", "-", "multipart/form-data", "multipart/form-data; boundary=x")
        for kind in kinds:
            assert (await rater.ask("POST", action, form, content_type=kind)).status in {400, 403}, kind
        assert (await rater.ask("POST", action, b"&" * MOST_BODY)).status == 403
        assert (await app.state.site.store.trial(1, 1)).answer == ""


async def test_addresses_that_are_none(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "S", design_of())
    (folder.pictures / "stray.png").write_bytes(b"not of the design")
    folder.key.write_text("the key")
    async with served(folder) as app:
        rater = Client(app)
        page = await rater.begin()
        for place in ("0", "-1", "99", "1.0", "1e0", "x", "", "\u0661", "1" * 30, "1%00", "%31 "):
            assert (await rater.get(f"/trials/{quote(place, safe='%')}")).status == 404, place
            reply = await rater.ask("POST", f"/trials/{quote(place, safe='%')}", {"answer": "left"})
            assert reply.status in {404, 405}, place
        names = (
            "../key.json",
            "..%2fkey.json",
            "%2e%2e/key.json",
            "/etc/passwd",
            "//etc/passwd",
            "stray.png",
            ".",
            "..",
        )
        for name in (*names, "\0", f"{app.state.site.design.items[0].picture}\0", "..\\key.json", "key.json"):
            for path in (f"/pictures/{name}", f"/static/{name}"):
                reply = await rater.get(path)
                assert reply.status == 404, path
                assert b"the key" not in reply.body
        for method in ("HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT"):
            assert (await rater.ask(method, "/trials/1")).status == 405, method
        assert (await rater.send(page, answer="left")).status == 303


async def test_a_design_cannot_name_a_file_outside(tmp_path: Path) -> None:
    design = design_of(1, items=1, repeats=0)
    (item,) = design.items
    folder = write_study(tmp_path / "S", replace(design, items=(replace(item, picture="../outside.png"),)))
    (folder.path / "outside.png").write_bytes((folder.pictures / item.picture).read_bytes())
    async with served(folder) as app:
        rater = Client(app)
        assert "is missing or damaged" in (await rater.begin()).words
        for name in ("../outside.png", "..%2foutside.png", "%2e%2e%2foutside.png"):
            assert (await rater.get(f"/pictures/{name}")).status == 404


async def test_every_answer_carries_the_headers_that_keep_it_here(tmp_path: Path) -> None:
    async with served(write_study(tmp_path / "S", design_of())) as app:
        rater = Client(app)
        replies: list[Reply] = [await rater.get("/"), await rater.get("/next"), await rater.begin()]
        picture = f"/pictures/{app.state.site.design.items[0].picture}"
        for path in (picture, "/static/study.css", "/static/study.js", "/nothing", "/alive", "/done"):
            replies.append(await rater.get(path))
        replies += [await rater.get("/", host="evil.example"), await rater.ask("PUT", "/")]
        assert {one.status for one in replies} == {200, 303, 403, 404, 405}
        for reply in replies:
            policy = reply.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert reply.headers["cache-control"] == "no-store"
            assert reply.headers["referrer-policy"] == "no-referrer"
            assert reply.headers["x-content-type-options"] == "nosniff"


# ---- the command


@pytest.fixture
def told_to_serve(monkeypatch: pytest.MonkeyPatch, whyfeel: Callable[..., Told]) -> Callable[..., tuple[Told, str]]:
    """The command as far as the first request; what it said, and the address that is bound."""
    bound: list[str] = []
    monkeypatch.setattr(application, "serve", lambda _, __, listener: bound.append(listener.getsockname()[0]))

    def serve(*args: object) -> tuple[Told, str]:
        bound.clear()
        return whyfeel("study", "serve", *args), "".join(bound)

    return serve


def test_the_command_binds_this_machine_alone_unless_told(
    told_to_serve: Callable[..., tuple[Told, str]], tmp_path: Path, free_port: int
) -> None:
    study = write_study(tmp_path / "S", design_of()).path
    said, host = told_to_serve(study, "--port", free_port)
    assert (said.status, said.err, host) == (0, "", "127.0.0.1")
    assert said.out.splitlines()[0] == f"http://127.0.0.1:{free_port}/"
    said, host = told_to_serve(study, "--port", free_port, "--host", "0.0.0.0")
    assert (said.status, host) == (2, "")
    assert "--address" in said.err
    public = ("--address", "http://study.example.org/")
    said, host = told_to_serve(study, "--port", free_port, "--host", "0.0.0.0", *public)
    assert (said.status, host) == (0, "0.0.0.0")
    assert said.out.splitlines()[0] == "http://study.example.org/"
    assert "whoever reaches http://study.example.org can take part" in said.err
    assert "plain http shows answers" in said.err
    said, host = told_to_serve(study, "--port", free_port, "--address", "https://study.example.org")
    assert (host, "can take part" in said.err, "plain http" in said.err) == ("127.0.0.1", True, False)
    assert told_to_serve(study, "--address", "https://x/study")[0].status == 2


def test_the_command_prints_a_link_for_each_way_in(
    told_to_serve: Callable[..., tuple[Told, str]], tmp_path: Path, free_port: int
) -> None:
    port = ("--port", free_port)
    invited = write_study(tmp_path / "invited", design_of(entry="invited", seats=12)).path
    lines = told_to_serve(invited, *port)[0].out.splitlines()
    assert re.fullmatch(rf"seat 01: http://127\.0\.0\.1:{free_port}/\?seat=\S+", lines[0])
    assert [one[:8] for one in lines[:12]] == [f"seat {n:02}:" for n in range(1, 13)]
    assert len(set(lines)) == 13
    prolific = write_study(tmp_path / "prolific", design_of(entry="prolific")).path
    link = told_to_serve(prolific, *port)[0].out.splitlines()[0]
    assert link == f"http://127.0.0.1:{free_port}/?PROLIFIC_PID={{{{%PROLIFIC_PID%}}}}"


def test_what_is_wrong_is_told_before_anything_is_served(
    told_to_serve: Callable[..., tuple[Told, str]], tmp_path: Path, free_port: int
) -> None:
    missing, _ = told_to_serve(tmp_path / "nothing")
    assert (missing.status, "whyfeel study create makes one" in missing.err) == (2, True)
    folder = write_study(tmp_path / "S", design_of())
    assert told_to_serve(folder.path, "--port", free_port)[0].status == 0
    with serving.listening("127.0.0.1", free_port):
        taken, _ = told_to_serve(folder.path, "--port", free_port)
        assert (taken.status, "choose another" in taken.err) == (2, True)
    folder.design.write_text(json.dumps(replace(design_of(), seed=1).to_json()))
    other, host = told_to_serve(folder.path, "--port", free_port)  # the store is of the design before
    assert (other.status, host, len(other.err.splitlines())) == (2, "", 1)
    url, host = told_to_serve(folder.path, "--db", "mysql://me:hunter2@x/y")
    assert (url.status, host, "hunter2" in url.err + url.out) == (2, "", False)
    with pytest.raises(UserError, match="--port"):
        serving.listening("203.0.113.9", free_port)


def test_a_store_that_fails_as_the_server_starts_is_told(tmp_path: Path, free_port: int) -> None:
    folder = write_study(tmp_path / "S", design_of())
    site = Site(folder)
    asyncio.run(check_store(site, folder.store))
    site.design = replace(site.design, seed=1)  # no longer the one whose answers the store holds
    with serving.listening("127.0.0.1", free_port) as listener, pytest.raises(StoreFailed, match="see above"):
        application.serve(site, folder.store, listener)


@pytest.fixture
def free_port() -> int:
    with serving.listening("127.0.0.1", 0) as found:
        return int(found.getsockname()[1])


# ---- over a real socket


@asynccontextmanager
async def over_http(folder: StudyFolder) -> AsyncIterator[int]:
    """Serve on a real socket, in this thread; yields the port."""
    import uvicorn  # noqa: PLC0415

    with serving.listening("127.0.0.1", 0) as listener:
        config = uvicorn.Config(create_app(Site(folder), folder.store), log_level="critical", access_log=False)
        server = uvicorn.Server(config)
        server.capture_signals = nullcontext  # they are pytest's
        task = asyncio.create_task(server.serve([listener]))
        try:
            while not server.started:
                assert not task.done()
                await asyncio.sleep(0.01)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task


async def test_a_body_in_chunks_and_a_path_that_climbs(tmp_path: Path) -> None:
    async with over_http(write_study(tmp_path / "S", design_of())) as port:

        async def ask(line: str, *headers: str, body: str = "") -> tuple[int, str]:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            named = [] if any(one.startswith("host:") for one in headers) else ["host: localhost"]
            head = (f"{line} HTTP/1.1", *named, *headers, "connection: close", "", body)
            writer.write("\r\n".join(head).encode())
            reply = (await reader.read()).decode()
            writer.close()
            await writer.wait_closed()
            return int(reply.split(" ", 2)[1]), reply.rpartition("\r\n")[2]

        chunks, form = "5\r\nseal=\r\n0\r\n\r\n", "content-type: application/x-www-form-urlencoded"
        assert (await ask("POST /consent", form, "transfer-encoding: chunked", body=chunks))[0] == 411
        both = ("content-length: 5", "transfer-encoding: chunked")
        assert (await ask("POST /consent", form, *both, body=chunks))[0] in {400, 411}
        assert (await ask("POST /consent", form, "content-length: 5", body="seal="))[0] == 403
        assert (await ask("GET /", "host: evil.example"))[0] == 403
        assert (await ask("GET /", "host: localhost", "host: evil.example"))[0] in {400, 403}
        for path in ("/pictures/../design.json", "/static/..%2f..%2f..%2fsite.py", "/static/../web/pages.py", "//x/y"):
            assert (await ask(f"GET {path}"))[0] in {403, 404}
        assert await ask("GET /alive") == (200, "yes\n")


RATERS, ITEMS = 30, 8
ACTION, HIDDEN = re.compile(r'method="post" action="([^"]*)"'), re.compile(r'type="hidden" name="(\w+)" value="(\w*)"')


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """A folder whose files need no disk: a thousand changes, each durable, wait for one most of their time."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as found:
        yield Path(found)


async def test_thirty_raters_at_once_lose_and_double_nothing(in_memory: Path) -> None:
    design = design_of(80, items=ITEMS, repeats=1, attention=1, ratings=3)
    folder = write_study(in_memory / "S", design)
    async with over_http(folder) as port:
        home = f"http://127.0.0.1:{port}"
        told = await asyncio.gather(*(_take_part(home, f"{n:02}") for n in range(RATERS)))
    assert told == [ITEMS + 2] * RATERS
    async with served(folder) as app:
        held = await app.state.site.store.collected()
    assert [one.status for one in held.raters] == ["finished"] * RATERS
    votes = [one for one in held.trials if one.role == "item"]
    assert len({(one.rater, one.item) for one in votes}) == len(votes) == RATERS * ITEMS
    assert set(Counter(one.item for one in votes).values()) == {3}
    by_rater: dict[int, set[str]] = {}
    for one in held.trials:
        by_rater.setdefault(one.rater, set()).add(one.comment.partition(" ")[0])
        assert one.comment.endswith(f" {one.place}")
        assert one.answer == ("left", "right", "both good", "both bad")[one.place % 4]
    assert sorted(min(one) for one in by_rater.values()) == [f"{n:02}" for n in range(RATERS)]
    assert {len(one) for one in by_rater.values()} == {1}
    for item in design.by_id:
        left = sum(not one.swapped for one in votes if one.item == item)
        assert abs(3 - 2 * left) <= 1


async def _take_part(home: str, name: str) -> int:
    """Complete a study as a browser would; forms are sent twice, as by a double click, most of a trial's once."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(home, cookie_jar=jar, headers={"sec-fetch-site": "same-origin"}) as browser:

        async def send(page: str, times: int, **fields: str) -> str:
            action, own = ACTION.search(page).group(1), dict(HIDDEN.findall(page))
            sent = [browser.post(action, data=own | fields, allow_redirects=not n) for n in range(times)]
            first, *others = await asyncio.gather(*sent)
            assert {one.status for one in others} <= {303}
            return await first.text()

        async with browser.get("/") as start:
            page = await send(await start.text(), 2)
        page, done = await send(page, 2, q0="1", q1="1"), 0
        while found := re.search(r'action="/trials/(\d+)"', page):
            place = int(found.group(1))
            answer = ("left", "right", "both good", "both bad")[place % 4]
            page = await send(page, 1 + (place % 6 == 0), answer=answer, comment=f"{name} {place}")
            done += 1
        assert "About you" in page
        return done

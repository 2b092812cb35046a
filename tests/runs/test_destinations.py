"""Where pictures go is told before they go, and --local-only lets nothing leave the building."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.engine import Route
from whyfeel.errors import UserError
from whyfeel.hosts import Address
from whyfeel.media.resolvers import LocalResolver
from whyfeel.models import Endpoint, Scripted
from whyfeel.runs.destinations import announcement, check_local, picture_hosts

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxies the machine has set, no test sees them."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def routes(**addresses: str) -> dict[str, Route]:
    """A route for each role, to a model that is named after it."""
    return {
        role: Route(Scripted(lambda _: "", name=f"m-{role}", address=address)) for role, address in addresses.items()
    }


def told(*addresses: str, local_only: bool = False) -> list[str]:
    named = routes(**{f"r{index}": address for index, address in enumerate(addresses)})
    return picture_hosts(named, list(named), local_only=local_only)


def never(host: str, port: int) -> list[Address]:
    raise AssertionError(f"{host} was looked up")


class TestTold:
    @pytest.mark.parametrize(
        ("address", "words"),
        [
            ("http://127.0.0.1:8000/v1", "127.0.0.1:8000 (this machine)"),
            ("http://127.1.2.3/v1", "127.1.2.3 (this machine)"),
            ("http://localhost:11434", "localhost:11434 (this machine)"),
            ("http://box.localhost:1", "box.localhost:1 (this machine)"),
            ("http://[::1]:8000/v1", "[::1]:8000 (this machine)"),
            ("http://2130706433:8000/v1", "2130706433:8000 (this machine)"),
            ("http://10.0.0.7/v1", "10.0.0.7 (private network)"),
            ("http://192.168.1.5:8000", "192.168.1.5:8000 (private network)"),
            ("http://[fd00::7]/v1", "[fd00::7] (private network)"),
            ("http://[::ffff:10.0.0.7]/v1", "[::ffff:10.0.0.7] (private network)"),
            ("http://169.254.169.254/", "169.254.169.254 (private network)"),
            ("http://100.64.0.1/v1", "100.64.0.1"),
            ("http://0.0.0.0:8000/v1", "0.0.0.0:8000"),
            ("http://8.8.8.8/v1", "8.8.8.8"),
            ("https://api.openai.com/v1", "api.openai.com"),
            ("https://API.openai.com:443/v1", "api.openai.com"),
            ("http://api.openai.com:80/v1", "api.openai.com"),
            ("http://api.openai.com:443/v1", "api.openai.com:443"),
            ("https://openrouter.ai/api/v1", "openrouter.ai"),
            ("https://notlocalhost/v1", "notlocalhost"),
            ("https://localhost.example/v1", "localhost.example"),
        ],
    )
    def test_a_host_is_told_in_words(self, address: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def no_names(*arguments: object, flags: int = 0, **_: object) -> object:
            assert flags & socket.AI_NUMERICHOST, f"{arguments} was looked up"
            return really(*arguments, flags=flags, **_)

        really = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", no_names)
        assert told(address) == [words]

    def test_only_roles_that_are_shown_pictures_count(self) -> None:
        named = routes(answer="https://api.openai.com/v1", judge="https://api.anthropic.com", caption="http://10.0.0.7")
        assert picture_hosts(named, {"answer", "caption"}) == ["api.openai.com", "10.0.0.7 (private network)"]
        assert picture_hosts(named, ["judge", "unknown"]) == ["api.anthropic.com"]
        assert picture_hosts(named, ()) == []

    def test_one_address_is_told_once_however_many_models_live_there(self) -> None:
        assert told("http://10.0.0.7/v1", "http://10.0.0.7/v2", "http://10.0.0.7:8000/v1") == [
            "10.0.0.7 (private network)",
            "10.0.0.7:8000 (private network)",
        ]

    def test_a_model_in_this_process_sends_nothing(self) -> None:
        assert told("") == []
        assert told("", "http://10.0.0.7") == ["10.0.0.7 (private network)"]

    def test_a_real_endpoint_is_told_by_its_host(self) -> None:
        route = Route(Endpoint("m", "https://api.together.xyz/v1/"))
        assert picture_hosts({"answer": route}, ["answer"]) == ["api.together.xyz"]

    def test_a_remark_for_before_the_first_call(self) -> None:
        assert announcement(told("http://127.0.0.1:8000/v1", "https://api.openai.com/v1")) == (
            "pictures go to 127.0.0.1:8000 (this machine), api.openai.com"
        )
        assert announcement([]) == "no picture is sent to any host"


class TestProxies:
    def test_a_proxy_sees_pictures_too_and_is_told_without_its_password(self, monkeypatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://me:secret-password@proxy.local:3128")
        monkeypatch.setenv("NO_PROXY", "api.mistral.ai")
        assert told("https://api.openai.com/v1", "https://api.mistral.ai/v1", "http://10.0.0.7/v1") == [
            "api.openai.com through the proxy proxy.local:3128",
            "api.mistral.ai",
            "10.0.0.7 (private network)",
        ]

    def test_no_proxy_stands_before_this_machine(self, monkeypatch) -> None:
        monkeypatch.setenv("ALL_PROXY", "http://proxy.local:3128")
        assert told("http://127.0.0.1:8000", "http://localhost", "http://10.0.0.7") == [
            "127.0.0.1:8000 (this machine)",
            "localhost (this machine)",
            "10.0.0.7 (private network) through the proxy proxy.local:3128",
        ]

    def test_none_is_used_where_all_stays_in_the_building(self, monkeypatch) -> None:
        monkeypatch.setenv("ALL_PROXY", "http://proxy.local:3128")
        assert told("http://10.0.0.7/v1", local_only=True) == ["10.0.0.7 (private network)"]


class TestLocalOnly:
    @pytest.mark.parametrize(
        "address",
        [
            *(
                "",
                "http://127.0.0.1:8000/v1",
                "http://[::1]/v1",
                "http://10.0.0.7",
                "http://172.20.0.2",
                "http://[fd00::7]",
            ),
            *("https://192.168.0.2:8443/v1", "http://0x7f.1/v1", "http://2130706433/v1", "http://[::ffff:10.0.0.7]/v1"),
        ],
    )
    def test_what_stays_in_the_building_passes_without_a_lookup(self, address: str) -> None:
        check_local(routes(answer=address), never)

    @pytest.mark.parametrize(
        ("address", "number"),
        [
            ("https://8.8.8.8/v1", "8.8.8.8"),
            ("http://134744072/v1", "8.8.8.8"),
            ("http://0x8.0x8.0x8.0x8/v1", "8.8.8.8"),
            ("http://[::ffff:8.8.8.8]/v1", "::ffff:808:808"),
            ("http://[2001:4860:4860::8888]/v1", "2001:4860:4860::8888"),
            ("http://100.64.0.1/v1", "100.64.0.1"),
            ("http://0.0.0.0:8000/v1", "0.0.0.0"),
            ("http://224.0.0.1/v1", "224.0.0.1"),
            ("http://[64:ff9b::a00:7]/v1", "64:ff9b::a00:7"),
        ],
    )
    def test_any_other_address_is_refused_and_named(self, address: str, number: str) -> None:
        with pytest.raises(UserError, match=r"\A--local-only: [^\n]+\Z") as refused:
            check_local(routes(answer="", judge=address), never)
        assert "the model 'm-judge'" in str(refused.value)
        assert f"is at {number}, which is neither on this machine nor in a private network" in str(refused.value)

    @pytest.mark.parametrize(
        ("found", "passes"),
        [
            (["10.0.0.7"], True),
            (["10.0.0.7", "fd00::7", "127.0.0.1"], True),
            (["8.8.8.8"], False),
            (["10.0.0.7", "8.8.8.8"], False),
            (["8.8.8.8", "10.0.0.7"], False),
            (["10.0.0.7", "2001:4860:4860::8888"], False),
            ([], False),
        ],
    )
    def test_every_address_of_a_name_must_be_inside(self, found: list[str], passes: bool) -> None:
        asked: list[tuple[str, int]] = []

        def resolve(host: str, port: int) -> list[Address]:
            asked.append((host, port))
            return [ip_address(text) for text in found]

        named = routes(answer="https://box.example/v1", judge="https://box.example/v1", other="http://box.example/v1")
        if passes:
            check_local(named, resolve)
            assert asked == [("box.example", 443), ("box.example", 80)]
        else:
            with pytest.raises(UserError, match=r"\A--local-only: the host 'box\.example' of the model 'm-answer' is "):
                check_local(named, resolve)

    def test_a_name_that_cannot_be_resolved_is_refused(self) -> None:
        def resolve(host: str, port: int) -> list[Address]:
            assert (host, port) == ("box.example", 8000)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

        said = r"'box\.example' of the model 'm-answer' cannot be resolved \(Temporary failure in name resolution\)"
        with pytest.raises(UserError, match=rf"\A--local-only: [^\n]*{said}[^\n]*\Z"):
            check_local(routes(answer="http://box.example:8000/v1"), resolve)

    def test_a_route_that_gets_only_text_is_checked_too(self) -> None:
        with pytest.raises(UserError, match="m-judge"):
            check_local(routes(answer="http://127.0.0.1:8000/v1", judge="https://8.8.8.8/v1"))

    def test_localhost_is_looked_up_by_the_system(self) -> None:
        check_local(routes(answer="http://localhost:8000/v1", judge="http://127.0.0.1/v1"))

    @given(st.lists(st.ip_addresses(), min_size=1, max_size=3))
    def test_it_passes_exactly_what_the_connection_will_pass(self, found: list[Address]) -> None:
        async def connection(host: str, port: int) -> list[Address]:
            return found

        def refused() -> bool:
            try:
                check_local(routes(answer="http://box.example/v1"), lambda host, port: found)
            except UserError:
                return True
            return False

        def refused_later() -> bool:
            try:
                asyncio.run(LocalResolver(connection).resolve("box.example", 80))
            except OSError:
                return True
            return False

        assert refused() == refused_later()

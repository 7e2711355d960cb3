"""Upstreams and models as requests need them."""

from __future__ import annotations

import pytest

from engine.policy.model import Model, Price, Upstream
from engine.policy.upstreams import ModelTable, compile_upstream


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "authority", "prefix"),
    [
        ("http://127.0.0.1:9001/v1", "http", "127.0.0.1", 9001, b"127.0.0.1:9001", b"/v1"),
        ("https://api.example.com/v1/", "https", "api.example.com", 443, b"api.example.com", b"/v1"),
        ("HTTPS://API.Example.COM", "https", "api.example.com", 443, b"api.example.com", b""),
        ("http://[::1]:8000/a/b", "http", "::1", 8000, b"[::1]:8000", b"/a/b"),
        ("http://host/", "http", "host", 80, b"host", b""),
    ],
)
def test_base_url_is_taken_apart(url: str, scheme: str, host: str, port: int, authority: bytes, prefix: bytes) -> None:
    config = compile_upstream("local", Upstream(base_url=url, api_key="sk-secret"))
    assert (config.scheme, config.host, config.port) == (scheme, host, port)
    assert (config.authority, config.path_prefix) == (authority, prefix)
    assert (config.connect_timeout, config.first_byte_timeout, config.idle_timeout) == (3.0, 60.0, 120.0)
    assert "sk-secret" not in repr(config)


def test_an_empty_credential_is_none() -> None:
    assert compile_upstream("local", Upstream(base_url="http://h", api_key="")).api_key is None


def test_a_changed_upstream_is_another_pool() -> None:
    one, same = (compile_upstream("a", Upstream(base_url="http://h", api_key="k")) for _ in range(2))
    other = compile_upstream("a", Upstream(base_url="http://h", api_key="l"))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other


def test_exact_names_then_the_most_specific_glob() -> None:
    upstreams = {name: compile_upstream(name, Upstream(base_url="http://h")) for name in "abcd"}
    table = ModelTable(
        {
            "*": Model("a"),
            "gpt-*": Model("b"),
            "gpt-4o*": Model("c", Price(2.5, 10.0)),
            "gpt-4o-mini": Model("d"),
        },
        upstreams,
    )
    found = {name: table.find(name) for name in ("o3", "gpt-4", "gpt-4o", "gpt-4o-mini", "gpt-4o-mini-2")}
    assert {name: target.upstream.name for name, target in found.items() if target} == {
        "o3": "a",
        "gpt-4": "b",
        "gpt-4o": "c",
        "gpt-4o-mini": "d",
        "gpt-4o-mini-2": "c",
    }
    assert found["gpt-4o"] is not None
    assert found["gpt-4o"].price is not None
    assert found["gpt-4o"].price.output == 10.0
    assert table.names == ("gpt-4o-mini",)
    assert table.find("x" * 257) is None


def test_names_that_clients_make_up_are_not_all_remembered() -> None:
    upstreams = {"a": compile_upstream("a", Upstream(base_url="http://h"))}
    table = ModelTable({"m-*": Model("a"), "exact": Model("a")}, upstreams)
    for number in range(5_000):
        assert table.find(f"m-{number}") is not None
        assert table.find(f"n-{number}") is None
    assert len(table._known) <= 4_097
    assert table.find("exact") is not None

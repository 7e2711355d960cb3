"""Roles: deny by default."""

from __future__ import annotations

from engine.access.roles import Role


def test_only_named_endpoints_and_models() -> None:
    role = Role("analyst", ["chat", "embeddings"], ["gpt-4o*"], "default")
    assert role.permits_endpoint("chat")
    assert not role.permits_endpoint("messages")
    assert role.permits_model("gpt-4o-mini")
    assert not role.permits_model("o3")
    assert role.redaction == "default"


def test_star_is_everything() -> None:
    role = Role("operator", ["*"], ["*"], "none")
    assert role.permits_endpoint("anything")
    assert role.permits_model("anything")


def test_empty_role_permits_nothing() -> None:
    role = Role("nobody", [], [], "default")
    assert not role.permits_endpoint("chat")
    assert not role.permits_model("gpt-4o")


def test_what_has_to_be_named_is_not_meant_by_every() -> None:
    named_only = frozenset(("files",))
    every = Role("every", ["*"], ["*"], "none", named_only)
    assert every.permits_endpoint("chat")
    assert not every.permits_endpoint("files")
    assert Role("both", ["*", "files"], ["*"], "none", named_only).permits_endpoint("files")

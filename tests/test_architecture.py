"""The floors: imports point downward only, and the kernels import nothing of the engine."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENGINE = ROOT / "engine"

DOMAINS = {"identity", "access", "limits", "validation", "redaction", "extraction", "telemetry"}
SHARED = {"errors", "settings", "_fast"}
BELOW = {
    **{domain: {domain} | SHARED for domain in DOMAINS},
    "policy": {"policy"} | DOMAINS - {"telemetry"} | SHARED,
    "pipeline": {"pipeline", "policy"} | DOMAINS | SHARED,
    "proxy": {"proxy", "pipeline", "policy"} | DOMAINS | SHARED,
    "offline": {"offline", "policy", "redaction", "limits", "telemetry", "identity", "access", "hosts"} | SHARED,
    "hosts": {"hosts", "identity", "limits"} | SHARED,
    "process": {"process", "telemetry"} | SHARED,
    "admin": {"admin", "telemetry", "identity", "access"} | SHARED,
    "errors": set(),
    "settings": set(),
    "_fast": {"_fast"},
}
HOT = [path for path in sorted(ENGINE.rglob("*.pxd")) if path.parent.name != "_fast"]
SOURCES = [path for path in sorted(ENGINE.rglob("*.py")) if path.relative_to(ENGINE).parts[0] != "__init__.py"]


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("engine."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (name.name.split(".")[1] for name in node.names if name.name.startswith("engine."))


def _room(path: Path) -> str:
    first = path.relative_to(ENGINE).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ENGINE)))
def test_imports_point_downward(path: Path) -> None:
    allowed = BELOW.get(_room(path))
    if allowed is None:
        # The top: command line, supervisor, worker, composition and demo may import what is below.
        assert _room(path) in {"__main__", "app", "cli", "demo", "supervisor", "worker"}
        return
    assert set(_imports(path)) <= allowed


@pytest.mark.parametrize("path", HOT, ids=lambda path: str(path.relative_to(ENGINE)))
def test_the_hot_path_runs_compiled_from_the_source_as_it_is(path: Path) -> None:
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    assert module.__file__ is not None
    compiled = Path(module.__file__)
    assert compiled.suffix == ".so", "not built: sh scripts/develop"
    for source in (path, path.with_suffix(".py")):
        assert compiled.stat().st_mtime >= source.stat().st_mtime, "older than its source: sh scripts/develop"


def test_the_room_table_names_every_room() -> None:
    rooms = {path.name for path in ENGINE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert rooms - {"demo"} <= set(BELOW)


@pytest.mark.parametrize("path", sorted((ENGINE / "_fast").glob("*.pyx")), ids=lambda path: path.stem)
def test_a_kernel_has_a_stub_and_imports_nothing_of_the_engine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert path.with_suffix(".pyi").exists()
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith(("import ", "from ", "cimport "))]
    assert [line for line in lines if "engine" in line and "engine._fast" not in line] == []


@pytest.mark.parametrize(
    "path", sorted([*ENGINE.rglob("*.py"), *ENGINE.rglob("*.pyx")]), ids=lambda path: str(path.relative_to(ENGINE))
)
def test_one_concept_a_file(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 600

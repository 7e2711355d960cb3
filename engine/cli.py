"""The command line: `tidegate`.

Each command imports what it runs when it is run, so that `tidegate version` does not load a gateway.

Exit codes: 0 done; 1 it was tried and failed; 2 the command, a setting or the policy is wrong, said on standard error
with the variable, or with file, line and reason; 130 interrupted. What a script reads (a key, a table) is on standard
output, alone; everything meant for a person besides it is on standard error.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from engine import settings
from engine.settings import SettingError, Settings

if TYPE_CHECKING:
    from engine.identity.store import KeyRecord
    from engine.offline.limits import Subject

Run = Callable[[argparse.Namespace], int]

FAILED: Final = 1
WRONG: Final = 2
INTERRUPTED: Final = 130

_DESCRIPTION: Final = """\
tidegate stands in front of LLM and other AI HTTP APIs and decides who may call, how much, with what input, and what may
leave in the answer."""

_EPILOG: Final = """\
first steps:
  tidegate demo                              see it work, with an upstream of its own
  tidegate check tidegate.yaml               is the policy right?
  tidegate keys create --subject me --role default
  tidegate serve                             run the gateway

Settings are environment variables; `tidegate config` shows them all."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["bench"]:
            # It has a command line of its own, which this one does not read.
            return _bench(given[1:])
        options = _parser().parse_args(given)
        code: int = options.run(options)
    except SettingError as error:
        return _say(WRONG, f"wrong setting: {error}")
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; the interpreter must not try to flush the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


def _say(code: int, text: str) -> int:
    print(f"tidegate: {text}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "tidegate",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Run | None, help: str, more: str = "") -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help, description=f"{help} {more}".strip(), allow_abbrev=False)
        made.set_defaults(run=run)
        return made

    serve = command(
        "serve",
        _serve,
        "Run the gateway.",
        "SIGTERM ends it once running answers have ended; SIGHUP, or a change of the file, loads the policy again.",
    )
    serve.add_argument(
        "--allow-unenforced",
        action="store_true",
        help="start although the policy names controls that this build does not run; they are warned about",
    )
    demo = command("demo", _demo, "Run the gateway on an upstream of its own, and print three requests to try.")
    demo.add_argument("--state-dir", type=Path, metavar="DIR", help="where the demo keeps its state (a new folder)")
    mock = command("mock-llm", _mock_llm, "Run an upstream that speaks the OpenAI and Anthropic dialects.")
    mock.add_argument("--listen", default="127.0.0.1:9001", metavar="HOST:PORT", help="default %(default)s")
    check = command(
        "check",
        _check,
        "Check a policy file.",
        "Prints what this build does not enforce of it. Exit code 2, with line and reason, where it cannot be loaded.",
    )
    check.add_argument("policy", type=Path, metavar="POLICY", help="the policy file")
    _add_keys(command("keys", None, "Make, list and revoke API keys.", "A running gateway follows at once."))
    _add_limits(
        command(
            "limits",
            None,
            "Show, reset and set what limits have counted.",
            "Each change is a line of the audit log, and in force with the next request.",
        )
    )
    config = command("config", _config, "Show every setting with its value, default, unit and source.")
    form = config.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="the table of settings as it stands in README")
    form.add_argument("--json", action="store_true", help="as JSON")
    scan = command(
        "scan",
        _scan,
        "Search texts with the redaction of the policy's `default` profile.",
        "Prints where something was found, or with --redact or --jsonl the text as the gateway would let it leave.",
    )
    form = scan.add_mutually_exclusive_group()
    form.add_argument("--jsonl", action="store_true", help='{"id", "text"} in, {"id", "findings", "redacted"} out')
    form.add_argument("--redact", action="store_true", help="print the redacted text")
    scan.add_argument("file", type=Path, nargs="?", metavar="FILE", help="UTF-8 (default: standard input)")
    _add_rules(command("rules", None, "List, show and try the built-in redaction rules."))
    command("bench", None, "Measure this build, in the source tree.")
    command("version", _version, "Print version and build: the regular expression engine, the hot path.")
    return parser


# serve, demo, mock-llm, bench, version


def _serve(options: argparse.Namespace) -> int:
    loaded = settings.load(os.environ)
    from engine import supervisor

    return supervisor.run(loaded, options.allow_unenforced)


def _demo(options: argparse.Namespace) -> int:
    from engine.demo import demo

    return demo.run(options.state_dir)


def _mock_llm(options: argparse.Namespace) -> int:
    try:
        address = settings.parse_address(options.listen)
    except ValueError as error:
        return _say(WRONG, f"--listen: {error}")
    from engine.demo import mock_llm

    return mock_llm.run(address.host, address.port)


def _bench(arguments: Sequence[str]) -> int:
    root = Path(__file__).resolve().parents[1]
    if not (root / "benchmarks" / "__main__.py").exists():
        return _say(FAILED, "the benchmarks are not installed with the package; run them in the source tree")
    return subprocess.run([sys.executable, "-m", "benchmarks", *arguments], cwd=root, check=False).returncode


def _version(_: argparse.Namespace) -> int:
    from engine.redaction.regex import engine_name

    try:
        version = metadata.version("tidegate")
    except metadata.PackageNotFoundError:
        version = "from a source tree that is not installed"
    from engine.pipeline import phases

    compiled = "interpreted" if phases.__file__.endswith(".py") else "compiled"
    print(f"tidegate {version} ({engine_name()}, hot path {compiled})")
    return 0


# check


def _check(options: argparse.Namespace) -> int:
    from engine.policy.loader import PolicyError, load_policy
    from engine.policy.snapshot import verify
    from engine.policy.unenforced import unenforced

    loaded = settings.load(os.environ)
    try:
        policy = load_policy(options.policy, os.environ)
        verify(policy)
    except PolicyError as error:
        return _say(WRONG, str(error))
    missing = unenforced(policy, loaded)
    for control in missing:
        place = f"{policy.source}:{control.line}" if control.line else "environment"
        print(f"{place}: note: not enforced by this build: {control}")
    print(
        f"{policy.source}: the policy is right"
        + (f"; {_count(len(missing), 'control')} not enforced" if missing else "")
    )
    return 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


# scan, rules


def _scan(options: argparse.Namespace) -> int:
    from engine.offline import commands

    return commands.run_scan(options.file, jsonl=options.jsonl, redact=options.redact)


def _add_rules(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    listed = commands.add_parser("list", help="all rules, a line each", allow_abbrev=False)
    listed.add_argument("--group", metavar="G", help="of one group")
    listed.add_argument("--json", action="store_true", help="as JSON, patterns and examples too")
    listed.set_defaults(run=_list_rules)

    show = commands.add_parser("show", help="one rule, as JSON", allow_abbrev=False)
    show.add_argument("id", metavar="ID")
    show.set_defaults(run=_show_rule)

    test = commands.add_parser("test", help="what a rule makes of texts, or of its own examples", allow_abbrev=False)
    test.add_argument("id", metavar="ID")
    test.add_argument("text", nargs="*", metavar="TEXT")
    test.set_defaults(run=_test_rule)


def _list_rules(options: argparse.Namespace) -> int:
    from engine.offline import commands

    return commands.list_rules(group=options.group, as_json=options.json)


def _show_rule(options: argparse.Namespace) -> int:
    from engine.offline import commands

    return commands.show_rule(options.id)


def _test_rule(options: argparse.Namespace) -> int:
    from engine.offline import commands

    return commands.test_rule(options.id, options.text)


# limits


def _add_limits(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Run, help: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
        for scope in ("user", "key", "team", "ip", "model", "route"):
            made.add_argument(f"--{scope}", metavar=scope[0].upper(), help=f"of this {scope}")
        made.set_defaults(run=run)
        return made

    show = command("show", _show_limits, "what is used, held and left, for all limits that whom you name is enough for")
    show.add_argument("--limit", metavar="NAME", help="of this limit alone")
    show.add_argument("--json", action="store_true", help="as JSON")
    reset = command("reset", _set_limit, "set what was used of a limit to nothing")
    reset.add_argument("limit", metavar="NAME", help="the limit's name in the policy")
    reset.set_defaults(used="0")
    changed = command("set", _set_limit, "set what was used of a limit")
    changed.add_argument("limit", metavar="NAME", help="the limit's name in the policy")
    changed.add_argument("used", metavar="USED", help="tokens, requests or bytes; USD of a limit on spend")


def _show_limits(options: argparse.Namespace) -> int:
    from engine.offline import limits

    return limits.show(_subject(options), options.limit, as_json=options.json)


def _set_limit(options: argparse.Namespace) -> int:
    from engine.offline import limits

    return limits.change(_subject(options), options.limit, options.used)


def _subject(options: argparse.Namespace) -> Subject:
    from engine.offline.limits import Subject

    return Subject(
        key=options.key,
        user=options.user,
        team=options.team,
        ip=options.ip,
        model=options.model,
        route=options.route,
    )


# config


def _config(options: argparse.Namespace) -> int:
    if options.markdown:
        print(settings.markdown(), end="")
        return 0
    rows = settings.rows(os.environ)
    if options.json:
        print(orjson.dumps([row._asdict() for row in rows], option=orjson.OPT_INDENT_2).decode())
        return 0
    head = ("variable", "value", "default", "unit", "source")
    _print_table(head, [(row.name, row.value or "unset", row.default or "unset", row.unit, row.source) for row in rows])
    for name in settings.load(os.environ).unknown:
        _say(0, f"{name} is set, but there is no such setting")
    return 0


def _print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


# keys


def _add_keys(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    create = commands.add_parser(
        "create",
        help="make a key and print it, this once",
        description="Make a key. It is printed on standard output, once: only its digest is kept.",
        allow_abbrev=False,
    )
    create.add_argument("--subject", required=True, metavar="S", help="who it is for: the user that limits count")
    create.add_argument(
        "--role", required=True, action="append", metavar="R", help="a role of the policy; may be repeated"
    )
    create.add_argument("--team", metavar="T", help="the team that limits by team count")
    create.add_argument(
        "--expires",
        metavar="WHEN",
        help="in 12h or 30d, or at 2030-01-31 or 2030-01-31T12:00:00+00:00 (default: never)",
    )
    create.set_defaults(run=_create_key)

    show = commands.add_parser("list", help="list all keys", description="List all keys.", allow_abbrev=False)
    show.add_argument("--json", action="store_true", help="as JSON")
    show.set_defaults(run=_list_keys)

    revoke = commands.add_parser(
        "revoke",
        help="revoke a key for good",
        description="Revoke a key for good. It is refused from the next request on.",
        allow_abbrev=False,
    )
    revoke.add_argument("id", metavar="ID", help="the key's id, the part after tg_; `tidegate keys list` shows it")
    revoke.set_defaults(run=_revoke_key)


def _create_key(options: argparse.Namespace) -> int:
    from engine.identity.store import KeyStore, StoreError

    loaded = settings.load(os.environ)
    try:
        expires = _expiry(options.expires, time.time()) if options.expires is not None else None
        with KeyStore(loaded.state_dir) as store:
            made = store.create(options.subject, options.role, team=options.team, expires=expires)
    except ValueError as error:
        return _say(WRONG, str(error))
    except StoreError as error:
        return _say(FAILED, str(error))
    for role in _unknown_roles(loaded, options.role, os.environ):
        _say(0, f"warning: the policy {loaded.policy} has no role {role!r}; until it does, the role allows nothing")
    _say(0, f"key {made.id} made; it is shown only now")
    print(made.key)
    return 0


def _unknown_roles(loaded: Settings, roles: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """The roles that the policy in force does not have; none where there is no policy to ask."""
    from engine.policy.loader import PolicyError, load_policy

    try:
        known = load_policy(loaded.policy, environ).document.roles
    except PolicyError:
        return []
    return [role for role in roles if role not in known]


def _expiry(text: str, now_s: float) -> float:
    """Seconds since the epoch of `30d` from now, or of a date or time (UTC unless it says otherwise)."""
    try:
        seconds = now_s + settings.parse_duration(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(
                f"--expires: {text!r} is neither a duration such as 30d nor a date such as 2030-01-31"
            ) from None
        seconds = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    if seconds <= now_s:
        raise ValueError(f"--expires: {text!r} is not in the future")
    return seconds


def _list_keys(options: argparse.Namespace) -> int:
    from engine.identity.store import KeyStore, StoreError

    try:
        with KeyStore(settings.load(os.environ).state_dir) as store:
            records = store.list()
    except StoreError as error:
        return _say(FAILED, str(error))
    now = time.time()
    if options.json:
        print(orjson.dumps([_as_json(record, now) for record in records], option=orjson.OPT_INDENT_2).decode())
        return 0
    head = ("id", "subject", "team", "roles", "status", "created", "expires")
    rows = [
        (
            record.id,
            record.subject,
            record.team or "-",
            ",".join(record.roles),
            record.status(now),
            _moment(record.created),
            _moment(record.expires),
        )
        for record in records
    ]
    _print_table(head, rows)
    return 0


def _as_json(record: KeyRecord, now_s: float) -> dict[str, object]:
    return {
        "id": record.id,
        "subject": record.subject,
        "team": record.team,
        "roles": record.roles,
        "status": record.status(now_s),
        "created": _moment(record.created),
        "expires": _moment(record.expires) if record.expires is not None else None,
        "revoked": _moment(record.revoked) if record.revoked is not None else None,
    }


def _moment(seconds: float | None) -> str:
    return "-" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _revoke_key(options: argparse.Namespace) -> int:
    from engine.identity.store import KeyStore, StoreError

    try:
        with KeyStore(settings.load(os.environ).state_dir) as store:
            revoked = store.revoke(options.id)
    except StoreError as error:
        return _say(FAILED, str(error))
    # An id that is none may be a whole key, given by mistake: it is not repeated.
    return _say(0, f"key {options.id} is revoked") if revoked else _say(FAILED, "there is no key with this id")

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
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from engine import settings
from engine.settings import SettingError

if TYPE_CHECKING:
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
        # Here, where a reader that is gone is no fault: the interpreter's own flush at the end would make it one.
        sys.stdout.flush()
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
    explain = command(
        "explain",
        _explain,
        "Say what the policy would decide about a request, and which of its lines says so.",
        "Exit code 1 where it would be refused.",
    )
    explain.add_argument("--key", metavar="ID", help="a key's id, or the key")
    explain.add_argument("--role", action="append", metavar="R", help="roles, in place of a key; may be repeated")
    explain.add_argument("--model", metavar="M", help="the model that is asked for")
    explain.add_argument("--endpoint", default="chat", metavar="E", help="an endpoint or route (default %(default)s)")
    explain.add_argument("--address", metavar="A", help="the client's address")
    _add_keys(command("keys", None, "Make, change and list API keys.", "A running gateway follows at once."))
    _add_admins(command("admins", None, "Make, list and remove tokens for the admin interface."))
    _add_bans(command("bans", None, "List and lift bans of addresses whose credentials fail."))
    _add_limits(
        command(
            "limits",
            None,
            "Show, reset and set what limits have counted.",
            "Each change is a line of the audit log, and in force with the next request. With TIDEGATE_REDIS_URL the "
            "counters are those that all hosts share, and a change is in force within a second.",
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
        verify(policy, shared=loaded.redis_url is not None)
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


def _explain(options: argparse.Namespace) -> int:
    from engine.offline import explain

    return explain.run(options.key, options.role, options.model, options.endpoint, options.address)


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


# keys, admins, bans


def _add_keys(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    create = commands.add_parser(
        "create",
        help="make a key and print it, this once",
        description="Make a key. It is printed on standard output, once: only its digest is kept.",
        allow_abbrev=False,
    )
    _add_key_fields(create)
    create.set_defaults(run=_offline("create"))

    brought = commands.add_parser(
        "import",
        help="take over a key that exists, by its SHA-256",
        description="Take over a key of any form by its SHA-256, in hexadecimal. Prints the id that it gets here.",
        allow_abbrev=False,
    )
    brought.add_argument("--sha256", required=True, metavar="HEX", help='printf %%s "$KEY" | sha256sum')
    _add_key_fields(brought)
    brought.set_defaults(run=_offline("import"))

    listed = commands.add_parser("list", help="list all keys", description="List all keys.", allow_abbrev=False)
    listed.add_argument("--json", action="store_true", help="as JSON")
    listed.set_defaults(run=_offline("list"))

    def on_key(name: str, help: str, command: str = "change") -> argparse.ArgumentParser:
        made = commands.add_parser(
            name, help=help, description=f"{help[0].upper()}{help[1:]}. Takes effect at once.", allow_abbrev=False
        )
        made.add_argument("id", metavar="ID", help="the key's id, the part after tg_; `tidegate keys list` shows it")
        made.set_defaults(run=_offline(command), change=name)
        return made

    on_key("show", "show a key, as JSON", "show")
    rotate = on_key("rotate", "give a key a new secret and print it, this once", "rotate")
    rotate.add_argument("--overlap", default="0s", metavar="TIME", help="how long the old one is valid (%(default)s)")
    expire = on_key("expire", "set when a key ends")
    expire.add_argument("when", metavar="WHEN", help="12h, 30d, 2030-01-31 or never")
    on_key("disable", "refuse a key until it is enabled")
    on_key("enable", "accept a key that was disabled")
    on_key("revoke", "revoke a key for good; its running answers end")
    history = commands.add_parser("history", help="who changed what, newest first, as JSON", allow_abbrev=False)
    history.add_argument("id", nargs="?", metavar="ID", help="a key's id or an admin's name (default: all)")
    history.set_defaults(run=_offline("history"))


def _add_key_fields(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--subject", required=True, metavar="S", help="who it is for: the user that limits count")
    parser.add_argument(
        "--role", required=True, action="append", metavar="R", help="a role of the policy; may be repeated"
    )
    parser.add_argument("--team", metavar="T", help="the team that limits by team count")
    parser.add_argument("--owner", metavar="O", help="who answers for it")
    parser.add_argument(
        "--expires",
        metavar="WHEN",
        help="in 12h or 30d, or at 2030-01-31 or 2030-01-31T12:00:00+00:00 (default: never)",
    )
    parser.add_argument("--model", action="append", metavar="M", help="only this model or glob; may be repeated")
    parser.add_argument("--address", action="append", metavar="A", help="only from this network; may be repeated")
    parser.add_argument(
        "--limit", action="append", metavar="L", help="under this limit, which the policy assigns; may be repeated"
    )


def _add_admins(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    create = commands.add_parser("create", help="make a token and print it, this once", allow_abbrev=False)
    create.add_argument("name", metavar="NAME")
    create.add_argument(
        "--role", required=True, action="append", metavar="R", help="a role that this admin may give; '*' is every one"
    )
    create.set_defaults(run=_offline("create-admin"))
    commands.add_parser("list", help="list all, as JSON").set_defaults(run=_offline("list-admins"))
    remove = commands.add_parser("remove", help="the token is not valid any more", allow_abbrev=False)
    remove.add_argument("name", metavar="NAME")
    remove.set_defaults(run=_offline("remove-admin"))


def _add_bans(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    commands.add_parser("list", help="the bans in force, as JSON").set_defaults(run=_offline("list-bans"))
    lift = commands.add_parser("lift", help="forget the failures of an address", allow_abbrev=False)
    lift.add_argument("address", metavar="ADDRESS")
    lift.set_defaults(run=_offline("lift-ban"))


def _offline(command: str) -> Run:
    def run(options: argparse.Namespace) -> int:
        from engine.offline import keys

        return keys.run(command, options)

    return run

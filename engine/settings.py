"""Settings of a process, read from the environment: one table, one reader.

`TABLE` is the only definition of a setting. `load` reads the values by it, `tidegate config` prints it, and the table
in README is written from it. What the policy decides (who may do what) is not here; what the machine decides is.

Rules. An absent or empty variable takes its default. A value carries its unit where it has one: durations `250ms`,
`3s`, `5m`, `1h`; sizes `4096` (bytes), `32KiB`, `1MiB`. A relative path is relative to the working directory.

Failure modes. A value that cannot be read raises SettingError with the variable and the reason, so that the process
does not start on a guess. An unknown `TIDEGATE_` variable that looks like a misspelt one raises too: the value that
somebody believes to be in force would be silently lost. Any other unknown one is listed in `Settings.unknown`, to be
warned about.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

PREFIX: Final = "TIDEGATE_"

# Read by setup.py, not by a running gateway.
BUILD_VARIABLES: Final = frozenset(PREFIX + name for name in ("BUILD", "BUILD_ONLY", "WITHOUT_RE2", "ANNOTATE"))

# Kubernetes gives each pod the addresses of the services around it; one named "tidegate" makes names such as
# TIDEGATE_SERVICE_HOST and TIDEGATE_PORT_8080_TCP_ADDR, which nobody set by hand.
_SERVICE_LINK: Final = re.compile(
    r"TIDEGATE_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_[A-Z]+)?)?)"
)

_DURATION: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE: Final = re.compile(r"([0-9]{1,15})(B|KiB|MiB|GiB|KB|MB|GB)?")
_BYTES: Final = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "KB": 10**3, "MB": 10**6, "GB": 10**9}

# A year: past it a time-out is a mistake, not a bound.
_LONGEST_DURATION: Final = 366 * 86400.0
# Guessing has no other bound than this.
_SHORTEST_TOKEN: Final = 24
_LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_REDIS_SCHEMES: Final = ("redis", "rediss", "unix", "valkey", "valkeys")


class SettingError(ValueError):
    """A variable that cannot be used. `name` is the variable, `reason` says why and what would be accepted."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class Address(NamedTuple):
    """A listening address. Port 0 lets the kernel choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_duration(text: str) -> float:
    """Seconds of `250ms`, `3s`, `5m`, `1h` or `1d`. Raises ValueError on anything else, and past a year."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 250ms, 3s or 5m")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > _LONGEST_DURATION:
        raise ValueError(f"{text!r} is longer than a year")
    return seconds


def parse_size(text: str) -> int:
    """Bytes of `4096`, `32KiB`, `1MiB`, `1GiB` (powers of 1024) or `1KB`, `1MB`, `1GB` (of 1000). Raises ValueError."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a size such as 4096, 32KiB or 1MiB")
    return int(match[1]) * _BYTES[match[2] or "B"]


def parse_address(text: str) -> Address:
    """`host:port`, with an IPv6 host in brackets. Raises ValueError."""
    host, separator, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{text!r}: an IPv6 host needs brackets, as in [::1]:8080")
    if not separator or not host or any(character.isspace() for character in host):
        raise ValueError(f"{text!r} is not host:port")
    if not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"{text!r}: the port is not a number from 0 to 65535")
    return Address(host, int(port))


def format_duration(seconds: float) -> str:
    """The shortest form that `parse_duration` reads back to the same value."""
    if seconds and seconds < 1:
        return f"{seconds * 1000:g}ms"
    for unit in ("h", "m"):
        count = seconds / _SECONDS[unit]
        if count >= 1 and count == int(count):
            return f"{int(count)}{unit}"
    return f"{seconds:g}s"


def format_size(count: int) -> str:
    """The shortest form that `parse_size` reads back to the same value."""
    for unit in ("GiB", "MiB", "KiB"):
        if count and count % _BYTES[unit] == 0:
            return f"{count // _BYTES[unit]}{unit}"
    return str(count)


def _usable_cores() -> int:
    return max(1, len(os.sched_getaffinity(0)))


def _count(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not lowest <= int(text) <= highest:
            raise ValueError(f"{text!r} is not a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def _workers(text: str) -> int:
    return _usable_cores() if text == "auto" else _count(1, 1024)(text)


def _slots(text: str) -> int:
    slots = _count(1 << 10, 1 << 30)(text)
    if slots & (slots - 1):
        raise ValueError(f"{text!r} is not a power of two")
    return slots


def _size(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        count = parse_size(text)
        if not lowest <= count <= highest:
            raise ValueError(f"{text!r} is not between {format_size(lowest)} and {format_size(highest)}")
        return count

    return parse


def _time_out(text: str) -> float:
    seconds = parse_duration(text)
    if seconds < 0.001:
        raise ValueError(f"{text!r} is shorter than 1ms; there is no time-out that is off")
    return seconds


def _keep(text: str) -> float:
    seconds = parse_duration(text)
    if seconds < 1:
        raise ValueError(f"{text!r} is shorter than 1s: one look at the store may be late")
    return seconds


def _client_cert(text: str) -> str:
    if text not in ("optional", "required"):
        raise ValueError(f"{text!r} is not one of optional, required")
    return text


def _networks(text: str) -> tuple[str, ...]:
    # Raises ValueError that names the text.
    return tuple(str(ip_network(part.strip())) for part in text.split(","))


def _level(text: str) -> str:
    if text.lower() not in _LOG_LEVELS:
        raise ValueError(f"{text!r} is not one of {', '.join(_LOG_LEVELS)}")
    return text.lower()


def store_addresses(url: str) -> tuple[str, ...]:
    """The URLs that one of several hosts stands for: `redis://user:password@a:6379,b:6379/0`. Raises ValueError."""
    parts = urlsplit(url)
    credential, at, hosts = parts.netloc.rpartition("@")
    found = tuple(parts._replace(netloc=f"{credential}{at}{host.strip()}") for host in hosts.split(","))
    # Behind a comma stands a host, not a URL.
    if parts.path.startswith("//"):
        raise ValueError
    for one in found:
        if one.scheme not in _REDIS_SCHEMES or one.port == 0 or (len(found) > 1 and not one.hostname):
            raise ValueError
    return tuple(one.geturl() for one in found) if len(found) > 1 else (url,)


def _redis(text: str) -> str:
    # The text may hold a password, so that no message repeats it.
    try:
        store_addresses(text)
    except ValueError:
        raise ValueError("not a URL such as redis://host:6379/0, rediss://... or unix:///path") from None
    return text


def _token(text: str) -> str:
    # The text is a secret, so that no message repeats it.
    if len(text) < _SHORTEST_TOKEN or not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError(f"a token has at least {_SHORTEST_TOKEN} visible ASCII characters")
    return text


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table: what a variable means, its default as a user would write it ("" is unset), and its reader."""

    name: str
    default: str
    unit: str
    help: str
    parse: Callable[[str], Any]
    secret: bool = False

    @property
    def field(self) -> str:
        """The attribute of Settings that holds the value."""
        return self.name.removeprefix(PREFIX).lower()


def _table(*rows: Setting) -> tuple[Setting, ...]:
    return rows


TABLE: Final = _table(
    Setting("TIDEGATE_LISTEN", "127.0.0.1:8080", "host:port", "Where clients connect.", parse_address),
    Setting(
        "TIDEGATE_ADMIN_LISTEN",
        "127.0.0.1:9090",
        "host:port",
        "Health, readiness, metrics, and keys for admins. Keep it off public addresses.",
        parse_address,
    ),
    Setting(
        "TIDEGATE_ADMIN_TOKEN",
        "",
        "token",
        "A token for the admin interface that may give every role; more are made by `tidegate admins create`.",
        _token,
        secret=True,
    ),
    Setting("TIDEGATE_POLICY", "tidegate.yaml", "file", "The policy. Read again when it changes, or on SIGHUP.", Path),
    Setting(
        "TIDEGATE_STATE_DIR",
        ".tidegate",
        "folder",
        "Keys, limit counters and what else outlives a restart. One gateway at a time.",
        Path,
    ),
    Setting("TIDEGATE_WORKERS", "auto", "count", "Worker processes; auto is one for each usable core.", _workers),
    Setting(
        "TIDEGATE_AUDIT_LOG",
        "",
        "file",
        "One JSON line for each request. Unset: `audit.jsonl` in the state folder.",
        Path,
    ),
    Setting(
        "TIDEGATE_REDIS_URL",
        "",
        "URL",
        "Redis or Valkey, in which several hosts keep keys and limits together; of a cluster several nodes, as in "
        "redis://a:6379,b:6379. Unset: one host.",
        _redis,
        secret=True,
    ),
    Setting(
        "TIDEGATE_KEYS_WITHOUT_STORE",
        "5s",
        "duration",
        "How long API keys go on working while the store of TIDEGATE_REDIS_URL does not answer; then 503. From 1s.",
        _keep,
    ),
    Setting("TIDEGATE_TLS_CERT", "", "file", "PEM certificate chain for clients. Unset: plain HTTP.", Path),
    Setting("TIDEGATE_TLS_KEY", "", "file", "PEM private key of TIDEGATE_TLS_CERT.", Path),
    Setting(
        "TIDEGATE_TLS_CLIENT_CA",
        "",
        "file",
        "PEM certificates that those of clients are verified against. Unset: clients are not asked for one.",
        Path,
    ),
    Setting(
        "TIDEGATE_TLS_CLIENT_CERT",
        "optional",
        "word",
        "With TIDEGATE_TLS_CLIENT_CA: optional, or required of every connection.",
        _client_cert,
    ),
    Setting(
        "TIDEGATE_PROXY_PROTOCOL",
        "",
        "networks",
        "Proxies (10.0.0.0/8,::1) whose connections begin with a PROXY header; all others are closed. Unset: off.",
        _networks,
    ),
    Setting(
        "TIDEGATE_UPSTREAM_CA",
        "",
        "file",
        "PEM certificates that upstreams are verified against. Unset: the system's.",
        Path,
    ),
    Setting("TIDEGATE_GRACE", "30s", "duration", "How long running answers may take to end at shutdown.", _time_out),
    Setting(
        "TIDEGATE_HEADER_TIMEOUT", "10s", "duration", "From the first byte of a request to its head's end.", _time_out
    ),
    Setting("TIDEGATE_BODY_TIMEOUT", "30s", "duration", "From a request's head to the end of its body.", _time_out),
    Setting("TIDEGATE_IDLE_TIMEOUT", "75s", "duration", "A client connection that waits between requests.", _time_out),
    Setting("TIDEGATE_SEND_TIMEOUT", "30s", "duration", "A client that does not read its answer.", _time_out),
    Setting(
        "TIDEGATE_UPSTREAM_KEEPALIVE",
        "4s",
        "duration",
        "An idle upstream connection is kept this long. Below the upstream's own limit, often 5s.",
        _time_out,
    ),
    Setting(
        "TIDEGATE_MAX_HEADER_BYTES",
        "32KiB",
        "size",
        "The head of a request, its line included.",
        _size(1 << 10, 1 << 20),
    ),
    Setting(
        "TIDEGATE_MAX_ANSWER_BYTES",
        "32MiB",
        "size",
        "An answer that is held to be redacted; a longer one is refused.",
        _size(1 << 10, 1 << 30),
    ),
    Setting("TIDEGATE_MAX_CONNECTIONS", "10000", "count", "Client connections of one worker.", _count(1, 1_000_000)),
    Setting(
        "TIDEGATE_LIMIT_SLOTS",
        "1048576",
        "count",
        "Counters in the shared table, 16 bytes each; a power of two.",
        _slots,
    ),
    Setting("TIDEGATE_LOG_LEVEL", "info", "level", f"One of {', '.join(_LOG_LEVELS)}.", _level),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The values in force. Durations in seconds, sizes in bytes; None where a setting is unset."""

    listen: Address
    admin_listen: Address
    admin_token: str | None = field(repr=False)
    policy: Path
    state_dir: Path
    workers: int
    audit_log: Path
    redis_url: str | None = field(repr=False)
    keys_without_store: float
    tls_cert: Path | None
    tls_key: Path | None
    tls_client_ca: Path | None
    tls_client_cert: str
    proxy_protocol: tuple[str, ...] | None
    upstream_ca: Path | None
    grace: float
    header_timeout: float
    body_timeout: float
    idle_timeout: float
    send_timeout: float
    upstream_keepalive: float
    max_header_bytes: int
    max_answer_bytes: int
    max_connections: int
    limit_slots: int
    log_level: str
    unknown: tuple[str, ...] = ()


def load(environ: Mapping[str, str]) -> Settings:
    """Settings from a mapping such as os.environ. Raises SettingError."""
    unknown = _unknown(environ)
    values: dict[str, Any] = {}
    for setting in TABLE:
        text = environ.get(setting.name) or setting.default
        if "\0" in text:
            raise SettingError(setting.name, "holds a NUL character")
        try:
            values[setting.field] = setting.parse(text) if text else None
        except ValueError as error:
            raise SettingError(setting.name, str(error)) from None
    if values["audit_log"] is None:
        values["audit_log"] = values["state_dir"] / "audit.jsonl"
    for given, missing in (("tls_cert", "tls_key"), ("tls_key", "tls_cert")):
        if values[given] is not None and values[missing] is None:
            raise SettingError(PREFIX + given.upper(), f"is set without {PREFIX}{missing.upper()}")
    if values["tls_client_ca"] is not None and values["tls_cert"] is None:
        raise SettingError("TIDEGATE_TLS_CLIENT_CA", "is set without TIDEGATE_TLS_CERT")
    if values["tls_client_cert"] == "required" and values["tls_client_ca"] is None:
        raise SettingError("TIDEGATE_TLS_CLIENT_CERT", "is required without TIDEGATE_TLS_CLIENT_CA")
    return Settings(**values, unknown=unknown)


def _unknown(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Variables with our prefix that mean nothing to us. Raises SettingError for one that looks like a misspelling."""
    suffixes = [setting.name.removeprefix(PREFIX) for setting in TABLE]
    known = {setting.name for setting in TABLE} | BUILD_VARIABLES
    unknown = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in known or _SERVICE_LINK.fullmatch(name):
            continue
        close = get_close_matches(name.removeprefix(PREFIX), suffixes, n=1, cutoff=0.8)
        if close:
            raise SettingError(name, f"no such setting; did you mean {PREFIX}{close[0]}?")
        unknown.append(name)
    return tuple(unknown)


class Row(NamedTuple):
    """A setting as it is printed: all text. `source` is "environment" or "default"."""

    name: str
    value: str
    default: str
    unit: str
    source: str
    help: str


def rows(environ: Mapping[str, str]) -> list[Row]:
    """Every setting with the value in force, passwords left out. Raises SettingError."""
    settings = load(environ)
    return [
        Row(
            name=setting.name,
            value=_shown(setting, getattr(settings, setting.field)),
            default=setting.default,
            unit=setting.unit,
            source="environment" if environ.get(setting.name) else "default",
            help=setting.help,
        )
        for setting in TABLE
    ]


def _shown(setting: Setting, value: Any) -> str:
    if value is None:
        return ""
    if setting.unit == "token":
        return "***"
    if setting.secret:
        return re.sub(r"//[^/?#]*@", "//***@", value).partition("?")[0]
    if setting.unit == "duration":
        return format_duration(value)
    if setting.unit == "networks":
        return ",".join(value)
    if setting.unit == "size":
        return format_size(value)
    return str(value)


def markdown() -> str:
    """The table of settings for README: name, default, unit and meaning. It names no value of this machine."""
    lines = ["| variable | default | unit | meaning |", "|---|---|---|---|"]
    for setting in TABLE:
        default = f"`{setting.default}`" if setting.default else "unset"
        lines.append(f"| `{setting.name}` | {default} | {setting.unit} | {setting.help} |")
    return "\n".join(lines) + "\n"

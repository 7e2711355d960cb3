"""Settings: what is read, what is refused, and what is printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import settings
from engine.settings import Address, SettingError

README = Path(__file__).parents[2] / "README.md"


def test_defaults_need_no_environment() -> None:
    loaded = settings.load({})
    assert loaded.listen == Address("127.0.0.1", 8080)
    assert loaded.admin_listen == Address("127.0.0.1", 9090)
    assert loaded.state_dir == Path(".tidegate")
    assert loaded.audit_log == Path(".tidegate/audit.jsonl")
    assert loaded.workers >= 1
    assert loaded.redis_url is None
    assert loaded.grace == 30.0
    assert loaded.max_header_bytes == 32 * 1024


def test_every_setting_is_a_field_and_every_field_a_setting() -> None:
    fields = set(settings.Settings.__dataclass_fields__) - {"unknown"}
    assert {setting.field for setting in settings.TABLE} == fields


def test_values_come_from_the_environment() -> None:
    loaded = settings.load(
        {
            "TIDEGATE_LISTEN": "[::]:0",
            "TIDEGATE_STATE_DIR": "/srv/state",
            "TIDEGATE_WORKERS": "3",
            "TIDEGATE_GRACE": "250ms",
            "TIDEGATE_MAX_ANSWER_BYTES": "2MiB",
            "TIDEGATE_LOG_LEVEL": "WARNING",
            "TIDEGATE_HEADER_TIMEOUT": "",
            "HOME": "/root",
        }
    )
    assert loaded.listen == Address("::", 0)
    assert loaded.audit_log == Path("/srv/state/audit.jsonl")
    assert loaded.workers == 3
    assert loaded.grace == 0.25
    assert loaded.max_answer_bytes == 2 << 20
    assert loaded.log_level == "warning"
    assert loaded.header_timeout == 10.0


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("TIDEGATE_LISTEN", "8080", "not host:port"),
        ("TIDEGATE_LISTEN", ":8080", "not host:port"),
        ("TIDEGATE_LISTEN", "host:65536", "from 0 to 65535"),
        ("TIDEGATE_LISTEN", "host:٣", "from 0 to 65535"),
        ("TIDEGATE_LISTEN", "::1:80", "needs brackets"),
        ("TIDEGATE_WORKERS", "0", "from 1 to 1024"),
        ("TIDEGATE_WORKERS", "many", "from 1 to 1024"),
        ("TIDEGATE_GRACE", "30", "not a duration"),
        ("TIDEGATE_GRACE", "-1s", "not a duration"),
        ("TIDEGATE_GRACE", "0s", "shorter than 1ms"),
        ("TIDEGATE_GRACE", "400d", "longer than a year"),
        ("TIDEGATE_MAX_HEADER_BYTES", "1 KiB", "not a size"),
        ("TIDEGATE_MAX_HEADER_BYTES", "1GiB", "not between 1KiB and 1MiB"),
        ("TIDEGATE_LIMIT_SLOTS", "1000000", "power of two"),
        ("TIDEGATE_LIMIT_SLOTS", "512", "from 1024"),
        ("TIDEGATE_LOG_LEVEL", "loud", "not one of debug"),
        ("TIDEGATE_REDIS_URL", "http://:s3cret@host", "not a URL such as redis"),
        ("TIDEGATE_REDIS_URL", "redis://host:x", "not a URL such as redis"),
        ("TIDEGATE_REDIS_URL", "redis://a:1,b:x", "not a URL such as redis"),
        ("TIDEGATE_REDIS_URL", "redis://a:1,", "not a URL such as redis"),
        ("TIDEGATE_REDIS_URL", "redis://a:1,redis://b:1", "not a URL such as redis"),
        ("TIDEGATE_TLS_CERT", "/cert.pem", "without TIDEGATE_TLS_KEY"),
        ("TIDEGATE_TLS_KEY", "/key.pem", "without TIDEGATE_TLS_CERT"),
        ("TIDEGATE_POLICY", "a\0b", "NUL"),
    ],
)
def test_bad_value_names_variable_and_reason(name: str, value: str, reason: str) -> None:
    with pytest.raises(SettingError) as caught:
        settings.load({name: value})
    assert caught.value.name == name
    assert reason in caught.value.reason
    assert str(caught.value).startswith(f"{name}: ")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["TIDEGATE_LISTN", "TIDEGATE_POLICYS", "TIDEGATE_STATEDIR", "TIDEGATE_WORKER"])
def test_misspelt_variable_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match="did you mean TIDEGATE_"):
        settings.load({name: "x"})


def test_foreign_variables_are_told_apart() -> None:
    loaded = settings.load(
        {
            "TIDEGATE_BUILD": "debug",
            "TIDEGATE_SERVICE_HOST": "10.0.0.1",
            "TIDEGATE_SERVICE_PORT_HTTP": "80",
            "TIDEGATE_PORT": "tcp://10.0.0.1:80",
            "TIDEGATE_PORT_8080_TCP_ADDR": "10.0.0.1",
            "TIDEGATE_ADMIN_SERVICE_PORT": "9090",
            "TIDEGATE_QUANTUM": "1",
        }
    )
    assert loaded.unknown == ("TIDEGATE_QUANTUM",)


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("3s", 3.0), ("1.5s", 1.5), ("5m", 300.0), ("1h", 3600.0), ("2d", 172800.0)]
)
def test_durations_read_back_as_they_are_written(text: str, seconds: float) -> None:
    assert settings.parse_duration(text) == pytest.approx(seconds)
    assert settings.parse_duration(settings.format_duration(seconds)) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "count"), [("0", 0), ("4096", 4096), ("32KiB", 32768), ("1MiB", 1 << 20), ("1KB", 1000), ("1500", 1500)]
)
def test_sizes_read_back_as_they_are_written(text: str, count: int) -> None:
    assert settings.parse_size(text) == count
    assert settings.parse_size(settings.format_size(count)) == count


def test_addresses_read_back_as_they_are_written() -> None:
    for text in ("127.0.0.1:8080", "[::1]:8080", "localhost:0"):
        assert str(settings.parse_address(text)) == text


def test_rows_tell_value_and_source_but_no_password() -> None:
    rows = {
        row.name: row
        for row in settings.rows(
            {"TIDEGATE_GRACE": "90s", "TIDEGATE_REDIS_URL": "redis://user:s3cret@cache:6379/0?password=s3cret"}
        )
    }
    assert rows["TIDEGATE_GRACE"].value == "90s"
    assert rows["TIDEGATE_GRACE"].source == "environment"
    assert rows["TIDEGATE_BODY_TIMEOUT"].value == "30s"
    assert rows["TIDEGATE_BODY_TIMEOUT"].source == "default"
    assert rows["TIDEGATE_MAX_HEADER_BYTES"].value == "32KiB"
    assert rows["TIDEGATE_REDIS_URL"].value == "redis://***@cache:6379/0"
    assert not any("s3cret" in value for row in rows.values() for value in row)


def test_a_store_of_several_nodes() -> None:
    url = "rediss://user:s3c,ret@a:6379,b, [::1]:7000/0?ssl_cert_reqs=none"
    assert settings.load({"TIDEGATE_REDIS_URL": url}).redis_url == url
    assert settings.store_addresses(url) == (
        "rediss://user:s3c,ret@a:6379/0?ssl_cert_reqs=none",
        "rediss://user:s3c,ret@b/0?ssl_cert_reqs=none",
        "rediss://user:s3c,ret@[::1]:7000/0?ssl_cert_reqs=none",
    )
    assert settings.store_addresses("unix:///run/a,b.sock?db=1") == ("unix:///run/a,b.sock?db=1",)
    (row,) = (row for row in settings.rows({"TIDEGATE_REDIS_URL": url}) if row.name == "TIDEGATE_REDIS_URL")
    assert row.value == "rediss://***@a:6379,b, [::1]:7000/0"


def test_settings_do_not_show_a_password() -> None:
    assert "s3cret" not in repr(settings.load({"TIDEGATE_REDIS_URL": "redis://:s3cret@cache"}))


def test_readme_has_the_table() -> None:
    text = README.read_text()
    block = text.partition("<!-- settings -->")[2].partition("<!-- /settings -->")[0]
    assert block.strip() == settings.markdown().strip(), "write it with: tidegate config --markdown"


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"TIDEGATE_TLS_CLIENT_CA": "ca"}, "without TIDEGATE_TLS_CERT"),
        ({"TIDEGATE_TLS_CLIENT_CERT": "required"}, "without TIDEGATE_TLS_CLIENT_CA"),
        ({"TIDEGATE_TLS_CLIENT_CERT": "maybe"}, "optional, required"),
        ({"TIDEGATE_PROXY_PROTOCOL": "on"}, "'on'"),
        ({"TIDEGATE_PROXY_PROTOCOL": "10.0.0.1/8"}, "host bits"),
        ({"TIDEGATE_PROXY_PROTOCOL": "10.0.0.0/8,"}, "''"),
        ({"TIDEGATE_KEYS_WITHOUT_STORE": "500ms"}, "shorter than 1s"),
    ],
)
def test_settings_of_identity_that_are_refused(environment: dict[str, str], reason: str) -> None:
    with pytest.raises(settings.SettingError, match=reason):
        settings.load(environment)


def test_proxies_as_they_are_read_and_shown() -> None:
    environment = {"TIDEGATE_PROXY_PROTOCOL": "10.0.0.0/8, ::1"}
    assert settings.load(environment).proxy_protocol == ("10.0.0.0/8", "::1/128")
    shown = {row.name: row.value for row in settings.rows(environment)}
    assert shown["TIDEGATE_PROXY_PROTOCOL"] == "10.0.0.0/8,::1/128"

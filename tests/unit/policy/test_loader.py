"""The policy file: the contract loads, and what is wrong is named with its line, place and reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.policy.loader import Policy, PolicyError, load_policy, parse_policy
from engine.policy.model import Cap

CONTRACT = Path(__file__).with_name("contract.yaml")

BASE = """\
upstreams:
  local: {base_url: http://127.0.0.1:9001/v1}
"""


def parse(text: str, **environ: str) -> Policy:
    return parse_policy(text, "test.yaml", environ)


def test_contract_loads() -> None:
    document = load_policy(CONTRACT, {"UPSTREAM_API_KEY": "sk-upstream"}).document
    assert document.upstreams["local"].api_key == "sk-upstream"
    assert document.upstreams["local"].timeouts.first_byte == "60s"
    assert list(document.routing) == ["gpt-4o-mini", "gpt-4o", "*"]
    assert document.roles["analyst"].parameters["max_tokens"] == Cap(max=4096)
    assert document.roles["analyst"].parameters["logprobs"] == "deny"
    assert [limit.name for limit in document.limits] == [
        "per-ip",
        "per-user",
        "tokens",
        "monthly",
        "parallel",
        "analysts",
    ]
    assert document.profiles["none"] == {}
    assert document.rules[0].pattern == r"EMP-\d{6}"
    assert document.routes[0].response_text == ["/result/*/text"]


def test_smallest_file_has_defaults() -> None:
    document = parse(BASE).document
    assert document.routing["*"].upstream == "local"
    assert document.identity.api_keys
    assert document.identity.anonymous is None
    assert document.roles["default"].redaction == "default"
    assert document.profiles["default"]["private_key"] == "block"
    assert document.validation.max_depth == 64


def test_an_empty_section_is_its_default_but_of_roles_none_at_all() -> None:
    document = parse(BASE + "limits:\nnetwork:\nroles:\nmodels:\n").document
    assert document.limits == []
    assert document.routing["*"].upstream == "local"
    assert document.roles == {}


def test_off_is_an_action_not_a_boolean() -> None:
    assert parse(BASE + "redaction: {quiet: {pii: off}}\n").document.redaction == {"quiet": {"pii": "off"}}


def test_numbers_come_from_the_environment_too() -> None:
    text = "upstreams: {local: {base_url: 'http://h/v1', max_connections: '${MANY}', api_key: '${KEY}'}}"
    upstream = parse(text, MANY="7", KEY="123456").document.upstreams["local"]
    assert upstream.max_connections == 7
    assert upstream.api_key == "123456"


def test_revision_names_the_text() -> None:
    assert parse(BASE).revision == parse(BASE).revision
    assert parse(BASE).revision != parse(BASE + "#\n").revision


# Each case: what follows BASE (or stands in its place), the line, the path, and a part of the reason.
WRONG = [
    ("[]", 1, "", "Expected `mapping`, got `list`"),
    ("version: 1\n", 1, "", "missing required field `upstreams`"),
    ("upstreams:\n", 1, "upstreams", "Expected `mapping`"),
    ("upstreams: {}\n", 1, "upstreams", "length >= 1"),
    (BASE + "version: 2\n", 3, "version", "not an accepted value: 2"),
    (BASE + "role: {}\n", 3, "role", "no such field here"),
    ("upstreams:\n  a: {base_url: http://h}\n  b:\n    url: http://h\n", 4, "upstreams.b.url", "no such field here"),
    ("upstreams:\n  a: {base_url: http://h}\n  b: {dialect: openai}\n", 3, "upstreams.b", "missing required field"),
    (
        "upstreams:\n  a: {base_url: http://h, dialect: grpc}\n",
        2,
        "upstreams.a.dialect",
        "not an accepted value: 'grpc'",
    ),
    ("upstreams:\n  a: {base_url: ftp://h}\n", 2, "upstreams.a.base_url", "neither http:// nor https://"),
    ("upstreams:\n  a: {base_url: 'http://u:p@h'}\n", 2, "upstreams.a.base_url", "belongs in api_key"),
    ("upstreams:\n  a: {base_url: 'http://h?x=1'}\n", 2, "upstreams.a.base_url", "query"),
    ("upstreams:\n  a: {base_url: 'http://h/v1?'}\n", 2, "upstreams.a.base_url", "query"),
    ("upstreams:\n  a: {base_url: 'http://'}\n", 2, "upstreams.a.base_url", "no host:port"),
    ("upstreams:\n  a: {base_url: 'http://h:0'}\n", 2, "upstreams.a.base_url", "no host:port"),
    ("upstreams:\n  a: {base_url: 'http://h:99999'}\n", 2, "upstreams.a.base_url", "not a URL"),
    ("upstreams:\n  a: {base_url: 'http://a b'}\n", 2, "upstreams.a.base_url", "no host:port"),
    ("upstreams:\n  a: {base_url: 'http://h/a/../b'}\n", 2, "upstreams.a.base_url", "path"),
    ("upstreams:\n  a: {base_url: 'http://h/%2e'}\n", 2, "upstreams.a.base_url", "path"),
    ('upstreams:\n  a: {base_url: "http://h/v1\\r\\nx: y"}\n', 2, "upstreams.a.base_url", ""),
    ('upstreams:\n  a: {base_url: http://h, api_key: "k\\r\\nx: y"}\n', 2, "upstreams.a.api_key", "credential"),
    ("upstreams:\n  a: {base_url: http://h, timeouts: {idle: 5}}\n", 2, "upstreams.a.timeouts.idle", "Expected `text`"),
    (
        "upstreams:\n  a: {base_url: http://h, timeouts: {idle: '5'}}\n",
        2,
        "upstreams.a.timeouts.idle",
        "not a duration",
    ),
    (
        "upstreams:\n  a: {base_url: http://h, timeouts: {idle: 0s}}\n",
        2,
        "upstreams.a.timeouts.idle",
        "shorter than 1ms",
    ),
    ("upstreams:\n  a: {base_url: http://h, max_connections: 0}\n", 2, "upstreams.a.max_connections", ">= 1"),
    ("upstreams:\n  a: {base_url: http://h}\n  b: {base_url: http://h}\n", 1, "", "several upstreams"),
    (BASE + "models:\n  m: {upstream: nowhere}\n", 4, "models.m.upstream", "no upstream 'nowhere'"),
    (BASE + "models:\n  'a b': {upstream: local}\n", 4, "models.a b", "visible ASCII"),
    (BASE + "models:\n  m: {upstream: local, price: {input: -1}}\n", 4, "models.m.price.input", ">= 0"),
    (BASE + "roles:\n  r:\n    endpoints: [chat, chta]\n", 5, "roles.r.endpoints[1]", "no endpoint or route 'chta'"),
    (BASE + "roles:\n  r:\n    redaction: strict\n", 5, "roles.r.redaction", "no redaction profile 'strict'"),
    (BASE + "roles:\n  a: {}\n  r: {parameters: {n: 1}}\n", 5, "roles.r.parameters.n", "Expected"),
    (BASE + "roles:\n  a: {}\n  r: {parameters: {n: {max: x}}}\n", 5, "roles.r.parameters.n.max", "Expected `float"),
    (BASE + "roles:\n  r: {parameters: {n: never}}\n", 4, "roles.r.parameters.n", "not an accepted value: 'never'"),
    (BASE + "identity: {anonymous: guest}\n", 3, "identity.anonymous", "no role 'guest'"),
    (BASE + "identity: {api_keys: maybe}\n", 3, "identity.api_keys", "true or false"),
    (BASE + "limits:\n  - {name: a, by: ip}\n", 4, "limits[0]", "exactly one of"),
    (
        BASE + "limits:\n  - {name: a, by: ip, requests: 1/hour, tokens: 1/hour}\n",
        4,
        "limits[0]",
        "requests and tokens",
    ),
    (BASE + "limits:\n  - {name: a, by: moon, requests: 1/hour}\n", 4, "limits[0].by", "'moon'"),
    (
        BASE + "roles: {r: {}}\nlimits:\n  - {name: a, by: ip, requests: 1/hour, assigned: true, roles: [r]}\n",
        5,
        "limits[0].roles",
        "assigned to",
    ),
    (BASE + "limits:\n  - {name: a, by: ip, requests: 1/fortnight}\n", 4, "limits[0].requests", "not a rate"),
    (BASE + "limits:\n  - {name: a, by: ip, requests: 0/hour}\n", 4, "limits[0].requests", "not a rate"),
    (BASE + "limits:\n  - {name: a, by: ip, tokens: 1.5/hour}\n", 4, "limits[0].tokens", "not a rate"),
    (BASE + "limits:\n  - {name: a, by: ip, concurrent: 1, burst: 1}\n", 4, "limits[0].burst", "no burst"),
    (BASE + "limits:\n  - {name: a, by: ip, requests: 1/hour, burst: 0}\n", 4, "limits[0].burst", ">= 1"),
    (BASE + "limits:\n  - {name: a, by: ip, requests: 1/hour, roles: [x]}\n", 4, "limits[0].roles[0]", "no role 'x'"),
    (BASE + "limits:\n  - {name: a, by: ip, requests: 1/hour, models: []}\n", 4, "limits[0].models", "binds nothing"),
    (
        BASE + "limits:\n  - {name: a, by: ip, requests: 1/hour}\n  - {name: a, by: key, requests: 1/hour}\n",
        5,
        "limits[1].name",
        "already limits[0]",
    ),
    (BASE + "network:\n  allow: []\n  deny:\n    - 10.0.0.0/8\n    - 10.0.0.1/8\n", 7, "network.deny[1]", "host bits"),
    (BASE + "network: {trusted_proxies: [proxy]}\n", 3, "network.trusted_proxies[0]", "proxy"),
    (BASE + "validation: {max_body: 1GB}\n", 3, "validation.max_body", "256MiB"),
    (BASE + "validation: {max_body: much}\n", 3, "validation.max_body", "not a size"),
    (BASE + "validation: {max_body: 0}\n", 3, "validation.max_body", "between"),
    (BASE + "validation: {unknown_fields: keep}\n", 3, "validation.unknown_fields", "'keep'"),
    (BASE + "redaction:\n  a: {pii: mask}\n  b: {pii: hide}\n", 5, "redaction.b.pii", "'hide'"),
    (BASE + "rules:\n  - {id: a, pattern: x}\n  - {id: a, pattern: y}\n", 5, "rules[1].id", "already rules[0]"),
    (BASE + "rules:\n  - {id: 'a b', pattern: x}\n", 4, "rules[0].id", "a name is"),
    (BASE + "routes:\n  - {name: chat, path: /x, upstream: local}\n", 4, "routes[0].name", "built-in"),
    (BASE + "routes:\n  - {name: count_tokens, path: /x, upstream: local}\n", 4, "routes[0].name", "built-in"),
    (BASE + "routes:\n  - {name: a, path: /v1/messages, upstream: local}\n", 4, "routes[0].path", "already leads to"),
    (BASE + "routes:\n  - {name: a, path: /x, upstream: far}\n", 4, "routes[0].upstream", "no upstream 'far'"),
    (BASE + "routes:\n  - {name: a, path: x, upstream: local}\n", 4, "routes[0].path", "begins with '/'"),
    (BASE + "routes:\n  - {name: a, path: /x/, upstream: local}\n", 4, "routes[0].path", "begins with '/'"),
    (BASE + "routes:\n  - {name: a, path: /x/../y, upstream: local}\n", 4, "routes[0].path", "begins with '/'"),
    (BASE + "routes:\n  - {name: a, path: /%78, upstream: local}\n", 4, "routes[0].path", "begins with '/'"),
    (BASE + "routes:\n  - {name: a, path: '/x?y', upstream: local}\n", 4, "routes[0].path", "begins with '/'"),
    (BASE + "routes:\n  - {name: a, path: /x, upstream: local, methods: []}\n", 4, "routes[0].methods", ">= 1"),
    (BASE + "routes:\n  - {name: a, path: /x, upstream: local, methods: [get]}\n", 4, "routes[0].methods[0]", "'get'"),
    (
        BASE + "routes:\n  - {name: a, path: /x, upstream: local, response_text: [text]}\n",
        4,
        "routes[0].response_text[0]",
        "not a JSON pointer",
    ),
]


@pytest.mark.parametrize(("text", "line", "path", "reason"), WRONG)
def test_wrong_policy_is_named(text: str, line: int, path: str, reason: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.path) == (line, path)
    assert reason in caught.value.reason


def test_no_reason_repeats_a_credential() -> None:
    for text in (
        "upstreams: {a: {base_url: '${X}'}}",
        "upstreams: {a: {base_url: http://h, api_key: '${X}'}}",
    ):
        with pytest.raises(PolicyError) as caught:
            parse(text, X="http://user:s3cret@h\n")
        assert "s3cret" not in str(caught.value)


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read: No such file"):
        load_policy(tmp_path / "none.yaml", {})
    with pytest.raises(PolicyError, match="cannot be read: Is a directory"):
        load_policy(tmp_path, {})
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"a: 1\nb: \xe9\n")
    with pytest.raises(PolicyError, match=r"latin\.yaml:2: is not UTF-8"):
        load_policy(file, {})


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.data())
def test_a_damaged_contract_loads_or_is_refused_with_a_reason(data: st.DataObject) -> None:
    lines = CONTRACT.read_text().splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    line = lines[at]
    cut = data.draw(st.integers(0, len(line)))
    lines[at] = line[:cut] + data.draw(st.text("ax09:{}[]-'\"#*&!|>%@`$,/ \t", max_size=4)) + line[cut + 1 :]
    refused: PolicyError | None = None
    try:
        parse("\n".join(lines))
    except PolicyError as error:
        refused = error
    assert refused is None or (refused.reason and 0 <= refused.line <= len(lines) + 1)

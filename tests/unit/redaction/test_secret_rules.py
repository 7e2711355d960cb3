"""The rules for secrets: each against its own examples, all of them together, and against text that only looks so."""

from __future__ import annotations

import random
import re
import string
from functools import cache

import pytest

from engine.redaction import prefixes, secret_checks
from engine.redaction.clusters import first_cluster, run_of
from engine.redaction.profile import Profile, compile_profile
from engine.redaction.regex import make_scanner
from engine.redaction.rule import Rule
from engine.redaction.rules import (
    RULES,
    ai_vendors,
    assignments,
    cloud,
    connections,
    developer,
    messaging,
    monitoring,
    payments,
    private_keys,
    saas,
    tokens,
)
from engine.redaction.ruleset import build, places
from engine.redaction.syntax import Alternate, Assertion, Atom, Concat, Group, Node, Repeat, parse

FAMILIES = {
    "ai_vendors": ai_vendors.RULES,
    "assignments": assignments.RULES,
    "cloud": cloud.RULES,
    "connections": connections.RULES,
    "developer": developer.RULES,
    "messaging": messaging.RULES,
    "monitoring": monitoring.RULES,
    "payments": payments.RULES,
    "private_keys": private_keys.RULES,
    "saas": saas.RULES,
    "tokens": tokens.RULES,
}
SECRET_RULES = [rule for rules in FAMILIES.values() for rule in rules]
BY_ID = {rule.id: rule for rule in SECRET_RULES}
CASES = [pytest.param(rule, text, id=f"{rule.id}-{n}") for rule in SECRET_RULES for n, text in enumerate(rule.examples)]

# What policies may name already: none of these ids may go.
ESTABLISHED = {
    "anthropic_api_key",
    "openai_project_key",
    "openai_api_key",
    "aws_access_key_id",
    "aws_secret_access_key",
    "gcp_api_key",
    "gcp_oauth_token",
    "azure_storage_key",
    "github_token",
    "github_fine_grained_token",
    "gitlab_token",
    "slack_token",
    "slack_webhook",
    "stripe_key",
    "stripe_webhook_secret",
    "twilio_key",
    "sendgrid_key",
    "mailgun_key",
    "npm_token",
    "pypi_token",
    "huggingface_token",
    "digitalocean_token",
    "shopify_token",
    "groq_key",
    "tidegate_key",
    "private_key",
    "jwt",
    "url_password",
}


@pytest.fixture(scope="module")
def profile() -> Profile:
    return compile_profile("secrets", {"secrets": "mask", "private_key": "block"}, build(), bytes(32))


@pytest.fixture(scope="module")
def masking() -> Profile:
    return compile_profile("masking", {"secrets": "mask", "private_key": "mask"}, build(), bytes(32))


def found(rule: Rule, text: str) -> list[str]:
    """What one rule by itself finds."""
    data = text.encode()
    scanner = make_scanner([rule.pattern])
    return [data[left:right].decode() for left, right in places(rule, scanner, 0, data)]


def matches(rule: Rule, data: bytes) -> list[bytes]:
    """All that the pattern by itself matches."""
    scanner, at, found = make_scanner([rule.pattern]), 0, []
    while (place := scanner.find(0, data, at)) is not None:
        start, at = place[:2]
        found.append(data[start:at])
    return found


def test_the_pack_is_whole() -> None:
    assert len(SECRET_RULES) >= 130
    assert len(BY_ID) == len(SECRET_RULES)
    assert not ESTABLISHED - set(BY_ID)
    assert not [rule.id for rule in SECRET_RULES if rule not in RULES]
    assert {rule.group for rule in SECRET_RULES} == {"secrets", "private_key"}


def _digits(rule: Rule) -> int:
    cluster = first_cluster(rule.pattern)
    return cluster.least if cluster is not None else 0


@pytest.mark.parametrize("rule", SECRET_RULES, ids=lambda rule: rule.id)
def test_a_rule_is_well_formed(rule: Rule) -> None:
    assert len(rule.examples) >= 2
    assert rule.counterexamples
    # What announces it in text, so that it is not searched everywhere.
    run = run_of(rule.pattern)
    assert rule.keywords or (run is not None and run.least >= 16) or _digits(rule) >= 12
    assert all(len(word) >= 3 and word.isascii() and word == word.lower() for word in rule.keywords)
    assert re.compile(rule.pattern).groups <= 1
    # Bounded by itself, and by what it declares.
    assert prefixes.longest(prefixes.bounded(rule.pattern, None)) <= rule.max_len
    assert rule.replacement.startswith("[")
    assert rule.replacement.endswith("]")


@pytest.mark.parametrize(("rule", "text"), CASES)
def test_an_example_has_a_keyword_and_fits(rule: Rule, text: str) -> None:
    assert not rule.keywords or any(word in text.lower() for word in rule.keywords)
    parts = matches(rule, text.encode())
    assert parts
    assert all(len(part) <= rule.max_len for part in parts)


@pytest.mark.parametrize(("rule", "text"), CASES)
def test_an_example_leaves_nothing_to_read(masking: Profile, rule: Rule, text: str) -> None:
    left = masking.redact(text.encode()).text.decode()
    for value in found(rule, text):
        width = min(8, len(value))
        windows = {value[at : at + width] for at in range(len(value) - width + 1)}
        # A piece that the text also holds outside of what was found says nothing.
        outside = text.replace(value, "\0") + rule.replacement
        assert not [window for window in windows if window in left and window not in outside]


@pytest.mark.parametrize("rule", private_keys.RULES, ids=lambda rule: rule.id)
def test_a_private_key_blocks(profile: Profile, rule: Rule) -> None:
    assert profile.redact(rule.examples[0].encode()).blocked is not None


PRINTABLE = string.digits + string.ascii_letters + string.punctuation + " \n"


@cache
def characters(atom: str, folds: bool) -> str:
    pattern = re.compile(atom, re.IGNORECASE if folds else 0)
    return "".join(c for c in PRINTABLE if pattern.fullmatch(c))


def sample(node: Node, draw: random.Random, folds: bool = False) -> str:
    """A text that a pattern matches, but for its assertions."""
    match node:
        case Atom(text, literal):
            choice = characters(text, folds)
            return draw.choice(choice) if choice else literal or ""
        case Assertion():
            return ""
        case Concat(parts):
            return "".join(sample(part, draw, folds) for part in parts)
        case Alternate(options):
            return sample(draw.choice(options), draw, folds)
        case Group(opening, inner):
            return sample(inner, draw, folds or opening.startswith("(?i"))
        case Repeat(inner, least, most, _):
            count = draw.choice((least, most, draw.randint(least, most)))
            return "".join(sample(inner, draw, folds) for _ in range(count))


@pytest.mark.parametrize("rule", SECRET_RULES, ids=lambda rule: rule.id)
def test_whatever_matches_has_a_keyword_and_fits(rule: Rule) -> None:
    draw = random.Random(rule.id)  # noqa: S311
    node = parse(rule.pattern).node
    matched = 0
    for _ in range(400):
        for part in matches(rule, sample(node, draw).encode()):
            matched += 1
            assert not rule.keywords or any(word in part.decode().lower() for word in rule.keywords), part
            assert len(part) <= rule.max_len
        # A key of thousands of characters takes its time.
        if matched >= (40 if rule.max_len < 1000 else 8):
            break
    assert matched


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("DB_PASSWORD=letmein", "letmein"),
        ("export PGPASSWORD='s3same'", "s3same"),
        ("password = 'correcthorse'", "correcthorse"),
        ('  "password": "hunter2!",', "hunter2!"),
        ("password: Tr0ub4dor&3", "Tr0ub4dor&3"),
        ("db.password=S3cr3t!x", "S3cr3t!x"),
        ("**Password**: `b3rry45x`", "b3rry45x"),
        ("Passwort: Sommer2024!", "Sommer2024"),
        ("contraseña: Verano.2024x", "Verano.2024x"),
        ("Your temporary password is Winter#2031.", "Winter#2031"),
        ("I set the password to Blue7Moon!, keep it.", "Blue7Moon"),
        ("login: jane, password: aB3$kk9q", "aB3$kk9q"),
        ('curl -d "{\\"password\\":\\"hunter2x\\"}"', "hunter2x"),
        ("const dbPassword = `p4ssw0rd!x`;", "p4ssw0rd!x"),
        ("spring.datasource.password=Gr8-pass", "Gr8-pass"),
        ("--password=hunter2x", "hunter2x"),
        ("$ mysql -uroot -pS3cret9 main", "S3cret9"),
        ("wget --user jane --password s3same0pen https://example.com", "s3same0pen"),
        ("postgresql://svc:Zq8%23x@db.internal/app?sslmode=require", "Zq8%23x"),
        ("mongodb+srv://u:p@ss/w0rd@c0.example.net", "p@ss/w0rd"),
        ("Server=db;Uid=sa;Pwd=letmein;", "letmein"),
        ("api_key = 'abcd1234efgh5678'", "abcd1234efgh5678"),
        ("API_KEY=9f8e7d6c5b4a39281706", "9f8e7d6c5b4a39281706"),
        ('apiKey: "Zx81kQ72mP03vL94tR65"', "Zx81kQ72mP03vL94tR65"),
        ("x-api-key: Zx81kQ72mP03vL94tR65", "Zx81kQ72mP03vL94tR65"),
        ("client_secret=Zx81kQ72mP03vL94tR65yB", "Zx81kQ72mP03vL94tR65yB"),
        ("SECRET_KEY=Zx81kQ72mP03vL94tR65yB", "Zx81kQ72mP03vL94tR65yB"),
        ("auth_token: 3f2b8c1a9d4e4f6a8b7c5e1d0a9f2c3b", "3f2b8c1a9d4e4f6a8b7c5e1d0a9f2c3b"),
        ("Authorization: Bearer Zx81kQ72mP03vL94tR65yBqW", "Zx81kQ72mP03vL94tR65yBqW"),
        ("the API key is Zx81kQ72mP03vL94tR65yBqW, use it", "Zx81kQ72mP03vL94tR65yBqW"),
        ("https://api.example.com/?api_key=9f8e7d6c5b4a39281706&x=1", "9f8e7d6c5b4a39281706"),
        ("Cookie: a=b; sessionid=zx81kq72mp03vl94tr65ybqw; c=d", "zx81kq72mp03vl94tr65ybqw"),
        ("- name: DB_PASSWORD\n  value: hunter2x", "hunter2x"),
        ("<password>letmein9</password>", "letmein9"),
        ("my Datadog API key is " + "0a1b2c3d" * 4, "0a1b2c3d" * 4),
        ("MISTRAL_API_KEY=" + "a1B2c3D4" * 4, "a1B2c3D4" * 4),
        ("key sk-" + "a1B2c3D4" * 6 + ".", "a1B2c3D4" * 6),
        ("key " + "gh" + "p_" + "a1B2c3" * 6 + "\n", "a1B2c3" * 6),
        ("id AKIA" + "Q7RZ2MTK" * 2 + ",", "Q7RZ2MTK" * 2),
    ],
)
def test_a_secret_goes_and_its_surroundings_stay(profile: Profile, text: str, secret: str) -> None:
    result = profile.redact(text.encode())
    assert result.findings
    assert secret not in result.text.decode()
    # What stands in front is context.
    assert result.text.decode()[:2] == text[:2] or text.startswith(("postgres", "mongodb"))


HARD_NEGATIVES = [
    # Ids, digests, versions.
    "request 3f2b8c1a-9d4e-4f6a-8b7c-5e1d0a9f2c3b took 12 ms",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "git checkout 1f7a2c9",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "md5 d41d8cd98f00b204e9800998ecf8427e of the empty file",
    '"integrity": "sha512-'
    + "v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg"
    + '=="',
    "resolved: registry.example.com/left-pad/-/left-pad-1.3.0.tgz#5b8a3a7765dfe001261dde915589e782f8c94d1e",
    'etag: W/"33a64df551425fcc55e4d42a148795d9f25f89d4"',
    "version 1.26.4-alpine3.20+build.20240611",
    "node v20.11.1, npm 10.2.4, python 3.12.3",
    "order 4815162342 of 2024-05-01",
    "invoice INV-2024-000815 for 1,299.00 EUR",
    "tracking 1Z999AA10123456784",
    "ISBN 978-3-16-148410-0",
    "ticket PROJ-12345 and bug #98765",
    "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7",
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "container 4c01db0b339c is running",
    "pod web-7d4b9c6f5d-x2x9z restarted",
    "arn:aws:iam::123456789012:role/service-role/app",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf",
    "i-0abcd1234efgh5678 in us-east-1a",
    "projects/acme-prod/secrets/db-password/versions/3",
    "ulid 01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "ObjectId(507f1f77bcf86cd799439011)",
    "bitcoin block 00000000000000000007878ec04bb2b2e12317804810f4c26033585b3f81ffaa",
    "fingerprint SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8",
    "chrome-extension://cjpalhdlnbpafiamejdnhcphjbkeiagm/popup.html",
    # Base64 that is none.
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7",
    "src: url(data:font/woff2;base64,d09GMgABAAAAAAW8ABAAAAAACxQAAAVdAAEAAAAAAAAAAAAAAAAAAAAA)",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl jane@host",
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQsw\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAAAA\n-----END PUBLIC KEY-----",
    "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p is a recipient",
    "the JWT header eyJhbGciOiJIUzI1NiJ9 alone says nothing",
    # Stand-ins in code and documentation.
    "OPENAI_API_KEY=sk-...",
    "OPENAI_API_KEY=your-api-key-here",
    "export ANTHROPIC_API_KEY='sk-ant-your-key-here'",
    "ANTHROPIC_API_KEY=sk-ant-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}",
    "AWS_SECRET_ACCESS_KEY=<your secret access key>",
    "aws_access_key_id = YOUR_ACCESS_KEY_ID",
    "STRIPE_SECRET_KEY=sk_test_...",
    "SLACK_BOT_TOKEN=xoxb-your-token",
    "DATABASE_URL=postgres://user:password@localhost:5432/app",
    "DATABASE_URL=postgres://${DB_USER}:${DB_PASSWORD}@db/app",
    "DATABASE_URL=sqlite:///./app.db",
    "REDIS_URL=redis://localhost:6379/0",
    "DB_PASSWORD=",
    "DB_PASSWORD=changeme",
    "DB_PASSWORD=<password>",
    "DB_PASSWORD=${DB_PASSWORD:?not set}",
    "POSTGRES_PASSWORD_FILE=/run/secrets/db_password",
    "PASSWORD=$(pass show db)",
    "PWD=/home/jane/src/app",
    "api_key = os.environ['API_KEY']",
    "api_key = os.getenv('API_KEY', '')",
    "const apiKey = process.env.API_KEY;",
    "apiKey: process.env.NEXT_PUBLIC_API_KEY!,",
    "client = OpenAI(api_key=settings.openai_api_key)",
    "client = Client(token=get_token())",
    "token = await fetchAccessToken(user)",
    "def login(username: str, password: str) -> Token:",
    "interface Login { username: string; password: string; }",
    "public record Login(string User, string Password);",
    "fn login(user: &str, password: &str) -> Result<Token, Error>",
    "password = getpass.getpass('Password: ')",
    "password = request.form['password']",
    "password = self.password_field.text()",
    "if password != confirm_password:",
    "user.password = hash_password(password)",
    "assert token == expected_token",
    '<input type="password" name="password" placeholder="Password" autocomplete="current-password">',
    '<label for="api-key">API key</label>',
    '{"type": "string", "format": "password", "description": "The password of the account"}',
    '"password": {"type": "string", "minLength": 8}',
    '"error": "invalid_token", "error_description": "The access token expired"',
    '{"error": {"code": "invalid_api_key", "message": "Incorrect API key provided"}}',
    "secretKeyRef:\n  name: db-credentials\n  key: password",
    "secretName: wildcard-example-com-tls",
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app-secrets",
    "password: !vault |",
    "vault kv get secret/data/app",
    "op://Private/database/password",
    "curl -H 'Authorization: Bearer $TOKEN' https://api.example.com",
    "Authorization: Bearer <token>",
    "Authorization: Basic <base64 of user and password>",
    '-H "x-api-key: $ANTHROPIC_API_KEY"',
    "https://user:<password>@example.com",
    "jdbc:postgresql://localhost:5432/app",
    "Server=localhost;Database=app;Integrated Security=True;",
    "token_url: https://auth.example.com/oauth/token",
    "token_endpoint_auth_method: client_secret_basic",
    "grant_type=client_credentials&scope=read",
    "response_type=code&client_id=web-app&redirect_uri=https%3A%2F%2Fexample.com%2Fcb",
    "max_tokens: 4096, temperature: 0.7",
    "prompt_tokens=1187 completion_tokens=342 total_tokens=1529",
    "tokenizer: cl100k_base",
    "pad_token_id: 50256",
    "key: ArrowLeft",
    "primary_key=True, foreign_key='users.id'",
    "cache_key = f'user:{user_id}:profile'",
    "partition_key: customer-orders-by-region",
    "keyboard-shortcuts: ctrl+shift+p",
    "sort_key=created_at",
    "publicKey: MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEabc",
    "csrf_token: {{ csrf_token() }}",
    "ssh -i ~/.ssh/id_ed25519 jane@example.com",
    "docker run -p 8080:80 -e POSTGRES_PASSWORD_FILE=/run/secrets/pw postgres",
    "mysql -u root -p",
    "mysql -u root -p main",
    "psql -h localhost -U postgres -d app",
    "tar -xzf archive.tar.gz -C /opt && cp -a src dst",
    "sed -i 's/secret/token/g' notes.md",
    # Markup, styles, addresses.
    ".btn-primary { color: #1a2b3c; background: #0f172a80; }",
    "sk-spinner sk-three-bounce",
    '<div id="comment-5f3c2a1b9d8e7f6a5b4c3d2e" class="css-1a2b3c4 e1x9k2m0">',
    "https://example.com/a/b?page=2&sort=desc#section-3",
    "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    "https://docs.google.com/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
    "https://cdn.example.com/assets/app.5f2c1d9e8b7a.min.js",
    "https://user@example.com/inbox",
    "https://example.com:8443/path",
    "git@github.com:acme/app.git",
    "https://github.com/acme/app/commit/9fceb02d0ae598e95dc970b74767f19372d61af8",
    "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    "s3://bucket/prefix/part-00000-5e1d0a9f.snappy.parquet",
    "/usr/lib/python3.12/site-packages/tokenizers/__init__.py",
    "C:\\Users\\jane\\AppData\\Local\\Temp\\key.txt",
    "mailto:jane.doe@example.com?subject=Token%20renewal",
    # Sentences.
    "Your password must be at least 8 characters long.",
    "Password: required",
    "The password is case-sensitive and expires in 90 days.",
    "Reset your password by clicking on the link below.",
    "Passwords are hashed with bcrypt and a cost of 12.",
    "Never share your password, API key or access token with anyone.",
    "An access token is valid for 3600 seconds; the refresh token for 30 days.",
    "We moved from passwords to passkeys (WebAuthn) in 2024.",
    "Use a password manager such as Bitwarden or 1Password.",
    "The secret: practice every day, and be patient.",
    "The key to success is consistency.",
    "The key is under the mat.",
    "Secret ingredients: 200 g flour, 2 eggs, 1 tsp vanilla.",
    "A token is roughly four characters of English text.",
    "The model was trained on 15 trillion tokens.",
    "The tests pass: 120 of 120 in 3.4 s.",
    "Boarding pass: gate B12, seat 14C.",
    "Basic authentication sends the credentials base64-encoded.",
    "Bearer bonds were popular with collectors.",
    "The bearer of this letter is known to us.",
    "See RFC 6750 for bearer tokens and RFC 7519 for JWT.",
    "Datadog and Grafana are both fine for dashboards.",
    "Mistral-7B-Instruct-v0.2 and Cohere's command-r-plus-08-2024 are models.",
    "The Heroku app was moved to Fly.io in March.",
    "Twilio's account SIDs start with AC, API keys with SK.",
    "AWS access key ids start with AKIA or ASIA.",
    "Asia and the Pacific grew by 4.2% in 2023.",
    "Stripe's test keys start with sk_test_ and live ones with sk_live_.",
    "The session key is negotiated with X25519 and ChaCha20-Poly1305.",
    "The license key is sent by e-mail after the purchase.",
    "Her access code expired yesterday, so the front desk issued another.",
    "Set the api_key parameter of the constructor.",
    "The --password option is deprecated; use --password-file.",
    "Rotate the client secret every 90 days.",
    "Signature: Jane Doe, Managing Director",
    "Call 415-555-2671 or write to jane.doe@example.com.",
    "Flight LH2024 from MUC to FRA, confirmation Y5K2QP.",
    "def test_that_the_password_is_not_logged_anywhere(caplog):",
    "class PasswordResetTokenGenerator(BaseTokenGenerator):",
    "from secrets import token_urlsafe, compare_digest",
    "import { signInWithEmailAndPassword } from 'firebase/auth';",
    "SELECT id, password_hash FROM users WHERE token IS NOT NULL;",
    "CREATE TABLE users (id uuid PRIMARY KEY, password varchar(255) NOT NULL);",
    "ALTER USER app WITH PASSWORD '<password>';",
    "error: permission denied for table api_keys",
    'level=info msg="token refreshed" user=jane ttl=3600s',
    "X-RateLimit-Remaining: 4999",
    "Set-Cookie: sessionid=deleted; Max-Age=0; Path=/",
    "Content-Security-Policy: script-src 'nonce-r4nd0m' 'strict-dynamic'",
    "| Parameter | Type | Description |\n| password | string | The password |",
    "1. Open Settings\n2. Choose API keys\n3. Click Create secret key",
]


def test_there_are_enough_hard_negatives() -> None:
    assert len(set(HARD_NEGATIVES)) >= 150


@pytest.mark.parametrize("text", HARD_NEGATIVES)
def test_what_only_looks_so_stays(profile: Profile, text: str) -> None:
    result = profile.redact(text.encode())
    assert (result.findings, result.blocked) == ({}, None)


@pytest.mark.parametrize(
    "text",
    ["<password>", "${VAR}", "$PASSWORD", "%PASSWORD%", "{{ x }}", "os.environ[", "process.env.X", "get_token()",
     "your-api-key-here", "xxxxxxxx", "********", "changeme", "string", "config.auth.secret", "/run/secrets/db"],
)  # fmt: skip
def test_a_placeholder_is_known(text: str) -> None:
    assert secret_checks.placeholder(text)


@pytest.mark.parametrize("text", ["hunter2", "$ecret99", "P@ss(w0rd)", "aB3/x9+q", "correcthorse", "a.b.c1x2"])
def test_a_secret_is_no_placeholder(text: str) -> None:
    assert not secret_checks.placeholder(text)


def test_random_values_look_so_and_identifiers_do_not() -> None:
    draw = random.Random(7)  # noqa: S311
    alphabets = (string.ascii_letters + string.digits, "0123456789abcdef", string.ascii_lowercase + string.digits)
    for alphabet in alphabets:
        values = ["".join(draw.choices(alphabet, k=32)) for _ in range(500)]
        assert sum(map(secret_checks.looks_random, values)) >= 490
    for name in ("authenticationProviderFactory", "my-service-account-2024", "UserProfileSettingsV2", "content-length"):
        assert not secret_checks.looks_random(name)


def _looks_random(text: str) -> bool:
    """The same by patterns."""
    text = text[:128]
    bare = re.sub(r"[\W_]+", "", text)
    if len(text) < 16 or len(set(text)) < 8 or not re.search("[A-Za-z]", bare):
        return False
    has_digit = re.search(r"\d", bare) is not None
    if has_digit and (re.fullmatch("[0-9a-fA-F]+", bare) or len(re.findall(r"\d+|\D+", bare)) > 6):
        return True
    pieces = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", text)
    mixed = has_digit or (bare != bare.upper() and bare != bare.lower())
    return sum(map(len, pieces)) / len(pieces) < 3.6 and mixed


def test_what_looks_random_is_told_as_by_patterns() -> None:
    draw = random.Random(13)  # noqa: S311
    random_ones = 0
    for _ in range(20_000):
        alphabet = draw.choice(("abfgzABFGZ0189-_./", "abcABC", "abf09", "abcdefghiA", "ABCDEFGHIj-", "aBcDeFgHiJ"))
        text = "".join(draw.choices(alphabet, k=draw.randrange(12, 40)))
        random_ones += secret_checks.looks_random(text)
        assert secret_checks.looks_random(text) == _looks_random(text), text
    assert 2_000 < random_ones < 18_000


def test_of_a_long_value_the_beginning_and_the_end_tell_what_it_is() -> None:
    draw = random.Random(17)  # noqa: S311
    value = "".join(draw.choices(string.ascii_letters + string.digits, k=2000))
    assert secret_checks.assigned_secret(value)
    assert secret_checks.random_secret(value)
    assert secret_checks.plausible(value)
    assert secret_checks.placeholder("<" + value + ">")
    assert secret_checks.placeholder("your-" + value)
    assert not secret_checks.assigned_secret("secret_key=" * 45)


def test_checks_are_total() -> None:
    draw = random.Random(11)  # noqa: S311
    checks = {rule.check for rule in SECRET_RULES if rule.check is not None}
    for _ in range(200):
        text = "".join(draw.choices(PRINTABLE + "\u00e9\u20ac\ufffd", k=draw.randint(0, 40)))
        for check in checks:
            assert check(text) in (True, False)

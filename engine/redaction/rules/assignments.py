"""Secrets that only a name gives away: `password`, `api_key`, `token` and their like, and the value behind them.

Forms: environment files, JSON, YAML, TOML, INI, XML, code of the common languages, command lines, Markdown and
sentences. Each rule is a name, what joins it to its value, and the value; the value is the finding. Rules differ in how
much the form says, and their checks in how much the value then has to say:

    quotes, or an environment file's "=", behind `password`   any string that is no stand-in
    a bare value behind `password:`                           a digit or a sign
    a sentence about a password                               two or three kinds of characters
    `api_key`, `client_secret` and such                       eight characters, letters and digits
    `token`, `secret`, `auth`                                 sixteen characters that look drawn at random

Values are bounded by white space and quotes.
"""

from __future__ import annotations

from engine.redaction.rule import Check, Rule
from engine.redaction.rules.secret_shapes import ALNUM, HEX, LOWER, UUID
from engine.redaction.secret_checks import (
    assigned_secret,
    bare_password,
    quoted_password,
    random_secret,
    spoken_password,
    strong_password,
)

# What closes a name ("'password']", "**Password**"), what joins it to its value, also behind the type of a parameter,
# and what opens the value.
_CLOSE = r"[\"'`*\\\]]{0,4}"
_JOIN = r"[ \t]{0,4}(?::[ \t]{0,2}[A-Za-z&\[\]]{3,16}[ \t]{0,2}=|=>|<-|:=|={1,3}|:|\|)[*\t ]{0,4}"
_QUOTE = r"\\{0,3}[\"'`]"
# What opens a string, with the letters that say of which kind it is in code (b"...", @"...").
_OPEN = r"(?:[bBfFrRuUL@$]{1,2})?\\{0,3}[\"'`]"
_WHICH = r"(?:[_-]?(?:prod|dev|test|staging|live|new|old|value|v?[0-9]{1,2}))?"

_PASSWORD = (
    r"(?:pass(?:word|wd|phrase|code|wort)|pass_(?:word|phrase)|\bpwd|_pwd|\bpswd?|_pswd?|kennwort|contrase(?:n|ñ)a|\bsenha"
    r"|mot de passe|wachtwoord)"
)
_PASSWORD_KEYWORDS = (
    "password", "passwd", "passphrase", "passcode", "passwort", "pass_word", "pass_phrase", "pwd", "psw", "kennwort",
    "contrase", "senha", "mot de passe", "wachtwoord",
)  # fmt: skip

# The last character is none that ends a sentence or closes a bracket around the value.
_BARE_PASSWORD = r"([^\s\"'`<>,;|][^\s\"'`<>,;]{2,126}[^\s\"'`<>,;.:)\]}\\*|])"
# Printable ASCII without quotes and what ends an argument, a field or a query parameter.
_VALUE = r"([!#-%(-+\--:=?-\[\]-_a-~]{7,499}[!#-%(+\-/-9=?-\[^_a-z{~])"

# Curly quotation marks.
_OPENING = "\u201c\u2018"
_CLOSING = "\u201d\u2019"

_GAPS = ("", "_", "-", " ", ".")
_KEYS = (
    "api", "app", "access", "secret", "private", "encryption", "signing", "master", "auth", "service", "account",
    "storage", "shared", "session", "consumer", "client", "deploy", "subscription", "admin", "root", "jwt", "hmac",
    "aes", "webhook", "integration", "license", "write", "publish", "crypto", "security", "function",
)  # fmt: skip
_SECRETS = (
    "client", "app", "api", "consumer", "oauth", "oauth2", "shared", "webhook", "signing", "jwt", "session", "cookie",
    "auth", "hash", "user", "bot", "application", "aws", "azure", "access",
)  # fmt: skip
_TOKENS = (
    "access", "auth", "refresh", "bearer", "api", "id", "session", "bot", "user", "admin", "service", "personal",
    "deploy", "registry", "oauth", "github", "gitlab", "slack", "security", "verification", "app", "secret", "page",
)  # fmt: skip


def _either(names: tuple[str, ...]) -> str:
    return "(?:" + "|".join(sorted(names, key=len, reverse=True)) + ")"


def _joined(names: tuple[str, ...], last: str) -> tuple[str, ...]:
    """The keywords of names in every way of joining them to their last word."""
    return tuple(f"{name}{gap}{last}" for name in names for gap in _GAPS)


def _rule(
    id: str,
    pattern: str,
    max_len: int,
    keywords: tuple[str, ...],
    examples: tuple[str, ...],
    counterexamples: tuple[str, ...],
    check: Check,
    replacement: str,
) -> Rule:
    return Rule(id, "secrets", pattern, max_len, replacement, examples, counterexamples, keywords, check)


_PASSWORDS = (
    _rule(
        "password_quoted",
        rf"(?i:{_PASSWORD}{_WHICH}{_CLOSE}(?:\s{{0,2}}{_JOIN}\s{{0,4}})){_OPEN}"
        rf"([^\s\"'`]{{3,127}}[^\s\"'`\\]){_QUOTE}",
        655,
        _PASSWORD_KEYWORDS,
        (
            'password = "letmein"',
            "{'db': {'password': 'S3cr3t!x'}}",
            'config["password"] = "correcthorse"',
            'password: str = "hunter2abc"',
            '{\\"password\\": \\"Sommer!2024\\"}',
            '<Resource username="app" password="dR0ne99" />',
        ),
        (
            'password = "<password>"',
            'password = "your-password-here"',
            'password = ""',
            'password: "string"',
            'password = "${DB_PASSWORD}"',
            "password = 'changeme'",
            'password: "newPassword"',
        ),
        quoted_password,
        "[PASSWORD]",
    ),
    _rule(
        "password_environment",
        r"(?:\b|_|PG|DB|SQL)(?:PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|PW)(?:_[A-Z0-9]{1,10})?=[\"']?"
        r"([^\s\"'`$<{][^\s\"'`]{3,127})",
        538,
        ("password", "passwd", "passphrase", "pass=", "pass_", "pwd", "_pw", "pw=", "pw_"),
        (
            "DB_PASSWORD=letmein",
            "export PGPASSWORD=s3same",
            'SMTP_PASS="Winter-is-cold"',
            "MYSQL_ROOT_PASSWORD=hunter2",
        ),
        ("DB_PASSWORD=$SECRET", "PASSWORD=<password>", "PWD=/home/jane/src", "DB_PASSWORD=changeme", "PASS=1"),
        quoted_password,
        "[PASSWORD]",
    ),
    _rule(
        "password_bare",
        rf"(?i:{_PASSWORD}{_WHICH}{_CLOSE}{_JOIN})[\"'`]?{_BARE_PASSWORD}",
        640,
        _PASSWORD_KEYWORDS,
        (
            "password: hunter2",
            "user=jane password=S3cr3t!x host=db",
            "**Password:** `Tr0ub4dor&3`",
            "| password | b3rry45x |",
            "Passwort: Sommer2024!",
            "keyStorePassword=chang3it",
            "admin_password = qrDBvOkUIOfMfKYd",
        ),
        (
            "password: string",
            "password: required, at least 8 characters",
            "password=user.password",
            "password: getpass.getpass()",
            "password: ********",
            "password: 8-64",
        ),
        bare_password,
        "[PASSWORD]",
    ),
    _rule(
        "pass_assignment",
        rf"(?i:(?:\b(?:db|user|admin|root|smtp|mail|ftp|sql|my)?|_)(?:pass|pw|psw)[\"']?[ ]?(?:=>|:=|={{1,3}}"
        rf"|:)[ ]{{0,3}})[\"'`]?{_BARE_PASSWORD}",
        545,
        tuple(f"{name}{mark}" for name in ("pass", "pw", "psw") for mark in ("=", ":", " =", " :", '"', "'")),
        ('{"user": "jane", "pass": "hunter2x"}', "pw: Tr0ub4dor&3", "smtp_pass: S3nd-M3!", "user=bob pass=b3rry45x"),
        ("pass: true", "the tests pass: 120", "compass=north12", "bypass: h0lds-true"),
        bare_password,
        "[PASSWORD]",
    ),
    _rule(
        "password_argument",
        rf"(?i:{_PASSWORD}(?:[\"']\s{{0,2}},\s{{0,2}}|\(\s{{0,2}}))[\"']([^\s\"'`]{{4,128}})[\"']",
        539,
        _PASSWORD_KEYWORDS,
        (
            'user.setPassword("hunter2x")',
            "define('DB_PASSWORD', 'b3rry45x');",
            "os.environ.setdefault('PGPASSWORD', 's3same0pen')",
        ),
        ('["username", "password", "email"]', "getenv('DB_PASSWORD', 'default')", 'setPassword("password")'),
        bare_password,
        "[PASSWORD]",
    ),
    _rule(
        "password_in_call",
        r"(?i:(?:\bauth ?= ?|\.login|\bHTTPBasicAuth)\(\s{0,2}[\"'][^\"'\n]{1,80}[\"']\s{0,2},\s{0,2})[\"']"
        r"([^\s\"'`]{4,128})[\"']",
        859,
        ("auth=", "auth =", ".login(", "basicauth("),
        ("requests.get(url, auth=('bob', 'b3rry45x!'))", "smtp.login('me@example.com', 'Tr0ub4dor&3')"),
        ("requests.get(url, auth=('user', 'password'))", "smtp.login('me@example.com', password)"),
        bare_password,
        "[PASSWORD]",
    ),
    _rule(
        "password_piped",
        r"\becho (?:-n )?[\"']?([^\s\"'`$|]{4,128})[\"']? {0,2}\| {0,2}sudo (?:-k )?-S\b",
        540,
        ("|sudo", "| sudo", "|  sudo"),
        ("echo 'b3rry45x!' | sudo -S ls", "echo Tr0ub4dor3 | sudo -S apt-get update"),
        ("echo $PASSWORD | sudo -S ls", "echo hello | sudo tee /etc/motd"),
        bare_password,
        "[PASSWORD]",
    ),
    _rule(
        "password_spoken",
        rf"(?i:{_PASSWORD}\b(?:(?: [a-z0-9@._/'-]{{1,30}}){{0,7}}? (?:is|was|are|to|be|becomes|remains|:|=)(?: now|"
        rf" currently| still)?:?)?[:,]?[ \n]{{1,2}})"
        rf"[\"'`*({_OPENING}]{{0,3}}([^\s\"'`<>{_OPENING}{_CLOSING}]{{5,127}}[^\s\"'`<>{_OPENING}{_CLOSING}.,;:?)\]}}*_])",
        1208,
        _PASSWORD_KEYWORDS,
        (
            "Your new password is Tr0ub4dor&3.",
            "the password for the wifi in room 4 is b3rry45xQ!",
            "I changed my password to 'Sommer!2024', is that fine?",
            "log in with the password x7Kp!m2Q today",
        ),
        (
            "Your password is required to continue.",
            "The password for the account is stored in the vault.",
            "a password is case-sensitive",
            "switch from a password to OAuth2",
            "the password is sent to jane2@example.com",
        ),
        spoken_password,
        "[PASSWORD]",
    ),
    _rule(
        "passphrase_quoted",
        rf"(?i:pass_?phrase{_CLOSE}(?:{_JOIN}| is ))[\"']([a-zA-Z0-9][^\"'\n]{{10,150}})[\"']",
        718,
        ("passphrase", "pass_phrase"),
        ("passphrase = 'correct horse battery staple'", 'the passphrase is "eleven purple tigers sing"'),
        ("passphrase = 'short'", "passphrase: ''"),
        quoted_password,
        "[PASSPHRASE]",
    ),
)

_NAMED = (
    _rule(
        "key_assignment",
        rf"(?i:{_either(_KEYS)}[ _.-]?key(?:[ _-]?id)?{_WHICH}{_CLOSE}{_JOIN})(?:{_OPEN})?{_VALUE}",
        645,
        _joined(_KEYS, "key"),
        (
            f"api_key = '{ALNUM[:24]}'",
            f'{{"apiKey": "{HEX[:32]}"}}',
            f"ENCRYPTION_KEY={ALNUM[:43]}=",
            f"access-key: {UUID}",
            'apikey="abcd1234efgh"',
        ),
        (
            "api_key = os.environ['API_KEY']",
            'api_key="your-api-key-here"',
            "api_key: string",
            "apiKey: process.env.API_KEY",
            "api_key=<key>",
            "api_key: get_api_key()",
            "api_key=my-service-name",
        ),
        assigned_secret,
        "[API_KEY]",
    ),
    _rule(
        "secret_assignment",
        rf"(?i:(?:{_either(_SECRETS)}[ _.-]?secret|secret[ _.-]?(?:key|token|value|base|string|access)"
        rf"(?:_base)?){_WHICH}{_CLOSE}{_JOIN})(?:{_OPEN})?{_VALUE}",
        644,
        ("secret",),
        (
            f"client_secret: {ALNUM[:32]}",
            f'"clientSecret": "{ALNUM[:20]}~x.{ALNUM[:11]}"',
            f"secret_key_base: {HEX[:128]}",
            "JWT_SECRET=s3cr3t-signing-k3y",
        ),
        (
            'client_secret: "<client-secret>"',
            "client_secret=${CLIENT_SECRET}",
            "clientSecret: config.auth.clientSecret",
        ),
        assigned_secret,
        "[SECRET]",
    ),
    _rule(
        "token_assignment",
        rf"(?i:{_either(_TOKENS)}[ _.-]?token{_WHICH}{_CLOSE}{_JOIN})(?:{_OPEN})?{_VALUE}",
        639,
        _joined(_TOKENS, "token"),
        (f"access_token={ALNUM[:40]}", f'{{"refreshToken": "{HEX[:40]}"}}', f"AUTH_TOKEN='{LOWER[:32]}'"),
        ("access_token: string", "refresh_token=<token>", 'authToken: "{{ token }}"', "access_token = response.json()"),
        assigned_secret,
        "[TOKEN]",
    ),
    _rule(
        "key_argument",
        rf"(?i:(?:{_either(_KEYS)}[ _.-]?key|{_either(_SECRETS)}[ _.-]?secret|{_either(_TOKENS)}[ _.-]?token)"
        rf"(?:[\"']\s{{0,2}},\s{{0,2}}|[\"']?\(\s{{0,2}}))[\"']([!#-&(-_a-~]{{16,400}})[\"']",
        540,
        (*_joined(_KEYS, "key"), "secret", *_joined(_TOKENS, "token")),
        (
            f'define("API_KEY", "{ALNUM[:32]}");',
            f"config.set('clientSecret', '{HEX[:40]}')",
            f'builder.apiKey("{ALNUM[:24]}")',
        ),
        ('get("api_key", "default-key-of-the-service")', 'access_token("refresh_token_of_the_user")'),
        random_secret,
        "[SECRET]",
    ),
    _rule(
        "short_secret",
        rf"(?i:\bsecret{_CLOSE}{_JOIN})(?:{_OPEN})?{_BARE_PASSWORD}",
        600,
        ("secret",),
        ("secret: Tr0ub4dor&3", 'secret = "Zk9!mQ2x"'),
        ("secret: db-credentials-v2", "secret: string", "secret: ${SECRET}"),
        strong_password,
        "[SECRET]",
    ),
    _rule(
        "weak_assignment",
        rf"(?i:(?:token|secret|credentials?|_key|_salt|_auth|signature){_WHICH}{_CLOSE}{_JOIN})(?:{_OPEN})?{_VALUE}",
        630,
        ("token", "secret", "credential", "_key", "_salt", "_auth", "signature"),
        (f"token: {ALNUM[:40]}", f'"secret": "{HEX[:40]}"', f"STRIPE_KEY={ALNUM[:32]}"),
        (
            "token: authentication",
            "secret: db-credentials-v2",
            "max_tokens: 4096",
            "token = get_token()",
            "foreign_key: users.account_id",
        ),
        random_secret,
        "[SECRET]",
    ),
    _rule(
        "short_name_assignment",
        rf"(?i:\b(?:key|auth|salt|sig)(?:[\"'\]]{{1,2}} ?| )?(?:=>|:=|=|:)[ \t]{{0,4}})(?:{_OPEN})?{_VALUE}",
        630,
        tuple(
            f"{name}{mark}" for name in ("key", "auth", "salt", "sig") for mark in ("=", ":", " =", " :", '"', "'", "]")
        ),
        (f"key = '{ALNUM[:24]}'", f'"auth": "{ALNUM[:32]}"', f"salt: {HEX[:32]}"),
        ("key: user-profile-settings-2024", "key=value", '"key": "ArrowLeft"', "auth: required"),
        random_secret,
        "[SECRET]",
    ),
    _rule(
        "secret_spoken",
        rf"(?i:(?:{_either(('api', 'access', 'secret', 'private', 'encryption', 'service', 'license', 'app'))}[ _-]key"
        rf"|token|secret|credential)\b"
        rf"(?: [a-z0-9@._/'-]{{1,30}}){{0,5}}?(?: (?:is|was|to|be|of|=))?[:,]?[ \n]{{1,2}})[\"'`*(“]{{0,3}}"
        rf"([A-Za-z0-9_+/=.~-]{{15,300}}[A-Za-z0-9_+/=])",
        801,
        (
            *(
                f"{name}{gap}key"
                for name in ("api", "access", "secret", "private", "encryption", "service", "license", "app")
                for gap in " _-"
            ),
            "token",
            "secret",
            "credential",
        ),
        (
            f"the API key for the billing service is {ALNUM[:32]}.",
            f"use the token {HEX[:40]} for that",
            f"your secret: {ALNUM[:24]}",
        ),
        (
            "the API key is stored in the configuration-management system",
            "a token is a piece of a word",
            "the secret is to keep practicing_every_single_day",
        ),
        random_secret,
        "[SECRET]",
    ),
    _rule(
        "secret_element",
        r"(?i:<[\w.:-]{0,30}(?:password|passwd|secret|token|api_?key|accesskey)[\w.-]{0,12}(?:"
        r" [a-z]{1,12}=[\"'][\w:.-]{0,40}[\"'])?>\s{0,4})([^<>\s]{4,300})\s{0,4}</",
        1517,
        ("password", "passwd", "secret", "token", "apikey", "api_key", "accesskey"),
        (
            "<password>letmein</password>",
            f"<ApiKey>{ALNUM[:32]}</ApiKey>",
            '<db.password type="string">hunter2</db.password>',
        ),
        ("<password>string</password>", "<token></token>", "<password>${db.password}</password>"),
        quoted_password,
        "[SECRET]",
    ),
    _rule(
        "secret_name_and_value",
        r"(?i:\b(?:name|key|type|id)[\"']?\s{0,3}[:=]\s{0,3}[\"']?[\w.-]{0,40}(?:password|passwd|secret|token"
        r"|api_?key)[\w.-]{0,16}[\"']?(?:,\s{0,40}|\s{1,40})[\"']?value[\"']?\s{0,3}[:=]\s{0,3}[\"']?)([^\s\"',<>]{4,300})",
        1468,
        ("password", "passwd", "secret", "token", "apikey", "api_key"),
        ("- name: DB_PASSWORD\n  value: hunter2", '{"name":"API_KEY","value":"' + ALNUM[:32] + '"}'),
        ("- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:", '{"name": "TOKEN", "value": "${TOKEN}"}'),
        quoted_password,
        "[SECRET]",
    ),
)

RULES: tuple[Rule, ...] = (*_PASSWORDS, *_NAMED)

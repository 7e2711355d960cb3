"""Checks that tell a secret from what stands in a secret's place.

A vendor's prefix says almost everything, so `plausible` only turns away what documentation puts there ("ghp_xxxx",
"sk-your-key-here"). Where nothing but a name such as `token` vouches for the value, the value has to look drawn at
random or typed as a password: placeholders, references ("${TOKEN}", "os.environ[...]", "get_token()"), types, file
paths and plain words are refused.

Checksums inside tokens (GitHub, npm, Cloudflare) are not asked for: a token in which a model got one character wrong
still tells its reader almost all of it, and no other text has the form.

Every check takes the text found and is total: it never raises. Of a long text its beginning and its end are looked at
(see `_telling`), so that names of secrets over and over cost no more than other text.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Final

# What documentation writes in a secret's place.
_STANDINS: Final = (
    "your", "xxxx", "placeholder", "redacted", "changeme", "change-me", "change_me", "replace", "insert", "_here",
    "-here", "****", "....", "todo", "\u2022\u2022", "\u2026",
)  # fmt: skip

# Words that fill the place of a value in code, schemas, forms and error messages.
_WORDS: Final = frozenset((
    "access", "account", "active", "admin_password", "any", "api", "apikey", "api_key", "application", "auth",
    "authentication", "authorization", "basic", "bearer", "blank", "bool", "boolean", "bytes", "char", "client",
    "confirm", "confirmed", "correct", "credential", "credentials", "custom", "default", "description", "disabled",
    "email", "empty", "enabled", "enter", "env", "example", "expired", "external", "failed", "false", "field",
    "file", "forgotten", "generate", "generated", "hash", "hashed", "header", "hidden", "incorrect", "input",
    "integer", "invalid", "key", "label", "length", "local", "login", "manual", "masked", "missing", "mismatch",
    "model", "must", "name", "new", "nil", "none", "null", "number", "object", "oauth", "oauth2", "off", "old",
    "optional", "pass", "passphrase", "password", "passwords", "passwd", "pin", "plain", "plaintext", "prompt",
    "protected", "pwd", "query", "random", "reference", "required", "reset", "saved", "secret", "secrets", "secure",
    "select", "session", "set", "static", "str", "string", "strong", "success", "test", "text", "token", "tokens",
    "true", "type", "undefined", "unknown", "unset", "user", "username", "uuid", "valid", "value", "varchar",
    "void", "weak", "wrong",
))  # fmt: skip

_REFERENCES: Final = (
    "$(", "${", "{{", "#{", "<%", "%(", "%{", "%s", "@@", "process.env", "os.environ", "os.getenv", "env.", "env(",
    "env[", "import.meta", "self.", "this.", "config.", "settings.", "secrets.", "request.", "req.", "args.", "params.",
    "var.", "local.", "data.", "vault:", "arn:aws", "op://", "ssm:", "keyvault", "projects/", "enc[", "!ref", "!sub",
    "!vault", "ref+", "file:", "http://", "https://",
)  # fmt: skip

_CALL: Final = re.compile(r"[A-Za-z_$][\w.$:>\-]*[(\[{]")
_PATH: Final = re.compile(r"[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+")
_VARIABLE: Final = re.compile(r"\$[A-Za-z_]\w*|%[A-Za-z_]\w*%|__\w+__|@\w+@|:[a-z_]+|\?")
_BRACKETED: Final = re.compile(r"<[^<>]*>?|\[[^\[\]]*\]|\{[^{}]*\}")
_FILE: Final = re.compile(r"(?:~|\.{1,2}|[A-Za-z]:)?[/\\][\w.\-]+(?:[/\\][\w.\-]+)+[/\\]?")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z?)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{1,2}:\d{2}(?::\d{2})?")
_ADDRESS: Final = re.compile(r"[^@\s]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}")
_PIECES: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z_.\-]*")
_NAMES_A_SECRET: Final = ("pass", "pwd", "secret", "token", "key", "cred", "user", "auth", "login", "hash")
_TRAILING: Final = "!?.,:;)]}>*_"

# A value may have hundreds of characters, and a text many values: what looks at each of them is left to C.
_DIGIT: Final = re.compile(r"\d")
_LETTER: Final = re.compile(r"[^\W\d_]")
# Each byte of ASCII as `a`, `A` or `0`, or as a sign.
_KINDS: Final = bytes(
    97 if 97 <= byte <= 122 else 65 if 65 <= byte <= 90 else 48 if 48 <= byte <= 57 else 45 for byte in range(256)
)
_NO_HEX_LETTERS: Final = bytes({*range(256)} - {*b"ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ"})
_JOINTS: Final = re.compile(r"[-_. ]")

# A value drawn at random from letters and digits breaks into pieces of two to three characters on average where case
# changes or digits begin; words joined to an identifier break into pieces of five and more.
_RANDOM_PIECE: Final = 3.6
# Of letters alone a password has to change case more often, as it has no digit to show for.
_MIXED_PIECE: Final = 2.8
# Between letters and digits it alternates about every third character; names that carry numbers do so a few times.
_RANDOM_ALTERNATIONS: Final = 6
# A sentence of documentation has hardly more than two dozen different characters.
_KINDS_AT_RANDOM: Final = 36
# Under this a value that only a name vouches for is as likely a word, a count or an id.
_SHORTEST_SECRET: Final = 8
_SHORTEST_RANDOM: Final = 16
# So many characters of a longer value tell what it is, and so many how it ends.
_TELLING: Final = 128
_ENDING: Final = 32


def _telling(text: str) -> str:
    """What of a text is looked at: all of it, mostly."""
    return text if len(text) <= _TELLING + _ENDING else text[:_TELLING] + text[-_ENDING:]


def _has_any(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)


def _has_digit(text: str) -> bool:
    return _DIGIT.search(text) is not None


def _has_letter(text: str) -> bool:
    return _LETTER.search(text) is not None


def _has_lower(text: str) -> bool:
    return text != text.upper()


def _has_upper(text: str) -> bool:
    return text != text.lower()


def plausible(text: str) -> bool:
    """Whether the body of a vendor's key could be one: at least eight different characters, no stand-in.

    With this many different characters it is drawn at random, and a stand-in in it is there by chance.
    """
    text = _telling(text)
    kinds = len(set(text))
    if kinds < 8 or kinds >= _KINDS_AT_RANDOM:
        return kinds >= 8
    return not _has_any(text.lower(), _STANDINS)


def plausible_mixed(text: str) -> bool:
    """`plausible`, with at least one digit and one letter: for bodies that a long word could fill."""
    return plausible(text) and _has_digit(text) and _has_letter(text)


def _is_path(text: str) -> bool:
    """Whether the text is a path of files; base64 has slashes too, but what is between them is drawn at random."""
    return (
        ("/" in text or "\\" in text)
        and bool(_FILE.fullmatch(text))
        and not ("." not in text and looks_random(text.replace("/", "")))
    )


def placeholder(text: str) -> bool:
    """Whether the text stands for a secret, or refers to one, instead of being it."""
    text = _telling(text)
    lowered = text.lower()
    if len(set(text)) < 4 or lowered.strip(_TRAILING) in _WORDS or _has_any(lowered, _STANDINS):
        return True
    # What each pattern begins with, or cannot do without, is asked first: that takes a tenth of the pattern's time.
    first = text[0]
    if lowered.startswith(_REFERENCES) or (first in "<[{" and _BRACKETED.fullmatch(text)):
        return True
    variable = first in "$%_@:?" and _VARIABLE.fullmatch(text)
    # "$ecret99" is a password, "$DB_PASSWORD2" a variable.
    if variable and (text.isupper() or not _has_digit(text)):
        return True
    if ("(" in text or "[" in text or "{" in text) and _CALL.match(text):
        return True
    if _is_path(text) or (first.isdigit() and _DATE.fullmatch(text)):
        return True
    joined = "." in text or "->" in text or "::" in text
    return joined and bool(_PATH.fullmatch(text)) and len(_DIGIT.findall(text)) < 2


def _names_a_secret(text: str) -> bool:
    """Whether an identifier without digits names a secret, as in `password = newPassword`."""
    return bool(_IDENTIFIER.fullmatch(text)) and _has_any(text.lower(), _NAMES_A_SECRET)


def quoted_password(text: str) -> bool:
    """A string that code or a file gives to something called a password: also a plain word."""
    text = _telling(text)
    return len(text) >= 4 and not placeholder(text) and not _names_a_secret(text)


def _mixed_case(text: str) -> bool:
    """Whether letters change between upper and lower case as often as in no name that words were joined to."""
    pieces = _PIECES.findall(text)
    return text.isalpha() and len(text) >= 8 and len(pieces) >= 4 and len(text) / len(pieces) < _MIXED_PIECE


def bare_password(text: str) -> bool:
    """A value without quotes behind `password:` or `password=`: with a digit or a sign, so that it is no word of a
    sentence and no identifier of a program."""
    core = text.rstrip(_TRAILING)
    if len(core) < 4 or placeholder(text) or (core != text and placeholder(core)):
        return False
    has_digit = _has_digit(core)
    if not _has_letter(core):
        # "8-64" and "4096" are rules and sizes, "6379:6379" are ports; a PIN of four digits cannot be told from them.
        return has_digit and len(core) >= 6 and core.isascii() and ":" not in core
    return ((has_digit or re.search(r"[^\w\-.'/]", core) is not None) and len(core) >= 6) or _mixed_case(core)


def _kinds(text: str, sign: str) -> int:
    """How many of lower case, upper case, digits and signs stand in the text."""
    return _has_lower(text) + _has_upper(text) + _has_digit(text) + (re.search(sign, text) is not None)


def spoken_password(text: str) -> bool:
    """A password inside a sentence: two of letters, digits and signs, longer than the names of standards ("OAuth2")."""
    core = text.rstrip(_TRAILING)
    if not bare_password(core) or _PATH.fullmatch(core) or _ADDRESS.fullmatch(core):
        return False
    kinds = _kinds(core, r"[^\w\-./']")
    return kinds >= 3 or (kinds == 2 and _has_digit(core) and len(core) >= 7) or len(core) >= 10


def strong_password(text: str) -> bool:
    """At least eight characters of three kinds: what stands behind `secret:` may as well be the name of one."""
    text = _telling(text)
    core = text.rstrip(_TRAILING)
    return _kinds(core, r"[^\w\-./':]") >= 3 and len(core) >= 8 and not _PATH.fullmatch(core) and bare_password(text)


def looks_random(text: str) -> bool:
    """Whether a text is likelier drawn at random than put together from words."""
    if len(text) < _SHORTEST_RANDOM:
        return False
    text = text[:_TELLING]
    if len(set(text)) < 8:
        return False
    # Counts of two neighbors of some kind tell how often the kind changes, a tenth as long as a pattern takes.
    raw = text.encode("ascii", "replace")
    kinds = raw.translate(_KINDS)
    has_digit, has_upper, has_lower = b"0" in kinds, b"A" in kinds, b"a" in kinds
    if not (has_lower or has_upper):
        return False
    if has_digit:
        bare = kinds.replace(b"-", b"").replace(b"A", b"a")
        if bare.count(b"a0") + bare.count(b"0a") >= _RANDOM_ALTERNATIONS or not raw.translate(None, _NO_HEX_LETTERS):
            return True
    elif not (has_upper and has_lower):
        return False
    return len(text) - kinds.count(b"-") < _RANDOM_PIECE * _pieces(b"-" + kinds)


def _pieces(kinds: bytes) -> int:
    """How many runs of lower case, with the one capital that begins it, of upper case and of digits there are behind a
    sign."""
    lower = kinds.count(b"-a") + kinds.count(b"0a") + kinds.count(b"AAa")
    upper = kinds.count(b"-A") + kinds.count(b"0A") + kinds.count(b"aA")
    digits = kinds.count(b"-0") + kinds.count(b"a0") + kinds.count(b"A0")
    return lower + upper + digits


def assigned_secret(text: str) -> bool:
    """A value given to something whose name leaves no doubt (`api_key`, `client_secret`)."""
    text = _telling(text)
    if len(text) < _SHORTEST_SECRET or placeholder(text) or _names_a_secret(text):
        return False
    if _has_digit(text):
        # "my-service-v2": words and a number, joined.
        words = [piece for piece in _JOINTS.split(text) if piece]
        return _has_letter(text) and not (
            len(words) > 1 and all(word.isalpha() or (len(word) < 4 and word.isalnum()) for word in words)
        )
    return looks_random(text)


def random_secret(text: str) -> bool:
    """A value given to something that may hold other things too (`token`, `auth`, `key`)."""
    text = _telling(text)
    return not placeholder(text) and looks_random(text)


def short_secret(text: str) -> bool:
    """`random_secret`, or at least eight characters with two digits and a letter: behind an explicit equals sign."""
    text = _telling(text)
    if random_secret(text):
        return True
    return assigned_secret(text) and len(_DIGIT.findall(text)) >= 2


def basic_credentials(text: str) -> bool:
    """RFC 7617: base64 of user, colon, password."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error):
        return False
    user, colon, password = decoded.partition(b":")
    return (
        bool(colon) and len(user) + len(password) >= 3 and decoded.isascii() and decoded.decode("ascii").isprintable()
    )


def url_credentials(text: str) -> bool:
    """A URL with a password in its authority (RFC 3986, 3.2.1) that is none of the usual stand-ins."""
    authority = text.partition("://")[2]
    user, _, password = authority.rpartition("@")[0].partition(":")
    if not password or password.startswith(("$", "{", "<", "%s", "[")) or len(set(password)) < 2:
        return False
    lowered = password.lower()
    if any(word in lowered for word in ("your", "xxxx", "redacted", "placeholder", "****")):
        return False
    return not (lowered in _WORDS and user.lower() in ("user", "username", "name", "myuser", "login", "usr"))


def numbered_token(text: str) -> bool:
    """A token of which the first part is a number in base64."""
    head = text.partition(".")[0]
    try:
        return base64.b64decode(head + "=" * (-len(head) % 4), validate=True).isdigit()
    except ValueError:
        return False


def pair_credentials(text: str) -> bool:
    """`user:password` as commands take it."""
    user, _, password = text.partition(":")
    return bool(user) and len(password) >= 4 and not placeholder(password) and not user.startswith("$")


def encrypted_token(text: str) -> bool:
    """RFC 7516: the first part is a JSON object in base64url that names an algorithm and an encryption."""
    head = text.split(".", 1)[0]
    try:
        value = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, binascii.Error):
        return False
    return isinstance(value, dict) and "alg" in value and "enc" in value


def seed_phrase(text: str) -> bool:
    """BIP-39: 12, 15, 18, 21 or 24 words of three to eight letters, hardly any twice."""
    words = text.split()
    return len(words) in (12, 15, 18, 21, 24) and len(set(words)) > len(words) * 3 // 4

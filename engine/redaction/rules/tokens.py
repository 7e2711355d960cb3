"""Credentials of a standard form, whoever gave them out: JWT and JWE, HTTP's Authorization and Cookie headers, secrets
in a query, one-time-password seeds, password hashes, the secrets of web frameworks."""

from __future__ import annotations

from engine.redaction.checks import jwt
from engine.redaction.rule import Check, Rule
from engine.redaction.rules.secret_shapes import ALNUM, DIGITS, HEX, LOWER, UUID
from engine.redaction.secret_checks import (
    basic_credentials,
    encrypted_token,
    plausible,
    plausible_mixed,
    random_secret,
    seed_phrase,
    short_secret,
)

_HEAD = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
_CLAIMS = "eyJzdWIiOiIxMjM0NTY3ODkwIn0"
_SIGNATURE = "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
_JWE_HEAD = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ"

# Base64url in three ranges of bytes instead of five; a full stop follows, so the four signs more change nothing.
_PART = r"[0-9A-z-]"
_QUERY_NAMES = (
    "access_token", "refresh_token", "id_token", "auth_token", "authtoken", "token", "api_key", "apikey", "api-key",
    "app_key", "appkey", "auth_key", "client_secret", "secret", "secret_key", "subscription-key", "signature",
    "sessionid", "session_id", "sid", "private_token", "user_token", "key", "hapikey", "appid", "apitoken", "jwt",
)  # fmt: skip
_COOKIES = (
    "sessionid", "session_id", "session", "sess", "sid", "connect.sid", "phpsessid", "jsessionid", "asp.net_sessionid",
    "aspxauth", "laravel_session", "auth_token", "access_token", "remember_token", "xsrf-token", "csrftoken",
    "_csrf", "user_session", "li_at", "sessionToken", "next-auth.session-token", "authjs.session-token",
)  # fmt: skip


def _rule(
    id: str,
    pattern: str,
    max_len: int,
    keywords: tuple[str, ...],
    examples: tuple[str, ...],
    counterexamples: tuple[str, ...],
    check: Check | None = plausible,
    replacement: str = "",
) -> Rule:
    return Rule(
        id, "secrets", pattern, max_len, replacement or f"[{id.upper()}]", examples, counterexamples, keywords, check
    )


def _names(names: tuple[str, ...]) -> str:
    return "|".join(sorted((name.replace(".", r"\.") for name in names), key=len, reverse=True))


RULES: tuple[Rule, ...] = (
    _rule(
        "jwe",
        rf"\beyJ{_PART}{{10,600}}\.{_PART}{{0,700}}\.{_PART}{{8,64}}\.(?:{_PART}{{1000}})?{_PART}{{1,1000}}\.[A-Za-z0-9_-]{{10,48}}",
        3419,
        ("eyj",),
        (
            f"Bearer {_JWE_HEAD}.{ALNUM[:171]}.{ALNUM[:16]}.{ALNUM[:90]}.{ALNUM[:22]}",
            f"{_JWE_HEAD}..{ALNUM[:16]}.{ALNUM[:40]}.{ALNUM[:22]}",
        ),
        (f"{_HEAD}.{_CLAIMS}.a.b.c",),
        encrypted_token,
    ),
    _rule(
        "jwt",
        rf"\beyJ{_PART}{{10,600}}\.(?:{_PART}{{1000}})?(?:{_PART}{{1000}})?{_PART}{{6,1000}}\.[A-Za-z0-9_-]{{10,700}}",
        4305,
        ("eyj",),
        (f"Bearer {_HEAD}.{_CLAIMS}.{_SIGNATURE}", f'{{"token":"{_HEAD}.{_CLAIMS}.{_SIGNATURE}"}}'),
        (f"{_HEAD}.{_CLAIMS}", "eyJub3RoaW5n.eyJub3RoaW5n.c2lnbmF0dXJl"),
        jwt,
    ),
    _rule(
        "paseto",
        r"\b(?:v[1-4]\.(?:public|local)|k[1-4]\.(?:local|secret)(?:-pw)?)\.[A-Za-z0-9_-]{20,1000}(?:\.[A-Za-z0-9_-]{4,600})?",
        1620,
        (".public.", ".local.", ".secret.", ".local-pw.", ".secret-pw."),
        (f"v4.local.{ALNUM[:90]}", f"v2.public.{ALNUM[:90]}.{ALNUM[:22]}", f"k4.secret.{ALNUM[:86]}"),
        ("v1.public.short", "v1.local.your-token-goes-here-and-now"),
        plausible_mixed,
    ),
    _rule(
        "ntlm_token",
        r"\bTlRMTVNTUAA[BCD]AAAA[A-Za-z0-9_+/-]{28,1000}={0,2}",
        1020,
        ("tlrmtvntuaa",),
        (f"Authorization: NTLM TlRMTVNTUAADAAAA{ALNUM[:90]}=", f"TlRMTVNTUAABAAAA{ALNUM[:40]}"),
        ("TlRMTVNTUAAD",),
    ),
    _rule(
        "bearer_token",
        r"(?i:\bbearer[\s:=]{1,3}[\"'`]?)([A-Za-z0-9._~+/|-]{16,600}={0,2})",
        620,
        ("bearer",),
        (f"Authorization: Bearer {ALNUM[:40]}", f"-H 'authorization: bearer {HEX[:64]}'", f"Bearer {UUID}"),
        ("Bearer authentication is required", "Authorization: Bearer ${ACCESS_TOKEN}", "Bearer your-access-token-here"),
        random_secret,
    ),
    _rule(
        "basic_auth_header",
        r"(?i:\bbasic )([A-Za-z0-9+/]{8,300}={0,2})",
        310,
        ("basic ",),
        ("Authorization: Basic " + "YWxhZGRpbjpvcGVuc2VzYW1l", "'Proxy-Authorization': 'Basic " + "Ym9iOmh1bnRlcjI='"),
        ("Basic authentication", "Authorization: Basic <credentials>"),
        basic_credentials,
    ),
    _rule(
        "authorization_header",
        r"(?i:\bauthorization[\"']?\s{0,2}[:=,]\s{0,2}[\"']?(?:(?:token|apikey|api-key|key|digest|negotiate|ntlm|oauth"
        r"|genie_?key|splunk|zoho-oauthtoken|klaviyo-api-key|bot)[ =]{1,2}(?:token=)?[\"']?)?)"
        r"([A-Za-z0-9._~+/=:|-]{16,400})",
        462,
        ("authorization",),
        (f"Authorization: Token {HEX[:40]}", f'"Authorization": "ApiKey {ALNUM[:48]}"', f"authorization: {ALNUM[:32]}"),
        ("Authorization: Token ${TOKEN}", "authorization: required-for-all-endpoints"),
        random_secret,
    ),
    _rule(
        "api_key_header",
        r"(?i:\b(?:x-(?:[a-z]{1,20}-){0,3}(?:key|token|secret|auth|signature)|private-token|job-token|api-?key|ocp-apim-subscription-key|dd-api(?:lication)?-key|x-vault-token|x-goog-api-key|circle-token|xi-api-key)[\"']?\s{0,2}[:=]\s{0,2}[\"']?)([A-Za-z0-9._~+/=|-]{12,400})",
        609,
        ("-key", "-token", "-secret", "-auth", "-signature", "apikey"),
        (f"X-Api-Key: {ALNUM[:32]}", f"curl -H 'PRIVATE-TOKEN: {ALNUM[:20]}'", f'"x-auth-token": "{HEX[:32]}"'),
        ("X-Api-Key: <your key>", "x-api-key: ${API_KEY}", "x-rate-limit: 1000"),
        short_secret,
    ),
    _rule(
        "session_cookie",
        rf"(?i:\bcookie[\"']?\s{{0,2}}[:=,][ -~]{{0,200}}?\b(?:{_names(_COOKIES)})=)([A-Za-z0-9%._~+/=|:-]{{12,600}})",
        1248,
        ("cookie",),
        (
            f"Set-Cookie: sessionid={LOWER[:32]}; HttpOnly; Path=/",
            f"Cookie: theme=dark; connect.sid=s%3A{ALNUM[:32]}.{ALNUM[:43]}; lang=en",
            f"document.cookie = 'PHPSESSID={LOWER[:26]}'",
        ),
        ("Set-Cookie: sessionid=deleted; Max-Age=0", "Cookie: theme=dark; lang=en"),
        short_secret,
        "[SESSION]",
    ),
    _rule(
        "session_assignment",
        r"(?i:\b(?:phpsessid|jsessionid|asp\.net_sessionid|connect\.sid|laravel_session|sessionid|session_?token|session_?key|session_?cookie)[\"']?\s{0,2}[:=]\s{0,2}[\"']?)([A-Za-z0-9%._~+/=|-]{16,300})",
        338,
        ("sessid", "session", "connect.sid"),
        (f"JSESSIONID={HEX[:32].upper()}", f"session_token: {ALNUM[:48]}", f'"sessionid": "{LOWER[:32]}"'),
        ("sessionid=<session id>", "session_token: required"),
        random_secret,
        "[SESSION]",
    ),
    _rule(
        "query_secret",
        rf"(?i:[?&;](?:amp;)?(?:{_names(_QUERY_NAMES)})=)([A-Za-z0-9._~+/%-]{{12,500}}={{0,2}})",
        532,
        tuple(f"{mark}{name.lower()}=" for mark in "?&;" for name in _QUERY_NAMES),
        (
            f"https://api.example.com/v1/items?api_key={HEX[:32]}&page=2",
            f"GET /feed?user=7&access_token={ALNUM[:40]} HTTP/1.1",
            f"https://maps.example.com/js?key={ALNUM[:39]}",
        ),
        (
            "https://example.com/?key=value&page=2",
            "https://example.com/search?token=ACCESS_TOKEN",
            "/items?sort=created&key=name",
        ),
        short_secret,
    ),
    _rule(
        "otp_seed",
        r"(?i:otpauth://[ht]otp/[!#-&(-;=@-~]{0,120}\?[!#-&(-;=?-~]{0,120}?secret=)([A-Za-z2-7]{16,128}={0,6})",
        881,
        ("otpauth://",),
        (
            f"otpauth://totp/Acme:jane?secret={'JBSWY3DPEHPK3PXP' * 2}&issuer=Acme",
            "otpauth://hotp/x?counter=1&secret=" + "NB2W45DFOIZA2ZDFON2GC3TU",
        ),
        ("otpauth://totp/Acme:jane?secret=<seed>",),
    ),
    _rule(
        "password_hash_crypt",
        r"\$(?:2[abxy]\$\d{2}\$[./A-Za-z0-9]{53}|[156y]\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9$]{1,40}\$[./A-Za-z0-9]{22,86}|apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22})",
        147,
        ("$2a$", "$2b$", "$2x$", "$2y$", "$1$", "$5$", "$6$", "$y$", "$apr1$"),
        (
            f"root:$6$rounds=5000$saltsalt${(ALNUM)[:86]}:19000::",
            f"hash $2b$12${ALNUM[:53]}",
            f"admin:$apr1$abcdefgh${ALNUM[:22]}",
        ),
        ("costs $1$ or $5$ or so", "$2b$12$short"),
        replacement="[PASSWORD_HASH]",
    ),
    _rule(
        "password_hash_modern",
        r"(?:\$argon2(?:id|i|d)\$v=\d{1,3}\$m=\d{1,9},t=\d{1,5},p=\d{1,4}\$[A-Za-z0-9+/]{8,90}\$[A-Za-z0-9+/]{16,180}|\bpbkdf2_sha(?:1|256|512)\$\d{1,8}\$[A-Za-z0-9./+_-]{4,64}\$[A-Za-z0-9+/=]{20,100}|\$scrypt\$[A-Za-z0-9=,]{3,40}\$[A-Za-z0-9+/]{8,90}={0,2}\$[A-Za-z0-9+/]{20,180}|\{S?SHA(?:256|512)?\}[A-Za-z0-9+/]{20,160}={0,2})",
        322,
        ("$argon2", "pbkdf2_sha", "$scrypt$", "{ssha", "{sha"),
        (
            f"$argon2id$v=19$m=65536,t=3,p=4${ALNUM[:22]}${ALNUM[:43]}",
            f"pbkdf2_sha256$600000${ALNUM[:22]}${ALNUM[:43]}=",
            "{SSHA}" + ALNUM[:32],
        ),
        ("$argon2id$ is the prefix", "{SHA}short"),
        replacement="[PASSWORD_HASH]",
    ),
    _rule(
        "framework_secret",
        r"(?:\bAPP_KEY\s{0,2}[=:]\s{0,2}[\"']?(base64:[A-Za-z0-9+/]{42,43}={1,2}))",
        65,
        ("app_key",),
        (f"APP_KEY=base64:{ALNUM[:43]}=", f"APP_KEY: 'base64:{ALNUM[1:44]}='"),
        ("APP_KEY=base64:short",),
    ),
    _rule(
        "django_insecure_key",
        r"\bdjango-insecure-[A-Za-z0-9!@#$%^&*()_=+-]{40,60}",
        76,
        ("django-insecure-",),
        ("SECRET_KEY = 'django-insecure-" + f"{LOWER[:46]}+&#'", f"django-insecure-{LOWER[:50]}"),
        ("django-insecure-short",),
    ),
    _rule(
        "django_secret_key",
        r"(?i:\bSECRET_KEY[\"']?\s{0,3}[=:]\s{0,3}[\"'])([A-Za-z0-9!@#$%^&*()_=+-]{50,64})[\"']",
        94,
        ("secret_key",),
        (f"SECRET_KEY = '{LOWER[:45]}!@$%^'", f'"secret_key": "{LOWER[:40]}&*(-_)#=+x"'),
        ("SECRET_KEY = os.environ['SECRET_KEY']",),
        plausible_mixed,
    ),
    _rule(
        "machine_key",
        r"(?i:\b(?:validation|decryption)key\s{0,2}=\s{0,2}[\"'])([0-9A-F]{32,160})",
        183,
        ("validationkey", "decryptionkey"),
        (f'<machineKey validationKey="{HEX[:128].upper()}" />', f'decryptionKey="{HEX[:48].upper()}"'),
        ('validationKey="AutoGenerate,IsolateApps"',),
    ),
    _rule(
        "seed_phrase",
        r"(?i:\b(?:mnemonic(?: (?:phrase|words|seed))?|(?:seed|recovery|secret|backup|wallet)[ _-]?phrase"
        r"|seed words)[\"']?\s{0,2}(?:is|:|=)\s{1,4}[\"']?)"
        r"((?:[a-z]{3,8}[ ,]{1,2}){11,23}[a-z]{3,8})\b",
        273,
        ("mnemonic", "phrase", "seed words"),
        (
            "seed phrase: ladder cricket orbit velvet tunnel saddle humble frozen pencil marble anchor wisdom",
            "mnemonic = 'ladder cricket orbit velvet tunnel saddle humble frozen pencil marble anchor wisdom'",
        ),
        ("The secret is simple: practice and be patient", "recovery phrase: <twelve words>"),
        seed_phrase,
    ),
    _rule(
        "numbered_license_key",
        r"(?i:\b(?:licen[sc]e|product|activation|serial|cd)[ _-]?key[\"']?\s{0,2}(?:is|:|=)\s{0,3}[\"']?)"
        r"([A-Z0-9]{4,6}(?:-[A-Z0-9]{4,6}){3,7})\b",
        88,
        tuple(
            f"{kind}{gap}key"
            for kind in ("license", "licence", "product", "activation", "serial", "cd")
            for gap in ("", " ", "_", "-")
        ),
        ("product key: " + "A1B2C-D3E4F-G5H6I-J7K8L-M9N0O", "License key is " + "Q4ZT-88WX-K2MN-7PLA"),
        ("product key: XXXXX-XXXXX-XXXXX-XXXXX-XXXXX", "the license key is in the mail"),
        plausible_mixed,
        "[LICENSE_KEY]",
    ),
    _rule(
        "device_code",
        r"(?i:\b(?:device|user|auth(?:orization)?|verification)_code[\"']?\s{0,2}[:=]\s{0,2}[\"']?)([A-Za-z0-9._~/-]{16,300})",
        331,
        ("_code",),
        (f'"device_code": "{ALNUM[:40]}"', f"auth_code={DIGITS[:4]}/{ALNUM[:40]}"),
        ("user_code: required", '"device_code": "<code>"'),
        random_secret,
    ),
)

"""Values of fixed form, drawn from the formats that their makers publish. None is anybody's: all are drawn by a seed.

The formats are written down here a second time, apart from the rules, so that a rule that is too narrow is seen. Check
digits are computed, or drawn until they fit where the sum has no closed form worth writing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Final

Draw = Callable[[random.Random], str]

DIGITS: Final = "0123456789"
HEX: Final = "0123456789abcdef"
UPPER: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWER: Final = UPPER.lower()
ALNUM: Final = UPPER + LOWER + DIGITS
BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

# A piece of a format, such as <a36>: its alphabet and how many are drawn from it.
_PIECE: Final = re.compile(r"<([a-zA-Z])(\d+)>")
_ALPHABETS: Final = {
    "d": DIGITS, "n": "123456789", "h": HEX, "H": HEX.upper(), "U": UPPER, "l": LOWER, "a": ALNUM, "u": UPPER + DIGITS,
    "s": LOWER + DIGITS, "b": ALNUM + "-_", "B": ALNUM + "+/", "t": UPPER + "234567", "k": BASE58,
}  # fmt: skip


def fill(form: str, rng: random.Random) -> str:
    """A value of a format such as `ghp_<a36>`."""
    return _PIECE.sub(lambda m: "".join(rng.choices(_ALPHABETS[m[1]], k=int(m[2]))), form)


def of(*forms: str) -> Draw:
    """One of several formats."""
    return lambda rng: fill(rng.choice(forms), rng)


def _luhn(body: str) -> str:
    """ISO/IEC 7812-1: the number with its check digit."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (1 if place % 2 else 2)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def card(rng: random.Random) -> str:
    """A number of one of the large card schemes, in groups, with hyphens or in one run."""
    head, size = rng.choice(
        (("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("6011", 16), ("65", 16), ("3528", 16), ("34", 15), ("37", 15),
         ("36", 14))
    )  # fmt: skip
    number = _luhn(head + "".join(rng.choices(DIGITS, k=size - 1 - len(head))))
    between = rng.choice(("", " ", "-"))
    cuts = (0, 4, 10, size) if size < 16 else (0, 4, 8, 12, 16)
    return between.join(number[a:b] for a, b in pairwise(cuts))


_IBANS: Final = {
    "DE": "<d18>", "GB": "<U4><d14>", "FR": "<d10><u11><d2>", "ES": "<d20>", "IT": "<U1><d10><u12>", "NL": "<U4><d10>",
    "BE": "<d12>", "CH": "<d5><u12>", "AT": "<d16>", "PL": "<d24>", "PT": "<d21>", "SE": "<d20>", "NO": "<d11>",
    "DK": "<d14>", "FI": "<d14>", "IE": "<U4><d14>", "TR": "<d6><u16>", "SA": "<d2><u18>", "AE": "<d19>", "GR": "<d7><u16>",
    "CZ": "<d20>", "RO": "<U4><u16>", "HU": "<d24>", "MT": "<U4><d5><u18>", "LU": "<d3><u13>", "BR": "<d23><U1><u1>",
}  # fmt: skip


def iban(rng: random.Random) -> str:
    """ISO 13616, on paper in groups of four and electronically in one run."""
    country = rng.choice(sorted(_IBANS))
    body = fill(_IBANS[country], rng)
    rest = int("".join(str(int(character, 36)) for character in f"{body}{country}00")) % 97
    whole = f"{country}{98 - rest:02}{body}"
    if rng.random() < 0.5:
        return whole
    return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))


def ssn(rng: random.Random) -> str:
    """A US Social Security number with hyphens."""
    area = rng.choice([number for number in range(1, 900) if number != 666])
    return f"{area:03}-{rng.randrange(1, 100):02}-{rng.randrange(1, 10000):04}"


_FIRST: Final = ("jane", "bob", "amira", "li.wei", "jose-luis", "o.novak", "s.mueller", "priya_k", "tom+news", "a.b.c")
_HOSTS: Final = (
    "example.com",
    "mail.example.org",
    "corp.example.co.uk",
    "uni-example.de",
    "example.io",
    "example.travel",
)


def email(rng: random.Random) -> str:
    """RFC 5322, a dot-atom and a host, in one case or another."""
    text = f"{rng.choice(_FIRST)}{rng.choice(('', str(rng.randrange(100)), '.smith'))}@{rng.choice(_HOSTS)}"
    return rng.choice((text, text, text, text.upper(), text.title()))


def ipv4(rng: random.Random) -> str:
    """An address of a host."""
    first = rng.choice([number for number in range(1, 224) if number != 127])
    return ".".join(map(str, (first, rng.randrange(256), rng.randrange(256), rng.randrange(1, 255))))


def ipv6(rng: random.Random) -> str:
    """RFC 4291, in full and shortened."""
    group = lambda: f"{rng.randrange(1, 65536):x}"  # noqa: E731
    return rng.choice(
        (
            ":".join(("2001", "db8", *(group() for _ in range(6)))),
            f"2001:db8:{group()}::{group()}",
            f"fe80::{group()}:{group()}:{group()}:{group()}",
            f"2a02:{group()}:{group()}:{group()}::1",
        )
    )


def mac(rng: random.Random) -> str:
    """EUI-48 with colons or hyphens, in either case."""
    text = rng.choice((":", "-")).join(f"{rng.randrange(256):02x}" for _ in range(6))
    return rng.choice((text, text.upper()))


def _base58check(version: int, rng: random.Random) -> str:
    data = bytes((version, *rng.randbytes(20)))
    data += hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = BASE58[rest] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def _bech32(head: str, rng: random.Random) -> str:
    """BIP 173, version 0."""
    values = [0, *(rng.randrange(32) for _ in range(32))]

    def polymod(all_values: list[int]) -> int:
        check = 1
        for value in all_values:
            top = check >> 25
            check = (check & 0x1FFFFFF) << 5 ^ value
            for bit, factor in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
                check ^= factor if top >> bit & 1 else 0
        return check

    expanded = [ord(c) >> 5 for c in head] + [0] + [ord(c) & 31 for c in head]
    check = polymod(expanded + values + [0] * 6) ^ 1
    values += [check >> 5 * (5 - at) & 31 for at in range(6)]
    return f"{head}1" + "".join(_BECH32[value] for value in values)


def bitcoin(rng: random.Random) -> str:
    """P2PKH, P2SH and segregated witness."""
    return rng.choice((_base58check(0, rng), _base58check(5, rng), _bech32("bc", rng)))


def ethereum(rng: random.Random) -> str:
    """20 bytes in hexadecimal."""
    return fill("0x<h40>", rng)


PHONES: Final = (
    "+1 <n1>12-555-<d4>", "+1-<n1>15-555-<d4>", "(<n1>15) 555-<d4>", "<n1>12-555-<d4>", "<n1>12.555.<d4>",
    "+1<n1>125550<d3>", "+44 20 7946 0<d3>", "+44 7700 900<d3>", "+447700900<d3>", "07700 900<d3>", "020 7946 0<d3>",
    "+49 30 90<d4>", "+49 (0)30 2<d6>", "+49 151 2<d7>", "+33 1 <d2> <d2> <d2> <d2>", "06 <d2> <d2> <d2> <d2>",
    "+34 6<d2> <d3> <d3>", "+39 02 <d4> <d4>", "+39 3<d2> <d7>", "+31 6 <n1><d7>", "+32 2 <d3> <d2> <d2>",
    "+41 44 <d3> <d2> <d2>", "+46 8 <d3> <d3> <d2>", "+48 <n1><d2> <d3> <d3>", "+351 21 <d3> <d4>",
    "+91 9<d4> <d5>", "+91-98<d8>", "+86 138 <d4> <d4>", "+81 3-<d4>-<d4>", "090-<d4>-<d4>", "+82 10-<d4>-<d4>",
    "+61 2 <d4> <d4>", "+61 4<d2> <d3> <d3>", "0412 <d3> <d3>", "+55 11 9<d4>-<d4>", "(11) 9<d4>-<d4>",
    "+52 55 <d4> <d4>", "+7 495 <d3>-<d2>-<d2>", "+972 52-<d3>-<d4>", "+971 50 <d3> <d4>", "+27 21 <d3> <d4>",
    "+234 803 <d3> <d4>", "+65 6<d3> <d4>", "+852 2<d3> <d4>", "+64 21 <d3> <d3>", "+353 1 <d3> <d4>",
    "+358 40 <d7>", "+45 <d2> <d2> <d2> <d2>", "+47 <n1><d2> <d2> <d3>", "+90 532 <d3> <d2> <d2>", "+30 210 <d7>",
    "1-800-<n1><d2>-<d4>", "+1 (<n1>15) 555-<d4>", "001-<n1>12-555-<d4>",
)  # fmt: skip


def _jwt(rng: random.Random) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")

    head = {"alg": rng.choice(("HS256", "RS256", "ES256")), "typ": "JWT"}
    claims = {"sub": fill("<d10>", rng), "iat": rng.randrange(1_500_000_000, 1_800_000_000)}
    return f"{part(head)}.{part(claims)}.{fill('<b43>', rng)}"


def _private_key(rng: random.Random) -> str:
    kind = rng.choice(("RSA ", "EC ", "OPENSSH ", ""))
    lines = "\n".join(fill("<B64>", rng) for _ in range(rng.randrange(3, 12)))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n{fill('<B22>', rng)}==\n-----END {kind}PRIVATE KEY-----"


def _connection(rng: random.Random) -> str:
    scheme = rng.choice(("postgres", "postgresql", "mysql", "mongodb", "mongodb+srv", "redis", "amqp", "https", "ftp"))
    password = fill(rng.choice(("<a16>", "<s10>", "<a5>!<d3>", "<l6><d2>")), rng)
    return (
        f"{scheme}://{rng.choice(('app', 'admin', 'svc_user'))}:{password}@{rng.choice(('db', 'cache-1'))}.example.com"
    )


def _national(form: str, fits: Callable[[str], bool]) -> Draw:
    def draw(rng: random.Random) -> str:
        while not fits(value := fill(form, rng)):
            pass
        return value

    return draw


def _cpf(rng: random.Random) -> str:
    body = fill("<d9>", rng)
    for size in (9, 10):
        body += str(sum(int(digit) * (size + 1 - at) for at, digit in enumerate(body)) * 10 % 11 % 10)
    return f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}"


def _dni(rng: random.Random) -> str:
    number = rng.randrange(10_000_000, 100_000_000)
    return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def _nir(rng: random.Random) -> str:
    body = (
        f"{rng.choice('12')}{rng.randrange(40, 99)}{rng.randrange(1, 13):02}{rng.randrange(10, 96)}{fill('<d6>', rng)}"
    )
    whole = f"{body}{97 - int(body) % 97:02}"
    cuts = (0, 1, 3, 5, 7, 10, 13, 15)
    return rng.choice((whole, " ".join(whole[a:b] for a, b in pairwise(cuts))))


def _pesel(rng: random.Random) -> str:
    body = f"{rng.randrange(40, 99)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}{fill('<d4>', rng)}"
    total = sum(int(digit) * weight for digit, weight in zip(body, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3), strict=True))
    return f"{body}{-total % 10}"


def _nhs(rng: random.Random) -> str:
    while True:
        body = fill("<d9>", rng)
        check = (11 - sum(int(digit) * (10 - at) for at, digit in enumerate(body)) % 11) % 11
        if check < 10:
            return f"{body[:3]} {body[3:6]} {body[6:]}{check}"


def _routing(rng: random.Random) -> str:
    body = f"{rng.choice(('01', '02', '05', '11', '12', '26', '32'))}{fill('<d6>', rng)}"
    total = sum(int(digit) * weight for digit, weight in zip(body, (3, 7, 1) * 3, strict=False))
    return f"{body}{-total % 10}"


def _sin(rng: random.Random) -> str:
    number = _luhn(rng.choice("1245679") + fill("<d7>", rng))
    return f"{number[:3]} {number[3:6]} {number[6:]}"


def _date(rng: random.Random) -> str:
    year, month, day = rng.randrange(1940, 2012), rng.randrange(1, 13), rng.randrange(1, 29)
    name = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November", "December")[month - 1]  # fmt: skip
    return rng.choice(
        (
            f"{year}-{month:02}-{day:02}",
            f"{month:02}/{day:02}/{year}",
            f"{day:02}.{month:02}.{year}",
            f"{day}/{month}/{year}",
            f"{name} {day}, {year}",
            f"{day} {name} {year}",
            f"{name[:3]} {day}, {year}",
            f"{day} {name[:3]} {year}",
        )
    )


# Kinds that need nothing beside them: the form, or its check digits, say it all.
FIXED: Final[dict[str, Draw]] = {
    "email": email,
    "card": card,
    "iban": iban,
    "ssn": ssn,
    "ipv4": ipv4,
    "ipv6": ipv6,
    "mac": mac,
    "bitcoin": bitcoin,
    "ethereum": ethereum,
    "phone": of(*PHONES),
    "jwt": _jwt,
    "private key": _private_key,
    "url with password": _connection,
    "br cpf": _cpf,
    "es dni": _dni,
    "fr nir": _nir,
    "uk nino": of("AB<d6>C", "JG <d2> <d2> <d2> A", "SP<d6>D"),
    "us itin": of("9<d2>-7<d1>-<d4>"),
    "aws access key": of("AKIA<t16>", "ASIA<t16>"),
    "github token": of("ghp_<a36>", "gho_<a36>", "ghs_<a36>", "ghu_<a36>", "github_pat_<a22>_<a59>"),
    "gitlab token": of("glpat-<b20>", "gldt-<b20>"),
    "slack token": of("xoxb-<d11>-<d12>-<a24>", "xoxp-<d11>-<d11>-<d12>-<h32>"),
    "slack webhook": of("https://hooks.slack.com/services/T<u8>/B<u10>/<a24>"),
    "discord webhook": of("https://discord.com/api/webhooks/<n1><d17>/<b68>"),
    "stripe key": of("sk_live_<a24>", "sk_test_51<a97>", "rk_live_<a24>"),
    "stripe webhook": of("whsec_<a32>"),
    "google api key": of("AIza<b35>"),
    "google oauth": of("ya29.<b68>", "GOCSPX-<b28>"),
    "openai key": of("sk-<a20>T3BlbkFJ<a20>", "sk-proj-<b74>T3BlbkFJ<b74>", "sk-proj-<a48>"),
    "anthropic key": of("sk-ant-api03-<b93>AA", "sk-ant-admin01-<b93>AA"),
    "hugging face token": of("hf_<a34>"),
    "groq key": of("gsk_<a52>"),
    "replicate token": of("r8_<a37>"),
    "perplexity key": of("pplx-<a48>"),
    "twilio key": of("SK<h32>"),
    "sendgrid key": of("SG.<b22>.<b43>"),
    "mailchimp key": of("<h32>-us<n1>"),
    "mailgun key": of("key-<h32>"),
    "npm token": of("npm_<a36>"),
    "pypi token": of("pypi-AgEIcHlwaS5vcmc<b70>"),
    "rubygems key": of("rubygems_<h48>"),
    "docker token": of("dckr_pat_<b27>"),
    "digitalocean token": of("dop_v1_<h64>", "doo_v1_<h64>"),
    "shopify token": of("shpat_<h32>", "shpss_<h32>"),
    "square token": of("sq0atp-<b22>", "sq0csp-<b43>"),
    "databricks token": of("dapi<h32>"),
    "dropbox token": of("sl.<b136>"),
    "linear key": of("lin_api_<a40>"),
    "notion token": of("ntn_<d11><a35>", "secret_<a43>"),
    "postman key": of("PMAK-<h24>-<h34>"),
    "new relic key": of("NRAK-<u27>"),
    "sentry token": of("sntrys_eyJpYXQiOjE3MDAwMDAwMDAsInVybCI6Imh0dHBz<B48>_<B43>"),
    "grafana token": of("glsa_<a32>_<h8>"),
    "telegram bot token": of("<n1><d8>:AA<b33>", "<n1><d9>:AA<b33>"),
    "vault token": of("hvs.<b95>"),
    "terraform token": of("<a14>.atlasv1.<b64>"),
    "planetscale token": of("pscale_tkn_<b43>", "pscale_pw_<b43>"),
    "age key": of("AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE"),
    "supabase key": of("sbp_<h40>"),
    "doppler token": of("dp.pt.<a43>"),
    "flutterwave key": of("FLWSECK_TEST-<h32>-X"),
    "razorpay key": of("rzp_live_<a14>"),
    "cloudinary url": of("cloudinary://<d15>:<b27>@demo-cloud"),
    "facebook token": of("EAACEdEose0cBA<a60>", "EAAB<a120>"),
    "atlassian token": of("ATATT3xFfGF0<b171>=<H8>"),
}

# Kinds that a name in front gives away, with sentences that hold it. Nothing but the value is to be found.
NAMED: Final[dict[str, tuple[Draw, tuple[str, ...]]]] = {
    "date of birth": (_date, ("My date of birth is {v}.", "DOB: {v}", "She was born on {v} in Porto.", "Birth date: {v}",
                              '{{"date_of_birth": "{v}"}}', "Patient, born {v}, reports pain.", "Birthday: {v}")),
    "ssn without hyphens": (lambda rng: ssn(rng).replace("-", rng.choice(("", " "))),
                            ("SSN: {v}", "His social security number is {v}.", '{{"ssn": "{v}"}}', "ssn={v}", "My SSN is {v}")),
    "passport": (of("<U1><d8>", "<d9>", "<U2><d7>"),
                 ("Passport number: {v}", "my passport is {v}", "Passport No. {v}", '{{"passport_number": "{v}"}}',
                  "passport #{v}", "Her passport number is {v}, valid until May.")),
    "driving licence": (of("<U1><d7>", "<U1><d3>-<d4>-<d4>", "<d8>", "<U1><d12>"),
                        ("Driver's license: {v}", "driver license number {v}", "My driving licence number is {v}.",
                         "DL number: {v}", "driver's licence no. {v}", '{{"drivers_license": "{v}"}}')),
    "us routing": (_routing, ("Routing number: {v}", "routing number is {v}", "ABA {v}", "The routing # is {v}.",
                              '{{"routing_number": "{v}"}}')),
    "bank account": (of("<n1><d9>", "<n1><d11>", "<n1><d7>"),
                     ("Account number: {v}", "my bank account number is {v}", "acct no. {v}", "Acct #: {v}",
                      '{{"account_number": "{v}"}}', "Please wire it to account {v}.", "bank account {v}")),
    "uk nhs": (_nhs, ("NHS number: {v}", "Her NHS number is {v}.", "NHS no. {v}")),
    "pl pesel": (_pesel, ("PESEL: {v}", "Mój numer PESEL to {v}.", "pesel={v}")),
    "ca sin": (_sin, ("SIN: {v}", "My social insurance number is {v}.", "SIN number {v}")),
    "phone, named": (of("<n1><d9>", "<n1><d2> <d3> <d4>", "0<n1><d8>"),
                     ("Phone: {v}", "call me at {v}", "My phone number is {v}.", "Mobile: {v}", "Tel. {v}", "cell {v}",
                      '{{"phone": "{v}"}}', '"phone_number": "{v}"', "Contact number: {v}", "WhatsApp me on {v}", "Fax: {v}")),
    "cvv": (of("<d3>"), ("CVV: {v}", "cvv {v}", "The security code is {v}.", "CVC {v}", '{{"cvv": "{v}"}}')),
    "swift": (of("DEUTDEFF", "CHASUS33", "BARCGB22XXX", "BNPAFRPP"),
              ("SWIFT: {v}", "BIC: {v}", "The SWIFT code is {v}.", "SWIFT/BIC {v}", "swift code: {v}")),
    "imei": (lambda rng: _luhn("35" + fill("<d12>", rng)), ("IMEI: {v}", "The IMEI is {v}.", "imei={v}")),
    "medical record": (of("<d8>", "<d7>"), ("MRN: {v}", "Medical record number {v}", "patient ID: {v}", "MRN {v}")),
    "password": (of("<a6>!<d3>", "<l7><d3>", "<U1><l6><d2>#", "<a14>"),
                 ("password: {v}", "password = '{v}'", "DB_PASSWORD={v}", '"password": "{v}"', "The password is {v}.",
                  "passwd={v}", "pwd: {v}", "const password = \"{v}\";", "password={v}", "  password: \"{v}\"",
                  "spring.datasource.password={v}", "<password>{v}</password>", "PASSWORD='{v}'", "my password is {v}",
                  "--password {v}", "--password={v}", "$password = '{v}';", "user.password = \"{v}\"", "Password: {v}")),
    "api key, assigned": (of("<a32>", "<h32>", "<s40>", "<b24>"),
                          ("api_key: \"{v}\"", "API_KEY={v}", "apiKey = '{v}'", '"api_key": "{v}"', "X-API-Key: {v}",
                           "let apiKey = \"{v}\"", "my api key is {v}", "api_key={v}&q=tides", "export API_KEY=\"{v}\"",
                           "  api-key: {v}", "API key: {v}", "secret_key = '{v}'", "client_secret: {v}", "CLIENT_SECRET={v}",
                           '"clientSecret": "{v}"', "access_token: {v}", "auth_token = \"{v}\"", "SECRET_KEY={v}",
                           "private static final String API_KEY = \"{v}\";", "Authorization: Bearer {v}", "ACCESS_TOKEN={v}",
                           "apikey: {v}", "token: {v}", "secret: {v}")),
    "aws secret key": (of("<B40>"), ("aws_secret_access_key = {v}", "AWS_SECRET_ACCESS_KEY={v}", '"SecretAccessKey": "{v}"',
                                     "AWS_SECRET_KEY: '{v}'")),
    "azure storage": (of("<B86>=="), ("AccountName=demo;AccountKey={v};EndpointSuffix=core.windows.net",
                                      "AZURE_STORAGE_KEY={v}")),
    "airtable token": (of("pat<a14>.<h64>"), ("AIRTABLE_API_KEY={v}", "my airtable token is {v}")),
    "basic auth": (lambda rng: base64.b64encode(fill("user<d2>:<a12>", rng).encode()).decode(),
                   ("Authorization: Basic {v}", "'Authorization': 'Basic {v}'")),
}  # fmt: skip

"""Personal data of fixed form. Each number is held against its checksum or the rules of who gives it out."""

import string
from typing import Final

from engine.redaction import checks
from engine.redaction.rule import Rule

# Two groups of an address and the colon between them.
_COLONS = tuple(f"{before}:{after}" for before in "0123456789abcdef" for after in "0123456789abcdef")

# Of a phone's number.
_EXTENSION: Final = r"(?: ?(?:x|ext\.?) ?\d{1,6})?"

RULES = (
    Rule(
        "email",
        "pii",
        # RFC 5322 allows more marks in the local part; in text they stand around an address, as in "to='jane@...".
        "(?:\\b[oO]')?[A-Za-z0-9_+\u00c0-\u024f][A-Za-z0-9._%+~\u00c0-\u024f-]{0,63}@"
        r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}\b",
        320,
        "[EMAIL]",
        ("mail jane.doe@example.com today", "a+b@sub.example.co.uk", "to='jos\u00e9@example.com'"),
        ("user@localhost", "@handle", "a @ b.com", "icon@2x.png", "git@github.com:org/repo"),
        ("@",),
        checks.email,
        # Nor within a longer local part.
        string.ascii_letters + string.digits + "_",
    ),
    # As people write one to hide it from those who gather them.
    Rule(
        "email_spelled",
        "pii",
        r"(?i:\b[a-z0-9_][a-z0-9._%+-]{0,63} ?[\[({<] ?at ?[\])}>] ?"
        r"[a-z0-9][a-z0-9-]{0,61}(?: ?(?:\.|[\[({<] ?dot ?[\])}>]) ?[a-z0-9-]{2,61}){1,4}\b"
        r"|\b[a-z0-9_-]{1,32}(?: dot [a-z0-9_-]{1,32}){0,3} at [a-z0-9-]{2,61}"
        r"(?: dot [a-z0-9-]{2,61}){0,2} dot (?:com|org|net|edu|gov|info|io)\b)",
        400,
        "[EMAIL]",
        ("jane.doe[at]example[dot]com", "jane (at) example.co.uk", "jane dot doe at example dot com"),
        ("array[at] = 3", "look at it.", "we met at noon", "the dot com boom"),
        (
            "[at]",
            "(at)",
            "{at}",
            "<at>",
            "[ at",
            "( at",
            " dot com",
            " dot org",
            " dot net",
            " dot edu",
            " dot gov",
            " dot info",
            " dot io",
        ),
    ),
    Rule(
        "card",
        "pii",
        r"\b(?:\d{12,19}|\d{4}(?:[ -]\d{4}){3}(?:[ -]?\d{1,3})?|\d{4}[ -]\d{6}[ -]\d{4,5}"
        r"|\d{4}[ -]\d{4}[ -]\d{5}|\d{4}[ -]\d{4}[ -]\d{4}[ -]\d|\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{2,3})\b",
        24,
        "[CARD]",
        ("card 4111 1111 1111 1111.", "5500-0000-0000-0004", "378282246310005", "4222 2222 2222 2"),
        ("order 4111111111111112", "0000000000000000", "10 20 30 40 50 60 70 80 90 100", "at 1700000000000000000"),
        (),
        checks.card,
        ".",
    ),
    Rule(
        "iban",
        "pii",
        checks.iban_pattern(),
        46,
        "[IBAN]",
        ("IBAN DE89 3704 0044 0532 0130 00.", "GB82WEST12345698765432"),
        ("DE88 3704 0044 0532 0130 00", "AB12 3456 7890"),
        (),
        checks.iban,
    ),
    Rule(
        "us_ssn",
        "pii",
        r"\b\d{3}(?:-\d{2}-| \d{2} )\d{4}\b",
        11,
        "[SSN]",
        ("ssn 123-45-6789", "it is 536 22 1234, she said"),
        ("666-12-3456", "000-12-3456", "123-00-4567", "912-34-5678", "666 12 3456", "123 45-6789"),
        (),
        checks.ssn,
    ),
    Rule(
        "phone",
        "pii",
        r"(?:\(\+\d{1,3}\)|\+\(\d{1,3}\)|\+\d{1,3})[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ ./-]?\d{2,5}){1,4}"
        rf"{_EXTENSION}\b",
        48,
        "[PHONE]",
        ("call +1 415 555 2671 now", "+442079460958", "(+57) 319 128 35 82", "+(371) 24195406", "+1 415 555 2671 x12"),
        ("version 1.2.3", "+1 2", "+10000000", "ncurses 6.3+20220423"),
        ("+",),
        checks.phone,
        ".-/" + string.digits,
    ),
    Rule(
        "phone_us",
        "pii",
        r"(?:(?:\b(?:001|1)[ .-]?)?(?:\(\d{3}\)[ -]?|\b\d{3}[.-])\d{3}[ .-]\d{4}"
        rf"|\b(?:1 )?[2-9]\d{{2}} [2-9]\d{{2}}[ -]\d{{4}}){_EXTENSION}\b",
        32,
        "[PHONE]",
        ("(415) 555-2671", "415-555-2671", "1 415 555 2671", "415.555.2671 ext. 9"),
        ("2024-01-02", "3415-555-2671", "978-415-555-2671", "415-555-267"),
        (),
        checks.phone,
        ".-/" + string.digits,
    ),
    Rule(
        "ipv4",
        "pii",
        r"\b(?:\d{1,3}\.){3}\d{1,3}(?:\.\d{1,3}){0,2}\b",
        23,
        "[IP]",
        ("from 203.0.113.7 today",),
        (
            "127.0.0.1",
            "999.1.1.1",
            "1.02.3.4",
            "version 2.4.1.0",
            "OID 1.3.6.1.4.1.311.20",
            "4.0.0.0",
            "version 8.16.15.2",
        ),
        (),
        checks.ipv4,
        ".",
    ),
    # Two colons in a row, which neither a time of the day nor a hardware address has; or all eight groups.
    Rule(
        "ipv6",
        "pii",
        r"(?i)\b(?:[0-9a-f]{1,4}:){1,7}(?:(?::[0-9a-f]{1,4}){1,7}[0-9a-f]{0,4}|:)",
        45,
        "[IP]",
        ("host 2001:db8::8a2e:370:7334 up", "fe80::204:61ff:fe9d:f156", "2001:db8::"),
        ("::1", "a::", "dead::beef", "attrs[0::2]", "2001:db8::8a2e:370:73345"),
        ("::",),
        checks.ipv6,
    ),
    Rule(
        "ipv6_full",
        "pii",
        r"(?i)\b(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}",
        39,
        "[IP]",
        ("fe80:0:0:0:204:61ff:fe9d:f156", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"),
        ("12:30:45", "2001:db8:0:0:0:0:1", "0:0:0:0:0:0:0:1"),
        _COLONS,
        checks.ipv6,
    ),
)

"""Sentences around values, and text in which nothing is to be found.

`AROUND` holds a value of fixed form ({v}) in the registers that a gateway sees. `PROSE` and the drawn texts of `clean`
hold none: what a rule finds there is a false alarm.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from typing import Final

from benchmarks.quality.formats import fill

AROUND: Final = (
    # Chat and mail.
    "Sure, it is {v}.",
    "Please use {v} for now",
    "I sent {v} to you yesterday, did it arrive?",
    "You can find it under ({v}).",
    "Was it \u201c{v}\u201d or the other one?",
    "{v} is the one on file.",
    "It's '{v}', I think!",
    "Hi team,\n\nthe new one is {v}\n\nBest,\nJo",
    "Re: ticket 4711\n> {v}\nThanks, noted.",
    "Is it {v}?",
    "- first: {v}\n- second: none",
    "The old one (before {v}) was wrong; the new one is better.",
    "das ist {v}, bitte pr\u00fcfen",
    "\u8bf7\u4f7f\u7528 {v} \u3002",
    "Voici\u00a0: {v} \u2014 merci\u00a0!",
    "\U0001f512 {v} \U0001f512",
    # Logs, JSON, code, configuration.
    "2024-03-01T12:00:07Z INFO worker-3 handled {v} in 17 ms",
    "[error] lookup failed for {v}: not found",
    '{{"id": 17, "value": "{v}", "ok": true}}',
    '{{"items":["{v}"]}}',
    "value={v}",
    "VALUE='{v}'",
    "export CURRENT={v}",
    "  value: {v}\n  other: 3",
    'value = "{v}"  # the current one',
    'const value = "{v}";',
    "call('{v}', 3)",
    "<value>{v}</value>",
    "id,value\n17,{v}\n18,none",
    "id\tvalue\n17\t{v}\n",
    # Markdown.
    "| name | value |\n|---|---|\n| current | {v} |",
    "**{v}**",
    "Use `{v}` there.",
    "```\n{v}\n```",
    "1. {v}",
    "> {v}",
)

PROSE: Final = (
    "The tide comes in twice a day, and the boats wait for it.",
    "We met at half past seven in front of the old library.",
    "In 1969 two people walked on the moon while a third waited above.",
    "Chapter 12 begins on page 384 and ends on page 401.",
    "She finished the marathon in 3:42:17, her best time so far.",
    "The invoice total is $1,284.50, due within 30 days.",
    "Add 250 g of flour, 125 ml of milk and 2 eggs.",
    "The train leaves at 08:15 from platform 4.",
    "Version 2.14.3 fixes the crash that 2.14.2 introduced.",
    "Python 3.11.7 and numpy 1.26.4 are installed.",
    "Temperatures will range from -12 to 4 degrees.",
    "The population grew from 1,204,567 to 1,310,992 in ten years.",
    "pi is about 3.14159265358979 and e about 2.71828182845905.",
    "Our office is at 221 Baker Street, second floor.",
    "Der Zug hat wieder einmal eine halbe Stunde Versp\u00e4tung.",
    "Wir treffen uns am 14. Mai um 18:30 Uhr am Bahnhof.",
    "Le chat dort sur le canap\u00e9 depuis ce matin.",
    "La reuni\u00f3n empieza a las 10:00 en la sala 204.",
    "Il treno delle 9:45 \u00e8 in ritardo di 20 minuti.",
    "O relat\u00f3rio de 2023 tem 148 p\u00e1ginas.",
    "Het museum is open van 10.00 tot 17.00 uur.",
    "Poci\u0105g odje\u017cd\u017ca o 7:20 z peronu 3.",
    "\u4eca\u5929\u5929\u6c14\u5f88\u597d\uff0c\u6211\u4eec\u53bb\u516c\u56ed\u8d70\u8d70\u3002",
    "\u6771\u4eac\u306f\u4eca\u65e5\u3082\u6674\u308c\u3067\u3059\u3002",
    "\u041f\u043e\u0435\u0437\u0434 \u043e\u043f\u043e\u0437\u0434\u0430\u043b \u043d\u0430 15 \u043c\u0438\u043d\u0443\u0442.",
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor.",
    "The password must have at least 12 characters and one digit.",
    "Forgot your password? Click the link to reset it.",
    "Tokens are billed per million; a token is about four characters.",
    "The API key goes into the header of every request.",
    "Store the secret in a vault, never in the repository.",
    "Set max_tokens to 4096 and temperature to 0.7.",
    "Your account will be closed on 31 December 2024.",
    "The account manager called about the renewal.",
    "He was born in 1985 and grew up near the coast.",
    "Her passport expires next spring, so she has to renew it.",
    "A driver's license is required to rent the van.",
    "The routing table has 14 entries.",
    "Call me when you get home.",
    "Call 3 functions and return the sum of their results.",
    "The cell at row 14, column 7 is empty.",
    "Swift 5.9 came with Xcode 15.",
    "The patient recovered after 14 days.",
    "MAC addresses have six bytes, IPv4 addresses four.",
    "localhost is 127.0.0.1, or ::1 in IPv6.",
    "Bind to 0.0.0.0 to accept connections from everywhere.",
    "RFC 2616 was replaced by RFC 7230 to 7235.",
    "Model B-7741 weighs 3,450 kg and costs 18,999 euros.",
    "Scores: 21-19, 18-21, 21-17.",
    "Seasons 2019/20 and 2020/21 were cut short.",
    "The meeting is on 2024-05-17 at 14:00.",
    "Released 03/15/2023; updated 11/02/2024.",
    "The ratio was 1:250000, later 1:50000.",
    "f(x) = 3x^2 + 2x - 17 has its minimum at x = -1/3.",
    "10 20 30 40 50 60 70 80 90 100",
    "1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610",
    "0.0012 0.0034 0.0101 0.0250 0.1275",
    "| 2021 | 1,204 | 17.2 % |\n| 2022 | 1,377 | 18.9 % |",
    "Exit code 137 means that the process was killed.",
    "HTTP/1.1 404 Not Found",
    "git checkout -b feature/token-refresh-after-login",
    "def area(radius: float) -> float:\n    return 3.141592653589793 * radius**2",
    "for (int i = 0; i < 1000000; i++) total += prices[i];",
    "SELECT id, total FROM orders WHERE created_at > '2024-01-01' LIMIT 100;",
    "password = os.environ['DB_PASSWORD']",
    "api_key = config.get('api_key')",
    "token = request.headers.get('Authorization')",
    "const key = event.key === 'Enter';",
    "import { createHash } from 'node:crypto';",
    "#!/usr/bin/env python3",
    "npm install --save-dev typescript@5.4.5",
    "rgba(255, 128, 64, 0.5) and #ff8040 are the same orange.",
    "M 10 10 L 20 20 C 30 30 40 40 50 50 Z",
    "Coordinates: 48.858370, 2.294481.",
    "Dial *100# to see the balance.",
    "Chip select is on pin 10, interrupts on pins 2 and 3.",
    "Part numbers 4420-118 and 4420-119 are interchangeable.",
    "Room 101, bed 4, floor 3.",
    "It costs 1 200 000 kr before tax.",
    "The file has 4294967296 bytes, exactly 4 GiB.",
    "Flight LH 1234 lands at 21:05 at gate B42.",
    "The DOI is 10.1000/xyz123 and the arXiv number 2301.12345.",
    "Use chmod 0644 and umask 0022.",
    "Beethoven's Opus 125 premiered on 7 May 1824.",
    "Ask @maria on the #deploys channel.",
    "e.g. user@host means a user on a host.",
    "12.5% of 3,200 is 400.",
    "He exported 1200, 1350 and 1500 units in Q1, Q2 and Q3.",
    "The sort code of the library is 823.914.",
    "The pin is bent, and the key is stuck in the lock.",
    "Our security code of conduct has 12 sections.",
)  # fmt: skip


def _uuid(rng: random.Random) -> str:
    return fill("<h8>-<h4>-4<h3>-a<h3>-<h12>", rng)


def _isbn(rng: random.Random) -> str:
    body = "978" + fill("<d9>", rng)
    check = -sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body)) % 10
    return f"{body[:3]}-{body[3]}-{body[4:7]}-{body[7:12]}-{check}"


def _encoded(rng: random.Random) -> str:
    return base64.b64encode(rng.randbytes(rng.randrange(60, 400))).decode()


def clean(rng: random.Random) -> Iterator[str]:
    """Texts without end in which nothing is to be found, though they look like it."""
    while True:
        yield rng.choice(
            (
                f"The job {_uuid(rng)} has finished.",
                f'{{"request_id": "{_uuid(rng)}", "status": "done"}}',
                fill("commit <h40>\nAuthor: the build bot", rng),
                fill("index <h7>..<h7> 100644", rng),
                fill("sha256:<h64>  release.tar.gz", rng),
                fill("md5 <h32> data.bin", rng),
                fill('etag: "<h16>"', rng),
                fill("Order number <d8> has shipped.", rng),
                fill("Your order #<d10> is on its way.", rng),
                fill("Order 3<d2>-<d7>-<d7> was refunded.", rng),
                fill("Ticket INC<d7> was closed.", rng),
                fill("Tracking number 1Z<u6><d10> at the depot.", rng),
                fill("The invoice INV-2024-<d6> is attached.", rng),
                fill("version <n1>.<n1>.<n1><d1>-rc.<n1>+build.<d4>", rng),
                fill("Upgrade from <n1>.<d1>.<d1> to <n1>.<d2>.<d1>.", rng),
                f"ISBN {_isbn(rng)}, hardcover.",
                f"started at {rng.randrange(1_600_000_000, 1_800_000_000)} and took 12 s",
                f'{{"ts": {rng.randrange(1_600_000_000_000, 1_800_000_000_000)}, "level": "info"}}',
                f"2024-0{rng.randrange(1, 10)}-1{rng.randrange(10)}T1{rng.randrange(10)}:22:0{rng.randrange(10)}.481Z worker ready",
                f"It costs ${rng.randrange(10, 9999):,}.{rng.randrange(100):02}, or \u20ac{rng.randrange(10, 9999):,} abroad.",
                f"| {rng.randrange(1000)} | {rng.random():.6f} | {rng.randrange(10**6)} |",
                " ".join(str(rng.randrange(1000)) for _ in range(12)),
                ", ".join(f"{rng.uniform(-1000, 1000):.3f}" for _ in range(8)),
                "\t".join(str(rng.randrange(10 ** rng.randrange(1, 8))) for _ in range(6)),
                f"data:image/png;base64,{_encoded(rng)}",
                f"-----BEGIN CERTIFICATE-----\n{_encoded(rng)}\n-----END CERTIFICATE-----",
                fill("SKU <U3>-<d5>-<U2>", rng),
                fill("EAN <d12>0 on the box", rng),
                fill("0x<h8> is where the heap begins", rng),
                fill("Color #<h6> on #<h6>", rng),
                f"{rng.randrange(2, 99)} x {rng.randrange(100, 9999)} = {rng.randrange(10**5)}",
                f"lat {rng.uniform(-90, 90):.6f}, lon {rng.uniform(-180, 180):.6f}",
                fill("image: registry.example.com/app:1.<d2>.<d1>@sha256:<h64>", rng),
                fill('"integrity": "sha512-<B86>=="', rng),
                fill("cache key user-profile-<d4>-v2 was evicted", rng),
                fill("trace_id=<h32> span_id=<h16>", rng),
                fill("session started, pid <d5>, port <n1><d3>", rng),
                fill("page <d3> of <d3>, table <d1>.<d1>", rng),
                fill("meter reading <d6>.<d3> kWh", rng),
                fill("https://example.com/posts/<d8>/a-long-title?page=<d2>", rng),
                fill("https://cdn.example.com/assets/app.<h20>.js", rng),
            )
        )

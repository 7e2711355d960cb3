"""Links and images to hosts that the policy does not trust. Without a list it trusts none.

What is fetched when the answer is shown (images, sources in HTML) counts whatever it carries; a link that somebody has
to follow counts if it carries data. The text of a link is left where it is.
"""

from engine.redaction.links import LeadsAway
from engine.redaction.rule import Rule

GROUP = "markdown_link"

_FETCHED = LeadsAway(fetched=True)
_FOLLOWED = LeadsAway(fetched=False)

# A browser takes a backslash for a slash, and any number of them behind a scheme.
_BEGIN = r"(?:(?i:https?|ftp):[\\/]{0,4}|[\\/]{2})"
_DESTINATION = rf"\s{{0,8}}(<\s{{0,8}}{_BEGIN}[^<>\n]{{1,1000}}|{_BEGIN}[^\s<>)]{{1,1000}})"
_LONGEST = 4100
_PLAIN = "https://docs.example.com/guide/first-steps"

RULES = (
    Rule(
        "image_url", GROUP, rf"!\[[^\]]{{0,300}}\]\({_DESTINATION}", _LONGEST + 1300, "[IMAGE]",
        ("![a chart](https://evil.example/p.png)", "![](//evil.example/x)", "![x](<https://evil.example/a b>)", r"![](https:\\evil.example)"),
        ("[a link](https://docs.example.com/)", "![local](/chart.png)", "![x]"), ("](",), _FETCHED,
    ),
    Rule(
        "html_url", GROUP,
        rf"(?:(?i:src|srcset|poster|background|action|ping|\bdata)\s{{0,4}}=\s{{0,4}}[\"']?|(?i:\burl)\(\s{{0,4}}[\"']?)\s{{0,4}}({_BEGIN}[^\s<>\"')]{{1,1000}})",
        _LONGEST, "[IMAGE]",
        ("<img src='https://evil.example/p'>", "<form action=//evil.example/take>", "a { background: url(https://evil.example/p) }"),
        ("<img src='/p.png'>", f"<a href='{_PLAIN}'>"), ("src", "poster", "background", "action", "ping", "data", "url("), _FETCHED,
    ),
    Rule(
        "link_url", GROUP, rf"\]\({_DESTINATION}", _LONGEST, "[LINK]",
        ("[more](https://evil.example/?q=hello)", "[a](//evil.example/c3VwZXIgc2VjcmV0)"),
        (f"[a guide]({_PLAIN})", "[here](#there)", "[x](/a?b=c)"), ("](",), _FOLLOWED,
    ),
    Rule(
        "reference_url", GROUP, rf"\]:{_DESTINATION}", _LONGEST, "[LINK]",
        ("[1]: https://evil.example/?q=hello", "[a]:\n<//evil.example/?q=a b>"),
        (f"[1]: {_PLAIN}", "a[1]: b"), ("]:",), _FOLLOWED,
    ),
    Rule(
        "bare_url", GROUP,
        r"((?:\b(?i:https?|ftp):[\\/]{1,4}|\b(?i:www)\.)[^\s<>\"'`)]{0,1000}[^\s<>\"'`).,;:!?])",
        _LONGEST, "[LINK]",
        ("see https://evil.example/?q=hello.", "<https://evil.example/c3VwZXIgc2VjcmV0>", "www.evil.example/?q=hello", "https://am9obiBkb2Ugc2VjcmV0.evil.example/"),
        (f"see {_PLAIN}, and www.example.com", "https://en.wikipedia.org/wiki/Tide", "https://a.example/2024/01/the-moon-and-the-tides#when"), ("http", "ftp:", "www."), _FOLLOWED,
    ),
)  # fmt: skip

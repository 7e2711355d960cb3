"""What does harm where the answer is shown: HTML that runs, terminal sequences, characters that nobody sees, an answer
that does not end, and the instructions that a model gives away. Off by default: each is wanted in some answers.
"""

import re
from collections.abc import Sequence

from engine.redaction.prompt import LONGEST_ECHO, PromptEcho
from engine.redaction.repetition import LONGEST_VALUE, WINDOW, Repetition
from engine.redaction.rule import Rule

# Elements that run, load, post or restyle: HTML's, and the two of other namespaces that hold scripts.
_ELEMENTS = "script|iframe|frame|frameset|object|embed|applet|meta|link|base|form|style|template|portal|svg|math"
# The events that a browser raises unasked or on any touch: the HTML standard's GlobalEventHandlers and their like.
_EVENT_NAMES = """
    abort afterprint animationcancel animationend animationiteration animationstart auxclick beforecopy beforecut
    beforeinput beforepaste beforeprint beforetoggle beforeunload begin blur cancel canplay canplaythrough change
    click close contextmenu copy cuechange cut dblclick drag dragend dragenter dragleave dragover dragstart drop
    durationchange emptied end ended error focus focusin focusout formdata gotpointercapture hashchange input
    invalid keydown keypress keyup load loadeddata loadedmetadata loadend loadstart lostpointercapture message
    mousedown mouseenter mouseleave mousemove mouseout mouseover mouseup mousewheel pagehide pageshow paste pause
    play playing pointercancel pointerdown pointerenter pointerleave pointermove pointerout pointerover
    pointerrawupdate pointerup popstate progress ratechange readystatechange repeat reset resize scroll scrollend
    search securitypolicyviolation seeked seeking select selectionchange selectstart show slotchange stalled start
    storage submit suspend timeupdate toggle touchcancel touchend touchmove touchstart transitioncancel
    transitionend transitionrun transitionstart unhandledrejection unload volumechange waiting webkitanimationend
    webkitanimationiteration webkitanimationstart webkittransitionend wheel
"""
_EVENTS = frozenset(_EVENT_NAMES.split())


def _is_handler(text: str) -> bool:
    return text.partition("=")[0].strip().lower()[2:] in _EVENTS


_TAGS = 0xE0000
# The three flags of regions that are in use (Unicode, emoji-sequences.txt): England, Scotland, Wales.
_FLAGS = tuple(
    "".join(chr(_TAGS + ord(letter)) for letter in name) + "\U000e007f" for name in ("gbeng", "gbsct", "gbwls")
)


def _is_smuggled(text: str) -> bool:
    """Not the tags of a flag, or what is left of them once the first are looked at."""
    return not any(flag.endswith(text) for flag in _FLAGS)


# Never part of a word or an emoji; and those that may stand in one, alone or two together.
_UNSEEN = "\u200b\u2060-\u2064\u206a-\u206f\ufeff\u180e\u115f\u1160\u3164\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a"
_JOINERS = "\u200c\u200d\u200e\u200f\xad\u034f\ufe00-\ufe0f\U000e0100-\U000e01ef"

# C1 controls (ECMA-48): the one of CSI, those that begin a string and the one that ends it, all but NEL, a line's end.
_CSI, _STRINGS, _END, _C1 = "\x9b", "\x90\x98\x9d-\x9f", "\x9c", "\x80-\x84\x86-\x9f"
# What is looked for where there is no request with instructions of its own.
_SAMPLE = "You know the tide tables of a harbor that is on no map and you keep them to yourself."
_HELLO_IN_TAGS = "".join(chr(_TAGS + ord(letter)) for letter in "hello")

RULES = (
    Rule(
        "html_element", "active_html", rf"</?(?i:{_ELEMENTS})\b(?:[^<>]{{0,800}}>)?", 3300, "[HTML]",
        ("<script>alert(1)</script>", "<IFRAME src=x>", "<svg/onload", "<meta http-equiv=refresh content=0>"),
        ("<b>bold</b>", "a < script", "<scripted>"), ("<",),
    ),
    Rule(
        "html_handler", "active_html",
        r"[\s\"'/]([oO][nN][a-zA-Z]{3,30}\s{0,8}=)", 42, "[HTML]",
        ("<img src=x onerror=alert(1)>", '<b title=">" onMouseOver = "go()">', "<svg/onload=a>"),
        ("go online = 5", "window.onload = f", "the one=1", "on error"), ("=",), _is_handler,
    ),
    Rule(
        "script_url", "active_html",
        r"(?:[\"'(<=]\s{0,8}|\b)((?i:javascript|vbscript)[\t\r\n]{0,4}:[^\s\"'<>)]{1,800}|(?i:data:(?:text/(?:html|xml)|image/svg\+xml|application/xhtml\+xml))[^\s\"'<>)]{0,800})",
        3300, "[HTML]",
        ("[x](javascript:alert(1))", "<a href='JavaScript:go()'>", "data:text/html,<p>"),
        ("javascript: a language", "javascript", "data:text/plain,a"), ("script", "data:"),
    ),
    Rule(
        "script_url_spaced", "active_html", r"[\"'(<=]\s{0,8}((?i:javascript|vbscript)[\t\r\n]{0,4}:)\s", 40, "[HTML]",
        ("[x](javascript: alert(1))", "href='javascript:\nalert(1)'"), ("about javascript: a language",), ("script",),
    ),
    Rule(
        "terminal_sequence", "terminal_escape",
        rf"(?:\x1b\[|{_CSI})[0-?]{{0,64}}[ -/]{{0,8}}[@-~]?"
        rf"|(?:\x1b[\]PX^_]|[{_STRINGS}])[^\x07\x1b{_END}]{{0,500}}(?:\x07|\x1b\\|{_END})?"
        r"|\x1b[ -/]{0,4}[0-~]?",
        2010, "[ESCAPE]",
        ("\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x1b]8;;http://a.example\x1b\\x", "\x9b2J", "\x1bc"),
        ("[31m", "ESC [0m"),
    ),
    Rule(
        "control_character", "terminal_escape", rf"[\x01-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f{_C1}]{{1,64}}", 128, "[ESCAPE]",
        ("a\x08b", "bell \x07", "\x9b"), ("a\tb\r\nc", "é\x85"),
    ),
    Rule(
        "unseen_character", "invisible_text", rf"[{_UNSEEN}]{{1,200}}|[{_JOINERS}{_UNSEEN}]{{3,200}}", 800, "[INVISIBLE]",
        ("jane\u200b@example.com", "a\ufeffb", "\u200c\u200d\u200c\u200d"), ("\u2764\ufe0f\u200d\U0001f525", "\u0645\u06cc\u200c\u062e\u0648", "co\u00adoperate"),
    ),
    Rule(
        "bidi_control", "invisible_text", "[\u202a-\u202e\u2066-\u2069]{1,64}", 192, "[INVISIBLE]",
        ("a\u202etxt.exe", "\u2066if\u2069"), ("שלום\u200f",),
    ),
    Rule(
        "tag_character", "invisible_text", "[\U000e0000-\U000e007f]{1,250}", 1000, "[INVISIBLE]",
        (f"hi{_HELLO_IN_TAGS}", "\U000e0001"), (f"\U0001f3f4{_FLAGS[0]}",), (), _is_smuggled,
    ),
    Rule(
        "system_prompt", "canary", "", LONGEST_ECHO, "[SYSTEM_PROMPT]",
        (f"It says: {_SAMPLE}", _SAMPLE.upper(), _SAMPLE.replace(" ", ",\n")),
        ("tide tables of a harbor that is", _SAMPLE[:30]), detector=PromptEcho((_SAMPLE,)),
    ),
    Rule(
        "endless_repetition", "repetition", "", LONGEST_VALUE, "[REPETITION]",
        ("poem " * 200, "=" * (WINDOW + 1)), ("-" * (WINDOW - 1), "| a | b |\n" * 12), detector=Repetition(),
    ),
)  # fmt: skip


def canary_rule(tokens: Sequence[str]) -> Rule:
    """A rule for texts of which none may come back, as they are written."""
    longest_first = sorted(set(tokens), key=len, reverse=True)
    pattern = "|".join(map(re.escape, longest_first))
    longest = max(len(token.encode()) for token in tokens)
    return Rule("canary_token", "canary", pattern, longest, "[CANARY]", tuple(longest_first))

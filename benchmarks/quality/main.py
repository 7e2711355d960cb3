"""The report: a table for a person, JSON for a program, and the floors."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path

from benchmarks.quality import corpus
from benchmarks.quality.score import Score, score
from benchmarks.report import table, write_json
from engine.redaction.profile import Profile, compile_profile
from engine.redaction.ruleset import build

# What a judge of labelled sets would ask for.
RECALL_FLOOR = 0.95
ALARM_CEILING = 0.01

_EACH = 108
_NEGATIVES = 5000


def default_profile() -> Profile:
    """What `default` is in the policy that `tidegate init` writes: personal data and secrets are masked."""
    return compile_profile("default", {"pii": "mask", "secrets": "mask", "private_key": "mask"}, build(), bytes(32))


def _kinds(total: Score) -> str:
    rows = [
        [kind.kind, str(kind.count), f"{kind.recall:.3f}", f"{kind.exact / kind.count:.3f}"]
        for kind in total.kinds.values()
    ]
    return table(("kind", "values", "recall", "exact"), rows)


def _rules(total: Score) -> str:
    rows = [
        [rule.rule, str(rule.true), str(rule.false), f"{rule.precision:.3f}", rule.alarm[:40].replace("\n", " ")]
        for rule in sorted(total.rules.values(), key=lambda rule: (rule.precision, rule.rule))
    ]
    return table(("rule", "true", "false", "precision", "a false one"), rows)


def main(*, out: Path, progress: Callable[[str], None]) -> bool:
    """Scores the default profile. Whether recall of every fixed form and false alarms keep to their floors."""
    profile = default_profile()
    progress(f"quality: {len(profile.rules)} rules")
    fixed = score(profile, corpus.fixed(_EACH))
    named = score(profile, corpus.named(_EACH))
    negatives = score(profile, corpus.negatives(_NEGATIVES))
    together = score(profile, chain(corpus.fixed(_EACH), corpus.named(_EACH), corpus.negatives(_NEGATIVES)))
    print(f"Of fixed form:\n\n{_kinds(fixed)}\n\nGiven away by a name:\n\n{_kinds(named)}\n\n{_rules(together)}\n")
    rate = 100 * negatives.alarm_rate
    print(f"{negatives.clean} clean texts, {negatives.alarmed} with a false alarm: {rate:.2f} in 100")
    held = negatives.alarm_rate <= ALARM_CEILING
    for kind in fixed.kinds.values():
        if kind.recall < RECALL_FLOOR:
            held = False
            print(f"below the floor of {RECALL_FLOOR}: {kind.kind}, such as {kind.missed!r}")
    write_json(
        out / "quality.json",
        {
            "rules": len(profile.rules),
            "fixed": list(fixed.kinds.values()),
            "named": list(named.kinds.values()),
            "precision": list(together.rules.values()),
            "clean": {"texts": negatives.clean, "alarmed": negatives.alarmed, "rate": negatives.alarm_rate},
        },
    )
    return held

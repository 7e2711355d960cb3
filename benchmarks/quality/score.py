"""How well a profile does on labelled samples: recall by kind, precision by rule, false alarms a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from benchmarks.quality.corpus import Sample
from engine.offline.scan import scan
from engine.redaction.profile import Profile


@dataclass
class KindScore:
    """Of `count` values of a kind: `covered` are hidden whole, of these `exact` without anything around them. `missed`
    is the text of the first that is not covered, `wide` of the first that is covered but not exactly."""

    kind: str
    count: int = 0
    covered: int = 0
    exact: int = 0
    missed: str = ""
    wide: str = ""

    @property
    def recall(self) -> float:
        return self.covered / self.count


@dataclass
class RuleScore:
    """What a rule found: `true` lie over a labelled value, `false` do not; `alarm` is the first that does not."""

    rule: str
    true: int = 0
    false: int = 0
    alarm: str = ""

    @property
    def precision(self) -> float:
        return self.true / (self.true + self.false)


@dataclass
class Score:
    """kinds, rules: by name. clean: texts with nothing in them; alarmed: those in which something was found."""

    kinds: dict[str, KindScore] = field(default_factory=dict)
    rules: dict[str, RuleScore] = field(default_factory=dict)
    clean: int = 0
    alarmed: int = 0
    alarms: Counter[str] = field(default_factory=Counter)

    @property
    def alarm_rate(self) -> float:
        """False alarms a clean sentence."""
        return self.alarmed / self.clean if self.clean else 0.0


def score(profile: Profile, samples: Iterable[Sample]) -> Score:
    """The score of a profile."""
    total = Score()
    for sample in samples:
        findings = scan(profile, sample.text).findings
        over = [found for found in findings if sample.kind and found.start < sample.end and found.end > sample.start]
        for found in findings:
            rule = total.rules.setdefault(found.rule, RuleScore(found.rule))
            if found in over:
                rule.true += 1
            else:
                rule.false += 1
                rule.alarm = rule.alarm or sample.text[found.start : found.end]
        if not sample.kind:
            total.clean += 1
            total.alarmed += bool(findings)
            total.alarms.update(found.rule for found in findings)
            continue
        kind = total.kinds.setdefault(sample.kind, KindScore(sample.kind))
        kind.count += 1
        covered = (
            bool(over)
            and min(found.start for found in over) <= sample.start
            and max(found.end for found in over) >= sample.end
        )
        exact = any((found.start, found.end) == (sample.start, sample.end) for found in over)
        kind.covered += covered
        kind.exact += exact
        if not covered:
            kind.missed = kind.missed or sample.text
        elif not exact:
            kind.wide = kind.wide or sample.text
    return total

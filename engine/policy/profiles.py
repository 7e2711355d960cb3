"""The redaction profiles of a policy, with the user's own rules among the built-in ones.

A user's rule passes the gate of every rule: it compiles, finds its examples and not its counterexamples. One that
declares no `max_len` gets `DEFAULT_MAX_LEN`: what it finds is redacted however long it is.
"""

from __future__ import annotations

from typing import Final

from engine.policy.loader import Policy
from engine.redaction.profile import Profile, compile_profile
from engine.redaction.rule import Rule
from engine.redaction.ruleset import RuleError, build

# A longer match would leave unredacted, so the bound is beyond any text; streams are held whole as it is.
DEFAULT_MAX_LEN: Final = 1 << 30


def compile_profiles(policy: Policy, hash_key: bytes) -> dict[str, Profile]:
    """Every profile by name. Raises PolicyError beside the rule or profile that is wrong."""
    document = policy.document
    rules = [
        Rule(
            entry.id,
            entry.group,
            entry.pattern,
            entry.max_len or DEFAULT_MAX_LEN,
            entry.replacement or f"[{entry.id.upper()}]",
            tuple(entry.examples),
            tuple(entry.counterexamples),
            tuple(word.lower() for word in entry.keywords),
        )
        for entry in document.rules
    ]
    try:
        ruleset = build(rules)
    except RuleError as error:
        for index, entry in enumerate(document.rules):
            if entry.id == error.rule:
                raise policy.error(str(error), "rules", index) from None
        raise policy.error(str(error), "rules") from None
    profiles = {}
    for name, actions in document.profiles.items():
        try:
            profiles[name] = compile_profile(name, actions, ruleset, hash_key)
        except RuleError as error:
            place = (error.rule,) if error.rule in actions else ()
            raise policy.error(str(error), "redaction", name, *place) from None
    return profiles

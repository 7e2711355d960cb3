"""The redaction profiles of a policy, with the user's own rules among the built-in ones.

A user's rule passes the gate of every rule: it compiles, finds its examples and not its counterexamples, and has a
bound, its own or the `max_len` that it declares.
"""

from __future__ import annotations

from engine.policy.loader import Policy
from engine.redaction.links import HostError, allowed_hosts
from engine.redaction.profile import Profile, compile_profile
from engine.redaction.rule import NO_BOUND, Rule
from engine.redaction.rules.hazards import canary_rule
from engine.redaction.ruleset import RuleError, build


def compile_profiles(policy: Policy, hash_key: bytes) -> dict[str, Profile]:
    """Every profile by name. Raises PolicyError beside the rule or profile that is wrong."""
    document = policy.document
    rules = [
        Rule(
            entry.id,
            entry.group,
            entry.pattern,
            entry.max_len or NO_BOUND,
            entry.replacement or f"[{entry.id.upper()}]",
            tuple(entry.examples),
            tuple(entry.counterexamples),
            tuple(word.encode().lower().decode() for word in entry.keywords),
        )
        for entry in document.rules
    ]
    for index, host in enumerate(document.hazards.allowed_hosts):
        try:
            allowed_hosts([host])
        except HostError as error:
            raise policy.error(str(error), "hazards", "allowed_hosts", index) from None
    if document.hazards.canaries:
        rules.append(canary_rule(document.hazards.canaries))
    try:
        ruleset = build(rules, allowed_hosts(document.hazards.allowed_hosts))
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

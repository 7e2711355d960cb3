"""The built-in rules, a file a family. Their order is the order of precedence between equal matches."""

from __future__ import annotations

from engine.redaction.rule import Rule
from engine.redaction.rules import (
    ai_vendors,
    assignments,
    cloud,
    connections,
    developer,
    encoded,
    hazards,
    identifiers,
    links,
    messaging,
    monitoring,
    national_ids,
    payments,
    personal,
    private_keys,
    saas,
    tokens,
)

RULES: tuple[Rule, ...] = (
    *private_keys.RULES,
    *ai_vendors.RULES,
    *cloud.RULES,
    *developer.RULES,
    *payments.RULES,
    *messaging.RULES,
    *monitoring.RULES,
    *saas.RULES,
    *tokens.RULES,
    *connections.RULES,
    *assignments.RULES,
    *personal.RULES,
    *national_ids.RULES,
    *identifiers.RULES,
    *links.RULES,
    *hazards.RULES,
    *encoded.RULES,
)

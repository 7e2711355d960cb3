"""The built-in rules, a file a family. Their order is the order of precedence between equal matches."""

from __future__ import annotations

from engine.redaction.rule import Rule
from engine.redaction.rules import keys, personal, private_keys, tokens

RULES: tuple[Rule, ...] = (*private_keys.RULES, *keys.RULES, *tokens.RULES, *personal.RULES)

"""API keys of vendors, by the prefixes and lengths that the vendors publish.

Examples are made up in pieces, so that no scanner of source code takes them for real ones.
"""

from engine.redaction.checks import mixed
from engine.redaction.rule import Rule

_BODY = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6a7B8c9D0e1F2g3H4i5J6k7L8m9N0o1P2q3R4s5T6u7V8w9X0"
_HEX = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"
_UPPER = "A1B2C3D4E5F6G7H8I9J0"


def _key(id: str, prefix: str, body: str, max_len: int, example: str, *, pattern: str | None = None) -> Rule:
    return Rule(
        id,
        "secrets",
        pattern or rf"\b{prefix}{body}",
        max_len,
        f"[{id.upper()}]",
        (f"key {example} here", f"{example}"),
        (f"key {example[:8]} here",),
        check=mixed,
    )


RULES = (
    _key("anthropic_api_key", r"sk-ant-", r"[A-Za-z0-9_-]{32,180}", 190, "sk-ant-" + "api03-" + _BODY[:80]),
    _key("openai_project_key", r"sk-(?:proj|svcacct|admin)-", r"[A-Za-z0-9_-]{32,200}", 220, "sk-proj-" + _BODY[:64]),
    _key("openai_api_key", r"sk-", r"[A-Za-z0-9]{40,64}\b", 70, "sk-" + _BODY[:48]),
    _key("aws_access_key_id", r"(?:AKIA|ASIA|ABIA|ACCA)", r"[A-Z0-9]{16}\b", 20, "AKIA" + _UPPER[:16]),
    Rule(
        "aws_secret_access_key",
        "secrets",
        r"(?i)\baws_?secret_?(?:access_?)?key['\"]?\s{0,4}[=:]\s{0,4}['\"]?[A-Za-z0-9/+]{40}",
        90,
        "[AWS_SECRET_ACCESS_KEY]",
        ("aws_secret_access_key = " + _BODY[:40],),
        ("aws_secret_access_key = short",),
        ("secret",),
    ),
    _key("gcp_api_key", r"AIza", r"[A-Za-z0-9_-]{35}", 39, "AIza" + _BODY[:35]),
    _key("gcp_oauth_token", r"ya29\.", r"[A-Za-z0-9_-]{30,200}", 205, "ya29." + _BODY[:60]),
    Rule(
        "azure_storage_key",
        "secrets",
        r"\bAccountKey=[A-Za-z0-9+/]{86}==",
        99,
        "[AZURE_STORAGE_KEY]",
        ("AccountKey=" + _BODY[:86] + "==",),
        ("AccountKey=short==",),
        ("AccountKey",),
    ),
    _key("github_token", r"gh[pousr]_", r"[A-Za-z0-9]{36,251}", 255, "ghp_" + _BODY[:36]),
    _key("github_fine_grained_token", r"github_pat_", r"[A-Za-z0-9_]{60,90}", 101, "github_pat_" + _BODY[:82]),
    _key("gitlab_token", r"gl(?:pat|dt|rt|cbt|ptt|ft|soat)-", r"[A-Za-z0-9_-]{20,64}", 72, "glpat-" + _BODY[:20]),
    _key("slack_token", r"xox[abposre]-", r"[A-Za-z0-9-]{20,120}", 130, "xoxb-" + "123456789012-" + _BODY[:24]),
    Rule(
        "slack_webhook",
        "secrets",
        r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9_/]{20,80}",
        120,
        "[SLACK_WEBHOOK]",
        ("https://hooks.slack.com/services/" + "T00000000/B00000000/" + _BODY[:24],),
        ("https://hooks.slack.com/docs",),
        ("hooks.slack.com",),
    ),
    _key("stripe_key", r"(?:sk|rk)_(?:live|test)_", r"[A-Za-z0-9]{16,99}", 110, "sk_live_" + _BODY[:24]),
    _key("stripe_webhook_secret", r"whsec_", r"[A-Za-z0-9+/=]{24,64}", 70, "whsec_" + _BODY[:32]),
    _key("twilio_key", r"(?:SK|AC)", r"[0-9a-f]{32}\b", 34, "SK" + _HEX[:32]),
    _key("sendgrid_key", r"SG\.", r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", 69, "SG." + _BODY[:22] + "." + _BODY[:43]),
    _key("mailgun_key", r"key-", r"[0-9a-f]{32}\b", 36, "key-" + _HEX[:32]),
    _key("npm_token", r"npm_", r"[A-Za-z0-9]{36}\b", 40, "npm_" + _BODY[:36]),
    _key("pypi_token", r"pypi-AgE", r"[A-Za-z0-9_-]{50,200}", 210, "pypi-AgE" + _BODY[:90]),
    _key("huggingface_token", r"hf_", r"[A-Za-z0-9]{34}\b", 37, "hf_" + _BODY[:34]),
    _key("digitalocean_token", r"do[opr]_v1_", r"[0-9a-f]{64}\b", 71, "dop_v1_" + _HEX),
    _key("shopify_token", r"shp(?:at|ca|pa|ss)_", r"[0-9a-fA-F]{32}\b", 38, "shpat_" + _HEX[:32]),
    _key("groq_key", r"gsk_", r"[A-Za-z0-9]{48,60}\b", 64, "gsk_" + _BODY[:52]),
    _key("tidegate_key", r"tg_", r"[A-Za-z0-9]{8,24}_[A-Za-z0-9]{32,64}", 92, "tg_" + _BODY[:12] + "_" + _BODY[:43]),
)

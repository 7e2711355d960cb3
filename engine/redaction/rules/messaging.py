"""Tokens of chat, mail and telephony: Slack, Discord, Telegram, Twilio, SendGrid and their like, by the published
formats. A webhook's address is a credential: who has it may post."""

from __future__ import annotations

from engine.redaction.rule import Rule
from engine.redaction.rules.secret_shapes import (
    ALNUM,
    DIGITS,
    HEX,
    LOWER,
    UPPER,
    UUID,
    UUID_PATTERN,
    heads,
    named,
    token,
)
from engine.redaction.secret_checks import numbered_token, plausible, plausible_mixed, random_secret

# "SK" and "AC" in front of a hexadecimal digit: two letters are too short for a keyword, and three such as "ace" are
# in every text, so a letter takes one or two digits more.
_TWILIO_HEADS = tuple(
    head
    for prefix in ("sk", "ac")
    for first in "0123456789abcdef"
    for head in ((prefix + first,) if first.isdigit() else heads(prefix + first))
)

_SLACK = (
    token(
        "slack_token",
        r"\bxox(?:[a-z]|e\.xox[bp])-[A-Za-z0-9-]{10,250}",
        260,
        ("xox",),
        (
            f"xoxb-{DIGITS[:12]}-{DIGITS[12:24]}-{ALNUM[:24]}",
            f"xoxp-{DIGITS[:12]}-{DIGITS[:12]}-{DIGITS[:12]}-{HEX[:32]}",
            f"xoxe.xoxp-1-{ALNUM[:160]}",
        ),
        ("xoxb-short", f"xoxb-{'x' * 40}", "xoxo-hugs-and-kisses"),
        plausible_mixed,
    ),
    token(
        "slack_app_token",
        r"\bxapp-\d-[A-Z0-9]{8,14}-\d{10,16}-[0-9a-f]{60,70}\b",
        109,
        ("xapp-",),
        (f"xapp-1-A{UPPER[:10]}-{DIGITS[:13]}-{HEX[:64]}",),
    ),
    token(
        "slack_session_cookie",
        r"\bxoxd-[A-Za-z0-9%/+=_-]{40,300}",
        305,
        ("xoxd-",),
        (f"xoxd-{ALNUM[:120]}%3D",),
        ("xoxd-short",),
    ),
    Rule(
        "slack_webhook",
        "secrets",
        r"(?:https?://)?hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9_/+-]{20,90}",
        128,
        "[SLACK_WEBHOOK]",
        (
            f"https://hooks.slack.com/services/T{UPPER[:8]}/B{UPPER[8:18]}/{ALNUM[:24]}",
            f"https://hooks.slack.com/workflows/T{UPPER[:8]}/A{UPPER[8:18]}/{DIGITS[:18]}/{ALNUM[:24]}",
        ),
        ("https://hooks.slack.com/docs", "https://hooks.slack.com/services/YOUR/WEBHOOK/URLgoeshere_and_on"),
        ("hooks.slack",),
        plausible_mixed,
    ),
)

_CHAT = (
    token(
        "discord_webhook",
        r"(?:https?://)?(?:(?:canary|ptb)\.)?discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/\d{16,22}/[A-Za-z0-9_-]{40,100}",
        170,
        ("discord.com/api/", "discordapp.com/api/"),
        (
            f"https://discord.com/api/webhooks/{DIGITS[:18]}/{ALNUM[:68]}",
            f"https://discordapp.com/api/v10/webhooks/{DIGITS[:19]}/{ALNUM[:68]}",
        ),
    ),
    token(
        # The first part is the bot's number in base64.
        "discord_token",
        r"\b[MNO][ADQTgjwz][AEIMQUYcgk][0-5w-z][A-Za-z0-9]{20,24}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}",
        76,
        (),
        (
            "MTAx" + "MjM0NTY3ODkwMTIzNDU2." + f"GabcDe.{ALNUM[:38]}",
            "Njc4" + "MjM0NTY3ODkwMTIzNDU2." + f"G-b_De.{ALNUM[:27]}",
        ),
        (),
        numbered_token,
    ),
    Rule(
        "discord_bot_token",
        "secrets",
        # The first part is the bot's id in base64. That its digits are decimal is not asked for: see `secret_checks`.
        r"(?i:discord|\bbot |token|login|\.run\()[\w .:=,>|\"'`*()\[\]\\\-]{0,40}?"
        r"\b([MNO][A-Za-z0-9_-]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40})",
        125,
        "[DISCORD_BOT_TOKEN]",
        (
            "DISCORD_TOKEN=" + "MTIzNDU2Nzg5MDEyMzQ1Njc4" + f".GaBcDe.{ALNUM[:38]}",
            'client.run("' + "OTg3NjU0MzIxMDk4NzY1NDMy" + f'.X1y2Z3.{ALNUM[:27]}")',
            "Authorization: Bot " + "MTIzNDU2Nzg5MDEyMzQ1Njc4OQ" + f".GaBcDe.{ALNUM[:38]}",
        ),
        ("the token MTIz.GaBcDe.short",),
        ("discord", "bot ", "token", "login", ".run("),
        plausible,
    ),
    named(
        "discord_client_secret",
        r"discord",
        r"[A-Za-z0-9_-]{32}\b",
        32,
        ("discord",),
        ("discord", ALNUM[:32]),
        check=plausible_mixed,
    ),
    token(
        "telegram_bot_token",
        r"\b(?:bot)?\d{8,10}:AA[A-Za-z0-9_-]{32,34}",
        50,
        (":aa",),
        (f"{DIGITS[:10]}:AA{ALNUM[:33]}", f"https://api.telegram.org/bot{DIGITS[:9]}:AA{ALNUM[:33]}/getMe"),
        (f"{DIGITS[:10]}:AAshort",),
    ),
    token(
        "teams_webhook",
        rf"(?:https?://)?[A-Za-z0-9-]{{1,63}}\.webhook\.office\.com/webhookb2/{UUID_PATTERN}@{UUID_PATTERN}/IncomingWebhook/[0-9a-f]{{32}}/{UUID_PATTERN}(?:/[A-Za-z0-9_-]{{20,60}})?",
        321,
        (".webhook.office.com",),
        (f"https://acme.webhook.office.com/webhookb2/{UUID}@{UUID}/IncomingWebhook/{HEX[:32]}/{UUID}",),
        ("https://acme.webhook.office.com/webhookb2/",),
    ),
    token(
        "lark_webhook",
        rf"(?:https?://)?open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/(?:v2/)?hook/{UUID_PATTERN}\b",
        90,
        ("open-apis/bot/",),
        (f"https://open.feishu.cn/open-apis/bot/v2/hook/{UUID}",),
    ),
    token(
        "google_chat_webhook",
        r"(?:https?://)?chat\.googleapis\.com/v1/spaces/[A-Za-z0-9_-]{6,20}/messages\?key=[A-Za-z0-9_-]{30,50}&token=[A-Za-z0-9_%=-]{20,80}",
        209,
        ("chat.googleapis.com",),
        (f"https://chat.googleapis.com/v1/spaces/AAAA{ALNUM[:7]}/messages?key=AIza{ALNUM[:35]}&token={ALNUM[:43]}%3D",),
        ("https://chat.googleapis.com/v1/spaces/AAAAbbbb/messages",),
    ),
    token(
        "matrix_token",
        r"\bsyt_[A-Za-z0-9+/=]{2,60}_[A-Za-z]{20}_[A-Za-z0-9]{6}\b",
        92,
        ("syt_",),
        (f"syt_{ALNUM[:12]}_aBcDeFgHiJkLmNoPqRsT_{ALNUM[:6]}",),
    ),
    named(
        "mattermost_token",
        r"mattermost|rocket[ ._-]?chat|zulip",
        r"[A-Za-z0-9_-]{26,43}\b",
        43,
        ("mattermost", "rocket", "zulip"),
        ("mattermost", LOWER[:26]),
        ("mattermost_token=short",),
        plausible_mixed,
    ),
    named(
        "zoom_secret",
        r"\bzoom[ _-](?:client|api|jwt|sdk|webhook|account)",
        r"[A-Za-z0-9_-]{22,43}\b",
        43,
        ("zoom_", "zoom ", "zoom-"),
        ("zoom_client", ALNUM[:32]),
        ("zoom_client_key=short",),
        plausible_mixed,
    ),
    named(
        "line_token",
        r"\bline[ _-](?:channel|notify|bot|access)",
        r"[A-Za-z0-9+/]{43}\b|[A-Za-z0-9+/]{140,180}={0,2}",
        182,
        ("line_", "line ", "line-"),
        ("line_channel", ALNUM[:43]),
        ("line_channel_token=short",),
        plausible_mixed,
    ),
    token(
        "facebook_app_token",
        r"\b\d{12,18}\|[A-Za-z0-9_-]{24,28}\b",
        47,
        (),
        (f"{DIGITS[:15]}|{ALNUM[:27]}",),
        (f"{DIGITS[:15]}|{'x' * 27}",),
        random_secret,
    ),
    token(
        "facebook_token",
        r"\bEAA[A-Za-z0-9]{40,300}\b",
        303,
        ("eaa",),
        (f"EAACEdEose0cBA{ALNUM[:120]}", f"EAAG{ALNUM[:150]}"),
        ("EAAshort",),
        plausible_mixed,
    ),
)

_TELEPHONY = (
    token(
        "twilio_key",
        r"\b(?:SK|AC)[0-9a-fA-F]{32}\b",
        34,
        _TWILIO_HEADS,
        (f"SK{HEX[:32]}", f"AC{HEX[10:42]}"),
        (f"SK{HEX[:30]}", "ACCEDEDFACADE"),
    ),
    named("twilio_auth_token", r"twilio", r"[0-9a-f]{32}\b", 32, ("twilio",), ("twilio_auth", HEX[:32])),
    named(
        "vonage_secret",
        r"vonage|nexmo",
        r"[A-Za-z0-9]{16}\b",
        16,
        ("vonage", "nexmo"),
        ("vonage", ALNUM[:16]),
        check=plausible_mixed,
    ),
    named(
        "messagebird_key",
        r"message[ _-]?bird",
        r"(?:live|test)_[A-Za-z0-9]{25}\b|[A-Za-z0-9]{25}\b",
        30,
        ("messagebird", "message_bird", "message-bird", "message bird"),
        ("messagebird", ALNUM[:25]),
        check=plausible_mixed,
    ),
    named(
        "plivo_token", r"plivo", r"[A-Za-z0-9_-]{40}\b", 40, ("plivo",), ("plivo", ALNUM[:40]), check=plausible_mixed
    ),
    named(
        "telnyx_key",
        r"telnyx",
        r"KEY[0-9A-F]{32}_[A-Za-z0-9]{22}\b",
        58,
        ("telnyx",),
        ("telnyx", f"KEY{HEX[:32].upper()}_{ALNUM[:22]}"),
    ),
)

_MAIL = (
    token(
        "sendgrid_key",
        r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}",
        100,
        ("sg.",),
        (f"SG.{ALNUM[:22]}.{ALNUM[:43]}",),
        ("SG.short.key", f"MSG.{ALNUM[:22]}.{ALNUM[:43]}"),
    ),
    token("mailgun_key", r"\b(?:pub)?key-[0-9a-z]{32}\b", 39, ("key-",), (f"key-{HEX[:32]}",)),
    token("discord_user_token", r"\bmfa\.[A-Za-z0-9_-]{80,90}", 94, ("mfa.",), (f"mfa.{ALNUM[:84]}",)),
    named(
        "mailgun_account_key",
        r"mailgun",
        r"[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}\b",
        50,
        ("mailgun",),
        ("mailgun", f"{HEX[:32]}-{HEX[:8]}-{HEX[8:16]}"),
    ),
    token(
        "mailgun_private_key",
        r"\b[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}\b",
        50,
        (),
        (f"{HEX[:32]}-{HEX[:8]}-{HEX[8:16]}",),
    ),
    token("nylas_key", r"\bnyk_v\d_[A-Za-z0-9_-]{64}", 71, ("nyk_v",), (f"nyk_v0_{ALNUM[:64]}",)),
    token(
        "mailchimp_key",
        r"\b[0-9A-Za-z]{32}-us\d{1,2}\b",
        37,
        tuple(f"-us{digit}" for digit in range(10)),
        (f"{HEX[:32]}-us21", f"{HEX[1:33]}-us6"),
        (f"{HEX[:32]}-usable", f"{HEX[:30]}-us6"),
    ),
    token(
        "mandrill_key",
        r"\bmd-[A-Za-z0-9_-]{22}\b",
        25,
        ("md-",),
        (f"md-{ALNUM[:22]}",),
        ("md-short", "md-layout-column-and-rows"),
        plausible_mixed,
    ),
    named("postmark_token", r"postmark", UUID_PATTERN + r"\b", 36, ("postmark",), ("postmark", UUID)),
    token(
        "brevo_key",
        r"\bx(?:keysib|smtpsib)-[0-9a-f]{64}-[A-Za-z0-9_-]{16}",
        90,
        ("xkeysib-", "xsmtpsib-"),
        (f"xkeysib-{HEX[:64]}-{ALNUM[:16]}", f"xsmtpsib-{HEX[:64]}-{ALNUM[:16]}"),
    ),
    token("mailersend_token", r"\bmlsn\.[0-9a-f]{60,70}\b", 75, ("mlsn.",), (f"mlsn.{HEX[:64]}",)),
    named("mailjet_key", r"mailjet", r"[0-9a-f]{32}\b", 32, ("mailjet",), ("mailjet", HEX[:32])),
    token(
        "resend_key",
        r"\bre_[A-Za-z0-9]{8}_[A-Za-z0-9]{24,32}\b",
        44,
        ("re_",),
        (f"re_{ALNUM[:8]}_{ALNUM[:24]}",),
        ("re_compile_a_pattern",),
        plausible_mixed,
    ),
    named(
        "sparkpost_key",
        r"spark[ _-]?post",
        r"[0-9a-f]{40}\b",
        40,
        ("sparkpost", "spark_post", "spark-post", "spark post"),
        ("sparkpost", HEX[:40]),
    ),
    token(
        "onesignal_key",
        r"\bos_v2_(?:app|org)_[a-z2-7]{80,120}\b",
        130,
        ("os_v2_",),
        ("os_v2_app_" + ("abcdefghijklmnopqrstuvwxyz234567" * 4)[:103],),
        ("os_v2_app_short",),
    ),
    token("klaviyo_key", r"\bpk_[0-9a-f]{34}\b", 37, heads("pk_"), (f"pk_{HEX[:34]}",)),
    token(
        "courier_key", r"\bpk_(?:prod|test)_[A-Z0-9]{28}\b", 36, ("pk_prod_", "pk_test_"), (f"pk_prod_{UPPER[:28]}",)
    ),
    named("pusher_secret", r"pusher", r"[0-9a-f]{20}\b", 20, ("pusher",), ("pusher", HEX[:20])),
    named("pushover_token", r"pushover", r"[au][a-z0-9]{29}\b", 30, ("pushover",), ("pushover", f"a{LOWER[:29]}")),
    named(
        "pushbullet_token",
        r"pushbullet",
        r"o\.[A-Za-z0-9]{32}\b",
        34,
        ("pushbullet",),
        ("pushbullet", f"o.{ALNUM[:32]}"),
    ),
    token("intercom_token", r"\bdG9r[A-Za-z0-9+/]{56}={0,2}", 62, ("dg9r",), (f"dG9rO{ALNUM[:55]}=",)),
)

RULES: tuple[Rule, ...] = (*_SLACK, *_CHAT, *_TELEPHONY, *_MAIL)

"""Personal data that is neither a state's number nor an address: phones at home, dates of birth, devices, ledgers."""

from __future__ import annotations

from engine.redaction import checks, crypto_checks, id_checks
from engine.redaction.rule import Check, Rule
from engine.redaction.rules.national_ids import NEXT_LINE, formed, named

_MONTHS = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"


def _phone(
    id: str,
    pattern: str,
    max_len: int,
    samples: tuple[str, ...],
    near: tuple[str, ...],
    check: Check = id_checks.varied,
    keywords: tuple[str, ...] = (),
) -> Rule:
    # Not within a number with a decimal point, an ISBN, a path.
    return formed(id, pattern, max_len, "PHONE", samples, near, check, ".-/", keywords)


def _pairs(joint: str) -> tuple[str, ...]:
    """What the middle of an address in pairs of hexadecimal digits is, as far as a short literal can say it."""
    digits = "0123456789abcdef"
    return tuple(f"{joint}{first}{second}{joint}" for first in digits for second in digits)


# What joins a name to a number without saying anything else.
_NEAR = r"[ \t\"'`*_:=#|(\[>-]{0,8}(?:(?:is|was|at|on|under|to)[ :]{1,2})?"

RULES = (
    named("phone_named", r"tel(?:e(?:phone|fon))?|(?:tele)?phone|mobile|cell(?:phone)?|call(?: me)?(?: at)?|fax|whatsapp|handy(?:nummer)?|celular|telefono|telefone|sms|text me(?: at)?|reach (?:me|him|her|us|them|you)(?: (?:at|on|by|via))?|contact (?:number|no|me|him|her|us|them)|callback (?:number|no)|emergency contact|(?:my|her|his|our|their) number|get (?:me|him|her|us) on|ring (?:me|him|her|us)|mob|ph(?: no)?|dial|answer(?:ing|ed|s)? (?:at|on)|(?:messages?|texts?|calls|sms) (?:to|from)|(?:my|his|her|our|their|your) registered|reached (?:at|on)|desk|landline|direct line|hotline|helpline|switchboard|pager|toll free|viber", r"(?:\(\d{1,5}(?: \d{1,4})?\)|\b\d{2,5})[ ./-]{0,2}\d{1,5}(?:[ ./-]?\d{2,4}){1,3}|\b\d{2,5}[ /-]\d{6,11}|\b0[ -]\d{2,4}[ -]?\d{3,4}(?:[ -]?\d{3,4})?", "PHONE", ("tel", "phone", "mobile", "cell", "call", "fax", "whatsapp", "handy", "sms", "text", "reach", "contact", "number", "get me", "get him", "get her", "get us", "ring me", "ring him", "ring her", "ring us", "mob", "ph:", "ph.", "ph ", "dial", "celular", "answer", "message", "registered", "desk", "landline", "direct", "hotline", "helpline", "switchboard", "pager", "toll free", "viber"), ("phone", "4155552671"), ("phone 12", "mobile traffic rose to 12 345 678", "/call-similar/1736134?page=3"), checks.national_phone, rf"(?:[^\n\d+]{{0,15}}?[^\n\d+/]|[^\n\d+]{{0,8}}?{NEXT_LINE})??", edge=""),
    # Its name behind it, and nothing behind that.
    Rule("phone_labelled", "pii", r"((?:\(\d{1,5}(?: \d{1,4})?\)|\b\d{2,5})[ ./-]{0,2}\d{1,5}(?:[ ./-]?\d{2,4}){1,3})[ ,(-]{1,3}(?i:office|fax|mobile|cell|home|work|desk|direct|landline|whatsapp|tel|phone)\)?\s{0,2}(?:[,;.)|\n]|\z)", 60, "[PHONE]", ("22 801360-Office,22 801360-Fax", "reach me: 454 2949 (mobile), 454 2950 (work)", "74 25 64 08 fax\n"), ("1 200 000 mobile subscribers", "250 000 mobile", "in 2023 the office"), ("office", "fax", "mobile", "cell", "home", "work", "desk", "direct", "landline", "whatsapp", "tel", "phone"), checks.national_phone, ".-/"),
    # Keywords are ASCII, and so are word boundaries, which do not hold between ideographs.
    Rule("phone_named_beyond_ascii", "pii", r"(?:[Tt]éléphone|[Tt]eléfono|[Mm]óvil|[Тт]елефон|[Тт]ел\.|[Мм]об\.|τηλ|טלפון|هاتف|手机|手機|电话|電話|联系方式|聯繫|携帯|전화|연락처|휴대폰)[^\n\d+]{0,4}?(\+?\(?\d{2,5}\)?[ ./-]?\d{2,4}(?:[ ./-]?\d{2,5}){1,3}\b)", 80, "[PHONE]", ("我的手机号码是13812345678。", "電話：03-1234-5678", "móvil 612 34 56 78"), ("电话 12", "手机 13 台"), ("éphone", "eléfono", "óvil", "Телефон", "телефон", "Тел.", "тел.", "Моб.", "моб.", "τηλ", "טלפון", "هاتف", "手机", "手機", "电话", "電話", "联系方式", "聯繫", "携帯", "전화", "연락처", "휴대폰"), checks.national_phone),
    _phone("phone_uk", r"\b0(?:7\d{3}[ -]?\d{3}[ -]?\d{3}|1\d{3}[ -]\d{5,6}|2\d[ -]\d{4}[ -]?\d{4}|1(?:\d1|1\d)[ -]\d{3}[ -]?\d{4})\b", 14, ("07700 900123", "020 7946 0958", "01632 960123"), ("07 1234", "0.07700 900123")),
    _phone("phone_se", r"\b0\d{1,3}-\d{2,3} \d{2,3}(?: \d{2,3})?\b", 16, ("08-958 244 58", "0169-50 43 74"), ("08-95",), checks.national_phone),
    _phone("phone_fr", r"\b0[1-9](?:[ .-]\d{2}){4}\b", 14, ("01 23 45 67 89", "06.12.34.56.78"), ("01 23 45",)),
    _phone("phone_de", r"\b0(?:1[567]\d|[2-9]\d{1,4})(?:[ /]{1,3}\d{3,8}(?:[ -]\d{2,5})?|-\d{6,8})\b", 24, ("030 901820", "0151 23456789", "089/636-48018", "0221-4710815"), ("030 12", "ISBN 978-3-091-96547-2", "978-9-050-43367-9", "units 057 921 234"), id_checks.home_phone),
    _phone("phone_international_prefix", r"\b00[1-9]\d{0,2}[ .-]?\d{1,4}(?:[ .-]?\d{2,4}){2,4}\b", 28, ("0049 30 901820", "0033 1 23 45 67 89"), ("0049 30", "0012 0.0034 0.0101", "posts/00293358/", "978-1-006-48840-5"), checks.exit_code_phone),
    _phone("phone_au", r"(?:\b04\d{2} \d{3} \d{3}|\(0[2378]\) \d{4} \d{4})\b", 14, ("0412 345 678", "(02) 9374 4000"), ("0412 345",)),
    # Behind the zero that is dialled at home, in the groupings that most countries write.
    _phone("phone_trunk", r"\b0[1-9]\d{0,3}(?:[ -]\d{3,4}[ -]\d{3,4}|[ -]\d{2,3} \d{2} \d{2,3}|[ -]\d{6,8})\b", 16, ("044 668 18 00", "08-123 45 67", "0470 12 34 56", "06 12345678", "0812-3456-789", "02 2345 6789"), ("01 23 45", "2024-01-02 03-04", "0.012 345 678", "rows 039-740-192"), id_checks.trunk_phone),
    _phone("phone_trunk_in_brackets", r"\(0[1-9]\d{0,3}\)[ -]?\d{2,8}(?:[ -]?\d{2,4}){0,2}\b", 26, ("(0212) 345 67 89", "(030) 901820", "(021) 63659937"), ("(01) 23", "(0123) 45"), id_checks.trunk_phone, tuple(f"(0{digit}" for digit in range(1, 10))),
    _phone("phone_hu", r"\b06[ -]\d{1,2}[ -]\d{3}[ -]\d{3,4}\b", 15, ("06 30 318 3276", "06-1-234-5678"), ("06 30 31",)),
    _phone("phone_cn", r"\b1[3-9]\d[ -]\d{4}[ -]\d{4}\b", 13, ("138 1234 5678",), ("128 1234 5678",)),
    _phone("phone_in", r"\b[6-9]\d{4}[ -]\d{5}\b", 11, ("98765 43210",), ("58765 43210",)),
    _phone("phone_jp", r"\b0\d{1,3}-\d{2,4}-\d{4}\b", 14, ("090-1234-5678", "03-1234-5678"), ("03-12-34",)),
    _phone("phone_ru", r"\b8[ -]?\(\d{3}\)[ -]?\d{3}[ -]\d{2}[ -]\d{2}\b|\b8[ -]\d{3}[ -]\d{3}[ -]\d{2}[ -]\d{2}\b", 18, ("8 (495) 123-45-67", "8-916-123-45-67"), ("8 (495) 12",)),
    _phone("phone_br", r"(?:\(\d{2}\) ?|\b[1-9]{2} )9?\d{4}-\d{4}\b", 15, ("(11) 91234-5678", "(21) 3456-7890", "61 9070-9333"), ("(11) 1234",)),
    named("date_of_birth", r"(?:date|day) of birth|birth ?dat(?:e|um)|birthday|birth|dob|d\.o\.b|born(?: on)?|geburtsdatum|geboren(?: am)?|date de naissance|né[e]? le|fecha de nacimiento|nacid[oa] el|data di nascita", rf"\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{2,4}}(?:T\d\d:\d\d(?::\d\d(?:\.\d{{1,6}})?)?(?:Z|[+-]\d\d:\d\d)?)?|(?i:{_MONTHS}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}|\d{{1,2}}(?:st|nd|rd|th)?\.?(?: of)?[ -]{_MONTHS}\.?,?[ -]\d{{4}})", "DATE_OF_BIRTH", ("birth", "dob", "d.o.b", "born", "gebor", "geburt", "naissance", " le :", *(f" le {digit}" for digit in range(10)), "nacimiento", "nacid", "nascita"), ("date of birth", "1985-06-15"), ("born in 1985", "dob 99/99/9999"), id_checks.born),
    named("card_expiry", r"exp(?:iry|ires|iration)?(?: date)?|valid (?:thru|until)", r"(?:0[1-9]|1[0-2])[/-](?:20)?[2-4]\d", "CARD_EXPIRY", ("exp", "valid"), ("expiry date", "09/27"), ("exp 19/27",), None),
    named("card_cvv", r"cvv2?|cvc2?|card verification(?: (?:code|value))?|card security code|security code", r"\d{3,4}", "CVV", ("cvv", "cvc", "verification", "security code"), ("CVV", "123"), ("cvv 12", "the security code review of 1234 lines"), None, _NEAR),
    named("card_pin", r"pin(?: (?:code|number))?", r"\d{4,6}", "PIN", ("pin",), ("PIN", "4821"), ("pin 13 of the chip",), id_checks.varied, _NEAR),
    named("one_time_code", r"(?:verification|security|one[- ]time|login|sign[- ]in|access|2fa|authentication|authenticator) code|otp|passcode|one[- ]time (?:password|pin)", r"\d{5,8}", "CODE", ("verification code", "security code", "time code", "login code", "in code", "access code", "2fa code", "authentication code", "authenticator code", "otp", "passcode", "time password", "time pin"), ("verification code", "482913"), ("otp 12", "the access code of 200 lines"), id_checks.varied, _NEAR),
    named("bank_routing", r"routing(?: (?:number|no|transit number))?|aba(?: (?:number|no|routing))?|rtn", r"[0-3]\d{8}", "BANK_ROUTING", ("routing", "aba", "rtn"), ("routing number", "021000021"), ("routing 021000022",), id_checks.routing),
    named("bank_account", r"(?:bank |checking |savings )?account(?: (?:number|no|num|nr|#)){1,2}|acct(?: (?:number|no|#))?|konto(?:nummer|nr)|a/c(?: no)?|bank account|num[eé]ro de compte|n[uú]mero de cuenta", r"\d{6,17}", "BANK_ACCOUNT", ("account", "acct", "konto", "a/c", "compte", "cuenta"), ("account number", "12345678901"), ("account 12",), id_checks.varied),
    named("bank_account_plain", r"account", r"\d{8,17}", "BANK_ACCOUNT", ("account",), ("account", "1234567890"), ("the account of 20240101 was closed", "account 1234"), id_checks.varied, _NEAR),
    named("swift_bic", r"swift(?:[ /-]?bic)?(?: code)?|bic(?: code)?", r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?", "BIC", ("swift", "bic"), ("SWIFT code", "DEUTDEFF500"), ("swift is a language",), None),
    named("imei", r"imei", r"\d{2}[ -]?\d{6}[ -]?\d{6}[ -]?\d", "IMEI", ("imei",), ("IMEI", "353689749150515"), ("imei 353689749150516",), checks.luhn),
    named("imsi", r"imsi", r"\d{14,15}", "IMSI", ("imsi",), ("IMSI", "310150123456789"), ("imsi 123",), id_checks.varied),
    named("iccid", r"iccid|sim (?:card )?(?:number|no|serial)", r"89\d{16,18}", "ICCID", ("iccid", "sim "), ("ICCID", "8901260222000000000"), ("iccid 123",), id_checks.varied),
    named("vin", r"vin|vehicle identification(?: number)?|chassis(?: (?:number|no))?", r"[A-HJ-NPR-Z0-9]{17}", "VIN", ("vin", "vehicle", "chassis"), ("VIN", "1HGCM82633A004352"), ("vin 1HGCM82733A004352",), id_checks.vin),
    # One behind the name of a plan, or with the check digit of the Drug Enforcement Administration's registrations.
    named("health_plan", r"medicaid|(?:health|medical) (?:insurance|plan)|(?:insurance )?policy (?:number|no)|beneficiary|member (?:id|number|no)|subscriber (?:id|number|no)", r"[A-Z]{0,4}-?\d{4,12}[A-Z]?", "HEALTH_PLAN", ("medicaid", "health insurance", "medical insurance", "health plan", "medical plan", "policy n", "beneficiary", "member id", "member n", "subscriber"), ("Medicaid ID", "AB12345C"), ("member number 12",), id_checks.varied, _NEAR),
    named("us_dea", r"dea", r"[ABCDEFGHJKLMPRSTUX][A-Z9]\d{7}", "DEA", ("dea",), ("DEA number", "AB1234563"), ("dea AB1234564",), id_checks.drug_registration),
    named("health_record", r"mrn|medical record(?: (?:number|no))?|patient (?:id|number|no)", r"[A-Z]{0,3}-?\d{5,10}", "MEDICAL_RECORD", ("mrn", "medical record", "patient"), ("MRN", "00123456"), ("mrn 12",), None),
    Rule("mac_address", "pii", r"\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b|\b(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}\b", 17, "[MAC]", ("at 00:1A:2b:3C:4d:5E now", "00-1a-2b-3c-4d-5e"), ("00:00:00:00:00:00", "12:30:45"), (*_pairs(":"), *_pairs("-")), checks.mac),
    named("mac_address_dotted", r"mac(?: addr(?:ess)?)?|hwaddr|arp", r"(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}", "MAC", ("mac", "hwaddr", "arp"), ("MAC", "001b.4411.3ab7"), ("mac 1234.5678.9012",), checks.mac),
    formed("bitcoin_address", r"\b[13][1-9A-HJ-NP-Za-km-z]{25,34}\b", 35, "CRYPTO_ADDRESS", ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",), ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",), crypto_checks.base58check),
    # Their checksum of 32 bits says more than a name before them could.
    formed("ledger_address", r"\b[LMDXTAr9][1-9A-HJ-NP-Za-km-z]{25,34}\b", 35, "CRYPTO_ADDRESS", ("LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1", "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L", "TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"), ("LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc2", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTa"), crypto_checks.other_ledger),
    Rule("bech32_address", "pii", r"\b(?i:bc1|ltc1|tb1|addr1|cosmos1)[02-9ac-hj-np-zAC-HJ-NP-Z]{11,100}\b", 107, "[CRYPTO_ADDRESS]", ("pay bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 now",), ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",), ("bc1", "ltc1", "tb1", "addr1", "cosmos1"), crypto_checks.bech32),
    Rule("ethereum_address", "pii", r"\b0x[0-9a-fA-F]{40}\b", 42, "[CRYPTO_ADDRESS]", ("to 0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe now",), ("0x0000000000000000000000000000000000000000", "0xde0B295669"), ("0x",), checks.mixed),
    named("other_ledger_address", r"ltc|litecoin|doge(?:coin)?|trx|tron|usdt|dash|xrp|ripple|xmr|monero|wallet|address|coin|crypto|send(?: it)? to|payment to|deposit", r"[LMDTX][1-9A-HJ-NP-Za-km-z]{25,33}|r[1-9A-HJ-NP-Za-km-z]{24,34}|[48][1-9A-HJ-NP-Za-km-z]{94}", "CRYPTO_ADDRESS", ("ltc", "litecoin", "doge", "trx", "tron", "usdt", "dash", "xrp", "ripple", "xmr", "monero", "wallet", "address", "coin", "crypto", "send to", "send it to", "payment to", "deposit"), ("TRON address", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"), ("tron address TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u",), crypto_checks.other_ledger),
)  # fmt: skip

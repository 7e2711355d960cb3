"""Personal data that is neither a state's number nor an address: phones at home, dates of birth, devices, ledgers."""

from __future__ import annotations

from engine.redaction import checks, crypto_checks, id_checks
from engine.redaction.rule import Rule
from engine.redaction.rules.national_ids import formed, named

_MONTHS = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"


def _phone(id: str, pattern: str, max_len: int, samples: tuple[str, ...], near: tuple[str, ...]) -> Rule:
    return formed(id, pattern, max_len, "PHONE", samples, near, id_checks.varied)


RULES = (
    named("phone_named", r"tel(?:e(?:phone|fon))?|phone|mobile|cell(?:phone)?|call(?: me)?(?: at)?|fax|whatsapp|handy|sms|text me(?: at)?|reach me at|contact (?:number|no)", r"\(?\d{2,5}\)?[ ./-]?\d{2,4}(?:[ ./-]?\d{2,4}){1,3}", "PHONE", ("tel", "phone", "mobile", "cell", "call", "fax", "whatsapp", "handy", "sms", "text me", "reach me", "contact n"), ("phone", "4155552671"), ("phone 12",), checks.national_phone),
    _phone("phone_uk", r"\b0(?:7\d{3}[ -]?\d{3}[ -]?\d{3}|1\d{3}[ -]\d{5,6}|2\d[ -]\d{4}[ -]?\d{4}|1\d1[ -]\d{3}[ -]\d{4})\b", 14, ("07700 900123", "020 7946 0958", "01632 960123"), ("07 1234",)),
    _phone("phone_fr", r"\b0[1-9](?:[ .-]\d{2}){4}\b", 14, ("01 23 45 67 89", "06.12.34.56.78"), ("01 23 45",)),
    _phone("phone_de", r"\b0(?:1[567]\d|[2-9]\d{1,4})[ /-]{1,3}\d{3,8}(?:[ -]\d{2,5})?\b", 24, ("030 901820", "0151 23456789", "089/636-48018"), ("030 12",)),
    _phone("phone_international_prefix", r"\b00[1-9]\d{0,2}[ .-]?\d{1,4}(?:[ .-]?\d{2,4}){2,4}\b", 28, ("0049 30 901820", "0033 1 23 45 67 89"), ("0049 30",)),
    _phone("phone_au", r"\b(?:04\d{2} \d{3} \d{3}|\(0[2378]\) \d{4} \d{4})\b", 14, ("0412 345 678",), ("0412 345",)),
    _phone("phone_in", r"\b[6-9]\d{4}[ -]\d{5}\b", 11, ("98765 43210",), ("58765 43210",)),
    _phone("phone_jp", r"\b0\d{1,3}-\d{2,4}-\d{4}\b", 14, ("090-1234-5678", "03-1234-5678"), ("03-12-34",)),
    named("date_of_birth", r"(?:date|day) of birth|birth ?dat(?:e|um)|birthday|dob|d\.o\.b|born(?: on)?|geburtsdatum|geboren(?: am)?|date de naissance|né[e]? le|fecha de nacimiento|nacid[oa] el|data di nascita", rf"\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{2,4}}|(?i:{_MONTHS} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}|\d{{1,2}}(?:st|nd|rd|th)?\.? {_MONTHS},? \d{{4}})", "DATE_OF_BIRTH", ("birth", "dob", "d.o.b", "born", "gebor", "geburt", "naissance", " le", "nacimiento", "nacid", "nascita"), ("date of birth", "1985-06-15"), ("born in 1985", "dob 99/99/9999"), id_checks.born),
    named("card_expiry", r"exp(?:iry|ires|iration)?(?: date)?|valid (?:thru|until)", r"(?:0[1-9]|1[0-2])[/-](?:20)?[2-4]\d", "CARD_EXPIRY", ("exp", "valid"), ("expiry date", "09/27"), ("exp 19/27",), None),
    named("card_cvv", r"cvv2?|cvc2?|card verification(?: (?:code|value))?|card security code|security code", r"\d{3,4}", "CVV", ("cvv", "cvc", "verification", "security code"), ("CVV", "123"), ("cvv 12",), None),
    named("bank_routing", r"routing(?: (?:number|no|transit number))?|aba(?: (?:number|no|routing))?|rtn", r"[0-3]\d{8}", "BANK_ROUTING", ("routing", "aba", "rtn"), ("routing number", "021000021"), ("routing 021000022",), id_checks.routing),
    named("bank_account", r"(?:bank )?account(?: (?:number|no|num|nr|#)){1,2}|acct(?: (?:number|no|#))?|kontonummer|a/c no", r"\d{6,17}", "BANK_ACCOUNT", ("account", "acct", "kontonummer", "a/c"), ("account number", "12345678901"), ("account 12",), id_checks.varied),
    named("swift_bic", r"swift(?:[ /-]?bic)?(?: code)?|bic(?: code)?", r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?", "BIC", ("swift", "bic"), ("SWIFT code", "DEUTDEFF500"), ("swift is a language",), None),
    named("imei", r"imei", r"\d{2}[ -]?\d{6}[ -]?\d{6}[ -]?\d", "IMEI", ("imei",), ("IMEI", "353689749150515"), ("imei 353689749150516",), checks.luhn),
    named("vin", r"vin|vehicle identification(?: number)?|chassis(?: (?:number|no))?", r"[A-HJ-NPR-Z0-9]{17}", "VIN", ("vin", "vehicle", "chassis"), ("VIN", "1HGCM82633A004352"), ("vin 1HGCM82733A004352",), id_checks.vin),
    named("health_record", r"mrn|medical record(?: (?:number|no))?|patient (?:id|number|no)", r"[A-Z]{0,3}-?\d{5,10}", "MEDICAL_RECORD", ("mrn", "medical record", "patient"), ("MRN", "00123456"), ("mrn 12",), None),
    formed("mac_address", r"\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b|\b(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}\b", 17, "MAC", ("00:1A:2b:3C:4d:5E", "00-1a-2b-3c-4d-5e"), ("00:00:00:00:00:00", "12:30:45"), checks.mac),
    formed("bitcoin_address", r"\b[13][1-9A-HJ-NP-Za-km-z]{25,34}\b", 35, "CRYPTO_ADDRESS", ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",), ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",), crypto_checks.base58check),
    Rule("bech32_address", "pii", r"\b(?i:bc1|ltc1|tb1|addr1|cosmos1)[02-9ac-hj-np-zAC-HJ-NP-Z]{11,100}\b", 107, "[CRYPTO_ADDRESS]", ("pay bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 now",), ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",), ("bc1", "ltc1", "tb1", "addr1", "cosmos1"), crypto_checks.bech32),
    Rule("ethereum_address", "pii", r"\b0x[0-9a-fA-F]{40}\b", 42, "[CRYPTO_ADDRESS]", ("to 0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe now",), ("0x0000000000000000000000000000000000000000", "0xde0B295669"), ("0x",), checks.mixed),
    formed("base58_address", r"\b[LMDT][1-9A-HJ-NP-Za-km-z]{25,33}\b", 34, "CRYPTO_ADDRESS", ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",), ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u",), crypto_checks.base58check),
)  # fmt: skip

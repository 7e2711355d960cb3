"""Numbers that states give to people, by country. One whose form or checksum is weak needs its name in front."""

from __future__ import annotations

import re

from engine.redaction import checks, id_checks
from engine.redaction.rule import Check, Rule

# What may stand between the name of a number and the number; a form may have it on the next line.
NEXT_LINE = r":[*_ \t]{0,4}\r?\n[ \t]{0,8}"
_GAP = rf"[^\n\d]{{0,24}}?(?:{NEXT_LINE})?"


def formed(
    id: str,
    pattern: str,
    max_len: int,
    label: str,
    samples: tuple[str, ...],
    near: tuple[str, ...],
    check: Check | None,
    not_after: str = "",
    keywords: tuple[str, ...] = (),
) -> Rule:
    """A number whose form and checksum are enough."""
    examples = (f"the number is {samples[0]}, he said", *samples)
    return Rule(id, "pii", pattern, max_len, f"[{label}]", examples, near, keywords, check, not_after=not_after)


def _in_programs(names: str) -> str:
    """The names also as programs write them: `date of birth` is `date_of_birth`, `date-of-birth` and `dateOfBirth`."""
    return re.sub(r" \??", "[_ -]?", names)


# As some country or other writes its numbers.
_ANY_NUMBER = r"(?:[A-Z]{1,3}[ -]?)?\d{2,4}(?:[ ./-]?[0-9A-Z]{1,8}){0,4}[0-9A-Z]"

_SUFFIX = r"(?:[_ -]?(?:number|num|no|nr|id|code|value))?"


def named(
    id: str,
    names: str,
    body: str,
    label: str,
    keywords: tuple[str, ...],
    sample: tuple[str, str],
    near: tuple[str, ...],
    check: Check | None,
    gap: str = _GAP,
    edge: str = r"\b",
) -> Rule:
    """A number that only its name, `names` as a pattern, gives away. `sample`: a name and a number. `edge`: what stands
    where the number begins."""
    name, value = sample
    return Rule(
        id,
        "pii",
        rf"(?i:(?:\b|_)(?:{_in_programs(names)}){_SUFFIX}(?:\b|_)){gap}{edge}({body})\b",
        200,
        f"[{label}]",
        (f"{name}: {value}", f"his {name} is {value}.", f'{{"{name.lower().replace(" ", "_")}": "{value}"}}'),
        (f"the order {value} has left", *near),
        _joined(keywords),
        check,
    )


def _joined(keywords: tuple[str, ...]) -> tuple[str, ...]:
    """The keywords with every joint that `_in_programs` allows. What is shorter than three bytes is in too much text."""
    joined = (keyword.replace(" ", joint) for keyword in keywords for joint in (" ", "_", "-", ""))
    return tuple(dict.fromkeys(keyword for keyword in joined if len(keyword) >= 3 or keyword in keywords))


RULES = (
    # The Americas.
    formed("us_itin", r"\b9\d{2}-(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])-\d{4}\b", 11, "SSN", ("912-70-1234",), ("912-34-5678",), None),
    named("us_ssn_named", r"ssn|social security(?: (?:number|no|num))?|itin", r"\d{3} ?\d{2} ?\d{4}", "SSN", ("ssn", "social security", "itin"), ("SSN", "123456789"), ("ssn 000121234",), checks.ssn),
    named("us_ein", r"ein|employer identification(?: number)?|federal tax id|tax id", r"\d{2}-\d{7}", "TAX_ID", ("ein", "employer identification", "tax id"), ("EIN", "12-3456789"), (), id_checks.varied),
    named("us_npi", r"npi|national provider identifier", r"[12]\d{9}", "NPI", ("npi", "national provider"), ("NPI", "1234567893"), ("npi 1234567890",), id_checks.npi),
    formed("us_medicare", r"\b[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y]{2}\d{2}\b", 13, "MEDICARE", ("1EG4-TE5-MK73", "1EG4TE5MK72"), ("1EG4-SE5-MK73",), None),
    named("ca_sin", r"sin|social insurance(?: number)?|nas", r"\d{3}[ -]?\d{3}[ -]?\d{3}", "SIN", ("sin", "social insurance", "nas"), ("SIN", "619 391 832"), ("sin 619 391 833",), checks.luhn),
    formed("br_cpf", r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b", 14, "CPF", ("529.982.247-25",), ("529.982.247-26", "111.111.111-11"), id_checks.brazil_cpf),
    named("br_cpf_named", r"cpf", r"\d{11}", "CPF", ("cpf",), ("CPF", "52998224725"), ("cpf 52998224726",), id_checks.brazil_cpf),
    named("br_rg", r"rg", r"\d{1,2}\.\d{3}\.\d{3}-[\dXx]", "RG", ("rg:", "rg=", "rg_", 'rg"', "rg.", "rg "), ("RG", "12.345.678-9"), (), id_checks.varied),
    formed("br_cnpj", r"\b\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}\b", 18, "CNPJ", ("11.222.333/0001-81",), ("11.222.333/0001-82",), id_checks.brazil_cnpj),
    formed("ar_cuit", r"\b(?:2[03479]|3[034])-\d{8}-\d\b", 13, "CUIT", ("20-12345678-6",), ("20-12345678-5",), id_checks.argentina),
    formed("cl_rut", r"\b\d{1,2}\.\d{3}\.\d{3}-[\dkK]\b", 12, "RUT", ("12.345.678-5",), ("12.345.678-6",), id_checks.chile),
    formed("mx_curp", r"\b[A-Z][AEIOUX][A-Z]{2}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d\b", 18, "CURP", ("BOXW310820HNERXN09",), ("BOXW310820HNERXN08",), id_checks.mexico),
    named("mx_rfc", r"rfc", r"[A-ZÑ&]{3,4}\d{6}[0-9A-Z]{3}", "RFC", ("rfc",), ("RFC", "GODE561231GR8"), ("rfc 2616",), None),
    # Europe.
    formed("uk_nino", r"\b(?:[ACEHJLMOPRSWXY][A-CEGHJ-NPR-TW-Z]|B[A-CEHJ-NPR-TW-Z]|G[ACEGHJ-NPR-TW-Z]|K[A-CEGHJ-MPR-TW-Z]|N[A-CEGHJLMNPR-SW-Z]|T[A-CEGHJ-MPR-TW-Z]|Z[A-CEGHJ-NPR-TW-Y]) ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b", 13, "NINO", ("AB 12 34 56 C", "JG103759A"), ("QQ123456C",), None),
    named("uk_nino_named", r"national insurance(?: (?:number|no))?|nino|ni (?:number|no)", r"[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-Z]", "NINO", ("national insurance", "nino", "ni n"), ("National Insurance Number", "QQ 12 34 56 C"), (), None),
    named("uk_nhs", r"nhs(?: (?:number|no))?", r"\d{3}[ -]?\d{3}[ -]?\d{4}", "NHS", ("nhs",), ("NHS number", "943 476 5919"), ("nhs 943 476 5918",), id_checks.nhs),
    named("uk_sort_code", r"sort code", r"\d{2}-\d{2}-\d{2}", "BANK_ACCOUNT", ("sort code",), ("sort code", "20-00-00"), (), None),
    formed("es_dni", r"\b(?:\d{8}|[XYZ]-?\d{7})-?[A-HJ-NP-TV-Z]\b", 11, "DNI", ("12345678Z", "X6617603C"), ("12345678A",), id_checks.spain),
    formed("it_codice_fiscale", r"\b[A-Za-z]{6}\d{2}[A-EHLMPRSTa-ehlmprst]\d{2}[A-Za-z]\d{3}[A-Za-z]\b", 16, "CODICE_FISCALE", ("RSSMRA85T10A562S",), ("RSSMRA85T10A562T",), id_checks.italy),
    # Where two people would have the same, letters stand for digits.
    named("it_codice_fiscale_named", r"cod(?:ice|\.)? ?fisc(?:ale|\.)?|c\.f\.", r"[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]", "CODICE_FISCALE", ("fisc", "c.f."), ("codice fiscale", "RSSMRA85T10A562S"), ("codice fiscale RSSMRA85T10A562T",), id_checks.italy),
    formed("fr_nir", r"\b[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}\b", 21, "NIR", ("255081416802538", "1 85 05 78 006 084 91"), ("255081416802539",), id_checks.france),
    named("de_tax_id", r"steuer[_-]? ?(?:id(?:entifikationsnummer|nr)?|nummer|identnummer)|tax id|tin|idnr", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "TAX_ID", ("steuer", "tax id", "tin", "idnr"), ("Steuer-ID", "86 095 742 719"), ("steuer-id 86 095 742 718",), id_checks.mod_11_10),
    named("de_id_card", r"personalausweis(?:nummer)?|ausweisnummer|reisepass(?:nummer)?", r"[CFGHJKLMNPRTVWXYZ][0-9CFGHJKLMNPRTVWXYZ]{8}\d?", "ID_CARD", ("ausweis", "reisepass"), ("Personalausweis", "L01X00T471"), (), None),
    named("nl_bsn", r"bsn|burgerservicenummer|sofinummer", r"\d{4}[ .]?\d{2}[ .]?\d{3}", "BSN", ("bsn", "burgerservicenummer", "sofinummer"), ("BSN", "111222333"), ("bsn 111222334",), id_checks.netherlands),
    formed("be_national_number", r"\b\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}\b", 15, "NATIONAL_ID", ("85.07.30-033.28",), ("85.07.30-033.29",), id_checks.belgium),
    named("pl_pesel", r"pesel", r"\d{11}", "PESEL", ("pesel",), ("PESEL", "44051401359"), ("pesel 44051401358",), id_checks.poland),
    formed("se_personnummer", r"\b(?:19|20)?\d{6}[-+]\d{4}\b", 13, "PERSONNUMMER", ("811228-9874", "19811228-9874"), ("811228-9873",), id_checks.sweden),
    named("no_fodselsnummer", r"f(?:ø|o|oe)dselsnummer|fnr|personnummer|national id", r"\d{6} ?\d{5}", "FODSELSNUMMER", ("dselsnummer", "fnr", "personnummer", "national id"), ("fødselsnummer", "01010750160"), ("fnr 01010750161",), id_checks.norway),
    named("dk_cpr", r"cpr(?:[_-]? ?(?:nummer|nr|number))?", r"\d{6}-?\d{4}", "CPR", ("cpr",), ("CPR-nummer", "070761-4285"), ("cpr 990761-4285",), id_checks.denmark),
    formed("fi_hetu", r"\b\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]\b", 11, "HETU", ("131052-308T",), ("131052-308U",), id_checks.finland),
    formed("ch_ahv", r"\b756\.?\d{4}\.?\d{4}\.?\d{2}\b", 16, "AHV", ("756.9217.0769.85", "7569217076985"), ("756.9217.0769.84",), id_checks.ean13),
    named("ro_cnp", r"cnp|cod numeric personal", r"[1-9]\d{12}", "CNP", ("cnp", "cod numeric"), ("CNP", "1800101221144"), ("cnp 1800101221145",), id_checks.romania),
    named("bg_egn", r"egn", r"\d{10}", "EGN", ("egn",), ("EGN", "7523169263"), ("egn 7523169264",), id_checks.bulgaria),
    formed("cz_rodne_cislo", r"\b\d{6}/\d{4}\b", 11, "RODNE_CISLO", ("736028/5163",), ("736028/5164",), id_checks.czechia),
    named("pt_nif", r"nif|contribuinte", r"[1235689]\d{2} ?\d{3} ?\d{3}", "NIF", ("nif", "contribuinte"), ("NIF", "123456789"), ("nif 123456780",), id_checks.portugal),
    named("ie_pps", r"pps(?:n| number| no)?", r"\d{7}[A-W][A-IW]?", "PPS", ("pps",), ("PPS number", "1234567FA"), ("pps 1234567GA",), id_checks.ireland),
    named("tr_kimlik", r"t\.?c\.? ?kimlik(?: no)?|kimlik(?: numaras\S{1,2})?|tckn", r"[1-9]\d{10}", "KIMLIK", ("kimlik", "tckn"), ("TCKN", "10000000146"), ("tckn 10000000147",), id_checks.turkey),
    named("hr_oib", r"oib", r"\d{11}", "OIB", ("oib",), ("OIB", "94782061538"), ("oib 94782061537",), id_checks.iso_11_10),
    named("ee_isikukood", r"isikukood|asmens kodas", r"[1-8]\d{10}", "NATIONAL_ID", ("isikukood", "asmens kodas"), ("isikukood", "37605030299"), ("isikukood 37605030298",), id_checks.estonia),
    named("lv_personas_kods", r"personas kods", r"\d{6}-?\d{5}", "NATIONAL_ID", ("personas kods",), ("personas kods", "240338-13793"), (), id_checks.varied),
    named("gr_amka", r"amka", r"\d{11}", "AMKA", ("amka",), ("AMKA", "22048556264"), ("amka 22048556265",), checks.luhn),
    named("at_svnr", r"svnr|sv-?nummer|sozialversicherungsnummer", r"\d{4} ?\d{6}", "SVNR", ("svnr", "nummer"), ("SVNR", "1237010180"), ("svnr 1237991380",), id_checks.austria),
    Rule("ru_snils", "pii", r"(?:снилс|СНИЛС|SNILS|snils|Snils)[^\n\d]{0,24}?\b(\d{3}[ -]?\d{3}[ -]?\d{3}[ -]?\d{2,3})\b", 200, "[SNILS]", ("СНИЛС 112-233-445 95", "snils=11223344595"), ("snils 112",), ("СНИЛС", "снилс", "snils"), id_checks.varied),
    Rule("ru_inn", "pii", r"(?:ИНН|инн|INN|\binn[_=:\"])[^\n\d]{0,12}?\b(\d{12}|\d{10})\b", 60, "[INN]", ("ИНН 500100732259", "INN: 7830002293"), ("INN 12",), ("ИНН", "инн", "inn"), id_checks.varied),
    # Asia, Africa and Oceania.
    formed("in_pan", r"\b[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]\b", 10, "PAN", ("ABCPE1234F",), ("ABCDE1234F",), None),
    formed("in_aadhaar", r"\b[2-9]\d{3} \d{4} \d{4}\b", 14, "AADHAAR", ("2116 3726 5167",), ("2116 3726 5168",), id_checks.verhoeff),
    formed("in_gstin", r"\b[0-3]\d[A-Z]{5}\d{4}[A-Z][0-9A-Z]Z[0-9A-Z]\b", 15, "GSTIN", ("27AAPFU0939F1ZV",), ("27AAPFU0939F1ZW",), id_checks.india_gstin),
    named("in_aadhaar_named", r"aadhaa?r|uidai?", r"[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}", "AADHAAR", ("aadhar", "aadhaar", "uid"), ("Aadhaar", "211637265167"), ("aadhaar 211637265168",), id_checks.verhoeff),
    formed("cn_resident_id", r"\b[1-9]\d{5}(?:18|19|20)\d{9}[\dXx]\b", 18, "RESIDENT_ID", ("11010519491231002X",), ("110105194912310021",), id_checks.china),
    named("jp_my_number", r"my ?number|individual number|kojin bango", r"\d{4}[ -]?\d{4}[ -]?\d{4}", "MY_NUMBER", ("number", "kojin"), ("My Number", "5500 3536 2053"), ("my number 5500 3536 2054",), id_checks.japan),
    formed("kr_rrn", r"\b\d{6}-[1-8]\d{6}\b", 14, "RRN", ("850615-1234567",), ("859915-1234567",), id_checks.korea),
    formed("sg_nric", r"\b[STFGM]\d{7}[A-Z]\b", 9, "NRIC", ("S1234567D",), ("S1234567A",), id_checks.singapore),
    formed("tw_id", r"\b[A-Z][12]\d{8}\b", 10, "NATIONAL_ID", ("A123456789",), ("A123456788",), id_checks.taiwan),
    formed("hk_id", r"\b[A-Z]{1,2}\d{6}\([0-9A]\)", 11, "HKID", ("A123456(3)",), ("A123456(4)",), id_checks.hong_kong),
    formed("th_id", r"\b[1-8]-\d{4}-\d{5}-\d{2}-\d\b", 17, "NATIONAL_ID", ("1-3309-40971-82-3",), ("1-3309-40971-82-4",), id_checks.thailand),
    named("il_id", r"teudat zehut|israeli? id|t\.z\.", r"\d{9}", "NATIONAL_ID", ("zehut", "israel", "t.z."), ("Teudat Zehut", "773335823"), ("teudat zehut 773335824",), checks.luhn),
    named("za_id", r"(?:south african? )?id(?:entity)? (?:number|no|nr|#)|south african? id", r"\d{13}", "NATIONAL_ID", ("id n", "id #", "identity n", "identity #", "african id", "africa id"), ("ID number", "8001015009087"), ("id 8001015009088",), id_checks.south_africa),
    named("au_tfn", r"tfn|tax file(?: (?:number|no))?", r"\d{3} ?\d{3} ?\d{3}", "TFN", ("tfn", "tax file"), ("TFN", "123 456 782"), ("tfn 123 456 783",), id_checks.australia_tfn),
    named("au_medicare", r"medicare(?: (?:card|number|no)){0,2}", r"[2-6]\d{3} ?\d{5} ?\d(?:[ /-]?\d)?", "MEDICARE", ("medicare",), ("Medicare", "2123 45670 1"), ("medicare 2123 45671 1",), id_checks.australia_medicare),
    named("au_abn", r"abn|business number", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "ABN", ("abn", "business number"), ("ABN", "51 824 753 556"), ("abn 51 824 753 557",), id_checks.australia_abn),
    # Everywhere.
    named("national_id_named", r"national (?:id(?:entity|entification)?|number)(?: (?:card|number|no))?|citizen(?:ship)? id|personal (?:id(?:entification|entity)?|identity) (?:number|no|code)|identity card(?: (?:number|no))?|id card(?: (?:number|no))?|c[eé]dula|rodn[eé] [cč][ií]slo|henkil[oö]tunnus", r"[A-Z]{0,3}\d{2,4}(?:[ ./-]?[0-9A-Z]{1,8}){0,4}[0-9A-Z]", "NATIONAL_ID", ("national", "citizen", "personal i", "identity card", "id card", "dula", "rodn", "henkil"), ("national ID", "4430714609"), ("identity card 2024", "the national number 12"), id_checks.numbered),
    # The same in whatever country: behind these names a number is somebody's. What looks like a number of the United
    # States is left to its own rule, which knows which of these are given out.
    named("social_number_named", r"ssn|social (?:security|insurance)|national insurance|sozialversicherung", _ANY_NUMBER, "NATIONAL_ID", ("ssn", "social security", "social insurance", "national insurance", "sozialversicherung"), ("SSN", "12869738560"), ("SSN 000-12-3456", "ssn 000121234", "social security since 1935-08-14"), id_checks.social_number),
    named("tax_number_named", r"tax(?:payer)? id(?:entification)?|tax (?:number|no)|vat (?:id|number|no|registration)", _ANY_NUMBER, "TAX_ID", ("tax id", "taxpayer id", "tax n", "vat id", "vat n", "vat reg"), ("tax ID", "V-20335710"), ("tax ID due 2024-04-15", "tax number 12"), id_checks.numbered),
    named("passport", r"passport(?: (?:number|no|num|id|#)){0,2}", r"[A-Z]{0,2}\d{6,9}[A-Z]?|[A-Z0-9]{8,10}", "PASSPORT", ("passport",), ("passport number", "C01X00T47"), ("passport 123", "passport RENEW2024", "passport: IMMIGRANTS"), id_checks.lettered),
    named("vehicle_registration", r"(?:licen[cs]e|number|registration) plate|vehicle registration|registration (?:number|mark)|vrm|vrn|tag number", r"[A-Z]{1,3}[ -]?\d{1,4}[ -]?[A-Z]{0,3}(?:[ -]?\d{1,4})?|\d{1,4}[ -]?[A-Z]{1,4}[ -]?\d{0,4}", "PLATE", ("plate", "vehicle registration", "registration number", "registration mark", "vrm", "vrn", "tag number"), ("license plate", "8ABC123"), ("license plate 12", "number plates with 3 LED lamps", "tag number V2"), id_checks.plate),
    Rule("driving_licence_short", "pii", r"\b(?:DL|D/L)[ :#=]{1,3}([A-Z]\d{3,4}-\d{4,6}-\d{4,6}|[A-Z]{1,2}\d{6,13}|\d{8,9})\b", 26, "[DRIVING_LICENCE]", ("DL D1234562", "DL: 12345678", "DL# D1234-56789-01234"), ("DL speed 1200", "DL 1234"), ("dl ", "dl:", "dl#", "dl=", "d/l"), id_checks.varied),
    named("driving_licence", r"(?:driver['’]?s?|driving) ?(?:licen[cs]e|permit)(?: (?:number|no|num|id|#)){0,2}|dl(?: ?(?:number|no|#))|licen[cs]e (?:number|no|#)|f(?:ü|ue)hrerschein(?:nummer|nr)?|permis de conduire", r"[A-Z]{0,5}-?\d[0-9A-Z-]{4,18}", "DRIVING_LICENCE", ("driver", "driving", "dl n", "dl #", "license n", "licence n", "license #", "licence #", "hrerschein", "permis de"), ("driver's license", "D1234567"), ("driving licence of 1999", "the license no 2.0"), id_checks.varied),
)  # fmt: skip

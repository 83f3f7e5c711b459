"""Personal data in a text: what nobody should publish by mistake.

It is found by its shape, so now and then wrongly; people decide. Shapes are looked for in a plain reading of the
text: without invisible characters, entities, backslashes and stars, with full-width letters and foreign digits made
plain. What is found is named by its place in the text itself.

Every pattern is bounded, so that no text takes more than linear time.
"""

import functools
import ipaddress
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import phonenumbers
from flask_babel import gettext
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType
from stdnum import luhn

from core.personal_names import names as full_names
from core.personal_numbers import numbers
from core.personal_places import addresses, birthdates
from core.personal_reading import digits, plainly
from core.personal_words import listed

Kind = Literal["token", "email", "iban", "card", "ip", "number", "phone", "birthdate", "address", "name"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Type = Literal["email", "phone", "iban", "card", "customer_no", "order_no", "address", "name", "ip", "birthdate"]
TYPES: tuple[Type, ...] = get_args(Type)
LONGEST_MESSAGE: Final = 200_000
LONGEST: Final = 40_000
"""So much of a text is looked at; posts and articles are shorter."""
REGIONS: Final = ("DE", "AT", "CH")
"""Where a number without a country is called."""
MORE_REGIONS: Final = (*REGIONS, "GB", "IE", "US", "AU")
"""The same for what customers write to the desk."""
_ENGLISH_FIRST: Final = tuple(sorted(MORE_REGIONS, key=lambda region: region in REGIONS))
MOST_CARD_GROUPS: Final = 5
SHORTEST_NAME: Final = 3
FEWEST_DIGITS: Final = 4
LONGEST_MASK: Final = 60
MOST_STARS: Final = 2
MOST_FOR_A_STAR: Final = 20
FEWEST_KINDS: Final = 3
LEAST_ENTROPY: Final = 3.7
"""Bits for each character, by Shannon: words and paths stay below, keys drawn at random lie above."""
HIGHEST_OF_A_VERSION: Final = 20
FAR: Final = 48
BEFORE: Final = 32
"""So many characters before a number say what it is."""


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    start: int
    end: int
    text: str
    """What it says, plainly: as a person reads it, whatever stands in between."""
    key: str
    """The same for all ways of writing the same thing."""

    @property
    def name(self) -> str:
        """What it is called, in the language of the page."""
        return name(self.kind)

    @property
    def replacement(self) -> str:
        """What is proposed to stand there instead, in the language of the page."""
        return f"[{name(self.kind)}]"


@dataclass(frozen=True, slots=True)
class Span:
    type: Type
    value: str
    """Just what stands in the text from `start` to `end`."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rules:
    """What a house knows of its numbers: shapes of its own, and what is nobody's secret."""

    masks: Sequence[str] = ()
    allowed: Sequence[str] = ()
    """Texts that are not personal, as the hotline; `@example.org` stands for every address there."""


NO_RULES: Final = Rules()


def find(text: str, *, rules: Rules = NO_RULES, people: Iterable[str] | None = None) -> list[Finding]:
    """Return what looks like personal data, in the order of the text; nothing is named twice.

    Names are looked for where `people` is given: theirs, and whoever signs or introduces themselves.
    """
    text = text[:LONGEST]
    plain, places = plainly(text)
    covered = bytearray(len(plain))
    allowed = {_key(None, one) for one in rules.allowed} | {_key("phone", one) for one in rules.allowed}
    found: list[Finding] = []
    for kind, start, end in _spans(plain, rules, people):
        if start == end or any(covered[start:end]):
            continue
        said = plain[start:end]
        key = _key(kind, said)
        covered[start:end] = b"\x01" * (end - start)
        if key not in allowed and not (kind == "email" and "@" + key.rpartition("@")[2] in allowed):
            found.append(Finding(kind, places[start][0], places[end - 1][1], " ".join(said.split()), key))
    return sorted(found, key=lambda one: one.start)


def spans(
    text: str,
    locale: str | None = None,
    *,
    rules: Rules = NO_RULES,
    is_word: Callable[[str], bool] | None = None,
) -> list[Span]:
    """Return where a message names a person or what belongs to one, in the order of the text, by the types of triage.

    Unlike `find`, it looks for full names of anybody, counts what is written as an example only, and leaves keys and
    passwords to others. `locale` says where numbers without a country are called first; both languages are read in
    any case. With `is_word` names are found that nothing announces, as they are made of no words. Takes time in
    proportion to the text. Places count characters of the text as it is.
    """
    text = text[:LONGEST_MESSAGE]
    plain, places = plainly(text)
    allowed = {_key(None, one) for one in rules.allowed} | {_key("phone", one) for one in rules.allowed}
    covered = bytearray(len(plain))
    found: list[tuple[Type, int, int]] = []

    def take(kind: Type, start: int, end: int) -> None:
        if start < end and not any(covered[start:end]):
            covered[start:end] = b"\x01" * (end - start)
            found.append((kind, start, end))

    is_german = _is_german(plain, locale)
    for kind, start, end in _shaped(plain, MORE_REGIONS if is_german else _ENGLISH_FIRST):
        take(kind, start, end)
    for start, end in full_names(
        plain, sorted((start, end) for _, start, end in found), is_german=is_german, is_word=is_word
    ):
        take("name", start, end)
    said = []
    for kind, start, end in sorted(found, key=lambda one: one[1]):
        key = _key("phone" if kind == "phone" else None, plain[start:end])
        if key not in allowed and not (kind == "email" and "@" + key.rpartition("@")[2] in allowed):
            first, last = places[start][0], places[end - 1][1]
            said.append(Span(kind, text[first:last], first, last))
    return said


def kinds(text: str, *, rules: Rules = NO_RULES) -> list[str]:
    """Return what the kinds of personal data in a text are called, each once, in the language of the page."""
    found = {one.kind for one in find(text, rules=rules)}
    return [name(kind) for kind in KINDS if kind in found]


def redacted(text: str, *, rules: Rules = NO_RULES) -> str:
    """Return the text with a word in brackets for everything that `find` finds, in the language of the page."""
    return without(text, find(text, rules=rules))


def without(text: str, findings: Iterable[Finding]) -> str:
    """Return the text with what is proposed in the place of these findings of it."""
    for one in sorted(findings, key=lambda one: one.start, reverse=True):
        text = f"{text[: one.start]}{one.replacement}{text[one.end :]}"
    return text


def name(kind: Kind) -> str:
    """Return what a kind is called, in the language of the page."""
    words = {
        "token": gettext("key or password"),
        "email": gettext("e-mail address"),
        "iban": gettext("bank account"),
        "card": gettext("card number"),
        "ip": gettext("IP address"),
        "phone": gettext("phone number"),
        "number": gettext("customer or order number"),
        "birthdate": gettext("date of birth"),
        "address": gettext("postal address"),
        "name": gettext("name"),
    }
    return str(words[kind])


def is_mask(mask: str) -> bool:
    """Tell whether a shape is one: `#` a digit, `@` a letter, `*` a few of both, and enough of it to mean something."""
    bare = mask.replace("*", "")
    return (
        len(mask) <= LONGEST_MASK
        and len(bare) >= FEWEST_DIGITS
        and mask.count("*") <= MOST_STARS
        and "**" not in mask
        and any(sign in mask for sign in "#@*")
        and not set(bare) <= set("@ ")
    )


# What stands before a number says what it is.
_VERSION_WORDS: Final = re.compile(
    r"(?:version|firmware|release|build|update|driver|treiber|patch|ver\.|\bv|\bfw|\bos)[ :.\w-]{0,20}$", re.IGNORECASE
)
_ADDRESS_WORDS: Final = re.compile(
    r"\b(?:ip\w*|adresse|address|from|von|ping|host|server|client)\b.{0,12}$", re.IGNORECASE
)
_CALL_WORDS: Final = re.compile(
    r"(?:\btel|telefon|handy|mobil|phone|\bcall|\bruf|anruf|\bfax|whatsapp|durchwahl|erreich|rückruf|hotline"
    r"|nummer)\D{0,20}$",
    re.IGNORECASE,
)
_NO_CALL_WORDS: Final = re.compile(
    r"(?:fehler|error|code|version|artikel|\bean\b|isbn|gtin|serien|serial|teile|part|model|modell|build|\bzeile"
    r"|\bline)\D{0,16}$",
    re.IGNORECASE,
)
_CHECKSUM_WORDS: Final = re.compile(
    r"(?:sha-?\d*|md5|hash|commit|checksum|prüfsumme|digest|etag|uuid|guid|fingerprint|fingerabdruck|key-?id"
    r"|uid)\W{0,6}$",
    re.IGNORECASE,
)

_PREFIXED: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:sk_live_|sk_test_|rk_live_|sk-(?:proj-|ant-)?|gh[opsru]_|github_pat_|glpat-|xox[abeprs]-"
    r"|AKIA|ASIA|AIza|ya29\."
    r"|SG\.|npm_|pypi-|hf_|dop_v1_|shpat_|whsec_|EAA)[A-Za-z0-9_.-]{14,300}"
)
_JWT: Final = re.compile(r"(?<![\w-])eyJ[\w-]{6,2000}\.eyJ[\w-]{4,4000}\.[\w-]{0,1000}")
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
    r"(?:(?:[A-Za-z0-9+/=\s:,.]|-(?!-)){0,8000}-----END [A-Z ]{0,30}PRIVATE KEY-----"
    r"|(?:\s{1,2}[A-Za-z0-9+/=]{16,80}){0,200})"
)
_IN_ADDRESS: Final = re.compile(r"(?<=://)([^\s/:@]{1,64}:[^\s/:@]{1,64})(?=@)")
_SPOKEN: Final = re.compile(
    r"(?:pass(?:wor[dt]|code|phrase)|kennwort|\bpin|api[ _-]?key|(?:wlan|wifi)[ -]?(?:schlüssel|key)|secret|token"
    r"|zugangscode)"
    r"(?: (?:ist|lautet|is)\b)?[ \"']{0,2}[:=]?[ \"'`]{0,3}([^\s\"'`<>\[\](),;]{4,80})",
    re.IGNORECASE,
)
_RANDOM: Final = re.compile(r"(?<![\w/.+=-])(?<!\d,)/?[A-Za-z0-9+_-][A-Za-z0-9+/_-]{23,200}={0,2}(?![\w/+-])")
_WORDS: Final = re.compile(r"[/_+-]?(?:(?:[A-Z]?[a-z]{1,40}\d{0,2}|[A-Z]{1,5}|\d{1,4})(?:[/_+-]+|$))+")
"""What is put together of words and small numbers only; each piece ends with its own sign."""
_HEX: Final = re.compile(r"[0-9a-fA-F-]+")

_AT: Final = r"(?:@|\s?[\[({]\s?(?:at|ät)\s?[\])}]\s?)"
_DOT: Final = r"(?:\.|\s?[\[({]\s?(?:dot|punkt)\s?[\])}]\s?)"
_EMAIL: Final = re.compile(
    rf"(?<![\w.+-])[\w.+'-]{{1,64}}{_AT}\[?[\w-]{{1,63}}(?:{_DOT}[\w-]{{1,63}}){{0,5}}{_DOT}[^\W\d_]{{2,24}}(?!\w)",
    re.IGNORECASE,
)
_SPOKEN_EMAIL: Final = re.compile(
    r"(?<![\w.+-])[\w+-]{1,40}(?:(?:\.| (?:dot|punkt) )[\w+-]{1,40}){0,3} (?:at|ät|AT) [\w-]{2,63}(?: ?(?:dot|punkt"
    r"|DOT) ?[\w-]{2,63}){1,3}"
    r"(?!\w)"
)
_AT_SIGN: Final = re.compile(rf"{_AT}| at | ät ", re.IGNORECASE)
_EXAMPLE_NAMES: Final = re.compile(
    r"(?:(?:your|ihr|dein|euer|my|mein|you)[._-]?)?(?:user|users|foo|bar|baz|name|nickname|alias-?name|username"
    r"|loginname|login|benutzer|benutzername|nutzername"
    r"|someone|somebody|jemand|first\.?(?:name)?[._-]?last\.?(?:name)?|vorname[._-]?nachname|package|packages|paket"
    r"|e?mail|address|adresse|test|xxx+|\d{1,4}(?:-\w{1,10})?)"
)
_LISTS: Final = listed("lists")
_GERMAN: Final = re.compile(
    r"\b(?:der|die|das|und|ist|nicht|ich|ein|eine|für|mit|auf|zu|bei|euch|mein|meine)\b", re.IGNORECASE
)
_ENGLISH: Final = re.compile(r"\b(?:the|and|is|not|of|to|my|for|with|you|it|on|your|have|was|at)\b", re.IGNORECASE)
_FILES: Final = frozenset({"png", "jpg", "jpeg", "gif", "svg", "webp", "js", "css", "service"})
_IBAN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[ \n.-]?\d[ \n]?\d(?=((?:[ \n.-]{0,2}[A-Za-z0-9]){11,30}))")
_IBANS: Final = {country: int(part[:2]) for part in listed("ibans") for country in part[3:].split(",")}
"""How long an account number of a country is, by the registry of SWIFT."""
_CARD: Final = re.compile(r"(?<![\d.,-])\d(?:[ \n./-]{0,2}\d){12,22}(?![\d-]|[.,]\d)")
_DIGITS: Final = re.compile(r"\d+")
_CARD_BRANDS: Final = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11}|(?:6011|65\d\d|64[4-9]\d)\d{12}|(?:50|5[678]|6\d)\d{14,17}|35(?:2[89]|[3-8]\d)\d{12}"
)
_IP: Final = re.compile(r"(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\w)")
_IPV6: Final = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_PHONE: Final = re.compile(
    r"(?<!\d[.,:])(?<!\d{4} )(?<![\w#/-])"
    r"(?:\(?\+ ?[1-9]|\(?00 ?[1-9]|\(?0[1-9])(?:[ \n/().-]{0,3}\d){5,14}(?!\w|[.,]\d)"
)
_SLASHED: Final = re.compile(r"[01]?\d/[0-3]?\d/(?:19|20)\d\d")
_AMERICAN: Final = re.compile(
    r"(?<![\w+(./-])(?<!\d )(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{4}(?![\w-]|[.,]\d| \d)"
    r"|(?<![\w+(./-])(?<!\d )555-01\d\d(?![\w-]|[.,]\d)"
)
_HOTLINE: Final = re.compile(
    r"(?:hotline|help-?line|help-?desk|warteschleife|(?:service|info|kunden|störungs|zentral|sammel)-?(?:nummer"
    r"|telefon|line)|kundenservice|kundendienst"
    r"|customer (?:services?|care)|\bzentrale|switchboard|(?:support|advice|main|order|phone|care|fault)[ -]?line"
    r"|call ?-?cent(?:er|re)|servicecenter"
    r"|\b(?:eure[rn]?|your) (?:\w{1,20} ){0,2}(?:nummer|number|line|phone|telefon)|freephone|toll-?free"
    r"|gebührenfrei\w*|kostenlos\w*)[ :,\w(]{0,16}$",
    re.IGNORECASE,
)
_HOTLINE_AFTER: Final = re.compile(
    r"[ ,;)(]{0,3}(?:hotline|zentrale|helpline|is your|ist eure|kostenfrei|gebührenfrei|freephone|toll-?free|p/min"
    r"|ct/min|cent pro minute)",
    re.IGNORECASE,
)
_FREE: Final = re.compile(
    r"(?:(?:\+|00)\d\d|0)(?:\(?0\)?)?80[08]|0(?:180|137|900)\d|(?:\+1|1)?(?:800|888|877|866|855|844|833)\d{7}$"
    r"|116\d{3}$"
)
_DRAMA: Final = re.compile(
    r"(?:0|0044|\+44)(?:7700900|1632960|2079460|3069990|2896496|2920180|1914980|11[3-8]4960|1[2-6]14960)\d{3}|(?:0"
    r"|00353|\+353)2091\d{5}"
)
"""What is kept for films and examples: no telephone's, and meant as one."""
_NOBODYS_TYPES: Final = frozenset(
    {
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
    }
)
_EXAMPLES: Final = tuple(
    ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)
_ROLES: Final = listed("roles")
_PAUSE: Final = re.compile(r"\n|\. | \(")
_DATE: Final = re.compile(
    r"(?<!\d)(?:[0-3]?\d\. ?[01]?\d\. ?(?:19|20)\d\d|[0-3]?\d([/-])[01]?\d\1(?:19|20)\d\d"
    r"|(?:19|20)\d\d-[01]\d-[0-3]\d)(?!\d)"
)
_NUMBER: Final = re.compile(
    r"(?<!\w)(?:(?:Bestell|Auftrags|Kunden|Rechnungs|Vertrags|Mitglieds|Vorgangs|Sendungs|Lizenz|Konto)[ -]?"
    r"(?:nummer|nr\.?|schlüssel|id)"
    r"|(?:order|customer|invoice|contract|account|tracking|licen[cs]e)[ -]?(?:number|no\.?|id|key)"
    r"|(?:Bestellung|Auftrag|order) (?:Nr\.?|no\.?|#))"
    r"(?: (?:ist|lautet|is))?[ :.#]{0,4}([A-Z0-9](?:[A-Z0-9/-]{2,40})[A-Z0-9])(?!\w)",
    re.IGNORECASE,
)
_LICENCE: Final = re.compile(r"(?<![\w-])[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3,5}(?![\w-])")
_NAMED: Final = r"[A-ZÄÖÜ][a-zäöüß'-]{1,30}(?: [A-ZÄÖÜ][\wäöüß'.-]{1,30}){0,2}"
_SIGNED: Final = re.compile(
    r"(?i:\b(?:grüße|grüßen|gruß|gruss|grüsse|grüssen|lg|mfg|vg|regards|cheers|thanks))[ ,!.]{0,3}\n{0,2} {0,3}"
    rf"({_NAMED})(?=[ .!]{{0,3}}(?:\n|$))"
)
_INTRODUCED: Final = re.compile(
    rf"(?i:\b(?:mein name ist|ich heiße|ich heisse|my name is|herrn?|frau|mr\.?|mrs\.?|ms\.?)) ({_NAMED})"
)
_Place = tuple[Kind, int, int]


def _spans(plain: str, rules: Rules, people: Iterable[str] | None) -> Iterator[_Place]:
    for kind in KINDS:
        for start, end in _FINDERS[kind](plain):
            yield kind, start, end
        if kind == "number":
            for mask in rules.masks:
                for found in _shape(mask).finditer(plain):
                    yield kind, *found.span()
    if people is not None:
        for start, end in _names(plain, people):
            yield "name", start, end


def _tokens(plain: str) -> Iterator[tuple[int, int]]:
    for pattern in (_PRIVATE_KEY, _JWT, _PREFIXED, _IN_ADDRESS):
        for found in pattern.finditer(plain):
            yield found.span()
    for found in _SPOKEN.finditer(plain):
        said = found[1].rstrip(".!?:")
        if any(letter.isdigit() for letter in said) and "://" not in said:
            yield found.start(1), found.start(1) + len(said)
    for found in _RANDOM.finditer(plain):
        if not _WORDS.fullmatch(found[0]) and _is_random(found[0]) and not _is_checksum(plain, found):
            yield found.span()


def _is_random(text: str) -> bool:
    if _HEX.fullmatch(text):
        return (
            "-" not in text and any(letter.isdigit() for letter in text) and len(set(text.lower())) >= FEWEST_DIGITS * 2
        )
    shares = [count / len(text) for count in Counter(text).values()]
    entropy = -sum(share * math.log2(share) for share in shares)
    has = (str.isupper, str.islower, str.isdigit)
    return entropy >= LEAST_ENTROPY and all(any(test(letter) for letter in text) for test in has)


def _is_checksum(plain: str, found: re.Match[str]) -> bool:
    return bool(_CHECKSUM_WORDS.search(plain, max(0, found.start() - BEFORE), found.start()))


def _emails(plain: str, *, spoken: bool = False) -> Iterator[tuple[int, int]]:
    """Yield e-mail addresses of somebody, not of a desk, a list or an example; `spoken`: also `anna at web dot de`."""
    for pattern in (_EMAIL, _SPOKEN_EMAIL) if spoken else (_EMAIL,):
        for found in pattern.finditer(plain):
            if found[0].rpartition(".")[2].lower() not in _FILES and not _is_nobodys(found[0]):
                yield found.span()


def _is_nobodys(address: str) -> bool:
    name, _, host = _AT_SIGN.sub("@", address.lower(), count=1).partition("@")
    labels = host.split(".")
    return (
        name in _ROLES
        or bool(_EXAMPLE_NAMES.fullmatch(name))
        or labels[-1] in {"dom", "domain", "tld"}
        or not _LISTS.isdisjoint(labels[:-1])
    )


def _ibans(plain: str) -> Iterator[tuple[int, int]]:
    for found in _IBAN.finditer(plain):
        said, ends = "", []
        for at in range(found.start(), found.end(1)):
            if plain[at].isalnum():
                said += plain[at].upper()
                ends.append(at + 1)
        length = _IBANS.get(said[:2], 0)
        if 0 < length <= len(said) and _is_iban(said[:length]):
            yield found.start(), ends[length - 1]


def _is_iban(said: str) -> bool:
    """Tell whether the checksum is right, whether or not there is such a bank."""
    turned = "".join(str(int(letter, 36)) for letter in said[4:] + said[:4])
    return 2 * len(digits(said)) >= len(said) and int(turned) % 97 == 1


def _cards(plain: str) -> Iterator[tuple[int, int]]:
    for found in _CARD.finditer(plain):
        groups = [(group.start(), group.end()) for group in _DIGITS.finditer(plain, *found.span())]
        for first, last in _runs(groups):
            said = digits(plain[first:last])
            if _CARD_BRANDS.fullmatch(said) and luhn.is_valid(said) and len(set(said)) > 1:
                yield first, last
                break


def _runs(groups: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield from where to where all groups reach, then as few as a card is written in; a date may stand beside one."""
    yield groups[0][0], groups[-1][1]
    for count in range(min(len(groups) - 1, MOST_CARD_GROUPS), 0, -1):
        for at in range(len(groups) - count + 1):
            yield groups[at][0], groups[at + count - 1][1]


def _ips(plain: str, is_one: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    for pattern in (_IP, _IPV6):
        for found in pattern.finditer(plain):
            if is_one(found[0]) and not _is_version(plain, found):
                yield found.span()


def _is_public_ip(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast


def _is_ip_of_somebody(text: str) -> bool:
    """Tell whether an address is one of the net, or one that is kept for examples and stands for such a one."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    is_example = any(address.version == net.version and address in net for net in _EXAMPLES)
    return not address.is_multicast and (address.is_global or is_example)


def _is_version(plain: str, found: re.Match[str]) -> bool:
    """Tell whether four numbers are a version: the word for it stands before them, or they are small and alone."""
    if ":" in found[0]:
        return False
    before = plain[max(0, found.start() - BEFORE) : found.start()]
    if _ADDRESS_WORDS.search(before):
        return False
    return bool(_VERSION_WORDS.search(before)) or all(int(one) <= HIGHEST_OF_A_VERSION for one in found[0].split("."))


def _shaped(plain: str, regions: Sequence[str]) -> Iterator[tuple[Type, int, int]]:
    """Yield all that triage knows but names, what is surest first."""
    for start, end in _emails(plain, spoken=True):
        yield "email", start, end
    for start, end in _ibans(plain):
        yield "iban", start, end
    for start, end in _cards(plain):
        yield "card", start, end
    for start, end in _ips(plain, _is_ip_of_somebody):
        yield "ip", start, end
    for start, end in birthdates(plain):
        yield "birthdate", start, end
    for kind, start, end in numbers(plain):
        yield kind, start, end
    for start, end in _phones(plain, regions):
        if not _is_of_a_company(plain, start, end, regions):
            yield "phone", start, end
    for start, end in addresses(plain, people_only=True):
        yield "address", start, end


def _is_german(plain: str, locale: str | None) -> bool:
    if locale:
        return locale.startswith("de")
    return len(_GERMAN.findall(plain)) >= len(_ENGLISH.findall(plain))


def _is_of_a_company(plain: str, start: int, end: int, regions: Sequence[str]) -> bool:
    """Tell whether a telephone number is a hotline: by its prefix, or by the words beside it."""
    said = plain[start:end]
    if _HOTLINE.search(plain, max(0, start - FAR), start) or _HOTLINE_AFTER.match(plain, end):
        return True
    if _FREE.match(re.sub(r"[\s()/.-]", "", said)):
        return True
    said = said.strip("( ")
    for region in regions if said.startswith(("0", "+")) else ("US",):
        number = _parsed(said, region)
        if number is not None and phonenumbers.is_valid_number(number):
            return phonenumbers.number_type(number) in _NOBODYS_TYPES
    return False


def _phones(plain: str, regions: Sequence[str] = REGIONS) -> Iterator[tuple[int, int]]:
    bare = _DATE.sub(lambda date: "x" * len(date[0]), plain)
    for found in _PHONE.finditer(bare):
        if "GB" not in regions and _SLASHED.fullmatch(found[0]):
            continue
        before = bare[max(0, found.start() - BEFORE) : found.start()]
        for cut in [*(pause.start() for pause in _PAUSE.finditer(found[0])), len(found[0])]:
            said = found[0][:cut]
            if _is_phone(said, before, regions, is_whole=cut == len(found[0])):
                yield found.start(), found.start() + cut
                break
    if "US" in regions:
        for found in _AMERICAN.finditer(bare):
            if (
                "(" in found[0]
                or "555-" in found[0]
                or _CALL_WORDS.search(bare, max(0, found.start() - BEFORE), found.start())
            ):
                yield found.span()


def _is_phone(said: str, before: str, regions: Sequence[str], *, is_whole: bool) -> bool:
    """Tell whether digits are a telephone number; a part of what was found must be one that is in use."""
    bare = said.strip("( ")
    if bare.startswith(("+", "00")):
        number = _parsed(bare.replace("(0)", ""), REGIONS[0])
        test = phonenumbers.is_possible_number if is_whole else phonenumbers.is_valid_number
        return number is not None and test(number)
    if "GB" in regions and _DRAMA.fullmatch(re.sub(r"[\s()/.-]", "", said)):
        return True
    is_said = bool(_CALL_WORDS.search(before))
    if not is_said and _NO_CALL_WORDS.search(before):
        return False
    for region in regions:
        number = _parsed(bare, region)
        if number is not None and (
            phonenumbers.is_valid_number_for_region(number, region)
            or (is_said and is_whole and phonenumbers.is_possible_number(number))
        ):
            return True
    return False


def _parsed(said: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(" ".join(said.split()), region)
    except NumberParseException:
        return None


def _numbers(plain: str) -> Iterator[tuple[int, int]]:
    for found in _NUMBER.finditer(plain):
        if len(digits(found[1])) >= FEWEST_DIGITS:
            yield found.span(1)
    for found in _LICENCE.finditer(plain):
        if digits(found[0]) and any(letter.isalpha() for letter in found[0]):
            yield found.span()


def _names(plain: str, people: Iterable[str]) -> Iterator[tuple[int, int]]:
    whole, parts = set[str](), set[str]()
    for person in people:
        clean = " ".join(unicodedata.normalize("NFKC", person).split())
        if len(clean) >= SHORTEST_NAME:
            whole.add(clean)
            parts |= {part for part in clean.split() if len(part) >= SHORTEST_NAME and part[0].isupper()}
    for names, flags in ((whole, re.IGNORECASE), (parts - whole, 0)):
        if names:
            longest_first = sorted(names, key=len, reverse=True)
            pattern = "|".join(re.escape(one) for one in longest_first)
            for found in re.finditer(rf"(?<!\w)@?(?:{pattern})(?!\w)", plain, flags):
                yield found.span()
    for said in (_SIGNED, _INTRODUCED):
        for found in said.finditer(plain):
            yield found.span(1)


@functools.lru_cache(maxsize=1024)
def _shape(mask: str) -> re.Pattern[str]:
    """Return the pattern of a mask; a star takes so few characters that each place is tried in constant time."""
    signs = {"#": "[0-9]", "@": "[A-Za-z]", "*": f"[A-Za-z0-9]{{1,{MOST_FOR_A_STAR}}}", " ": r"\s"}
    pattern = "".join(signs.get(sign) or re.escape(sign) for sign in unicodedata.normalize("NFKC", mask))
    return re.compile(rf"(?<!\w){pattern}(?!\w)", re.IGNORECASE)


def _key(kind: Kind | None, text: str) -> str:
    if kind == "phone":
        number = _parsed(text, REGIONS[0])
        if number is not None:
            return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    plain, _ = plainly(text)
    return re.sub(r"[\s()/]", "", plain).casefold()


_FINDERS: Final[dict[Kind, Callable[[str], Iterator[tuple[int, int]]]]] = {
    "token": _tokens,
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "ip": lambda plain: _ips(plain, _is_public_ip),
    "phone": _phones,
    "number": _numbers,
    "birthdate": birthdates,
    "address": addresses,
    "name": lambda _plain: iter(()),
}

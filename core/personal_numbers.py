"""Numbers that stand for a person: of a customer, a contract, a meter, or of an order, a parcel, a claim.

Such a number has no shape of its own; the word beside it says what it is. The nearest word before it decides, and a
word for things as articles, serials and vouchers decides against it.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal

from core.personal_reading import digits

Numbered = Literal["customer_no", "order_no"]
FEWEST_DIGITS: Final = 4
FEWEST_BARE: Final = 5
"""So many digits where only the thing is named, as in `Vertrag 4-771-20938`."""
FAR: Final = 90
"""So far before a number the word for it may stand when the number has letters of its own."""
AFTER: Final = 40

_NR: Final = r"(?:nummern?|nrn?|n°|numbers?|num|no|ids?|kennung|code|schlüssel|zeichen|ref(?:erence)?)"
_PARTS: Final[dict[str, str]] = {
    "customer_no": (
        r"kunden?(?:konto|karten?)?|kd|kto|konto|[a-zäöüß]{0,16}vertrags?(?:konto)?|vertr|versicherungs?(?:schein"
        r"|police)?|versicherten"
        r"|vers|vs|policen?|mitglieds?|abo(?:nnement)?s?|zähler|zaehler|[a-zäöüß]{0,16}zähler|[a-zäöüß]{2,16}konto"
        r"|teilnehmer|v"
        r"|verbrauchsstellen?|marktlokations?|patienten|steuer|debitoren|nutzer|benutzer"
        r"|customers?|clients?|contracts?|accounts?|acct|acc|a/c|polic(?:y|ies)|meter|members?|membership|subscriber"
        r"|subscription|supply|mpan|mprn|patient|user|loyalty|insurance"
    ),
    "order_no": (
        r"bestell(?:ungs?)?|bestellungen|best|auftrags?|auftr|[a-zäöüß]{0,16}auftrags?|order"
        r"|sendungs?(?:verfolgungs?)?|sendungen|pakete?n?|päckchen|buchungen"
        r"|tracking|buchungs?|reservierungs?|retouren?|rücksende(?:ungs?)?|rücksendungs?|rma|[a-zäöüß]{0,16}tickets?"
        r"|vorgangs?|fall"
        r"|schadens?(?:fall|meldungs?)?|schadens?|akten|az|referenz|bearbeitungs|beschwerde|reklamations?|storno"
        r"|orders|parcels?|shipments?|shipping|consignment|bookings?|reservations?|(?:return"
        r"|refund)(?=[ .-]{1,2}(?:no|nr|number|num|id|ref|code|reference|#)(?![a-z]))|claims?|cases?|incident"
        r"|complaints?|reference|ref|confirmation|delivery|pnr|fault|liefer|lieferungs?|störungs?|anfrage"
        r"|purchase|dispatch|service request"
    ),
}
_THINGS: Final = (
    r"serien|serial|artikel|article|modell|model|gutschein|voucher|rabatt|coupon|promo|aktions|produkt|product|teile"
    r"|part"
    r"|item|sku|ean|isbn|gtin|firmware|version|fehler|error|code|filial|branch|store|zug|train|gleis|platform|chip|imei"
    r"|charge|batch|lot|typ|type|geräte|device|baujahr|endziffern?|ending|endet|endend|ends|bestell-?code|plz|postcode"
    r"|konfektions|losnummer|raum|room|zimmer|wagen|bus|linie|line|flug|flight|gate|seite|page|rechnungs?|invoice"
    r"|lizenz|licen[cs]e|pin|tan|puk|bafin|hrb|ust|vat|blz|isin|wkn|katalog|catalogue|abholcode|din|norm"
)
_LABEL: Final = re.compile(
    rf"(?<![^\W\d_])(?:(?P<thing>(?:{_THINGS})[^\W\d_]{{0,14}})"
    rf"|(?P<customer>{_PARTS['customer_no']})(?P<cnr>[ .-]{{0,2}}{_NR}\b)?"
    rf"|(?P<order>{_PARTS['order_no']})(?P<onr>[ .-]{{0,2}}{_NR}\b)?"
    r"|(?P<generic>(?:meine |ihre |his |her |my |our |their |die |the |unsere )(?:nummer|nr|number)))"
    r"(?![^\W\d_])",
    re.IGNORECASE,
)
_BETWEEN: Final = re.compile(
    r"(?:['\u2019]s|[ .:;,#=\"'\u201e\u201c\u201d(\[/-]|\n"
    r"|\b(?:ist|is|was|war|lautet|lauten|lautete|heißt|wäre|are|were|mit|with|as|mine|my|meine?r?|unsere?r?|our|the"
    r"|die|der|dem|den"
    r"|das|zu|zum|zur|bei|to|nr|no|nummer|number|num|n°|ref|reference|referenz|id|hier|here|ends?|it|it's|its|under"
    r"|unter|for"
    r"|für|und|and|eben|also|namely|nämlich|wie|ihnen|bekannt|folgende|following|having|of|von|vom|same|noch|nochmal"
    r"|again|einmal|says?|sagt|shows?|zeigt|steht"
    r"|gerne?|please|bitte|code|zeichen|kennung)\b)*"
)
"""What may stand between the word and the number; each piece is a word or a sign of its own."""

_GROUP: Final = r"[A-Za-z]{0,4}\d[A-Za-z\d]{0,30}"
_VALUE: Final = re.compile(
    r"(?<![\w,€$£-])(?<!\d[:.])"
    r"(?:[A-Z]{2} ?\d{3,4} ?\d{3,4} ?\d{0,4} ?[A-Z]{2}(?![\w-])|[A-Z]-\d{3,4}(?: \d{3,4}){1,3}(?![\w-])"
    rf"|[A-Za-z]{{1,6}}[-/](?:[A-Za-z]{{1,4}}[-/])?{_GROUP}(?:[-/.](?:{_GROUP}|[A-Z]{{1,3}}(?![A-Za-z])))*"
    rf"|(?!(?:VNR|VSNR|KDNR|NR|NO|ID|REF|AZ|VN|KD|RMA|TEL|FAX|PLZ|IBAN|PIN"
    rf"|TAN) )[A-Z]{{1,4}} (?=\d){_GROUP}(?:[-/]{_GROUP})*(?: \d{{2,8}}(?![\w.,:]\d|\w)){{0,4}}"
    r"|\d{2,6}(?: \d{2,6}){1,6}(?: \d)?(?![\w-])"
    r"|\d ?[A-Z]{3} ?\d{2,10}(?: \d{2,8}){0,4}(?![\w-])"
    r"|(?=[A-Z\d]{0,23}\d)(?=[A-Z\d]{0,23}[A-Z])[A-Z\d]{5,24}(?![\w-])"
    rf"|{_GROUP}(?:[-/.](?:{_GROUP}|[A-Z]{{1,3}}(?![A-Za-z])))*)"
    r"(?![\w%€$£]|[.,:]\d| ?(?:€|%|£|\$|Euro\b|EUR\b|GB\b|MB\b|kWh\b|Uhr\b|Mbit|km\b|kg\b|cm\b|mm\b))"
)
_MIXED: Final = re.compile(r"(?=[A-Z\d]*\d)(?=[A-Z\d]*[A-Z])[A-Z\d]{6,24}")
_DATE: Final = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](?:\d{2}|\d{4})|(?:19|20)\d\d-[01]?\d-[0-3]?\d|(?:19|20)\d\d")
_ACCOUNT: Final = re.compile(r"[A-Za-z]{2}\d{2} ?[A-Za-z\d]{4} ?\d{4} ?\d{3}")
_DECIMAL: Final = re.compile(r"-?\d{1,3}\.\d+")
_FOLLOWED: Final = re.compile(
    r"[,;]? (?:(?:is|ist|was|war|lautet|als|as)\b|=|\()\s?(?:(?:my|our|the|meine|unsere|die|seine|ihre|deren|her|his"
    r"|their)\s)?",
    re.IGNORECASE,
)
_MORE: Final = re.compile(r" ?(?:,|;|und|and|&|sowie|or|oder|/|\+) ?(?:die |the |einmal |also |auch )?")
_AGAINST_FAR: Final = re.compile(r"[!?]\s|\n\n")


def numbers(plain: str, *, far: bool = True) -> Iterator[tuple[Numbered, int, int]]:
    """Yield what each number stands for and where it is, in the order of the text.

    With `far`, a number with letters of its own is one, too, when the word for it stands in the sentence before.
    """
    labels = list(_LABEL.finditer(plain))
    at = 0
    last: tuple[Numbered, int] | None = None
    for value in _VALUE.finditer(plain):
        start, end = value.span()
        while at < len(labels) and labels[at].end() <= start:
            at += 1
        # A label may be part of what looks like the number, as in `KD 4711`; the one before it counts then, too.
        before = labels[at - 1] if at else None
        said = value[0].rstrip("./-")
        if _DECIMAL.fullmatch(said) or _ACCOUNT.match(said):
            continue
        end = start + len(said)
        kind = _kind(plain, before, said, start, far=far)
        if kind is None and last is not None and _MORE.fullmatch(plain, last[1], start):
            kind = last[0] if len(digits(said)) >= FEWEST_BARE and not _DATE.fullmatch(said) else None
        if kind is None:
            kind = _by_what_follows(plain, said, end)
        last = (kind, end) if kind else None
        if kind:
            yield kind, start, end


def _kind(plain: str, label: re.Match[str] | None, said: str, start: int, *, far: bool) -> Numbered | None:
    if label is None or label["thing"] or start - label.end() > FAR or (_DATE.fullmatch(said) and not label["cnr"]):
        return None
    count = len(digits(said))
    if _MIXED.fullmatch(said):
        # A code of letters and digits in no order, as of a booking, is as long as it is.
        count = len(said)
    is_near = _BETWEEN.fullmatch(plain, label.end(), start) is not None
    is_named = bool(label["cnr"] or label["onr"])
    if is_near:
        between = plain[label.end() : start]
        if label["generic"] and said.startswith(("0", "+")):
            return None
        is_explicit = is_named or any(sign in between for sign in ":#") or "nr" in between.lower()
        if count < (FEWEST_DIGITS if is_explicit else FEWEST_BARE) or (not is_explicit and _DATE.fullmatch(said)):
            return None
        return "order_no" if label["order"] else "customer_no"
    has_letters = said[0].isalpha() and "-" in said
    if far and has_letters and count >= FEWEST_BARE and not _AGAINST_FAR.search(plain, label.end(), start):
        return "order_no" if label["order"] else "customer_no"
    return None


def _by_what_follows(plain: str, said: str, end: int) -> Numbered | None:
    if len(digits(said)) < FEWEST_BARE or _DATE.fullmatch(said):
        return None
    between = _FOLLOWED.match(plain, end)
    label = _LABEL.match(plain, between.end(), between.end() + AFTER) if between else None
    if label is None or not (label["cnr"] or label["onr"]):
        return None
    return "order_no" if label["order"] else "customer_no"

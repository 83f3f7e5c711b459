"""What belongs to a person and would be read by everybody."""

import re
from collections.abc import Iterator
from typing import Final

from core import personal
from desk.lint.pushing import ADDRESS, ASKED, PHONE
from desk.lint.reading import Reading

_FLAGS: Final = re.IGNORECASE
Place = tuple[int, int]
FEWEST_DIGITS: Final = 4
"""Fewer are a year or a size."""
SHORTEST_PHONE: Final = 7
FAR: Final = 60

_SECRET: Final = re.compile(
    r"\b(?:passwort|kennwort|password|passcode|passphrase|zugangscode|pin|puk|türcode|schlüsselcode|code für"
    r"|sicherheitscode|door code|key ?code|safe code|gate code|tan|login)\b(?: \S+){0,5}? (?:auf|ist|lautet|is|to|="
    r"|jetzt|now|wieder|again|:)[ :]{1,3}[\"'„“]?([^\s\"'„“”,;]*\d[^\s\"'„“”,;]*)"
    r"|\b(?:passwort|kennwort|password|pin|puk|zugangscode|door code|code"
    r"|passcode)\b ?:? [\"'„“]?((?=[^\s,;]*\d)[^\s\"'„“”,;]{4,40})",
    _FLAGS,
)
_HEALTH_DE: Final = (
    r"(?:rezept\w*|befund\w*|diagnose\w*|blutwert\w*|laborwert\w*|schwangerschaft\w*|attest\w*|krankmeldung"
    r"|krankschreibung|therapie\w*|medikament\w*|insulin\w*|antidepressiv\w*|allergie\w*|blutdruck\w*|impf\w*"
    r"|röntgen\w*|mrt\w*|hiv\w*|kur\b|reha\w*|zahnersatz|hörgerät\w*|op-termin|pille|krebs\w*|behinderung\w*"
    r"|pflegegrad|psych\w*)"
)
_HEALTH_EN: Final = (
    r"(?:prescriptions?|repeat|diagnosis|test results?|blood (?:test|results|pressure)\w*|pregnancy\w*|biopsy\w*"
    r"|medication\w*|medicine|insulin\w*|inhaler\w*|antidepressants?|hiv\w*|sti\w*|chemo\w*|therapy|dialysis|dosage"
    r"|tablets|scan results?|x-ray\w*|mri\w*|condition|surgery|hearing aid\w*|contraceptive\w*|counselling|rehab)"
)
_HEALTH: Final = re.compile(
    rf"\b(?:ihr|dein)e?[rsmn]? (?:\w+[ -]){{0,2}}{_HEALTH_DE}\b|\byour (?:\w+ ){{0,2}}{_HEALTH_EN}\b(?! (?:page|form"
    rf"|line|service|policy))"
    r"|\b(?:ihre?|deine?)[rsmn]? (?:\w+ )?(?:mahnung\w*|pfändung|insolvenz|schulden|schufa\w*|zahlungsrückstand"
    r"|rückstand|inkasso\w*|kontostand|privatinsolvenz|einkommen|gehalt)\b(?: (?:von|beträgt|über) [\d.,]+ ?(?:€"
    r"|euro))?|\byour (?:\w+ )?(?:arrears|debt|overdraft|account balance|credit score|bankruptcy|salary"
    r"|benefits?)\b(?: (?:of|is) £?[\d.,]+)?",
    _FLAGS,
)
_NUMBERED: Final = re.compile(
    r"\b(?:bestell\w*|auftrag\w*|kunden\w*|vertrag\w*|rechnung\w*|buchung\w*|sendung\w*|sendungsnummer"
    r"|tracking-nummer|mitglied\w*|policen?\w*|konto\w*|zähler\w*|vorgang\w*|retoure\w*|ticket\w*|order|booking"
    r"|customer|account|contract|policy|invoice|tracking|parcel|reservation|membership|member|meter|claim|return"
    r"|reference|ref|licence)"
    r"(?: ?(?:nr\.?|nummer|no\.?|number|id|ref(?:erence)?|code|#))?(?: ?:| ist| lautet"
    r"| is)? ?#?((?=[A-Z0-9/-]*\d{3})[A-Z0-9][A-Z0-9/-]{3,24}[A-Z0-9])\b",
    _FLAGS,
)
_BIRTH: Final = re.compile(
    r"\b(?:geb(?:oren)?\.?(?: am)?|geburtsdatum|geburtstag|born(?: on)?|date of birth|dob)\b[ :]{1,3}(?:ist |der "
    r"|is |the )?(\d{1,2}[./]\s?\d{1,2}[./]\s?\d{2,4}|\d{1,2}\.? (?:\w{3,9}) \d{4})|(\d{1,2}\.\s?\d{1,2}\.\s?(?:19"
    r"|20)\d\d)(?= geboren)",
    _FLAGS,
)
_ADDRESS_OF_A_COMPUTER: Final = re.compile(
    r"\b(?:ihre|deine|your|ip)(?: ip\S*| address| adresse)*(?: war| ist| is| was"
    r"|:)? (\d{1,3}(?:\.\d{1,3}){3})(?![\d.])",
    _FLAGS,
)
_PLATE: Final = re.compile(
    r"\b(?:kennzeichen|nummernschild|reg(?:istration)?|number plate|licence plate|plate)(?: ist| is"
    r"|:)? ((?-i:[A-ZÄÖÜ]{1,3}[- ][A-Z]{1,2} ?\d{1,4}|[A-Z]{2}\d\d ?[A-Z]{3}))\b",
    _FLAGS,
)
_STREET: Final = re.compile(
    r"(?<![\w-])(?:(?:Am|An der|An den|Auf der|Auf dem|Im|In der|Zum|Zur|Alte[rsn]?|Neue[rsn]?|Große|Kleine|Obere"
    r"|Untere) )?[A-ZÄÖÜ][\wäöüß.-]{1,30}(?:straße|strasse|str\.|weg|gasse|platz|allee|ring|damm|ufer|steig|stieg"
    r"|chaussee|hof|markt|berg|graben|twiete|pfad|kamp|winkel|siedlung|park|brücke|feld|wall|anger"
    r"|kai|gang|höhe|zeile|bogen|stiege|heide|garten|gärten) ?\d{1,4} ?[a-z]?\b(?:, (?:\d{1,2}\. (?:OG|Stock|Etage)"
    r"|EG|DG|Hinterhaus|Seitenflügel|links|rechts"
    r"|Wohnung \d+))*(?:,? (?:in )?(?:\d{5} )?[A-ZÄÖÜ][\wäöüß-]+(?: [A-ZÄÖÜ][\wäöüß-]+)?)?"
    r"|(?<![\w-])(?:Am|An der|An den|Auf der|Auf dem|Im|In der|Zum"
    r"|Zur) [A-ZÄÖÜ][\wäöüß-]{2,30} \d{1,3} ?[a-z]?\b(?! ?(?:Uhr|Prozent|%|Euro|€))"
    r"|(?<![\w-])(?:Flat |Apartment |Unit )?\d{1,4}[a-z]?,? (?:[A-Z][\w'-]+ ){1,3}(?:Road|Street|Lane|Avenue|Drive"
    r"|Close|Way|Court|Crescent|Place|Terrace|Gardens|Square|Row|Hill|Grove|Walk|Mews|Rise|Green|Wharf|Quay|Park"
    r"|View|Parade|Yard|St|Rd"
    r"|Ave)\b(?:, (?:Flat|Apartment|Unit|Apt"
    r"|Floor) \d{1,3}[a-z]?)?(?:,? [A-Z][\w-]+)?(?:,? [A-Z]{1,2}\d{1,2}[A-Z]? \d[A-Z]{2})?"
)
_PERSON_BEFORE: Final = re.compile(
    r"(?:Herrn?|Frau|Mr\.?|Mrs\.?|Ms\.?|Dr\.?|Familie) [A-ZÄÖÜ][\w'-]+(?: [A-ZÄÖÜ][\w'-]+)?(?:,? | in (?:der )?| at "
    r"|, )$|(?<![\w])[A-ZÄÖÜ][a-zäöüß'-]+ [A-ZÄÖÜ][a-zäöüß'-]+, $"
)
_OURS_BEFORE: Final = re.compile(
    r"\b(?:unser\w*|our|laden|filiale|shop|store|werkstatt|geschäft|büro|praxis|we're at|wir sind|find us"
    r"|besuchen sie uns|showroom|studio|branch|depot|warehouse|lager|zentrale|hub|office|umgezogen|moved"
    r"|jetzt in der|eingang|parking|treffpunkt|packstation|paketshop|abholshop|post(?:filiale)?|parcel shop|locker"
    r"|zurück an|return(?:s)? to|an die adresse|haltestelle|station|hotline|helpline|venue|halle|museum|bad|hall"
    r"|park|café|restaurant)\b.{0,40}$",
    _FLAGS,
)
_HOTLINE: Final = re.compile(
    r"^(?:\+49 ?|0)(?:800|180|137|700|900)|^0(?:8\d\d|3\d\d)[ -]|^\(?0800|^116|^\+44 ?(?:800|808|3)"
)
_ROLE: Final = re.compile(
    r"^(?:info|service|support|kontakt|contact|hello|hallo|hi|hey|hilfe|help|helpdesk|noreply|no-reply|team|care"
    r"|kundenservice|kunden|customer\w*|customercare|office|presse|press|sales|vertrieb|billing|rechnung\w*|jobs"
    r"|datenschutz|privacy|feedback|beschwerde\w*|complaints?|newsletter|admin|security|enquir\w+|shop|orders?"
    r"|bestell\w*|reklamation\w*|retouren|returns|claims?|appeals?|refunds?|hinweise|schaden|media|events?"
    r"|booking\w*|buchung\w*|tickets?|reservierung\w*|post|mail|desk|frontdesk|fundbuero|fundsachen|lostproperty"
    r"|lost|found|garantie|warranty|service-?\w+|spam|abuse|web|studio|praxis|anmeldung|termin\w*|verwaltung"
    r"|zentrale|redaktion|editor\w*|accounts?|finance|hr|legal|it|technik|tech|ersatzteile|parts|spareparts|kuechen?"
    r"|members?|mitglied\w*|abo|subscriptions?|welcome|ask|talk|speak|queries|answers|people|crew|us"
    r"|we)(?:[._+-]\w+)?$",
    _FLAGS,
)
_THEIRS: Final = re.compile(
    r"\b(?:ging|gingen|geschickt|gesendet|gesandt|hinterlegt|registriert|gespeichert|angemeldet|bestätigung\w*"
    r"|ihre?r? (?:e-?mail|mail)\w*|deine?r? (?:e-?mail|mail)\w*|your (?:e-?mail|account|login|address)|went to"
    r"|sent (?:\w+ ){0,3}to|on file|registered|under|unter|signed up|konto|account|läuft auf|lautet auf)\b.{0,50}$",
    _FLAGS,
)


_TRIP: Final = re.compile(  # a booking with what hangs on it: who sits where and goes when
    r"\b(?:buchung(?:scode|snummer)?|booking|ref(?:erence)?|code|pnr|ticket|reservierung|reservation)[ :#]{1,2}"
    r"(?-i:(?=[A-Z0-9]{0,7}\d)[A-Z0-9]{5,8})\b(?:,(?: (?:(?-i:[A-Z]\.)|[\w:'-]+)){1,6}){1,5}",
    _FLAGS,
)


def pii(reading: Reading, pushed: list[Place]) -> Iterator[Place]:
    """Yield personal data; `pushed` are the places where the customer is sent to the house's own address or number."""
    found: list[Place] = []
    for finder in (_told, _streets, _reached, _of_health, _names):
        for start, end in finder(reading):
            if start < end and not any(start < stop and at < end for at, stop in (*found, *pushed)):
                found.append((start, end))
    yield from sorted(found)


def _told(reading: Reading) -> Iterator[Place]:
    """Yield what is named by a word before it: passwords, numbers, dates of birth, addresses of computers, plates."""
    for one in _SECRET.finditer(reading.plain):
        group = 1 if one[1] else 2
        yield one.start(group), one.start(group) + len(one[group].rstrip(".!?)"))
    for one in _TRIP.finditer(reading.plain):
        yield one.span()
    for one in _NUMBERED.finditer(reading.plain):
        if sum(letter.isdigit() for letter in one[1]) >= FEWEST_DIGITS:
            yield one.span(1)
    for one in _BIRTH.finditer(reading.plain):
        yield one.span(1) if one[1] else one.span(2)
    for pattern in (_ADDRESS_OF_A_COMPUTER, _PLATE):
        for one in pattern.finditer(reading.plain):
            yield one.span(1)


_FULL_NAME: Final = re.compile(
    r"(?:\b(?:Herrn?|Frau|Mr\.?|Mrs\.?|Ms\.?|Miss|Dr\.?) [A-ZÄÖÜ][a-zäöüß'-]{1,20} [A-ZÄÖÜ][a-zäöüß'-]{2,25}"
    r"|^(?:Hallo|Hi|Hey|Liebe[rs]?|Dear|Hello|Guten (?:Tag|Morgen|Abend)|Moin|Servus) "
    r"((?!Herr|Frau|Mr|Mrs|Ms|Dr|Team|Welt|Zusammen"
    r"|All)[A-ZÄÖÜ][a-zäöüß'-]{1,20} [A-ZÄÖÜ][a-zäöüß'-]{2,25}))(?=[\s,.!:;]|'s|$)"
)
_OF_OURS: Final = re.compile(
    r"\b(?:kolleg\w+|colleague|our|unser\w*|mein\w*|aus de[rm]|in (?:billing|our|der)|from our|team|redaktion"
    r"|chef\w*|leit\w+)\b",
    _FLAGS,
)


def _names(reading: Reading) -> Iterator[Place]:
    """Yield customers' full names; a surname in a greeting is what everybody reads on a door."""
    for one in _FULL_NAME.finditer(reading.text):
        around = reading.text[max(0, one.start() - 30) : one.end() + 30]
        if not _OF_OURS.search(around):
            yield one.span(1) if one[1] else one.span()


def _streets(reading: Reading) -> Iterator[Place]:
    """Yield where somebody lives, with the name before it."""
    for one in _STREET.finditer(reading.text):
        before = reading.text[max(0, one.start() - FAR) : one.start()]
        if not _OURS_BEFORE.search(before):
            person = _PERSON_BEFORE.search(before)
            yield one.start() if person is None else one.start() - len(before) + person.start(), one.end()


def _reached(reading: Reading) -> Iterator[Place]:
    """Yield mail addresses and telephone numbers of customers, and other things that show by their shape."""
    text = reading.text
    for one in personal.spans(text):
        is_theirs = {"email": _is_theirs, "phone": _reaches_them}.get(one.type)
        if one.type not in {"name", "address"} and (is_theirs is None or is_theirs(text, one.start, one.end)):
            yield one.start, one.end
    for found in ADDRESS.finditer(text):
        if _is_theirs(text, *found.span()):
            yield found.span()
    for found in PHONE.finditer(text):
        if sum(letter.isdigit() for letter in found[0]) >= SHORTEST_PHONE and _reaches_them(text, *found.span()):
            yield found.span()


def _of_health(reading: Reading) -> Iterator[Place]:
    for one in _HEALTH.finditer(reading.plain):
        yield one.span()


def _is_theirs(text: str, start: int, end: int) -> bool:
    """Tell a customer's address from one of the house: by what leads up to it, and by its own name."""
    name = text[start:end].partition("@")[0]
    before = text[max(0, start - 70) : start]
    if _THEIRS.search(before) and not re.search(
        r"(?:schreib\w*|send us|write|mail us|bitte|please).{0,50}$", before, _FLAGS
    ):
        return not _ROLE.match(name) or re.search(r"ging|geschickt|went|sent", before, _FLAGS) is not None
    if _ROLE.match(name):
        return False
    return (
        re.fullmatch(r"[a-z]{2,}[._-][a-z]{2,}\d{0,4}|[a-z]+\d{2,4}|[a-z]\.[a-z]{3,}\d{0,4}", name, _FLAGS) is not None
    )


def _is_ours(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - 50) : start]
    return _HOTLINE.match(text[start:end]) is not None or (
        re.search(
            r"\b(?:hotline|helpline|rufen sie|ruf uns|call us|call our|ring us|zentrale|notruf|giftnotruf|seelsorge"
            r"|unter unserer|our line|our number|unsere nummer|switchboard|bereitschaft\w*|emergency|samaritans"
            r"|störung\w*|sperr\w*)\b.{0,40}$",
            before,
            _FLAGS,
        )
        is not None
    )


def _reaches_them(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - 70) : start]
    after = text[end : end + 30]
    return (
        not _is_ours(text, start, end)
        and not ASKED.search(text)
        and (
            re.search(
                r"\b(?:erreich\w*|versucht|angerufen|ihre? (?:\w+ )?(?:nummer|handynummer|telefonnummer|rufnummer"
                r"|mobilnummer)|deine? (?:\w+ )?(?:nummer|handynummer|telefonnummer|rufnummer)|your (?:\w+ )?(?:number"
                r"|mobile|phone|landline)|tried (?:you|ringing|calling|phoning|to (?:call|ring|reach|phone))|rang you"
                r"|called you|reach(?:ed)? you|ring you|call you|rufe? (?:sie|dich)|rufen (?:sie|dich)|text(?:ed)? you"
                r"|left a (?:message|voicemail)|phoned you|sms an|haben sie (?:\w+ )?unter|number (?:ending|we have)"
                r"|nummer)\b.{0,50}$",
                before,
                _FLAGS,
            )
            is not None
            or re.match(r" (?:zu erreichen|angerufen|versucht|is still your|noch aktuell)", after, _FLAGS) is not None
        )
    )

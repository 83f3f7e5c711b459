"""Postal addresses and dates of birth, by the words that streets end with and the words that stand before a birth."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

BEFORE: Final = 48
OLDEST: Final = 1901
"""Dates of birth of 1 January 1900 and before are what programs write when they know none."""
_CENTURY: Final = 100

_UP: Final = "A-ZÄÖÜÀÁÂÅÆÇÈÉÊÌÍÎÑÒÓÔØÙÚÛÝŠŽŁŚŻČĆĐİ"
_LOW: Final = "a-zäöüßàáâåæçèéêìíîñòóôøùúûýšžłśżčćđığşëïœ"
_PLACE: Final = (
    rf"(?:(?:Bad|Sankt|St\.|Alt|Neu|Groß|Klein|Ober|Unter"
    rf"|Markt) )?[{_UP}][{_LOW}]{{1,30}}(?:-[{_UP}][{_LOW}]{{1,30}}){{0,3}}"
    rf"(?: (?:am|an der|im|in der|in|ob der|bei|vor der|a\. ?d\.|auf) [{_UP}][{_LOW}]{{1,30}}"
    rf"| \([{_UP}][\w. ]{{1,20}}\))?"
)
_NUMBER: Final = r"\d{1,4}(?: ?[a-k](?!\w))?(?:(?: ?- ?|/)\d{1,4}[a-k]?){0,3}"
_ENDS: Final = (
    r"straße|strasse|str\.|weg|platz|allee|gasse|damm|ufer|ring|steig|stieg|pfad|chaussee|graben|twiete|promenade"
    r"|gässle"
    r"|gässchen|gaßl|stiege|zeile"
)
_MAYBE_ENDS: Final = (
    r"kamp|winkel|redder|steg|wall|kai|hof|anger|markt|siedlung|berg|hang|leite|rain|feld|höhe|wiese|garten"
)
"""Streets end so, and much else: a code and a town must follow."""
_APART: Final = r"Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Damm|Ufer|Ring|Steig|Stieg|Pfad|Chaussee|Graben|Kamp"
r"|Zeile|Wall|Kai|Promenade"
_NO_STREET: Final = re.compile(
    r"(?:Park|Arbeits|Sitz|Stell|Speicher|Steck|Lade|Zelt|Sport|Spiel|Flug|Schreib|Steh|Fenster|Gang|Kinder|Studien"
    r"|Camping"
    r"|Golf|Tennis|Rast|Bau|Kita|Warte)platz|(?:Rück|Hin|Heim|Um|Schul|Arbeits|Rechts|Rad|Geh|Aus|Liefer|Transport"
    r"|Dienst)weg"
    r"|(?:Kopf|Fuß|Befehls|Titel|Status|Adress|Betreff|Eingabe|Tabellen|Leer|Start|End)zeile|\w{0,3}[Ss]tring|Hering"
    r"|\w*(?:oring|ering|uring|pring|airing)"
    r"|Muster(?:straße|strasse|str\.|weg|gasse)|Bahnsteig|Datenpfad|Dateipfad|Aufstieg|Ausstieg|Einstieg|Abstieg"
    r"|Umstieg"
    r"|(?:Der|Die|Das|Dem|Den|Ein|Eine|Einer|Mein|Meine|Meiner|Unser|Unsere|Unserer|Ihr|Ihre|Ihrer|Dein|Deine|Euer"
    r"|Eure|Kein|Diese|Dieser|Dieses|Jede|Jeder"
    r"|Welche|Welcher|Per|Pro|Von|Vom|Nach|Ab|Bis|Und|Oder|Nur|Noch|Erste|Zweite|Seine|Seiner) .*"
)
_ADJECTIVE: Final = rf"(?:[{_UP}][{_LOW}]{{2,20}}(?:e|er|en)|St\.|Sankt|Bad) "
_AFTER_NUMBER: Final = r"(?!\w|[.,:]\d| ?(?:Uhr|%|€|km|Euro|Minuten|Meter|MB|GB|mal|Stunden|Tage)\b)"
_GERMAN: Final = re.compile(
    rf"(?<![\w-])(?:{_ADJECTIVE}){{0,2}}[{_UP}][{_LOW}]{{1,30}}(?:-[{_UP}][{_LOW}]{{1,30}}){{0,4}}"
    rf"(?<=[{_LOW}][{_LOW}])(?:{_ENDS}) {_NUMBER}{_AFTER_NUMBER}"
    rf"|(?<![\w-])(?:[{_UP}][{_LOW}]{{1,20}}\.?-){{1,4}}(?:{_APART}|{_APART.lower()}) {_NUMBER}{_AFTER_NUMBER}"
    rf"|(?<![\w-])(?:{_ADJECTIVE}){{1,2}}(?:{_APART}) {_NUMBER}{_AFTER_NUMBER}"
    rf"|(?<![\w-])(?:Straße|Platz|Allee|Weg|Ufer) (?:der|des|am|zum"
    rf"|zur) (?:\d{{1,2}}\. )?[{_UP}][{_LOW}]{{2,30}} {_NUMBER}{_AFTER_NUMBER}"
    rf"|(?<![\w-])(?:Am|An der|An den|Im|In der|In den|Zum|Zur|Auf dem|Auf der|Hinter de[rmn]|Auf den|Unter de[nr]"
    rf"|Bei der|Zu den|Beim|Vor dem)"
    rf" (?:[{_UP}][{_LOW}]{{2,20}}(?:en|er) )?[{_UP}][{_LOW}-]{{2,30}} {_NUMBER}(?=(?:, ?|,? ?\n)(?:(?:D|A"
    rf"|CH)-)?\d{{4,5}} [{_UP}])"
    rf"|(?<![\w-])(?:{_ADJECTIVE})?[{_UP}][{_LOW}-]{{1,40}}(?:{_MAYBE_ENDS}) {_NUMBER}(?=(?:, ?|,? ?\n)(?:(?:D|A"
    rf"|CH)-)?\d{{4,5}} [{_UP}])"
)
_TOWN: Final = re.compile(rf"(?:,? ?\n|, ?| )(?:(?:D|A|CH)-)?\d{{4,5}} {_PLACE}")
_CODE_AND_TOWN: Final = re.compile(
    rf"(?:^|(?<=\n)|(?<=, )|(?<=,\n)|(?<= in )|(?<= aus )|(?<= nach ))(?:(?:D|A|CH)-)?\d{{5}} {_PLACE}(?=[,.!?)]|\n|$)"
)
_STREETS: Final = (
    r"Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Close|Court|Ct|Row|Terrace|Gardens|Place|Square|Sq|Crescent|Cres|Way"
    r"|Walk"
    r"|Grove|Mews|Parade|Rise|Yard|Wharf|Quay|Boulevard|Blvd|Gate|Passage|Alley|Villas|Cottages|Wynd|Brae|Croft|Vale"
    r"|Hill|Green"
    r"|View|Fold|Loan|Bank|Path|Mount|Embankment"
)
_POSTCODE: Final = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}(?!\w)"
_ENGLISH: Final = re.compile(
    r"(?<![\w.,£€$-])(?:(?:Flat|Apartment|Apt\.?|Unit|Suite) \w{1,4},? )?\d{1,5}[A-Za-z]?(?:-\d{1,4})?,? "
    rf"(?:[A-Z][\w.'\u2019-]{{1,30}} |of |the ){{1,4}}(?:{_STREETS})(?![\w'\u2019])"
)
_ENGLISH_TOWN: Final = re.compile(
    rf",? (?:(?:[A-Z][\w'\u2019-]{{1,30}}(?: (?:[A-Z][\w'\u2019-]{{1,30}}|upon|on|in|under|by|the"
    rf"|le)){{0,3}}),? ){{0,2}}{_POSTCODE}"
    rf"|, [A-Z][\w'\u2019-]{{1,30}}(?:[ -](?:[A-Z][\w'\u2019-]{{1,30}}|upon|on|under|le)){{0,2}}(?=[.,;!?)]|\n|$)"
)
_HOUSE: Final = re.compile(
    r"\b(?:filiale|branch|store|shop|laden|geschäft|geschäftsstelle|zentrale|hauptsitz|firmensitz|sitz|headquarters"
    r"|hq|office"
    r"|büro|depot|werkstatt|servicepoint|paketshop|outlet|niederlassung|markt|impressum|kundencenter|agentur"
    r"|warehouse)\b",
    re.IGNORECASE,
)
_MONTHS: Final = r"(?:Jan|Jän|Feb|Mär|Mar|Apr|Mai|May|Jun|Jul|Aug|Sep|Okt|Oct|Nov|Dez|Dec)[a-zä]{0,7}\.?"
_DAY: Final = (
    rf"(?:\d{{1,2}}\. ?\d{{1,2}}\. ?(?:(?:19|20)\d\d|\d\d)|\d{{1,2}}[/-]\d{{1,2}}[/-](?:(?:19|20)\d\d|\d\d)"
    rf"|\d{{4}}-\d\d-\d\d|\d{{1,2}}(?:st|nd|rd|th|\.)? ?(?:of )?{_MONTHS} ?,? ?(?:19|20)\d\d"
    rf"|{_MONTHS} \d{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)\d\d)(?!\d)"
)
_BIRTH: Final = re.compile(
    r"(?<!\w)(?:geboren(?:e[rs]?)?|geb\.?|gebürtig|Geburtsdatum|Geburtstag|Geb\.?-?(?:datum|dat\.?)|GebDat|born"
    r"|date of birth"
    rf"|birth ?date|birthday|d\.?o\.?b\.?|né[e]? le)(?!\w)[ :,=(-]{{0,3}}(?:(?:ist|is|war|was|lautet|der|am|on|the"
    rf"|it's|given|as|mein|my|[a-z]{{2,12}})[ :]{{1,2}}){{0,4}}({_DAY})",
    re.IGNORECASE,
)
_BORN_THEN: Final = re.compile(
    rf"(?<![\d.])({_DAY})[ ,]{{1,2}}(?:\w{{1,20}} ){{0,3}}(?:geboren|born)(?!\w)", re.IGNORECASE
)
_YEAR: Final = re.compile(r"(?:19|20)\d\d|\d\d$")


def addresses(plain: str, *, people_only: bool = False) -> Iterator[tuple[int, int]]:
    """Yield where postal addresses stand; with `people_only` not where a word before says that it is a shop's."""
    for pattern, town in ((_GERMAN, _TOWN), (_ENGLISH, _ENGLISH_TOWN)):
        for found in pattern.finditer(plain):
            start, end = found.span()
            if _NO_STREET.match(found[0]):
                continue
            if more := town.match(plain, end):
                end = more.end()
            if not (people_only and _HOUSE.search(plain, max(0, start - BEFORE), start)):
                yield start, end
    for found in _CODE_AND_TOWN.finditer(plain):
        is_shop = people_only and _HOUSE.search(plain, max(0, found.start() - BEFORE), found.start())
        if not is_shop and "muster" not in found[0].lower():
            yield found.span()


def birthdates(plain: str) -> Iterator[tuple[int, int]]:
    """Yield where dates of birth stand that somebody living may have."""
    for pattern in (_BIRTH, _BORN_THEN):
        for found in pattern.finditer(plain):
            if _is_of_a_life(found[1]):
                yield found.span(1)


def _is_of_a_life(said: str) -> bool:
    year = _YEAR.findall(said)[-1]
    return len(year) < len("1900") or OLDEST <= int(year) <= datetime.now(UTC).year

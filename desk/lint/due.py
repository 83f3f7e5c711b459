"""Until when: the words for a moment to come, in German and English, and the moment they mean in business.

"Morgen Vormittag" is until noon of tomorrow, "by Friday" until Friday's close of business. Where a word leaves several
days open, the last of them counts: a promise is kept until then.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from core import timezones

CLOSE: Final = time(18)
"""When a day of work ends."""
SATURDAY: Final = 5
FEW: Final = 3
"""How many "a few" are."""
_PARTS: Final = {
    "morning": time(12),
    "noon": time(13),
    "afternoon": CLOSE,
    "evening": time(22),
    "night": time(23, 59),
    "early": time(10),
}

_DAYS_DE: Final = r"(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag)"
_DAYS_EN: Final = (
    r"(?:mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
)
_MONTHS_DE: Final = (
    r"(?:jan(?:uar)?|jänner|feb(?:ruar)?|märz?|apr(?:il)?|mai|juni?|juli?|aug(?:ust)?|sep(?:t(?:ember)?)?"
    r"|okt(?:ober)?|nov(?:ember)?|dez(?:ember)?)"
)
_MONTHS_EN: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_COUNT_DE: Final = (
    r"(?:\d{1,3}(?:\s?(?:-|bis)\s?\d{1,3})?|ein(?:e[rmns]?)?|zwei(?: bis drei)?|drei(?: bis (?:vier|fünf))?|vier"
    r"|fünf|sechs|sieben|acht|neun|zehn|zwölf|vierzehn|ein paar|paar|wenigen?|einigen?)"
)
_COUNT_EN: Final = (
    r"(?:\d{1,3}(?:\s?(?:-|to)\s?\d{1,3})?|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|a few"
    r"|a couple of|couple of|few|several)"
)
_UNIT_DE: Final = (
    r"(?:sekunden?|min(?:uten?|\.)?|stündchen|stunden?|std\.?|h|(?:werk|arbeits|bank|kalender)?tage?n?|wochen?"
    r"|monate?n?|quartale?n?|viertelstunde|sprints?)"
)
_UNIT_EN: Final = (
    r"(?:sec(?:ond)?s?|min(?:ute)?s?|hours?|hrs?|h|(?:(?:working|business|calendar|week)[ -]?)?days?|weeks?|months?"
    r"|fortnights?|sprints?|quarters?)"
)
_CLOCK_DE: Final = (
    r"(?:\d{1,2}(?:[:.]\d\d)?\s?(?:uhr|h)\b(?:\s?\d\d\b)?|\d{1,2}:\d\d|(?:halb|viertel (?:vor|nach)) (?:\d{1,2}|eins"
    r"|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf)|mitternacht)"
)
_CLOCK_EN: Final = (
    r"(?:(?:half past |quarter (?:past|to) )?\d{1,2}(?:[:.]\d\d)?\s?(?:am|pm|a\.m\.|p\.m\.|o'clock)\b|\d{1,2}:\d\d"
    r"|half past \w{3,6}|noon|midday|midnight)"
)
_BARE: Final = r"\d{1,2}(?![\d.,:/%€]|\s?(?:%|€|euro|mb|gb|kg|cm|mal|stück|pro|per))"
_DATE: Final = (
    rf"(?:\d{{1,2}}\.\s?{_MONTHS_DE}\b(?:\s\d{{4}})?|\d{{1,2}}\.\d{{1,2}}\.(?:\d{{2,4}})?|\d{{4}}-\d\d-\d\d"
    rf"|(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTHS_EN}\b(?:,? \d{{4}})?|{_MONTHS_EN} \d{{1,2}}(?:st|nd|rd"
    rf"|th)?\b(?:,? \d{{4}})?|the \d{{1,2}}(?:st|nd|rd|th)\b)"
)
_FEAST: Final = (
    r"(?:ostern|pfingsten|weihnachten|heiligabend|neujahr|silvester|easter|christmas|xmas|whitsun|new year(?:'s)?"
    r"|thanksgiving|halloween)"
)
_PART_DE: Final = r"(?:früh|vormittags?|mittags?|nachmittags?|abends?|nachts?|in der früh)"
_PART_EN: Final = r"(?:morning|lunchtime|lunch|noon|afternoon|evening|night|a\.?m\.?|p\.?m\.?)"
_LEAD_DE: Final = (
    r"(?:(?:noch|schon|gleich|direkt|sofort|spätestens|bis|bis spätestens|bis zum|bis zur|bis in die|am|an|im|in|um"
    r"|gegen|ab|vor|zum|zur|ca\.|etwa|circa|voraussichtlich|irgendwann|heute|übers|über das|über|nach|kommende[nr]?"
    r"|nächste[nrs]?|diese[nrs]?|der|dem|den|des|die|das|jetzt|erst|ungefähr|dann|per|laufe|lauf|verlaufe?|anfang"
    r"|mitte|ende) ){0,5}"
)
_LEAD_EN: Final = (
    r"(?:(?:by|on|at|before|from|until|till|around|about|no later than|by the latest|later|within|over|in"
    r"|first thing|bright and early|some time|sometime|early|late|mid|this|next|coming|the|of|end of|close of"
    r"|start of|beginning of|middle of|during|during the course of|after|straight after|right after|just after"
    r"|shortly after|come|as early as|end|first thing on|course of) ){0,5}"
)

_GERMAN: Final = "|".join(
    (
        rf"(?:heute|morgen|übermorgen)(?! (?:war|schon))(?: {_PART_DE})?(?: noch)?",
        rf"{_DAYS_DE}s?(?:\s?{_PART_DE})?(?: in einer woche)?",
        (
            r"(?:diese[rn]?|nächste[rn]?|kommende[rn]?|übernächste[rn]?|laufende[rn]?) (?:woche|tage[ns]?|wochen"
            r"|monats?|jahr(?:es)?|quartals?|sprints?|montag|stunden?)"
        ),
        rf"(?:der|die|das|des|dem|den) (?:nächsten?|kommenden?|folgenden?)(?: {_COUNT_DE})? {_UNIT_DE}",
        (
            rf"(?:innerhalb|binnen|in|innert|nach)(?: von| der| den nächsten| der nächsten| nächsten"
            rf"| den kommenden)? ?(?:rund |etwa |ca\. |maximal |spätestens |knapp )?{_COUNT_DE} {_UNIT_DE}"
        ),
        rf"(?:in|innerhalb|binnen) (?:den|der) (?:nächsten|kommenden) {_UNIT_DE}",
        r"(?:in|innerhalb|binnen)(?: von)? (?:einer|'?ner) (?:halben |guten |knappen |viertel|dreiviertel)?stunde",
        r"innerhalb (?:eines|einer|des|der) (?:werktag(?:e?s)?|tag(?:e?s)?|woche|stunde|monats)",
        (
            r"(?:tages|wochen|monats|jahres|quartals)ende|ende (?:der|des|dieser|dieses|nächster|kommender) (?:woche"
            r"|tage?s|monats|quartals|jahres)"
        ),
        rf"(?:anfang|mitte|ende) (?:der |dieser |nächster |kommender |des |nächsten )?(?:woche|monats?|{_MONTHS_DE})\b",
        (
            r"laufe? (?:des|der|dieser|dieses) (?:heutigen |morgigen |nächsten |kommenden )?(?:tage?s|vormittags"
            r"|nachmittags|abends|woche|nacht|monats)"
        ),
        (
            r"wochenende|feierabend|dienstschluss|geschäftsschluss|büroschluss|ladenschluss|betriebsschluss|schichtende"
            r"|mitternacht|vortag|folgetag|werktag|monatserste[nr]?"
        ),
        r"mittag|nachmittag|vormittag|abend|nacht",
        r"(?:in (?:der )?)?(?:kw|kalenderwoche) ?\d{1,2}|\d{1,2}\. ?(?:kw|kalenderwoche)",
        r"(?:nächsten|kommenden|aktuellen|laufenden) (?:sprint|release|quartal)",
        rf"(?:zwischen|von) (?:{_CLOCK_DE}|\d{{1,2}}) (?:und|bis) (?:{_CLOCK_DE}|\d{{1,2}}\b)",
        rf"{_CLOCK_DE}",
        rf"(?:teamrunde|schicht|mittagspause|pause|besprechung|sitzung|termin|schulung|frühstück)(?: um {_BARE})?",
        rf"(?:{_MONTHS_DE})(?= \d{{4}}|\b(?! \d))",
        _DATE,
        _FEAST,
    )
)
_ENGLISH: Final = "|".join(
    (
        rf"(?:today|tonight|tomorrow)(?: {_PART_EN})?",
        rf"{_DAYS_EN}\b(?: {_PART_EN})?(?: week)?",
        rf"(?:this|next|the coming) (?:week(?:end)?|month|quarter|sprint|year|{_PART_EN})",
        (
            rf"(?:end|close|start|beginning|middle|course) of (?:the |this |next |tomorrow's )?(?:day|play|business"
            rf"|week|month|quarter|shift|year|{_MONTHS_EN}|today|tomorrow|{_DAYS_EN})\b"
        ),
        (
            rf"(?:in|within|inside|under)(?: of)?(?: the)?(?: next| coming| space of)?(?: about| roughly| around"
            rf"| under| less than"
            rf"| no more than)? ?{_COUNT_EN}(?: more)? {_UNIT_EN}(?:' time)?(?: or (?:so|two))?"
        ),
        (
            r"(?:in|within|over) the (?:next|coming) (?:days|hours|weeks|minutes|day or (?:two|so)|hour or (?:two|so)"
            r"|week or (?:two|so)|sprint|hour|few days|few hours)"
        ),
        (
            r"(?:in|within) (?:half an hour|an hour or (?:two|so)|a day or (?:two|so)|a fortnight|the hour|the day"
            r"|the week|a week or two|a jiffy)"
        ),
        (
            r"(?:cob|eod|eow|close of business|close of play|teatime|tea time|lunchtime|lunch|noon|midday|midnight"
            r"|dinner time|closing time|weekend|end of play)"
        ),
        rf"(?:between|from) (?:{_CLOCK_EN}|\d{{1,2}}) (?:and|to|till|until) (?:{_CLOCK_EN}|\d{{1,2}}\b)",
        rf"{_CLOCK_EN}(?:,? (?:today|tomorrow|tonight|{_DAYS_EN}\b))?",
        (
            rf"(?:\d{{1,2}}|one|two|three|four|five|six|seven|eight|nine|ten|eleven) (?:today|tomorrow|tonight"
            rf"|on {_DAYS_EN}\b)"
        ),
        (
            r"(?:calendar )?week \d{1,2}|overnight|(?:the )?day before|(?:the )?day after|the next working day"
            r"|next working day|following day|later"
        ),
        (
            r"i (?:clock off|knock off|go home|leave|finish)|we (?:close|shut)|(?:ich|wir) (?:feierabend \w+|schließen"
            r"|zumachen)"
        ),
        r"(?:stand-?up|team meeting|my break|shift|my shift|bank holiday|the meeting)",
        rf"(?:early |mid[- ]|late )?{_MONTHS_EN}\b",
        _DATE,
        _FEAST,
    )
)
_ONE_DE: Final = (
    rf"(?<![\w@./-]){_LEAD_DE}(?:{_GERMAN})(?![\w@])(?:(?:,? (?:um|gegen|ab|bis|zwischen|vor|am) (?:{_CLOCK_DE}"
    rf"|{_BARE})(?: (?:und|bis) (?:{_CLOCK_DE}|\d{{1,2}}\b))?(?: uhr)?)|(?: und))?"
)
_ONE_EN: Final = (
    rf"(?<![\w@./-]){_LEAD_EN}(?:{_ENGLISH})(?![\w@])(?: (?:at|by|before|around|from|until) (?:{_CLOCK_EN}|{_BARE})"
    rf"| between (?:{_CLOCK_EN}|\d{{1,2}}) and (?:{_CLOCK_EN}|\d{{1,2}}\b))?(?: at the latest)?"
)
_BY_CLOCK: Final = (
    rf"(?<![\w@./-])(?:bis(?: spätestens)?|um|gegen|ab|by|before|at|around) {_BARE}(?= (?:ruf|meld|hab|ist|sind|lieg"
    rf"|komm|kl|i|we|you|at)|[,.!]|$)"
)
_ANY: Final = re.compile(rf"{_ONE_DE}|{_ONE_EN}|{_BY_CLOCK}", re.IGNORECASE)
_AND: Final = re.compile(r"\s+und$", re.IGNORECASE)
_JOINED: Final = re.compile(r"(?:,? (?:also |und zwar |and )?| \()?")
_WEAK: Final = re.compile(
    rf"(?:der|die|das|dem|den|des|the|this|dann|later|in|im|zum|zur)? ?(?:heute|today|{_MONTHS_EN}|{_MONTHS_DE}"
    rf"|mittag|nachmittag|vormittag|abend|nacht|later|lunch|weekend|wochenende"
    rf"|shift|schicht|termin|pause|sitzung|besprechung|schulung|frühstück|{_DAYS_EN})",
    re.IGNORECASE,
)
_BARE_CLOCK: Final = re.compile(r"(?:at|um|ab|around|gegen|before) \d{1,2}", re.IGNORECASE)
_ARTICLE: Final = re.compile(
    r"(?:der|die|das|dann|jetzt|the|des|dem|den) (?=(?:noch|im|in|am|bis|um|gegen|heute|morgen|by|on|at|schon|gleich"
    r"|spätestens|ab|nach|zum|within|next|nächste\w*|kommende\w*)\b)",
    re.IGNORECASE,
)
_PAST: Final = re.compile(
    r"(?:seit|vom|vor|since|last|letzte[nrs]?|vergangene[nrs]?|gestern|yesterday|every|jeden|jede|this past|ago|war"
    r"|was|were|from last) (?:\w+ )?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Time:
    start: int
    end: int
    said: str
    is_weak: bool
    """It also names what simply is: "today", a month."""


def times(words: str) -> list[Time]:
    """Return the stretches of the words that say until or from when something will be, neighbours as one."""
    found: list[Time] = []
    for one in _ANY.finditer(words):
        start, end = one.span()
        said = one[0]
        if (trailing := _AND.search(said)) is not None:
            said = said[: trailing.start()]
            end = start + len(said)
        if (article := _ARTICLE.match(said)) is not None:
            start += article.end()
            said = said[article.end() :]
        if _PAST.search(words[max(0, start - 24) : start]) or _is_other(said, words, start):
            continue
        weak = _WEAK.fullmatch(said.strip()) is not None or _BARE_CLOCK.fullmatch(said) is not None
        if found and _JOINED.fullmatch(words[found[-1].end : start]) and not words[found[-1].end : start].strip(" ,("):
            before = found.pop()
            start, said, weak = before.start, words[before.start : end], before.is_weak and weak
        found.append(Time(start, end, said, weak))
    return found


def _is_other(said: str, words: str, start: int) -> bool:
    """Tell what only looks like a time: a greeting, a verb, a name in short."""
    low = said.strip().lower()
    if low in {
        "may",
        "mar",
        "sun",
        "sat",
        "mon",
        "wed",
        "jan",
        "jun",
        "jul",
        "aug",
        "august",
        "march",
        "juli",
        "april",
        "june",
    }:
        return True
    if re.search(
        r"(?:guten|schönen|good|gute|lovely|nice|great|angenehmen|schönes|happy|frohe)\s(?:\w+\s)?$",
        words[max(0, start - 22) : start],
        re.IGNORECASE,
    ):
        return True
    return low in {"morgen", "mittag", "abend", "nacht"} and words[max(0, start - 6) : start].strip().lower() in {
        "guten",
        "gute",
    }


# What a time means -------------------------------------------------------------------------------------------------


def _numbered(first: int, *names: str) -> dict[str, int]:
    return {name: first + at for at, same in enumerate(names) for name in same.split()}


_WEEKDAYS: Final = _numbered(
    0,
    "montag mon monday",
    "dienstag tue tues tuesday",
    "mittwoch wed wednesday",
    "donnerstag thu thur thurs thursday",
    "freitag fri friday",
    "samstag sonnabend sat saturday",
    "sonntag sun sunday",
)
_MONTH_NUMBERS: Final = _numbered(
    1,
    "jan januar jänner january",
    "feb februar february",
    "mär märz mar march",
    "apr april",
    "mai may",
    "jun juni june",
    "jul juli july",
    "aug august",
    "sep sept september",
    "okt oktober oct october",
    "nov november",
    "dez dezember dec december",
)
_NUMBERS: Final = (
    _numbered(
        1,
        "ein eine einer einem einen eines eins a an one",
        "zwei two",
        "drei three",
        "vier four",
        "fünf five",
        "sechs six",
        "sieben seven",
        "acht eight",
        "neun nine",
        "zehn ten",
        "elf eleven",
        "zwölf twelve",
        "dreizehn thirteen",
        "vierzehn fourteen",
    )
    | dict.fromkeys(("paar", "ein paar", "wenigen", "wenige", "einigen", "einige", "a few", "few", "several"), 3)
    | {
        "a couple of": 2,
        "couple of": 2,
    }
)


def resolve(said: str, *, at: datetime, zone: str) -> datetime | None:
    """Return the moment (UTC) until which something is due that was said at `at`; None where no moment follows."""
    here = timezones.local(at, zone)
    low = " ".join(said.lower().split())
    if (span := _after_a_span(low, here)) is not None:
        return span
    day = _day(low, here)
    clock = _clock(low)
    if day is None and clock is None and (part := _part(low)) is not None:
        day, clock = here.date(), part
    if day is None and clock is None:
        return None
    if day is None:
        day = here.date()
        if clock is not None and clock <= here.time():
            day += timedelta(days=1)
    return _moment(day, clock or _part(low) or CLOSE, zone)


def _moment(day: date, clock: time, zone: str) -> datetime:
    return timezones.at(datetime.combine(day, clock), zone).astimezone(UTC)


def _count(word: str) -> int:
    if word in _NUMBERS:
        return _NUMBERS[word]
    digits = re.findall(r"\d+", word)
    if digits:
        return int(digits[-1])
    return max((_NUMBERS.get(each, 0) for each in word.split()), default=1) or 1


_SPAN: Final = re.compile(
    rf"(?:in|innerhalb|binnen|within|innert|nach|over)\b(?: von| the| den| der| nächsten| kommenden| next| coming"
    rf"| about| roughly| around| rund| etwa| ca\.| maximal| less than)* ?({_COUNT_DE}|{_COUNT_EN})? ?"
    rf"(?:more )?(halben |half an |viertel|dreiviertel)?({_UNIT_DE}|{_UNIT_EN}|stunde)\b"
)


def _after_a_span(low: str, here: datetime) -> datetime | None:
    if re.search(r"half an hour|halben stunde", low):
        return (here + timedelta(minutes=30)).astimezone(UTC)
    if re.search(r"within the hour|the next hour$", low):
        return (here + timedelta(hours=1)).astimezone(UTC)
    found = _SPAN.search(low)
    if found is None:
        return None
    unit = found[3]
    count = _count(found[1]) if found[1] else FEW if unit[-1] in "sn" else 1
    if re.search(r"(?:day|hour|week) or (?:two|so)", low):
        count = 2
    if (length := _length(unit if found[2] is None else found[2], count)) is not None:
        return (here + length).astimezone(UTC)
    day = _day_after(unit, count, here.date())
    return None if day is None else _moment(day, _clock(low) or CLOSE, str(here.tzinfo))


def _length(unit: str, count: int) -> timedelta | None:
    """Return how long a unit of the clock takes; None for those of the calendar."""
    if unit.startswith("viertel"):
        return timedelta(minutes=15)
    for names, length in (
        (("sec", "sek"), timedelta(seconds=1)),
        (("min",), timedelta(minutes=1)),
        (("stund", "stünd", "std", "h"), timedelta(hours=1)),
    ):
        if unit.startswith(names):
            return length * count
    return None


def _day_after(unit: str, count: int, day: date) -> date | None:
    if re.search(r"werk|arbeits|bank|working|business|week[ -]?day", unit):
        while count:
            day += timedelta(days=1)
            count -= day.weekday() < SATURDAY
        return day
    if re.search(r"sprint|quart", unit):
        return None
    if re.search(r"month|monat", unit):
        return _months_on(day, count)
    days = 1 if re.search(r"tag|day", unit) else 14 if unit.startswith("fortnight") else 7
    return day + timedelta(days=days * count)


def _months_on(day: date, count: int) -> date:
    month = day.month - 1 + count
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _clock(low: str) -> time | None:
    """Return the last time of day that is named: of "between 9 and 11" the end."""
    if re.search(r"\b(?:noon|midday)\b", low) and "afternoon" not in low:
        return time(12)
    if re.search(r"mitternacht|midnight", low):
        return time(23, 59)
    if (half := re.search(r"halb (\w+)", low)) is not None:
        hour = _NUMBERS.get(half[1], int(half[1]) if half[1].isdigit() else 0)
        return time((hour - 1) % 24 + (12 if 1 < hour <= 7 else 0), 30) if hour else None  # noqa: PLR2004 -- half past six in the evening
    found = re.findall(
        r"(?<![\d.])(\d{1,2})(?:[:.](\d\d))?\s?(uhr|h\b|am\b|pm\b|a\.m\.|p\.m\.|o'clock)?(?![\d.]|st\b|nd\b|rd\b|th\b)",
        low,
    )
    spoken = [(int(hour), int(minute or 0), mark) for hour, minute, mark in found]
    after = re.search(
        r"(?:um|gegen|bis|ab|by|at|before|around|until|between|zwischen|and|und|vor|from"
        r"|von) \d{1,2}(?:[:.]\d\d)?(?:\s?(?:uhr|h|am|pm|o'clock))?(?![\d.])(?! ?(?:january|february|march|april|may"
        r"|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sep|oct|nov|dec|tage"
        r"|days|woche))",
        low,
    )
    told = [one for one in spoken if one[2] or (":" in low)] or (spoken[-1:] if after else [])
    if not told:
        return None
    hour, minute, mark = told[-1]
    if mark.startswith("p") and hour < 12:  # noqa: PLR2004 -- hours of a clock
        hour += 12
    if not mark and 1 <= hour <= 6 and ":" not in low:  # noqa: PLR2004 -- nobody works at four in the night
        hour += 12
    if hour > 23 or minute > 59:  # noqa: PLR2004 -- hours and minutes
        return None
    return time(hour, minute)


def _part(low: str) -> time | None:
    if re.search(r"first thing|bright and early|gleich (?:\w+ )?früh", low):
        return _PARTS["early"]
    for pattern, part in (
        (r"nachmittag|afternoon|\bpm\b", "afternoon"),
        (r"vormittag|morning|früh\b", "morning"),
        (r"mittag|noon|lunch", "noon"),
        (r"abend|evening|tonight", "evening"),
        (r"nacht|night", "night"),
    ):
        if re.search(pattern, low):
            return _PARTS[part]
    if re.search(
        r"feierabend|schluss|tagesende|laufe? des tages|end of (?:the )?day|close of|\bcob\b|\beod\b|schichtende"
        r"|end of play|within the day|teatime|later$",
        low,
    ):
        return CLOSE
    return None


def _day(low: str, here: datetime) -> date | None:  # noqa: PLR0911, PLR0912, C901 -- one line for each way to name a day
    today = here.date()
    if (iso := re.search(r"(\d{4})-(\d\d)-(\d\d)", low)) is not None:
        return _date(int(iso[1]), int(iso[2]), int(iso[3]))
    if (dotted := re.search(r"\b(\d{1,2})\.(\d{1,2})\.(\d{2,4})?", low)) is not None:
        return _to_come(int(dotted[2]), int(dotted[1]), _year(dotted[3]), today)
    months = "|".join(sorted(_MONTH_NUMBERS, key=len, reverse=True))
    if (
        named := re.search(rf"\b(\d{{1,2}})(?:\.|st|nd|rd|th)?(?: of)?\s?({months})\b(?:,? (\d{{4}}))?", low)
    ) is not None:
        return _to_come(_MONTH_NUMBERS[named[2]], int(named[1]), _year(named[3]), today)
    if (named := re.search(rf"\b({months}) (\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (\d{{4}}))?", low)) is not None:
        return _to_come(_MONTH_NUMBERS[named[1]], int(named[2]), _year(named[3]), today)
    if (week := re.search(r"(?:kw|kalenderwoche|week) ?(\d{1,2})|(\d{1,2})\. ?(?:kw|kalenderwoche)", low)) is not None:
        return _of_week(int(week[1] or week[2]), today)
    if "übermorgen" in low or "day after tomorrow" in low:
        return today + timedelta(days=2)
    if re.search(r"\b(?:morgen|tomorrow)\b|folgetag|following day", low):
        return today + timedelta(days=1)
    if re.search(r"nächste[nr]? werktag|next working day", low):
        return today + timedelta(days=next(n for n in range(1, 8) if (today + timedelta(days=n)).weekday() < 5))  # noqa: PLR2004 -- Monday to Friday
    weekday = re.search(
        rf"\b({'|'.join(sorted(_WEEKDAYS, key=len, reverse=True))})(?:s|vormittag|nachmittag|abend|früh|mittag"
        rf"|morgen)?\b",
        low,
    )
    if weekday is not None:
        ahead = (_WEEKDAYS[weekday[1]] - today.weekday() - 1) % 7 + 1
        return today + timedelta(days=ahead)
    if re.search(
        r"\b(?:heute|today|tonight|this (?:morning|afternoon|evening)|overnight)\b|laufe? des (?:tages|heutigen)", low
    ):
        return today + timedelta(days="overnight" in low)
    if "wochenende" in low or "weekend" in low:
        is_before = re.search(r"\b(?:bis|by|before|vor)\b", low) is not None
        return today + timedelta(days=((4 if is_before else 6) - today.weekday()) % 7)
    if (found := _of_period(low, today)) is not None:
        return found
    month = re.search(
        rf"(anfang|early|start of|beginning of|mitte|mid|middle of)?[ -]?\b({months})\b(?: (\d{{4}}))?", low
    )
    if month is not None:
        number = _MONTH_NUMBERS[month[2]]
        year = _year(month[3]) or today.year + (number < today.month)
        last = monthrange(year, number)[1]
        day = {"a": 10, "e": 10, "s": 10, "b": 10, "m": 20}.get((month[1] or " ")[0], last)
        return date(year, number, day)
    return _of_feast(low, today)


def _of_period(low: str, today: date) -> date | None:
    is_next = re.search(r"nächste|kommende|next|coming", low) is not None
    friday = today + timedelta(days=(4 - today.weekday()) % 7)
    if re.search(r"woche\b|\bweek\b|\beow\b|wochenende", low):
        if is_next:
            monday = today + timedelta(days=7 - today.weekday())
            ahead = 1 if re.search(r"anfang|early|start|beginning", low) else 2 if re.search(r"mitte|mid", low) else 4
            return monday + timedelta(days=ahead)
        return friday
    if re.search(r"monat|\bmonth\b", low):
        first = _months_on(today.replace(day=1), 1) if is_next else today
        return first.replace(day=monthrange(first.year, first.month)[1])
    if re.search(r"quartal|\bquarter\b", low) and "quarter past" not in low and "quarter to" not in low:
        number = (today.month - 1) // 3 * 3 + 3 + (3 if is_next else 0)
        year, month = today.year + (number - 1) // 12, (number - 1) % 12 + 1
        return date(year, month, monthrange(year, month)[1])
    if re.search(r"jahres|\byear\b", low) and "new year" not in low:
        return date(today.year + is_next, 12, 31)
    return None


def _of_feast(low: str, today: date) -> date | None:
    for pattern, month, day in (
        (r"weihnacht|heiligabend|christmas|xmas", 12, 24),
        (r"silvester|new year|neujahr", 12, 31),
        (r"halloween", 10, 31),
    ):
        if re.search(pattern, low):
            return _to_come(month, day, None, today)
    shift = {"ostern": -2, "easter": -2, "pfingsten": 48, "whitsun": 48}
    for name, days in shift.items():
        if name in low:
            found = _easter(today.year) + timedelta(days=days)
            return found if found > today else _easter(today.year + 1) + timedelta(days=days)
    return None


def _easter(year: int) -> date:
    """Return Easter Sunday (Anonymous Gregorian algorithm, Meeus 1991)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    month, day = divmod(h + k - 7 * m + 114, 31)
    return date(year, month, day + 1)


def _of_week(number: int, today: date) -> date | None:
    for year in (today.year, today.year + 1):
        try:
            friday = date.fromisocalendar(year, number, 5)
        except ValueError:
            continue
        if friday >= today:
            return friday
    return None


def _year(typed: str | None) -> int | None:
    if not typed:
        return None
    return int(typed) + (2000 if len(typed) == 2 else 0)  # noqa: PLR2004 -- of this century


def _to_come(month: int, day: int, year: int | None, today: date) -> date | None:
    found = _date(year or today.year, month, day)
    if found is not None and year is None and found < today:
        return _date(today.year + 1, month, day)
    return found


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None

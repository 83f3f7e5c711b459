"""How a draft sounds: shouting, and Sie beside du."""

import re
from collections.abc import Iterator
from typing import Final

from desk.lint.reading import Reading, Sentence

_FLAGS: Final = re.IGNORECASE
Place = tuple[int, int]

_ACRONYM: Final = re.compile(
    r"USB|WLAN|LAN|LTE|SIM|ESIM|HTTP|HTTPS|HTML|FAQ|PDF|ID|IBAN|BIC|SEPA|TV|HD|UHD|DVD|CD|LED|LCD|OLED|SMS|MMS|VPN"
    r"|DNS|IP|NFC|GPS|SSD|HDD|RAM|CPU|GPU|PC|URL|API|DM|DMS|PM|AGB|DSGVO|GDPR|EU|UK|USA|US|DE|AT|CH|AM|PM|UTC|CET"
    r"|MEZ|MESZ|OK|KFZ|ÖPNV|DHL|UPS|DPD|GLS|TÜV|ADAC|ICE|IC|RE|RB|ZOB|WC|CO|NGO|HU|AU|VIP|VAT|MwSt|KW|QR|PIN|PUK"
    r"|TAN|CVC|CVV|EAN|ISBN|MTU|DGS|GMBH|AG|KG|BGB|PS|VS|LG|MFG|VG|DIY|ETA|EOD|COB|FYI|ASAP|TBA|TBC|NHS|DVLA|HMRC"
    r"|MOT|ZIP|SPF|KN95|FFP2|RGB|XL|XXL|XS|HDMI|DSL|JSON|XML|CSV|CSS|MAC|ISO|CE|FM|DAB|AC|DC|JPG|PNG|MP|GIF|RSVP"
    r"|RIP|BBQ|IT|HR|PR|UX|UI|CEO|CTO|OS|iOS|WPA|WPA2|WEP|SSID|DVB|SOC|JIRA|NAS|POP|IMAP|SMTP|SSL|TLS|ICH|I|A|O"
)
_CAPS: Final = re.compile(r"(?<![\w./@-])[A-ZÄÖÜ][A-ZÄÖÜẞ'-]*[A-ZÄÖÜẞ'](?![\w./@])|(?<![\w./@-])I(?:'M)?(?!\w)")


def shouting(reading: Reading) -> Iterator[Place]:
    """Yield what is written in capitals, or with runs of signs."""
    for sentence in reading.sentences:
        words = sentence.words
        caps = [
            one
            for one in _CAPS.finditer(words)
            if not _ACRONYM.fullmatch(one[0].strip("'-")) and len(one[0].strip("'-")) > 1
        ]
        letters = sum(letter.isalpha() for letter in words)
        upper = sum(letter.isupper() for letter in words)
        has_runs = re.search(r"[!?]{3,}|\?!|!\?|!{2,}|\?\?", words) is not None
        long = [one for one in caps if len(one[0]) > 3]  # noqa: PLR2004 -- shorter ones are mostly letters for words
        if has_runs or (letters and upper / letters > 0.6 and len(caps) > 1 and long):  # noqa: PLR2004 -- most of it
            yield sentence.start, sentence.end
        elif len(caps) > 1 and (long or len(caps) > 2):  # noqa: PLR2004 -- three short ones
            yield from _runs(sentence, caps)


def _runs(sentence: Sentence, caps: list[re.Match[str]]) -> Iterator[Place]:
    """Yield each run of words in capitals that follow one another; those alone count together where there are two."""
    runs: list[list[int]] = []
    for one in caps:
        gap = sentence.words[runs[-1][1] : one.start()] if runs else None
        if gap is not None and re.fullmatch(r"[\s,!-]*(?:[A-ZÄÖÜ]{1,3}[\s,!-]*){0,2}", gap):
            runs[-1][1] = one.end()
            runs[-1][2] += 1
        else:
            runs.append([one.start(), one.end(), 1])
    several = [run for run in runs if run[2] > 1]
    for start, end, _count in several or [[runs[0][0], runs[-1][1], 2]]:
        is_all = start == 0 and end == len(sentence.words.rstrip("!.? "))
        yield sentence.start + start, sentence.end if is_all else sentence.start + end


# Sie and du ----------------------------------------------------------------------------------------------------------
_DU: Final = re.compile(
    r"\b(?:du|dir|dich|dein(?:e[rsmn]?)?|euch|euer|eure[rsmn]?|deinerseits|hast du|bist du|magst du|kannst du)\b"
    r"|\b(?:schau|guck|probier|meld|schreib|schick|ruf|klick|versuch|nimm|gib|sag|wart|teste|frag|lass)e? (?:mal"
    r"|bitte|uns|mir|doch|einfach|dich|gern|hier)\b",
    _FLAGS,
)
_SIE: Final = re.compile(
    r"(?<![.!?:\n\x00„\"] )(?<!^)\b(?:Sie|Ihnen|Ihr(?:e[rsmn]?)?|Ihrerseits)\b|\b(?:[a-zäöüß]+en|[Ss]ind|[Hh]aben"
    r"|[Ww]erden) Sie\b|^(?:[A-ZÄÖÜ][a-zäöüß]+en) Sie\b"
)
_SIE_FIRST: Final = re.compile(r"(?:^|[.!?:\n] ?)\b(?:Sie (?:\w+en|sind)\b|Ihnen\b|Ihr(?:e[rsmn]?)? )")


def mixed_address(reading: Reading, *, is_german: bool) -> list[Place]:
    """Return where Sie and du meet: the first word of the rarer of the two."""
    if not is_german:
        return []
    polite = sorted(
        {one.start(): one for pattern in (_SIE, _SIE_FIRST) for one in pattern.finditer(reading.plain)}.items()
    )
    close = list(_DU.finditer(reading.plain))
    if not polite or not close:
        return []
    if len(close) <= len(polite):
        return [close[0].span()]
    one = polite[0][1]
    word = re.search(r"Sie|Ihnen|Ihr(?:e[rsmn]?)?", one[0])
    return [(one.start() + word.start(), one.start() + word.end())] if word is not None else []

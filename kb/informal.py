"""German with du made of German with Sie, by rules, and only where the rules cannot be wrong.

A text that addresses nobody is the same in both. Of one that does, only these are put into other words: an imperative
of a verb that is known here (“Starten Sie …”), the reflexive pronoun right behind it, and Ihr- and Ihnen within a
sentence. Whatever else may mean the reader ends the attempt: a person writes it then.
"""

import re
from collections.abc import Mapping
from typing import Final

from kb import sentences

_VERBS: Final = (
    "achten aktivieren aktualisieren antworten beachten bearbeiten benutzen bestätigen bestellen bewegen bitten "
    "bringen drehen drücken entfernen ergänzen erlauben ersetzen fragen füllen hängen heben holen "
    "installieren kaufen klicken kontaktieren kontrollieren kopieren laden legen leeren leiten lösen löschen machen "
    "markieren melden merken nennen notieren nutzen öffnen packen prüfen probieren reinigen sagen schalten schauen "
    "schicken schieben schließen schrauben schreiben stecken stellen starten suchen tauschen teilen "
    "testen tippen trennen überprüfen übertragen verbinden vergleichen verschieben verwenden wählen warten "
    "wenden wiederholen wischen zählen ziehen deaktivieren scannen formatieren konfigurieren "
    "registrieren akzeptieren navigieren deinstallieren exportieren importieren"
)
_IMPERATIVES: Final[Mapping[str, str]] = {
    **{verb: verb.removesuffix("n") for verb in _VERBS.split()},
    # Those that lose or change a vowel, and those that end in -eln and -ern.
    "gehen": "geh",
    "kommen": "komm",
    "lassen": "lass",
    "halten": "halte",
    "geben": "gib",
    "nehmen": "nimm",
    "lesen": "lies",
    "sehen": "sieh",
    "helfen": "hilf",
    "sprechen": "sprich",
    "treten": "tritt",
    "werfen": "wirf",
    "vergessen": "vergiss",
    "messen": "miss",
    "seien": "sei",
    "wechseln": "wechsle",
    "ändern": "ändere",
    "speichern": "speichere",
    "sichern": "sichere",
    "erneuern": "erneuere",
    "entsperren": "entsperre",
}
_REFLEXIVE: Final = frozenset({"melden", "registrieren", "verbinden", "wenden"})
"""Verbs whose “sich” becomes “dich”; of others it may be “dir”."""
_COMMAND: Final = re.compile(r"\b([A-Za-zÄÖÜäöüß]+) Sie\b(?: (sich)\b)?")
_POSSESSIVE: Final = re.compile(r"\bIhr(e|en|em|er|es)?\b")
_ADDRESSED: Final = re.compile(r"\b(?:Sie|Ihnen|Ihr(?:e|en|em|er|es)?|Ihrerseits|Ihretwegen|Ihresgleichen)\b")
_LOWER: Final = re.compile(r"\b[a-zäöüß]+n\b")
_QUOTED: Final = re.compile(r"[„“”»«\"‚‘’›‹`]")
_JOINED: Final = re.compile(r"\b(?:und|oder|sowie|bzw|aber|sondern|dann|danach)\b|[,;:–—(/]")
_UNSURE: Final = re.compile(
    r"(?:^|[:(–—/-]\s*)Ih(?:nen|r)"  # “Ihre” at a beginning may be “her” or “their”
    r"|\bIhr [a-zäöüß]+[td]\b"  # “Ihr habt”
    r"|\bIhnen (?:all|beid|selb|gemeinsam)"
)
_NO_VERBS: Final = (
    "den einen keinen meinen deinen seinen jeden diesen jenen allen beiden an in von on ein sein wenn dann denn nun "
    "schon in am im um zum vom beim oben unten hinten vorn vorne innen außen neben eben zwischen gegen wegen morgen "
    "zusammen lan wlan dein kein mein man wann sondern einigen wenigen zehn sieben neun davon daran darin hin dahin "
    "herein hinein dran drin bin ihn ihnen kann nein"
)
"""Words in -n that are no verbs: any other one in a sentence may be a second command without its Sie."""


def informal(text: str) -> str | None:
    """Return the text with du; None where the rules cannot tell how it is said."""
    lines = [_line(line) for line in text.split("\n")]
    return None if None in lines else "\n".join(line for line in lines if line is not None)


def _line(line: str) -> str | None:
    if not _ADDRESSED.search(line):
        return line
    start, number = "", re.match(r"(?:\d+\. |– |- )", line)
    if number:
        start, line = number[0], line[number.end() :]
    told = sentences.split(line)
    if " ".join(told) != line:
        return None  # spaced in a way that would be lost
    said = [_sentence(sentence) for sentence in told]
    return None if None in said else start + " ".join(sentence for sentence in said if sentence is not None)


def _sentence(sentence: str) -> str | None:
    if not _ADDRESSED.search(sentence):
        return sentence
    if _QUOTED.search(sentence) or sentence.rstrip().endswith("?"):
        return None
    commands = list(_COMMAND.finditer(sentence))
    made, end = "", 0
    for command in commands:
        verb = command[1]
        wanted = _IMPERATIVES.get(verb.lower())
        before = sentence[: command.start()].rstrip()
        if not wanted or not _is_command(verb, before, is_second=command is not commands[0]):
            return None
        if command[2] and verb.lower() not in _REFLEXIVE:
            return None
        word = wanted.capitalize() if verb[0].isupper() else wanted
        made += sentence[end : command.start()] + word + (" dich" if command[2] else "")
        end = command.end()
    made += sentence[end:]
    if commands and not _has_one_command_each(sentence, commands):
        return None
    said = _possessives(made)
    return None if said is None or _ADDRESSED.search(said) else said


def _is_command(verb: str, before: str, *, is_second: bool) -> bool:
    """Tell whether a verb before Sie is a command: at the beginning, or behind “und”; not in “wenn … starten Sie”."""
    if not before:
        return verb[0].isupper()
    if not verb[0].islower():
        return False
    return before == "Bitte" or (is_second and before.endswith((" und", " oder")))


def _has_one_command_each(sentence: str, commands: list[re.Match[str]]) -> bool:
    """Tell whether every command has its Sie: “Öffnen Sie die App und tippen auf …” has one without."""
    if re.search(r"\bsich\b", _COMMAND.sub("", sentence)):
        return False  # whose it is cannot be told
    if not _JOINED.search(sentence):
        return True
    rest, no_verbs = _COMMAND.sub("", sentence), _NO_VERBS.split()
    for word in _LOWER.finditer(rest):
        before = rest[: word.start()].rstrip()
        if word[0] not in no_verbs and not before.endswith(" zu"):
            return False
    return bool(commands)


def _possessives(sentence: str) -> str | None:
    if _UNSURE.search(sentence):
        return None
    sentence = _POSSESSIVE.sub(lambda found: "dein" + (found[1] or ""), sentence)
    return re.sub(r"\bIhnen\b", "dir", sentence)

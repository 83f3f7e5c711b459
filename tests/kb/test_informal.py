"""German with du: right, or not at all."""

import pytest

from kb.informal import informal

SAID = {
    "Starten Sie den Router neu und wählen Sie Kanal 6.": "Starte den Router neu und wähle Kanal 6.",
    "Melden Sie sich in Ihrem Konto an.": "Melde dich in deinem Konto an.",
    "Warten Sie, bis die Lampe leuchtet.": "Warte, bis die Lampe leuchtet.",
    "1. Ziehen Sie den Stecker.\n2. Stecken Sie ihn ein.": "1. Ziehe den Stecker.\n2. Stecke ihn ein.",
    "Lesen Sie die Anleitung.": "Lies die Anleitung.",
    "Nehmen Sie den Akku heraus und legen Sie ihn ein.": "Nimm den Akku heraus und lege ihn ein.",
    "Wechseln Sie die Batterien.": "Wechsle die Batterien.",
    "Ändern Sie das Passwort.": "Ändere das Passwort.",
    "Bitte starten Sie den Router neu.": "Bitte starte den Router neu.",
    "Tippen Sie auf Weiter, um das Passwort zu ändern.": "Tippe auf Weiter, um das Passwort zu ändern.",
    "Wir helfen Ihnen gern.": "Wir helfen dir gern.",
    "Das gilt für Ihren neuen Router.": "Das gilt für deinen neuen Router.",
    "Die Miete wird im Voraus berechnet.": "Die Miete wird im Voraus berechnet.",
    "Den Router neu starten, dann Kanal 6 wählen.": "Den Router neu starten, dann Kanal 6 wählen.",
    "": "",
}
UNSURE = [
    "Öffnen Sie die App und tippen auf Konto.",  # the second command has no Sie
    "Öffnen Sie die App, tippen auf Konto.",
    "Wenn Sie den Router starten, warten Sie.",
    "Haben Sie Fragen?",
    "Ihre Daten bleiben erhalten.",  # may be hers
    "Hinweis: Ihre Daten bleiben erhalten.",
    "Klicken Sie auf „Ihr Konto“.",  # a name on a button stays as it is
    "Richten Sie den Router ein.",  # a verb that is not known
    "Merken Sie sich das Passwort.",  # dir, not dich
    "Holen Sie sich Hilfe.",
    "Warten Sie, bis sich die Lampe meldet.",
    "Prüfen Sie, ob Sie angemeldet sind.",
    "Wir hoffen, Ihr habt Erfolg.",
    "Das hilft Ihnen allen.",
    "Nach der Änderung bestätigen Sie sie mit einem Klick.",
    "Können Sie es noch einmal versuchen.",
    "Ein Satz.  Starten Sie neu.",  # two spaces would be lost
]


@pytest.mark.parametrize(("formal", "expected"), SAID.items())
def test_what_is_sure_is_said_with_du(formal: str, expected: str) -> None:
    assert informal(formal) == expected


@pytest.mark.parametrize("formal", UNSURE)
def test_what_is_not_sure_is_left_to_people(formal: str) -> None:
    assert informal(formal) is None


def test_one_unsure_line_leaves_the_whole_text_to_people() -> None:
    assert informal("1. Ziehen Sie den Stecker.\n2. Ihre Lampe geht aus.") is None

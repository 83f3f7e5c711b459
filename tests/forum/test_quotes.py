"""What stays of a mail: the answer, without what it answers and without the signature."""

import time

import pytest

from forum.quotes import trimmed

QUOTED = "> Bob answered.\n> Restart it."


@pytest.mark.parametrize(
    ("mail", "kept"),
    [
        (f"It works now.\n\nAm Di., 3. März 2026 um 10:00 Uhr schrieb Klinke <k@x.org>:\n\n{QUOTED}", "It works now."),
        (f"Es geht.\n\nAm 03.03.26 um 10:00 schrieb Klinke:\n{QUOTED}", "Es geht."),
        (f"Es geht.\n\nAm 3. März 2026 um 10:00 schrieb Klinke\n<klinke@example.org>:\n{QUOTED}", "Es geht."),
        (f"Es geht.\n\nAm 03.03.2026 um 10:00 hat Klinke geschrieben:\n{QUOTED}", "Es geht."),
        (f"It works.\n\nOn Tue, 3 Mar 2026 at 10:00, Klinke <k@x.org> wrote:\n\n{QUOTED}", "It works."),
        (f"It works.\n\nOn Tue, 3 Mar 2026 at 10:00, Klinke\n<k@x.org> wrote:\n\n{QUOTED}", "It works."),
        (
            "Es geht.\n\nVon: Klinke <k@x.org>\nGesendet: Dienstag, 3. März 2026\nAn: Alice\nBetreff: Re: WLAN\n\nBob",
            "Es geht.",
        ),
        ("It works.\n\nFrom: Klinke <k@x.org>\nSent: Tuesday\nTo: Alice\nSubject: Re: WLAN\n\nBob", "It works."),
        ("It works.\n\n________________________________\nVon: Klinke\nBob", "It works."),
        ("It works.\n\n-----Ursprüngliche Nachricht-----\nVon: Klinke\nBob", "It works."),
        ("It works.\n\n-----Original Message-----\nFrom: Klinke\nBob", "It works."),
        ("Es geht.\n\nMit freundlichen Grüßen\nAlice Muster\nMusterweg 1", "Es geht."),
        ("Es geht.\n\nViele Grüße\nAlice", "Es geht."),
        ("It works.\n\nBest regards\nAlice", "It works."),
        ("It works.\n\n-- \nAlice\nExample Ltd", "It works."),
        ("Es geht.\n\nVon meinem iPhone gesendet", "Es geht."),
        ("Es geht.\n\nGesendet von Outlook für Android", "Es geht."),
        ("It works.\n\nSent from my iPhone", "It works."),
        (f"It works.\n\n{QUOTED}", "It works."),
    ],
)
def test_only_the_answer_stays(mail: str, kept: str) -> None:
    assert trimmed(mail) == kept
    assert trimmed(mail.replace("\n", "\r\n")) == kept


@pytest.mark.parametrize(
    "text",
    [
        "Do this:\n\n1. Stop it\n   - slowly\n2. Start it\n\n```\nfor x in y:\n    go(x)\n```",
        "Hi Bob,\nThanks, that was it. The channel was wrong.\nNow the light is green.",
        "Achtung: der Mailserver ist falsch eingestellt.\nDas steht so im Protokoll.",
        "Note: no mail arrives since Monday.\nWhat now?",
        "Am Montag ging es noch.\nAm Dienstag nicht mehr.",
        "> What is the light?\n\nIt is green.",
        "- one\n- two\n- three",
    ],
)
def test_nothing_is_lost_of_what_was_written(text: str) -> None:
    assert trimmed(text) == text


@pytest.mark.parametrize("text", ["", "\n\n", QUOTED, f"On Tue, 3 Mar 2026, Klinke wrote:\n{QUOTED}", "-- \nAlice"])
def test_where_nothing_was_written_nothing_stays(text: str) -> None:
    assert trimmed(text) == ""


@pytest.mark.parametrize(
    "unit",
    [
        "On ",
        "On x\n",
        "Am ",
        "Am schrieb ",
        "On a wrote ",
        "\n",
        "> ",
        "From: x\n",
        "Confidential: mail ",
        "_",
        "Gesendet: \n \n",
        "Thanks,\n",
        "-- a\n",
    ],
)
def test_hostile_mails_are_read_quickly(unit: str) -> None:
    text = (unit * 200_000)[:200_000]
    broken = "\n".join((unit * 200)[:239] for _ in range(800))
    began = time.process_time()
    trimmed(text)
    trimmed(broken)
    assert time.process_time() - began < 1

"""How people of the demo community help together: replies, a question back, who answers what, what is obsolete."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from accounts.models import User
from core.clock import now
from forum import aging, asking_back, assigning, canned
from forum.models import Post, Topic

REPLIES: Final[Mapping[str, tuple[str, str, str]]] = {
    "Neu starten": (
        "reset reboot strom",
        (
            "Hallo {name}, bitte trennen Sie das Gerät für eine Minute vom Strom und schalten Sie es wieder ein. "
            "Ist es danach noch so, schreiben Sie bitte, welche Lampe leuchtet.\n\nViele Grüße, {me}"
        ),
        (
            "Hello {name}, please disconnect the device from power for a minute and switch it on again. "
            "If it is still the same, please tell us which light is on.\n\nKind regards, {me}"
        ),
    ),
    "Welche Version?": (
        "update firmware stand",
        "Hallo {name}, welche Version steht in der App unter „Hilfe → Über“? Damit können wir es nachstellen.",
        "Hello {name}, which version does the app show under Help → About? With it we can try it here.",
    ),
    "Vertragsdaten": (
        "datenschutz kundennummer persönlich",
        (
            "Bitte nennen Sie hier keine Kundennummer und keine Anschrift: Alle lesen mit. {me} aus dem Team sieht "
            "sich Ihren Vertrag gern an, wenn Sie die Nummer in einer privaten Nachricht schicken."
        ),
        "",
    ),
}
"""Name, and then keywords and the text in German and in English."""
ASKED_BACK: Final = "t33"
ASKED_BACK_WORDS: Final = (
    "Does your new flat have a connection already, and is it with the same provider? The order depends on that."
)
TAKEN: Final = "t10"
GIVEN: Final = "t34"
OBSOLETE: Final = "t23-a1"
OBSOLETE_BECAUSE: Final = (
    "Since version 7.43 the assistant of the Birke 3 offers these ways itself, "
    "and finds out what the provider’s box can do."
)
AGO: Final = timedelta(minutes=18)


def begin(everybody: Mapping[str, User], topic: Callable[[str], Topic], post: Callable[[str], Post]) -> None:
    """Have them begin; `topic` and `post` find what the file calls by a short name."""
    for title, (keywords, german, english) in REPLIES.items():
        canned.keep(title=title, keywords=keywords, said={"de": german, "en": english}, by=everybody["ada"])
    asked = asking_back.ask(topic(ASKED_BACK), source=ASKED_BACK_WORDS, by=everybody["mira"])
    asked.created_at = now() - AGO
    assigning.take(topic(TAKEN), by=everybody["ada"])
    assigning.give(topic(GIVEN), handle=everybody["mira"].handle, by=everybody["mo"])
    aging.declare(post(OBSOLETE), reason=OBSOLETE_BECAUSE, by=everybody["ada"])

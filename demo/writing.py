"""The text blocks that the demonstration's desk keeps, one of them in others."""

from collections.abc import Mapping
from typing import Final

from accounts.models import User
from desk import blocks
from desk.blocks import Words

BLOCKS: Final[tuple[Words, ...]] = (
    Words(
        title="Sprechzeiten",
        folder="Bausteine in Bausteinen",
        name="sprechzeiten",
        words={
            "de": "Wir sind montags bis samstags von 8 bis 20 Uhr da.",
            "en": "We are here from Monday to Saturday, 8 am to 8 pm.",
        },
    ),
    Words(
        title="Neustart des Geräts",
        folder="Erste Hilfe",
        keywords=["reset", "aus und an", "reboot"],
        words={
            "de": "{greeting}, bitte trennen Sie das Gerät für eine Minute vom Strom und schalten Sie es wieder ein. "
            "Meist ist es danach wieder da. {agent}",
            "de-du": "{greeting}, zieh bitte für eine Minute den Stecker und steck ihn wieder ein. Meist läuft es "
            "danach wieder. {agent}",
            "en": "{greeting}, please unplug the device for a minute and plug it in again. Mostly it is back "
            "then. {agent}",
        },
    ),
    Words(
        title="Störung: wir sind dran",
        folder="Vertrösten",
        keywords=["ausfall", "störung", "wartung"],
        words={
            "de": "{greeting}, danke für den Hinweis. {?customer}{customer}, wir{/customer}{!customer}Wir{/customer} "
            "suchen gerade den Fehler und melden uns hier. {{block:sprechzeiten}}",
            "en": "{greeting}, thank you for telling us. We are looking for the fault and will write here. "
            "{{block:sprechzeiten}}",
        },
    ),
    Words(
        title="Danke fürs Lob",
        folder="Freude",
        keywords=["lob", "danke", "praise"],
        words={
            "de": "{greeting}, das freut uns sehr. Wir geben es gern an alle weiter, die daran gearbeitet haben.",
            "de-du": "{greeting}, das freut uns riesig. Wir sagen es allen weiter, die daran gearbeitet haben.",
            "en": "{greeting}, that makes our day. We will pass it on to everybody who worked on it.",
        },
    ),
)
OWN: Final = Words(
    title="Mein Gruß am Abend",
    scope="mine",
    words={"de": "Einen ruhigen Abend wünscht {agent}.", "en": "Have a quiet evening, {agent}."},
)


def begin(everybody: Mapping[str, User]) -> None:
    """Have the desk's agent keep some blocks, one of them at hand and one her own."""
    ada = everybody["ada"]
    made = [blocks.create(words, by=ada) for words in (*BLOCKS, OWN)]
    blocks.favour(made[1], by=ada, is_favourite=True)

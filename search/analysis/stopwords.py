"""Words that hold a sentence together and say nothing about its subject. They are indexed and count little."""

from typing import Final


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


GERMAN: Final = _listed(
    """
    aber alle allem allen aller alles als also am an ander andere anderen anderer anderes auch auf aus bei beim bin
    bis bist da dabei dadurch daher damit dann darauf daran darum das dass dazu dein deine dem den denn der deren
    des dessen deshalb die dies diese diesem diesen dieser dieses doch dort du durch ein eine einem einen einer
    eines er es etwas euch euer eure für gegen gibt habe haben habt hallo hat hatte hatten hier hin hinter ich ihm
    ihn ihnen ihr ihre ihrem ihren ihrer im in ins ist ja jede jedem jeden jeder jedes jetzt kann kannst kein keine
    keinen können könnte könnt man manche mein meine meinem meinen meiner meines mich mir mit muss müssen nach
    nachdem nicht noch nun nur ob oder ohne schon sehr sein seine seinem seinen seiner seit sich sie sind so solche
    soll sollte sondern sonst über um und uns unser unsere unter viel vom von vor wann war waren warum was weg weil
    welche welchem welchen welcher welches wenn wer werde werden weshalb wie wieder wieso will wir wird wirst wo
    woher wohin wollen worden wurde wurden zu zum zur zwischen bitte danke
    """
)

ENGLISH: Final = _listed(
    """
    a about above after again against all am an and any are as at be because been before being below between both
    but by can cannot could did do does doing don't down during each few for from further get gets getting got had
    has have having he hello her here hers hi him his how i i'm i've if in into is isn't it it's its itself just me
    might more most must my myself no nor not now of off on once only or other our ours out over own please same
    shall she should so some such than thank thanks that that's the their theirs them then there these they this
    those through to too under until up us very was we were what when where which while who whom whose why will with
    without won't would you your yours
    """
)

_BY_LOCALE: Final = {
    "de": GERMAN | frozenset(word.replace("ü", "ue").replace("ö", "oe") for word in GERMAN),
    "en": ENGLISH | frozenset(word.replace("'", "") for word in ENGLISH),
}


def is_stop_word(word: str, locale: str) -> bool:
    """Tell whether `word`, in any case, says nothing about the subject in `locale`."""
    return word.lower().replace("\u2019", "'") in _BY_LOCALE.get(locale, frozenset())

"""The name in the greeting of a draft: it must be the customer's."""

import re
from collections.abc import Iterable
from typing import Final

from flask_babel import gettext
from sqlalchemy import select

from core.db import db
from desk import greetings, persons
from desk.models import Contact, Message
from desk.objections import Draft, Objection, WayOut, register
from search.analysis import text

MOST_READ: Final = 20
"""So many of the customer's messages are read for how they sign."""
_GREETING: Final = re.compile(rf"\A\s{{0,9}}{greetings.HELLO}\s(?P<who>[^\n,.!?:;]{{2,60}})[,.!:\n]", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_][\w'’-]*")
_NO_NAME: Final = re.compile(
    r"herrn?|frau|mrs?|ms|miss|mx|dr|prof|familie|family|und|and|von|van"
    r"|zusammen|alle|allerseits|ihr|leute|gemeinde|team|community|kund(?:e|in|en|innen)|damen?|herren|nutzer(?:in)?"
    r"|freunde|nochmals?|erneut|wieder|dir|du|sie|dich|euch|da|mal|zurück|ihnen"
    r"|there|all|every(?:one|body)|folks|customer|friends?|again|you|sir|madam|back",
    re.IGNORECASE,
)
"""Titles, and words after a greeting that are for everybody."""


@register
def calls_by_another_name(draft: Draft) -> Iterable[Objection]:
    """Object where a draft greets somebody by a name that is not theirs; where no name is known nothing is said."""
    found = _GREETING.match(draft.text)
    contact = draft.conversation.contact if draft.asked is None else draft.asked.contact
    if found is None or contact is None or not _spelt(contact.name):
        return
    said = [word for word in _WORD.findall(found["who"]) if not _NO_NAME.fullmatch(word)]
    called = [word for word in said if word[:1].isupper()]
    if not called or any(_is_theirs(word, contact) for word in called) or _stands_in(draft, contact, called):
        return
    (right, wrong) = (contact.name.strip(), " ".join(called))
    whole = draft.text[found.start("who") : found.end("who")].strip()
    first, *_more = right.split()
    yield Objection(
        code="wrong_name",
        said=whole,
        words=gettext("The customer is called %(right)s, not %(wrong)s.", right=right, wrong=wrong),
        ways_out=(WayOut(label=gettext("Greet %(name)s", name=right), instead=right if _more else first),),
    )


def _is_theirs(word: str, contact: Contact) -> bool:
    """Tell whether a word is part of how the customer is called; handles put names together."""
    mine = _fold(word)
    return mine in _spelt(contact.name) or any(mine in each for each in _spelt(contact.handle))


def _stands_in(draft: Draft, contact: Contact, called: Iterable[str]) -> bool:
    """Tell whether the customer used one of these words, as people sign, or is called so somewhere else."""
    ids = persons.ids_of(contact.id)
    written = select(Message.text).where(
        Message.conversation_id == draft.conversation.id, Message.direction == "in", Message.contact_id.in_(ids)
    )
    texts = [*db.session.scalars(written.order_by(Message.id.desc()).limit(MOST_READ))]
    texts += [f"{one.name} {one.handle}" for one in persons.contacts_of(contact)]
    known = {word for each in texts for word in _spelt(each)}
    return any(_fold(word) in known for word in called)


def _spelt(name: str) -> set[str]:
    """Return the words of a name, each once in its folded spelling."""
    return {_fold(word) for word in _WORD.findall(name)}


def _fold(word: str) -> str:
    """Return a word of a name so that Müller, Mueller and muller are one."""
    folded = text.folded(word)
    for umlaut, pair in (("ä", "a"), ("ö", "o"), ("ü", "u"), ("ae", "a"), ("oe", "o"), ("ue", "u")):
        folded = folded.replace(umlaut, pair)
    return text.plain(folded)

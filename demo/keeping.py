"""What the editors of the demonstration find when they look whether their articles are still right."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy import select

from accounts.models import User
from core.clock import now
from core.db import db
from kb import articles, checking, feedback, judging, queries, recall, retiring, sections, tasks
from kb.models import Article, FeedbackReason

REPORTED: Final[Mapping[str, tuple[FeedbackReason, str]]] = {
    "a03": ("outdated", "Bei mir heißt der Menüpunkt „Ventil lösen“, nicht „Ventil gängig machen“."),
    "a09": ("unclear", "Do I enter minus 1 or plus 1 when the room is colder than it says?"),
}
FLAGGED: Final = ("a06", "klara", "Seit dem neuen Kiesel 3 sind es zwei Batterien vom Typ AAA und nicht AA.")
RIGHT: Final[Mapping[str, tuple[str, ...]]] = {"a01": ("mira", "ada"), "a04": ("mira",)}
WRONG: Final = ("a02", "ada", "Die Adresse ändert man jetzt unter „Mein Vertrag“, im Konto steht sie nicht mehr.")
OVERDUE: Final = "setup"
OVERDUE_DAYS: Final = 30
AGO: Final = timedelta(days=45)
OLD_TITLE: Final = "Den Router mit dem Handy einrichten"
OLD_WORDS: Final = "Öffnen Sie die App, tippen Sie auf **Router** und folgen Sie den Schritten."
SUCCESSOR: Final = "a04"
CORRECTED: Final = "a10"
CORRECTION: Final = "\n\nUse the label from your account. The one in the first parcel is no longer taken."
CORRECTED_BECAUSE: Final = "The old label comes back."


def begin(everybody: Mapping[str, User], article: Callable[[str], Article]) -> None:
    """Have readers, agents and the calendar find something."""
    for source_id, (reason, words) in REPORTED.items():
        feedback.give(article(source_id), reader=f"demo:{source_id}", helped=False, reason=reason, comment=words)
    source_id, handle, words = FLAGGED
    tasks.flag(article(source_id), words=words, by=everybody[handle])
    for source_id, handles in RIGHT.items():
        for handle in handles:
            judging.say(article(source_id), "yes", by=everybody[handle])
    source_id, handle, words = WRONG
    judging.say(article(source_id), "wrong", words=words, by=everybody[handle])
    _look_back(everybody["ruth"])
    _replace(article(SUCCESSOR), by=everybody["emil"])
    _correct(article(CORRECTED), by=everybody["emil"])


def _look_back(admin: User) -> None:
    """Let what stands in one section have been checked some weeks ago, and ask for it more often."""
    section = sections.find(OVERDUE)
    assert section is not None  # noqa: S101 -- for the type checker: the file names one
    for one in db.session.scalars(select(Article).where(Article.section_id == section.id)).unique():
        one.verified_at = now() - AGO
    checking.set_rule(section, "", OVERDUE_DAYS, by=admin)


def _replace(successor: Article, *, by: User) -> None:
    """Archive an article whose address leads to another one now."""
    old = articles.create(
        section=successor.section, locale=successor.locale, title=OLD_TITLE, resolution=OLD_WORDS, by=by
    )
    articles.publish(old, by=by)
    retiring.retire(old, by=by, reason="Der andere Artikel sagt mehr und stimmt noch.", successor=successor)


def _correct(article: Article, *, by: User) -> None:
    """Mend what an article said wrongly, and list where its old words stand."""
    words = articles.words_of(queries.newest_revision(article))
    words["resolution"] += CORRECTION
    articles.revise(article, by=by, comment=CORRECTED_BECAUSE, **words)
    articles.publish(article, by=by)
    recall.begin(article, queries.newest_revision(article))

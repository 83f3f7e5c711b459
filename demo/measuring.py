"""What helping came to in the demonstration: links that were read, a closed case that is to be looked at, questions."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select

from accounts.models import User
from core.clock import now
from core.db import db
from demo import channel as channels
from desk import link_checks, peers, solving
from desk.models import Message
from kb import figures, sent_links
from kb.models import ArticleUse, SentLink

CRITERIA: Final = (
    "Wurde auf alles geantwortet, was gefragt war?",
    "Steht da, was als Nächstes geschieht?",
    "Ist die Antwort ohne Rückfrage zu befolgen?",
)
READ_AFTER: Final = timedelta(hours=2)
BACK_AFTER: Final = timedelta(days=2)
EVERY_FIFTH: Final = 5


def begin(everybody: Mapping[str, User]) -> None:
    """Let links have gone out and be read, have cases looked at, and let the Marktplatz ask whether it is solved."""
    admin = everybody["ruth"]
    solving.choose(channels.open_once(), is_on=True, by=admin)
    for words in CRITERIA:
        peers.add_criterion(words, by=admin)
    sent = (
        select(ArticleUse, Message)
        .join(Message, Message.id == ArticleUse.where_id)
        .where(ArticleUse.where_kind == "message", Message.state == "sent")
    )
    for number, (use, message) in enumerate(db.session.execute(sent.order_by(ArticleUse.id)).unique().all()):
        use.by_id, message.conversation.assignee_id = message.by_id, message.by_id
        sent_links.make(use, asks=False)
        link = db.session.get_one(SentLink, use.id)
        link.made_at = use.at
        if number % EVERY_FIFTH != EVERY_FIFTH - 1:
            link.opened_at = min(use.at + READ_AFTER, now())
        if number % EVERY_FIFTH == 2 and use.at + BACK_AFTER < now():  # noqa: PLR2004 -- one of five comes back
            link.came_back_at = use.at + BACK_AFTER
    db.session.flush()
    _look_at(admin)


def _look_at(admin: User) -> None:
    """Draw the links of a week in which some went out, and look at the first."""
    linked = select(func.max(ArticleUse.at)).where(ArticleUse.by_id.is_not(None), ArticleUse.by_id != admin.id)
    last = db.session.scalar(linked)
    if last is None:
        return
    monday = (last - timedelta(days=last.weekday())).date().isoformat()
    if monday not in figures.week_names():  # a community that was loaded as of long ago
        return
    sheet = link_checks.draw(monday, link_checks.SIZES[0], is_own=False, by=admin)
    link_checks.judge(sheet.checks[0], "right", words="", by=admin)

"""News by mail: gathered by question, after a short while, and written as it leaves of what its reader may see then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import make_msgid
from typing import Any, Final

from flask_babel import force_locale, ngettext
from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import aliased

from accounts.models import User
from core import mail, markup
from core.clock import now
from core.db import db
from core.mail import Letter
from core.settings import current_settings
from core.unique import add_once
from core.web import absolute
from core.worker import chore
from forum import follows, notifications, policy, tickets
from forum.models import DigestTurn, MailStanding, Notification, Post, Topic

MOST_AT_ONCE: Final = 100
"""Mails that one turn of a chore makes; the rest has the next turn."""
MOST_LINES: Final = 20
"""News in one mail; how many more there are is said."""
LONGEST_TEXT: Final = 3000
LONGEST_IN_DIGEST: Final = 280


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One piece of news as it stands in a mail."""

    sentence: str
    url: str
    text: str
    decide_url: str = ""
    """Where the asker says whether it solved the question, and others whether the solution worked; or empty."""
    is_own: bool = True
    """Whether the reader asked."""


def may_mail(user: User) -> bool:
    """Tell whether mail reaches this person: a confirmed address, an open account, and it does not come back."""
    if not user.email or user.email_confirmed_at is None or not user.is_active:
        return False
    return not comes_back(user)


def comes_back(user: User) -> bool:
    """Tell whether nothing is sent to this person because mails came back."""
    return bounces(user) >= current_settings().mail_bounces


def bounces(user: User) -> int:
    """Return how many mails to this person came back."""
    return db.session.scalar(select(MailStanding.bounces).where(MailStanding.user_id == user.id)) or 0


def note_bounce(user: User) -> None:
    """Note that a mail to this person came back."""
    if not add_once(MailStanding, user_id=user.id, bounces=1, last_at=now()):
        db.session.execute(
            update(MailStanding)
            .where(MailStanding.user_id == user.id)
            .values(bounces=MailStanding.bounces + 1, last_at=now())
        )


def forget_bounces(user: User) -> None:
    """Try the address again."""
    db.session.execute(update(MailStanding).where(MailStanding.user_id == user.id).values(bounces=0))


@chore("forum.mail_notices", every=20)
def mail_due() -> int:
    """Mail what waited long enough, one mail for each reader and question; return how many."""
    bundles = list(db.session.execute(_due_bundles().limit(MOST_AT_ONCE)).all())
    db.session.rollback()
    mailed = 0
    for user_id, bundle in bundles:
        mailed += _mail_bundle(user_id, bundle)
        db.session.commit()
    return mailed


@chore("forum.mail_digests", every=900)
def mail_digests() -> int:
    """Send who it is time for the summary of what they have not read; return how many."""
    due = list(db.session.scalars(_due_for_digest().limit(MOST_AT_ONCE)))
    db.session.rollback()
    mailed = 0
    for user_id in due:
        mailed += _mail_digest(user_id)
        db.session.commit()
    return mailed


@mail.letter("forum.notices")
def write_notices(about: dict[str, Any]) -> Letter | None:
    """Write the mail about news of one question, or None when its reader has read it or may not see it any more."""
    return _written(about, folder="forum/mail/notices", longest=LONGEST_TEXT)


@mail.letter("forum.digest")
def write_digest(about: dict[str, Any]) -> Letter | None:
    """Write the weekly summary, or None when nothing is left to say."""
    return _written(about, folder="forum/mail/digest", longest=LONGEST_IN_DIGEST)


def _due_bundles() -> Any:
    settings, earlier = current_settings(), aliased(Notification)
    is_urgent = Notification.bundle == notifications.URGENT
    window_began = now() - timedelta(minutes=settings.mail_window_minutes)
    was_mailed = select(earlier.id).where(
        earlier.user_id == Notification.user_id,
        earlier.bundle == Notification.bundle,
        earlier.way == "mail",
        earlier.mailed_at > window_began,
    )
    return (
        select(Notification.user_id, Notification.bundle)
        .where(*_waiting("mail"), or_(is_urgent, ~was_mailed.correlate(Notification).exists()))
        .group_by(Notification.user_id, Notification.bundle)
        .having(or_(is_urgent, func.min(Notification.at) <= now() - timedelta(minutes=settings.mail_delay_minutes)))
        .order_by(func.min(Notification.at))
    )


def _due_for_digest() -> Any:
    settings = current_settings()
    away = now() - timedelta(days=settings.digest_stop_days)
    return (
        select(Notification.user_id)
        .join(User, User.id == Notification.user_id)
        .outerjoin(DigestTurn, DigestTurn.user_id == Notification.user_id)
        .where(
            *_waiting("digest"),
            func.coalesce(User.seen_at, User.created_at) > away,
            func.coalesce(DigestTurn.last_at, User.created_at) <= now() - timedelta(days=settings.digest_days),
        )
        .group_by(Notification.user_id)
        .order_by(Notification.user_id)
    )


def _waiting(way: str) -> tuple[Any, ...]:
    # The words of the partial index, so that the database sees that it fits.
    return (
        and_(Notification.mailed_at.is_(None), Notification.read_at.is_(None), Notification.way != "bell"),
        Notification.way == way,
    )


def _mail_bundle(user_id: int, bundle: str) -> bool:
    ids = _claimed(user_id, Notification.way == "mail", Notification.bundle == bundle)
    return _queue(user_id, ids, letter="forum.notices")


def _mail_digest(user_id: int) -> bool:
    if not add_once(DigestTurn, user_id=user_id, last_at=now()):
        db.session.execute(update(DigestTurn).where(DigestTurn.user_id == user_id).values(last_at=now()))
    return _queue(user_id, _claimed(user_id, Notification.way == "digest"), letter="forum.digest")


def _claimed(user_id: int, *where: Any) -> list[int]:
    """Mark what waits as mailed and return its ids; of two workers one gets them."""
    return list(
        db.session.scalars(
            update(Notification)
            .where(Notification.user_id == user_id, *_waiting("mail")[:1], *where)
            .values(mailed_at=now())
            .returning(Notification.id)
        )
    )


def _queue(user_id: int, ids: Sequence[int], *, letter: str) -> bool:
    user = db.session.get(User, user_id)
    if user is None or not user.email or not ids or not may_mail(user):
        return False
    rows = _readable(user, ids)
    if not rows:
        return False
    newest = next((row.post_id for row in reversed(rows) if row.post_id is not None), None)
    message_id = make_msgid(domain=mail.host())
    if newest is not None:
        # Who answers without the reply address (some programs take the sender's) is still recognised by this.
        message_id = message_id.replace("<", f"<{tickets.for_reply(user, newest)}.", 1)
    mail.queue_letter(
        user.email,
        letter=letter,
        about={"user_id": user.id, "ids": [row.id for row in rows], "post_id": newest},
        message_id=message_id,
    )
    return True


def _readable(user: User, ids: Sequence[int]) -> list[Notification]:
    """Return what of it the person may see now, has not read, and did not silence meanwhile; oldest first."""
    rows = db.session.scalars(
        notifications.visible_notifications(user)
        .where(Notification.id.in_(ids), Notification.read_at.is_(None))
        .order_by(Notification.id)
    ).unique()
    return [row for row in rows if notifications.group_of(row) == notifications.DECISIONS or not _is_quiet(user, row)]


def _is_quiet(user: User, row: Notification) -> bool:
    return user.id in follows.silencers(row.topic_id, None if row.post is None else row.post.author_id)


def _written(about: dict[str, Any], *, folder: str, longest: int) -> Letter | None:
    user = db.session.get(User, about["user_id"])
    if user is None or not user.email or not may_mail(user):
        return None
    rows = _readable(user, about["ids"])
    if not rows:
        return None
    settings = current_settings()
    groups = {notifications.group_of(row) for row in rows} - {notifications.DECISIONS}
    topic = rows[0].topic if len({row.topic_id for row in rows}) == 1 else None
    # Who leaves the language to the browser reads the one of the question: nothing better is known here.
    locale = user.locale or (settings.default_locale if topic is None else topic.locale)
    with force_locale(locale):
        lines = [_line(row, user, longest) for row in rows[:MOST_LINES]]
        head = _head(rows, topic)
    post_id = about.get("post_id")
    reply_to = "" if post_id is None or topic is None else _reply_address(user, post_id)
    stop_url = absolute(f"/mail/stop/{tickets.for_unsubscribing(user, groups, _id_of(topic))}") if groups else ""
    subject, text, html = mail.written(
        folder,
        locale=locale,
        user=user,
        head=head,
        topic=topic,
        lines=lines,
        more=len(rows) - len(lines),
        may_reply=bool(reply_to),
        stop_url=stop_url,
        settings_url=absolute("/settings/notifications"),
        all_url=absolute("/notifications"),
    )
    headers = {"List-Id": f"{settings.site_name} <news.{mail.host()}>", "X-Auto-Response-Suppress": "All"}
    if topic is not None:
        # The thread's own id, which no mail ever had: programs gather by it what is about one question.
        headers |= dict.fromkeys(("In-Reply-To", "References"), f"<topic-{topic.id}@{mail.host()}>")
    if stop_url:
        headers |= {"List-Unsubscribe": f"<{stop_url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    if reply_to:
        headers["Reply-To"] = reply_to
    return Letter(to=user.email, subject=subject, text=text, html=html, headers=headers, return_path=reply_to or None)


def _head(rows: Sequence[Notification], topic: Topic | None) -> str:
    if topic is not None:
        return topic.title
    if len(rows) == 1:
        return notifications.sentence(rows[0])
    return str(ngettext("%(num)s piece of news for you", "%(num)s pieces of news for you", len(rows)))


def _line(row: Notification, user: User, longest: int) -> Line:
    return Line(
        sentence=notifications.sentence(row),
        url=absolute(row.url),
        text="" if row.post is None or row.kind in SAYS_IT_ALL else _text_of(row.post, longest),
        decide_url=absolute(f"/mail/answer/{tickets.for_deciding(user, row.post)}")
        if row.post is not None and _may_decide(user, row)
        else "",
        is_own=row.topic is None or row.topic.asker_id == user.id,
    )


SAYS_IT_ALL: Final = frozenset({"answer_accepted", "post_muted", "topic_muted"})
"""Kinds that are about what the reader wrote: no need to quote it."""


def _text_of(post: Post, longest: int) -> str:
    text = markup.lines(post.html).strip()
    return text if len(text) <= longest else text[:longest].rsplit(None, 1)[0] + " …"


def _may_decide(user: User, row: Notification) -> bool:
    topic = row.topic
    if row.kind == "topic_solved" and row.post is not None:
        return policy.may_tell_experience(user, row.post)
    return (
        row.kind == "answer_posted"
        and topic is not None
        and topic.asker_id == user.id
        and policy.may_accept_answer(user, topic)
    )


def _reply_address(user: User, post_id: int) -> str:
    name, _, domain = current_settings().mail_reply_to.partition("@")
    return f"{name}+{tickets.for_reply(user, post_id)}@{domain}" if name else ""


def _id_of(topic: Topic | None) -> int | None:
    return None if topic is None else topic.id

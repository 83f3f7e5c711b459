"""Guests who want to hear of one question's solution by mail: asked twice, told once, and forgotten.

The address is confirmed from its own mailbox before anything else is sent. Then there is one mail when the solution
comes, and at most one more when it is taken back or another one is chosen. Nothing here looks whether an address has an
account, so nothing tells.
"""

from datetime import timedelta
from email.utils import make_msgid
from typing import Any, Final, Literal

from flask_babel import gettext
from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update

from accounts import emails
from accounts.people import AnonymousUser
from core import mail, markup
from core.clock import now
from core.db import db
from core.errors import Invalid, NotFound
from core.mail import Letter, Mail
from core.settings import current_settings
from core.unique import add_once
from core.web import absolute
from core.worker import chore
from forum import addresses, queries, tickets
from forum.models import Acceptance, GuestFollow, Post, Topic

CONFIRMED_WITHIN: Final = timedelta(days=2)
"""So long the address in the first mail works; then nobody knows any more who asked."""
A_DAY: Final = timedelta(days=1)
MOST_A_DAY: Final = 5
"""Questions that one address can be asked about in a day: more is somebody else's joke."""
MOST_TELLINGS: Final = 2
MOST_AT_ONCE: Final = 100
LONGEST_TEXT: Final = 3000
LETTERS: Final = ("forum.guest_confirm", "forum.guest_solution")

News = Literal["solved", "changed", "gone"]


def ask(topic: Topic, *, email: str, locale: str) -> None:
    """Ask the owner of an address whether they want to hear of the solution. Whoever calls counts at the door.

    What was asked lately, is confirmed already or is too much for one address sends nothing, and nobody learns why.
    """
    if topic.is_solved or topic.is_closed:
        raise Invalid(gettext("Nothing more will happen here: please read what is on the page."))
    _ask(topic, email=email, locale=locale)


def offer(topic: Topic, *, email: str, locale: str) -> str:
    """Return the address by which whoever asked by mail says that they want to hear of the solution; sends nothing."""
    email = emails.checked(email)
    key = emails.key(email)
    add_once(GuestFollow, topic_id=topic.id, email=email, email_key=key, locale=locale, asked_at=now())
    mine = select(GuestFollow).where(GuestFollow.topic_id == topic.id, GuestFollow.email_key == key)
    return f"/mail/solution/{tickets.for_guest_following(db.session.scalars(mine).one())}"


def _ask(topic: Topic, *, email: str, locale: str) -> None:
    email = emails.checked(email)
    key = emails.key(email)
    asked_today = select(func.count(GuestFollow.id)).where(
        GuestFollow.email_key == key, GuestFollow.asked_at > now() - A_DAY
    )
    if (db.session.scalar(asked_today) or 0) >= MOST_A_DAY:
        return
    is_new = add_once(GuestFollow, topic_id=topic.id, email=email, email_key=key, locale=locale, asked_at=now())
    mine = select(GuestFollow).where(GuestFollow.topic_id == topic.id, GuestFollow.email_key == key)
    wish = db.session.scalars(mine.with_for_update(of=GuestFollow)).one()
    if not is_new:
        if wish.confirmed_at is not None or wish.asked_at > now() - A_DAY:
            return
        wish.asked_at, wish.locale = now(), locale
        db.session.flush()
    _queue(wish, "forum.guest_confirm")


def by_ticket(ticket: str) -> GuestFollow:
    """Return whose signed address this is; raise `NotFound` when it is forged, too old, or all is said."""
    wish = db.session.get(GuestFollow, tickets.guest_following(ticket), populate_existing=True)
    if wish is None or (wish.confirmed_at is None and wish.asked_at <= now() - CONFIRMED_WITHIN):
        raise NotFound
    return wish


def check_ticket(ticket: str) -> None:
    """Raise `NotFound` for what was never signed here."""
    tickets.guest_following(ticket)


def visible_topic(wish: GuestFollow) -> Topic:
    """Return the question as a guest sees it; raise `NotFound` while it is muted."""
    return queries.visible_topic(wish.topic_id, viewer=AnonymousUser())


def confirm(wish: GuestFollow) -> None:
    """Note that the owner of the address wants it."""
    wish.confirmed_at = wish.confirmed_at or now()
    db.session.flush()


def stop(wish: GuestFollow) -> None:
    """Send nothing more, and forget the address."""
    db.session.execute(delete(Mail).where(Mail.letter.in_(LETTERS), Mail.to == wish.email, _is_done()))
    db.session.delete(wish)
    db.session.flush()


@chore("forum.tell_guests", every=60)
def tell_due() -> int:
    """Queue the mails about what was solved, replaced or taken back and stayed so for a while; return how many."""
    current = _solution_of(GuestFollow.topic_id)
    is_as_told = current.is_not_distinct_from(GuestFollow.told_post_id)
    wanted = (GuestFollow.confirmed_at.is_not(None), GuestFollow.tellings < MOST_TELLINGS)
    _set(None, GuestFollow.differs_since.is_not(None), is_as_told)
    _set(now(), GuestFollow.differs_since.is_(None), ~is_as_told, *wanted)
    settled = now() - timedelta(minutes=current_settings().mail_delay_minutes)
    due = (
        select(GuestFollow.id, current.label("post_id"))
        .join(Topic, Topic.id == GuestFollow.topic_id)
        # What is muted sends nothing; when it is lifted the mail goes out.
        .where(*wanted, ~is_as_told, GuestFollow.differs_since <= settled, queries.topics_visible_to(AnonymousUser()))
        .order_by(GuestFollow.id)
        .limit(MOST_AT_ONCE)
    )
    rows = db.session.execute(due).all()
    told = 0
    for wish_id, post_id in rows:
        told += _tell(wish_id, post_id)
    db.session.commit()
    return told


@chore("forum.forget_guest_follows", every=3600)
def forget_old() -> int:
    """Delete the addresses of those who never confirmed, heard all there is, or waited too long; return how many."""
    settings, at = current_settings(), now()
    over = or_(
        and_(GuestFollow.confirmed_at.is_(None), GuestFollow.asked_at < at - CONFIRMED_WITHIN),
        GuestFollow.asked_at < at - timedelta(days=settings.guest_follow_days),
        GuestFollow.told_at < at - timedelta(days=settings.guest_follow_after_days),
        and_(GuestFollow.tellings >= MOST_TELLINGS, GuestFollow.told_at < at - A_DAY),
    )
    gone = db.session.execute(delete(GuestFollow).where(over).returning(GuestFollow.id)).all()
    db.session.execute(delete(Mail).where(Mail.letter.in_(LETTERS), Mail.created_at < at - A_DAY, _is_done()))
    db.session.commit()
    return len(gone)


@mail.letter("forum.guest_confirm")
def write_confirmation(about: dict[str, Any]) -> Letter | None:
    """Write the mail that asks whether the address is theirs who typed it, or None when that is settled."""
    wish = db.session.get(GuestFollow, about["id"])
    if wish is None or wish.confirmed_at is not None:
        return None
    try:
        topic = visible_topic(wish)
    except NotFound:
        return None
    url = absolute(f"/mail/solution/{tickets.for_guest_following(wish)}")
    return _letter(wish, "guest_confirm", topic=topic, url=url, days=current_settings().guest_follow_days)


@mail.letter("forum.guest_solution")
def write_news(about: dict[str, Any]) -> Letter | None:
    """Write what became of the question, as it is when the mail leaves and as a guest sees it."""
    wish = db.session.get(GuestFollow, about["id"])
    if wish is None:
        return None
    try:
        topic = visible_topic(wish)
        post_id = wish.told_post_id
        solution = None if post_id is None else queries.visible_post(post_id, viewer=AnonymousUser())
    except NotFound:
        return None
    if solution is not None and not _is_solution(solution):
        # Taken back in this moment: it was never told, and the next turn finds out what to say.
        wish.told_post_id, wish.told_at, wish.tellings = None, None, max(0, wish.tellings - 1)
        return None
    news: News = "gone" if solution is None else "solved" if wish.tellings == 1 else "changed"
    text = "" if solution is None else markup.lines(solution.html).strip()
    return _letter(
        wish,
        "guest_solution",
        topic=topic,
        news=news,
        text=text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT].rsplit(None, 1)[0] + " …",
        url=absolute(addresses.of_topic(topic) if solution is None else addresses.of_post(solution)),
        is_last=wish.tellings >= MOST_TELLINGS,
        days=current_settings().guest_follow_after_days,
    )


def _tell(wish_id: int, post_id: int | None) -> bool:
    claimed = (
        update(GuestFollow)
        .where(GuestFollow.id == wish_id, GuestFollow.told_post_id.is_distinct_from(post_id))
        .values(told_post_id=post_id, tellings=GuestFollow.tellings + 1, told_at=now(), differs_since=None)
        .returning(GuestFollow.id)
    )
    if db.session.execute(claimed).first() is None:
        return False  # another worker was first
    _queue(db.session.get_one(GuestFollow, wish_id, populate_existing=True), "forum.guest_solution")
    return True


def _queue(wish: GuestFollow, letter: str) -> None:
    mail.queue_letter(wish.email, letter=letter, about={"id": wish.id}, message_id=make_msgid(domain=mail.host()))


def _letter(wish: GuestFollow, name: str, *, topic: Topic, **values: Any) -> Letter:
    stop_url = absolute(f"/mail/solution/{tickets.for_guest_following(wish)}/stop")
    subject, text, html = mail.written(
        f"forum/mail/{name}", locale=wish.locale, topic=topic, stop_url=stop_url, **values
    )
    headers = {
        "X-Auto-Response-Suppress": "All",
        "List-Unsubscribe": f"<{stop_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        **dict.fromkeys(("In-Reply-To", "References"), f"<topic-{topic.id}@{mail.host()}>"),
    }
    return Letter(to=wish.email, subject=subject, text=text, html=html, headers=headers)


def _solution_of(topic_id: Any) -> Any:
    """Return the id of the first solution of a topic that guests may read, as a subquery."""
    return (
        select(Acceptance.post_id)
        .join(Post, Post.id == Acceptance.post_id)
        .where(Acceptance.topic_id == topic_id, Acceptance.position == 0, queries.posts_visible_to(AnonymousUser()))
        .correlate(GuestFollow)
        .scalar_subquery()
    )


def _set(differs_since: Any, *where: ColumnElement[bool]) -> None:
    db.session.execute(
        update(GuestFollow)
        .where(*where)
        .values(differs_since=differs_since)
        .execution_options(synchronize_session=False)
    )


def _is_solution(post: Post) -> bool:
    return db.session.scalar(select(Acceptance.id).where(Acceptance.post_id == post.id)) is not None


def _is_done() -> ColumnElement[bool]:
    return or_(Mail.sent_at.is_not(None), Mail.dropped_at.is_not(None))

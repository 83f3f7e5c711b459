"""Questions that come in by mail, to the address that answers none of our mails.

A sender's name proves nothing. What says it comes from a member is posted only when the member presses a button behind
a signed link, which goes to the address the account has. What comes from an unknown address is written down under a
staged account, without what looks like personal data, and waits for the team. Either way one mail goes back, and none
to a machine.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import timedelta
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any, Final, Literal

from flask_babel import force_locale, gettext
from sqlalchemy import delete, func, select

from accounts import emails, one_time, people, staged
from accounts.models import User
from core import mail, markup, personal, pictures, texts
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from core.mail import Letter, Mail
from core.settings import current_settings
from core.unique import add_once
from core.web import absolute
from core.worker import chore
from forum import (
    addresses,
    guest_follows,
    images,
    limits,
    personal_data,
    queries,
    quotes,
    received_mail,
    tickets,
    topics,
)
from forum.models import LONGEST_TITLE, SHORTEST_TITLE, Category, Image, MailedQuestion, Note, Post, ReceivedMail, Topic
from search.analysis import language

Taken = Literal["asked", "waiting", "again"]
KEPT: Final = timedelta(days=2)
"""So long a member may say whether a question is theirs."""
A_DAY: Final = timedelta(days=1)
MOST_WAITING: Final = 3
"""Questions that wait for one member: more is somebody else's joke."""
MOST_UNKNOWN_AN_HOUR: Final = 60
"""Questions of unknown senders, of all together: a flood is sent back."""
LONGEST_SUBJECT: Final = 500
ANSWERING: Final = ("re:", "aw:", "fwd:", "fw:", "wg:", "antw:")
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
LETTERS: Final = ("forum.mailed_question", "forum.question_arrived")


def are_taken() -> bool:
    """Tell whether mail that answers nothing becomes a question."""
    return bool(current_settings().mail_question_category)


def take(message: EmailMessage) -> tuple[Taken, Post | None]:
    """Take a question in, once. Raises `Invalid` or `NotAllowed` with a sentence for the sender.

    The same sentences go to members and to strangers: they must not tell who has an account.
    """
    sender = _sender(message)
    category = _category()
    key = _key(message, sender)
    if not add_once(ReceivedMail, key=key, user_id=None, topic_id=None, outcome="asked", at=now()):
        return "again", None
    source = quotes.trimmed(received_mail.text(message))
    locale = language.guess(f"{_subject(message)}\n{source}", current_settings().default_locale)
    with force_locale(locale):
        title = _title(_subject(message), source)
        source = limits.source("question", source)
        member = people.by_email(sender)
        if member is not None and not member.is_staged:
            _let_wait(member, title, source, locale, message)
            return "waiting", None
        return "asked", _ask_staged(sender, title, source, locale, message, category=category, key=key)


def ask_for_stranger(
    sender: str, *, title: str, source: str, locale: str, category: Category, brought: Sequence[Image] = ()
) -> Topic:
    """Write down what an unknown address asks, without what looks like personal data, with a note for the team."""
    asker = _asker(sender, locale)
    caught = {one.kind for one in personal_data.find(f"{title}\n{source}")}
    with force_locale(locale):  # what stands in the place of a number speaks the language of the text
        title, source = _fitting(personal_data.redacted(title)), personal_data.redacted(source)
    has_many_links = markup.count_links(markup.render(source)) > current_settings().new_account_links
    kept = [image for one in brought if (image := images.give(one.name, to=asker)) is not None]
    is_held = current_settings().mail_questions_held == "always" or bool(caught) or has_many_links or bool(kept)
    topic = topics.take_in(
        title=title,
        source=_with_pictures(source, kept),
        category=category,
        locale=locale,
        asker=asker,
        cause="first" if is_held else None,
    )
    _leave_note(topic, caught)
    return topic


def waiting(ticket: str) -> MailedQuestion:
    """Return the question that a member's link is about; raise `NotFound` when it is done, too old, or forged."""
    question_id, user_id = tickets.mailed_question(ticket)
    found = db.session.get(MailedQuestion, question_id, populate_existing=True)
    if found is None or found.user_id != user_id or found.at <= now() - KEPT or not found.user.is_active:
        raise NotFound
    if ticket != tickets.for_mailed_question(found):
        raise NotFound  # it went to another address than the account has now
    return found


def post(question: MailedQuestion, *, title: str, source: str) -> Topic:
    """Post a question as its member, who has read it; of two presses at once the second finds nothing (`NotFound`)."""
    user, locale, names = question.user, question.locale, list(question.images)
    gone = delete(MailedQuestion).where(MailedQuestion.id == question.id).returning(MailedQuestion.id)
    if db.session.execute(gone.execution_options(synchronize_session=False)).first() is None:
        raise NotFound
    db.session.expunge(question)
    kept = [image for name in names if (image := images.give(name, to=user)) is not None]
    category = _category()
    return topics.take_in(
        title=title, source=_with_pictures(source, kept), category=category, locale=locale, asker=user
    )


def discard(question: MailedQuestion) -> None:
    """Forget a question that a member does not want, or did not write."""
    db.session.delete(question)
    db.session.flush()


@chore("forum.forget_mailed_questions", every=3600)
def forget_old() -> int:
    """Forget what members did not post in time, and the mails about it; return how many questions."""
    gone = db.session.execute(
        delete(MailedQuestion).where(MailedQuestion.at < now() - KEPT).returning(MailedQuestion.id)
    )
    count = len(gone.all())
    is_done = Mail.sent_at.is_not(None) | Mail.dropped_at.is_not(None)
    db.session.execute(delete(Mail).where(Mail.letter.in_(LETTERS), Mail.created_at < now() - A_DAY, is_done))
    db.session.commit()
    return count


@mail.letter("forum.mailed_question")
def write_to_member(about: dict[str, Any]) -> Letter | None:
    """Write the mail that asks a member whether a question is theirs, or None when that is settled.

    No word of the question is in it, nor in the one to strangers: nobody shall write to others through us.
    """
    question = db.session.get(MailedQuestion, about["id"])
    if question is None or not question.user.email or not question.user.is_active:
        return None
    url = absolute(f"/mail/question/{tickets.for_mailed_question(question)}")
    locale = question.user.locale or question.locale
    return _letter(question.user.email, "mailed_question", locale=locale, user=question.user, url=url)


@mail.letter("forum.question_arrived")
def write_to_stranger(about: dict[str, Any]) -> Letter | None:
    """Write to an unknown address that the question has arrived, and how it becomes the sender's own."""
    topic, user = db.session.get(Topic, about["topic_id"]), db.session.get(User, about["user_id"])
    known = None if user is None else staged.identity(user)
    if topic is None or user is None or known is None or not known.email or not user.is_staged:
        return None
    settings = current_settings()
    return _letter(
        known.email,
        "question_arrived",
        locale=known.locale,
        is_held=topic.is_muted,
        url=absolute(addresses.of_topic_id(topic.id)),
        follow_url=absolute(guest_follows.offer(topic, email=known.email, locale=known.locale)),
        claim_url=absolute(f"/claim/{one_time.issue(user, 'claim')}"),
        days=settings.claim_days,
    )


def _let_wait(member: User, title: str, source: str, locale: str, message: EmailMessage) -> None:
    # Whatever is wrong with the account, the sender hears what a stranger hears: nothing.
    pending = select(func.count(MailedQuestion.id)).where(
        MailedQuestion.user_id == member.id, MailedQuestion.at > now() - A_DAY
    )
    if not member.is_active or (db.session.scalar(pending) or 0) >= MOST_WAITING:
        return
    names = [image.name for image in _pictures(message)]
    question = MailedQuestion(user_id=member.id, title=title, source=source, locale=locale, images=names, at=now())
    db.session.add(question)
    db.session.flush()
    _queue(str(member.email), "forum.mailed_question", {"id": question.id})


def _ask_staged(
    sender: str, title: str, source: str, locale: str, message: EmailMessage, *, category: Category, key: str
) -> Post:
    _stop_floods()
    asker = _asker(sender, locale)
    asked = select(func.count(Topic.id)).where(Topic.asker_id == asker.id, Topic.created_at > now() - A_DAY)
    if (db.session.scalar(asked) or 0) >= (current_settings().questions_a_day or MOST_UNKNOWN_AN_HOUR):
        raise NotAllowed(gettext("These were many questions for one day. Please write again tomorrow."))
    topic = ask_for_stranger(
        sender, title=title, source=source, locale=locale, category=category, brought=_pictures(message)
    )
    received = db.session.scalars(select(ReceivedMail).where(ReceivedMail.key == key)).one()
    received.user_id, received.topic_id = asker.id, topic.id
    db.session.flush()
    _answer_once_a_day(sender, asker, topic)
    return db.session.scalars(select(Post).where(Post.topic_id == topic.id, Post.kind == "question")).unique().one()


def _asker(sender: str, locale: str) -> User:
    return staged.person("mail", emails.key(sender), locale=locale, email=sender)


def _stop_floods() -> None:
    recent = select(func.count(ReceivedMail.id)).where(
        ReceivedMail.outcome == "asked", ReceivedMail.user_id.is_not(None), ReceivedMail.at > now() - timedelta(hours=1)
    )
    if (db.session.scalar(recent) or 0) >= MOST_UNKNOWN_AN_HOUR:
        raise NotAllowed(gettext("Too many questions arrive by mail at the moment. Please ask on the page, or later."))


def _answer_once_a_day(sender: str, asker: User, topic: Topic) -> None:
    # Whoever forges senders must not have us write to strangers again and again.
    earlier = select(Topic.id).where(Topic.asker_id == asker.id, Topic.id != topic.id, Topic.created_at > now() - A_DAY)
    if db.session.scalar(earlier.limit(1)) is None:
        _queue(sender, "forum.question_arrived", {"topic_id": topic.id, "user_id": asker.id})


def _leave_note(topic: Topic, caught: Collection[personal.Kind]) -> None:
    with force_locale(current_settings().default_locale):
        said = gettext("This question came by mail; nobody has proved who wrote it.")
        if caught:
            kinds = ", ".join(personal.name(kind) for kind in personal.KINDS if kind in caught)
            said += " " + gettext(
                "Taken out of the text: %(kinds)s. Please look whether anything is left.", kinds=kinds
            )
    db.session.add(Note(topic_id=topic.id, author_id=None, text=said))
    db.session.flush()


def _pictures(message: EmailMessage) -> list[Image]:
    """Return the pictures that came along, drawn anew; what is none, or too many, is left out."""
    settings = current_settings()
    found: list[Image] = []
    for part in received_mail.parts(message):
        if len(found) >= settings.images_per_post:
            break
        content = part.get_payload(decode=True) if part.get_content_type() in PICTURES else None
        if not isinstance(content, bytes):
            continue
        try:
            picture = pictures.redraw(content, megabytes=settings.image_megabytes, megapixels=settings.image_megapixels)
        except Invalid:
            continue  # the words are worth more than a broken picture
        image = images.store(picture)
        if image not in found:
            found.append(image)
    return found


def _with_pictures(source: str, kept: Sequence[Image]) -> str:
    shown = "\n\n".join(f"![]({addresses.of_image(image)})" for image in kept)
    return f"{source}\n\n{shown}" if shown else source


def _category() -> Category:
    try:
        return queries.category(current_settings().mail_question_category)
    except NotFound:
        raise NotAllowed(gettext("Questions are not taken by mail. Please ask on the page.")) from None


def _sender(message: EmailMessage) -> str:
    settings = current_settings()
    sender = received_mail.sender(message)
    own = {settings.mail_from.rpartition("<")[2].rstrip("> ").lower(), settings.mail_reply_to}
    if sender in own:
        raise NotAllowed(gettext("This mail comes from ourselves."))
    return emails.checked(sender)


def _subject(message: EmailMessage) -> str:
    subject = texts.line(str(message.get("Subject", ""))[:LONGEST_SUBJECT], longest=LONGEST_SUBJECT)
    while subject.lower().startswith(ANSWERING):
        subject = subject.partition(":")[2].strip()
    return subject


def _title(subject: str, source: str) -> str:
    """Return the subject, and where that says too little, the first words of the text behind it."""
    if len(subject) < SHORTEST_TITLE:
        words = " ".join(source.split())
        subject = f"{subject}: {words}" if subject else words
    return limits.title(_fitting(subject))


def _fitting(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 2].rsplit(None, 1)[0] + " …"


def _key(message: EmailMessage, sender: str) -> str:
    named = received_mail.header(message, "Message-ID").strip()
    if not named:  # programs that name none send the same bytes again
        named = received_mail.header(message, "Date") + received_mail.text(message)
    return hashlib.sha256(f"question\0{named}\0{sender}".encode("utf-8", "replace")).hexdigest()


def _queue(to: str, letter: str, about: dict[str, Any]) -> None:
    mail.queue_letter(to, letter=letter, about=about, message_id=make_msgid(domain=mail.host()))


def _letter(to: str, name: str, *, locale: str, **values: Any) -> Letter:
    subject, text, html = mail.written(f"forum/mail/{name}", locale=locale, **values)
    return Letter(to=to, subject=subject, text=text, html=html, headers={"X-Auto-Response-Suppress": "All"})

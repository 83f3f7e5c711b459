"""The gate: what new accounts may do at once, and which posts wait until the team has looked at them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext, ngettext
from sqlalchemy import ColumnElement, func, select

from accounts.models import User
from core import markup, problems
from core.clock import now
from core.db import db
from core.errors import Invalid
from core.settings import current_settings
from forum import cases, fields, words
from forum.models import Cause, Muting, Post, Topic

_MENTION = re.compile(r"(?<![\w@/.])@\w")


@dataclass(frozen=True, slots=True)
class Looked:
    """A text that may be stored, and why it must wait, if it must."""

    title: str
    source: str
    details: list[dict[str, Any]]
    cause: Cause | None


def look_at(
    *,
    source: str,
    title: str = "",
    details: Sequence[Mapping[str, Any]] = (),
    by: User,
    typed_in: float | None = None,
    is_edit: bool = False,
) -> Looked:
    """Apply the watched words and the limits for new accounts; raise `Invalid` at the field that needs other words.

    `details` are what will be stored of the fields of a category, see `forum.fields`. `typed_in` says for how many
    seconds the form was open; a program has none.
    """
    titled, body = words.judge(title, is_markdown=False), words.judge(source)
    told = {fields.PREFIX + detail["key"]: words.judge(detail["value"], is_markdown=False) for detail in details}
    every = {"title": titled, "source": body, **told}
    if not by.is_team:
        refused = {name: words.refusal(judged.blocked) for name, judged in every.items() if judged.blocked}
        if refused:
            raise Invalid(gettext("Some fields need another look."), fields=refused)
    cause: Cause | None = None
    if not by.is_trusted:
        if is_new(by):
            _refuse_too_much(body.text)
        cause = "words" if any(judged.held for judged in every.values()) else None if is_edit else _cause(by, typed_in)
    reworded = fields.reworded(details, {name: judged.text for name, judged in told.items()})
    return Looked(titled.text, body.text, reworded, cause)


def hold(post: Post, cause: Cause) -> None:
    """Show a post that was just written to nobody but its author and the team, until somebody has looked at it."""
    subject = cases.subject_of(post)
    muting = Muting(cause=cause, reason="")
    muting.topic_id, muting.post_id = (subject.id, None) if isinstance(subject, Topic) else (None, subject.id)
    db.session.add(muting)
    db.session.flush()
    db.session.expire(subject, ["muting"])
    cases.open_for(post, kind="held")


def is_new(user: User) -> bool:
    """Tell whether somebody made this account themselves and the team knows little of them yet.

    Who was brought by the team, an import or an admin is known; so are members with an earned level. The team may also
    set somebody back to new.
    """
    if user.trust < 1 and not user.is_trusted:
        return True
    if user.licence_accepted_at is None or user.is_experienced:
        return False
    settings = current_settings()
    is_young = now() - user.created_at < timedelta(hours=settings.new_account_hours)
    return is_young or _has_posts_to_wait(user)


def seen_posts(user: User, *, most: int) -> int:
    """Return how many posts of somebody others see; no more than `most` are counted."""
    seen = select(Post.id).where(Post.author_id == user.id, *_is_seen()).limit(most).subquery()
    return db.session.scalar(select(func.count()).select_from(seen)) or 0


def looked_at_by(muting: Muting) -> datetime:
    """Return until when the team promises to have looked at it."""
    return muting.at + timedelta(hours=current_settings().review_hours)


def _cause(by: User, typed_in: float | None) -> Cause | None:
    if not is_new(by):
        return None
    if _has_posts_to_wait(by):
        return "first"
    return "fast" if typed_in is not None and typed_in < current_settings().fastest_post_seconds else None


def _has_posts_to_wait(user: User) -> bool:
    first = current_settings().held_first_posts
    return bool(first) and seen_posts(user, most=first) < first


def _is_seen() -> Iterator[ColumnElement[bool]]:
    yield ~select(Muting.id).where(Muting.post_id == Post.id).correlate(Post).exists()
    yield ~select(Muting.id).where(Muting.topic_id == Post.topic_id).correlate(Post).exists()


def _refuse_too_much(source: str) -> None:
    settings = current_settings()
    html = markup.render(source)
    with problems.at("source"):
        links, most = markup.count_links(html), settings.new_account_links
        if links > most:
            raise Invalid(
                ngettext(
                    "New accounts can put %(num)s link into a text; these are %(given)s.",
                    "New accounts can put %(num)s links into a text; these are %(given)s.",
                    most,
                    given=links,
                )
            )
        pictures, most = len(markup.pictures(html)), settings.new_account_images
        if pictures > most:
            raise Invalid(
                ngettext(
                    "New accounts can put %(num)s picture into a text; these are %(given)s.",
                    "New accounts can put %(num)s pictures into a text; these are %(given)s.",
                    most,
                    given=pictures,
                )
            )
        mentions, most = len(_MENTION.findall(markup.plain(html))), settings.new_account_mentions
        if mentions > most:
            raise Invalid(
                ngettext(
                    "New accounts can mention %(num)s person in a text; these are %(given)s.",
                    "New accounts can mention %(num)s people in a text; these are %(given)s.",
                    most,
                    given=mentions,
                )
            )

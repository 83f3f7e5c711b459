"""What a post must be before it is taken, and how fast one member may write."""

import math
import re
from collections.abc import Iterable
from datetime import timedelta

from flask_babel import gettext
from sqlalchemy import ColumnElement, select

from accounts.models import User
from core import markup, problems, texts
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, TooSoon
from core.i18n import LOCALES, minutes_in_words
from core.settings import current_settings
from forum import holding, words
from forum.models import LONGEST_TITLE, SHORTEST_TITLE, Post, PostKind, Topic

LONGEST_SOURCE = {"question": 32_000, "answer": 32_000, "comment": 2_000}
SHORTEST_SOURCE = {"question": 20, "answer": 10, "comment": 5}
MOST_TAGS = 5
LONGEST_TAG = 40
LONGEST_REASON = 500
SHORTEST_REASON = 3
LONGEST_EDIT_REASON = 200
LONGEST_VERSION = 60
LONGEST_EXPERIENCE = 200
LONGEST_OBJECTION = 2_000
LONGEST_NOTE = 2_000
REPEAT = timedelta(minutes=5)
A_DAY = timedelta(days=1)

_TAG = re.compile(r"(?:[^\W_]|[-+#.])+")


def title(value: str) -> str:
    """Return a clean title of 10 to 150 characters, or raise `Invalid`."""
    return texts.line(value, longest=LONGEST_TITLE, shortest=SHORTEST_TITLE)


def source(kind: PostKind, value: str) -> str:
    """Return a clean Markdown text of a length that fits the kind of post, or raise `Invalid`."""
    clean = texts.block(value, longest=LONGEST_SOURCE[kind], shortest=SHORTEST_SOURCE[kind])
    markup.render(clean)  # refuses what cannot be rendered; the deed's own call finds the result remembered
    return clean


def post_source(kind: PostKind, value: str) -> str:
    """Return the same as `source`; what is wrong is said at the field of that name."""
    with problems.at("source"):
        return source(kind, value)


def post_title(value: str) -> str:
    """Return the same as `title`; what is wrong is said at the field of that name."""
    with problems.at("title"):
        return title(value)


def public_line(value: str, *, longest: int, by: User) -> str:
    """Return a clean line that everybody reads at once, as the watched words have it, or raise `Invalid`."""
    return texts.line(words.short(texts.line(value, longest=longest), by=by), longest=longest)


def reason(value: str) -> str:
    """Return a clean reason of the team, or raise `Invalid`."""
    return texts.block(value.strip(), longest=LONGEST_REASON, shortest=SHORTEST_REASON)


def public_reason(value: str, *, by: User) -> str:
    """Return a clean reason of the team that everybody reads, as the watched words have it, or raise `Invalid`."""
    return reason(words.short(reason(value), by=by))


def locale(value: str) -> str:
    """Return the language, or raise `Invalid`."""
    if value not in LOCALES:
        raise Invalid(gettext("Please choose German or English."))
    return value


def tags(values: Iterable[str]) -> list[str]:
    """Return the tags in lower case, each once, in the order given; raise `Invalid` when one cannot be a tag."""
    names = each_tag(values)
    if len(names) > MOST_TAGS:
        raise Invalid(gettext("%(most)s tags fit, these are %(given)s.", most=MOST_TAGS, given=len(names)))
    return names


def each_tag(values: Iterable[str]) -> list[str]:
    """Return the tags in lower case, each once, however many; raise `Invalid` when one cannot be a tag."""
    return list(dict.fromkeys(name for value in values if (name := tag(value))))


def tag(value: str) -> str:
    """Return one tag in lower case, spaces as dashes; raise `Invalid` when it cannot be one."""
    name = "-".join(texts.line(value, longest=LONGEST_TAG).lower().split())
    if name and not _TAG.fullmatch(name):
        raise Invalid(gettext("“%(tag)s” cannot be a tag: letters, digits and - + # . can.", tag=name))
    return name


def rest(by: User, kind: PostKind, text: str, *place: ColumnElement[bool]) -> None:
    """Refuse what the same member wrote within five minutes (`Conflict`), and what follows too fast (`TooSoon`).

    `place` narrows where a repeat counts. New accounts pause longer; of questions there is a number a day. The team is
    never held up, and a pause of 0 seconds switches all of it off.
    """
    settings = current_settings()
    if by.is_team or not settings.post_pause_seconds:
        return
    # Of two posts sent at the same moment the second waits here and then sees the first.
    db.session.execute(select(User.id).where(User.id == by.id).with_for_update(key_share=True))
    since = now() - REPEAT
    repeated = select(Post.id).where(
        Post.author_id == by.id, Post.created_at > since, Post.kind == kind, Post.source == text, *place
    )
    if db.session.scalar(repeated.limit(1)) is not None:
        raise Conflict(gettext("You wrote exactly this a moment ago, and it has arrived."))
    last = db.session.scalar(select(Post.created_at).where(Post.author_id == by.id).order_by(Post.id.desc()).limit(1))
    if last is not None:
        since_then = now() - last
        pause = settings.post_pause_seconds
        if since_then < timedelta(seconds=settings.new_account_pause_seconds) and holding.is_new(by):
            pause = max(pause, settings.new_account_pause_seconds)
        left = timedelta(seconds=pause) - since_then
        if left > timedelta(0):
            raise TooSoon(math.ceil(left.total_seconds()))
    if kind == "question" and settings.questions_a_day and not by.is_trusted:
        _refuse_one_more_today(by, settings.questions_a_day)


class EnoughForToday(TooSoon):
    """So many questions were asked within a day; `seconds` says when the next one can be."""

    def __init__(self, seconds: int, most: int) -> None:
        super().__init__(seconds)
        self.sentence = gettext(
            "You have asked %(most)s questions within a day. In %(time)s you can ask the next one. Your text stays as "
            "it is.",
            most=most,
            time=minutes_in_words(self.seconds),
        )


def _refuse_one_more_today(by: User, most: int) -> None:
    decisive = db.session.scalar(
        select(Topic.created_at)
        .where(Topic.asker_id == by.id, Topic.created_at > now() - A_DAY)
        .order_by(Topic.created_at.desc())
        .offset(most - 1)
        .limit(1)
    )
    if decisive is not None:
        raise EnoughForToday(math.ceil((decisive + A_DAY - now()).total_seconds()), most)

"""Tags: other words for them, those that only the team gives, and two that are one from now on."""

from collections.abc import Iterable

from flask_babel import gettext
from sqlalchemy import func, select

from accounts import audit
from accounts.models import User
from core.db import db
from core.errors import Invalid, NotAllowed
from core.problems import Problems
from core.turns import take_turn
from core.unique import add_once
from forum import limits, pointers, policy, words
from forum.models import Category, Tag, TagSynonym, TopicTag
from search import registry, tracking

TURN = "forum.tags"


def checked(values: Iterable[str], *, category: Category | None, by: User) -> list[str]:
    """Return the tags that these words mean; raise `Invalid` when one cannot be given, or one is missing here."""
    names = meant(limits.tags(values))
    found = db.session.scalars(select(Tag).where(Tag.name.in_(names))) if names else ()
    known = {tag.name: tag.is_reserved for tag in found}
    for name in () if by.is_team else names:
        if known.get(name):
            raise Invalid(gettext("Only the team gives the tag “%(tag)s”.", tag=name))
        if name not in known:
            words.check_tag(name)
    if category is not None and not by.is_team:
        _refuse_missing(names, category)
    return names


def meant(names: list[str]) -> list[str]:
    """Return for each word the tag that it is another word for, else the word itself; each once."""
    if not names:
        return []
    rows = select(TagSynonym.name, Tag.name).join(Tag, Tag.id == TagSynonym.tag_id).where(TagSynonym.name.in_(names))
    known = {str(word): str(tag) for word, tag in db.session.execute(rows)}
    return list(dict.fromkeys(known.get(name, name) for name in names))


def add_synonym(tag: Tag, *, word: str, by: User) -> None:
    """Let a word mean a tag. A word that is a tag by itself is merged instead."""
    _ask_policy(by)
    word = _word(word)
    take_turn(TURN)
    sentence = ""
    if word == tag.name:
        sentence = gettext("This is the tag itself.")
    elif db.session.scalar(select(Tag.id).where(Tag.name == word)) is not None:
        sentence = gettext("“%(word)s” is a tag itself. Merge it, then it is another word for this one.", word=word)
    elif not add_once(TagSynonym, name=word, tag_id=tag.id):
        sentence = gettext("“%(word)s” is another word for a tag already.", word=word)
    if sentence:
        raise Invalid(sentence, fields={"word": sentence})
    audit.record("forum.tag.add_synonym", tag, by=by, after={"word": word})


def remove_synonym(tag: Tag, *, word: str, by: User) -> None:
    """Let a word mean nothing but itself again."""
    _ask_policy(by)
    known = db.session.get(TagSynonym, word)
    if known is not None and known.tag_id == tag.id:
        db.session.delete(known)
        db.session.flush()
        audit.record("forum.tag.remove_synonym", tag, by=by, before={"word": word})


def reserve(tag: Tag, *, is_reserved: bool, by: User) -> None:
    """Say whether only the team gives a tag; who has it keeps it."""
    _ask_policy(by)
    if tag.is_reserved != is_reserved:
        tag.is_reserved = is_reserved
        db.session.flush()
        audit.record(
            "forum.tag.reserve", tag, by=by, before={"reserved": not is_reserved}, after={"reserved": is_reserved}
        )


def make(name: str, *, by: User) -> Tag:
    """Make a tag, or return the one that there is, also under another word."""
    _ask_policy(by)
    (name,) = meant([_word(name)])
    if add_once(Tag, name=name, is_reserved=False):
        made = by_name(name)
        assert made is not None  # noqa: S101 -- for the type checker: it has just been written
        audit.record("forum.tag.create", made, by=by, after={"name": name})
    found = by_name(name)
    assert found is not None  # noqa: S101 -- the same
    return found


def merge(tag: Tag, *, into: Tag, by: User) -> None:
    """Make two tags one: what has the first has the second, who follows the first follows the second.

    The first name and every other word for it mean the second from now on.
    """
    _ask_policy(by)
    take_turn(TURN)
    if tag.id == into.id:
        sentence = gettext("A tag cannot be merged into itself.")
        raise Invalid(sentence, fields={"into": sentence})
    name = tag.name
    had = list(db.session.scalars(select(TopicTag.topic_id).where(TopicTag.tag_id == tag.id)))
    for source in registry.sources():  # other rooms have tagged things, too, and they move behind the session's back
        tracking.note(source.kind, list(source.stale(tag)))
    pointers.move(Tag, tag.id, into.id)
    db.session.flush()
    db.session.expire_all()
    db.session.delete(tag)
    db.session.flush()
    add_once(TagSynonym, name=name, tag_id=into.id)
    tracking.note("topic", had)
    audit.record("forum.tag.merge", into, by=by, before={"tag": name, "topics": len(had)}, after={"tag": into.name})


def words_of(tag: Tag) -> list[str]:
    """Return the other words for a tag."""
    return list(
        db.session.scalars(select(TagSynonym.name).where(TagSynonym.tag_id == tag.id).order_by(TagSynonym.name))
    )


def by_name(name: str) -> Tag | None:
    return db.session.scalars(select(Tag).where(Tag.name == name)).first()


def listed(limit: int, *, containing: str = "") -> list[tuple[Tag, int, list[str]]]:
    """Return tags with how many topics have them and the other words for them, the most used first."""
    count = func.count(TopicTag.topic_id)
    statement = select(Tag, count).outerjoin(TopicTag, TopicTag.tag_id == Tag.id).group_by(Tag.id)
    if containing:
        other = select(TagSynonym.tag_id).where(TagSynonym.name.contains(containing, autoescape=True))
        statement = statement.where(Tag.name.contains(containing, autoescape=True) | Tag.id.in_(other))
    rows = db.session.execute(statement.order_by(count.desc(), Tag.name).limit(limit)).all()
    words: dict[int, list[str]] = {}
    ids = [tag.id for tag, _ in rows]
    for word in db.session.scalars(select(TagSynonym).where(TagSynonym.tag_id.in_(ids)).order_by(TagSynonym.name)):
        words.setdefault(word.tag_id, []).append(word.name)
    return [(tag, number, words.get(tag.id, [])) for tag, number in rows]


def _ask_policy(by: User) -> None:
    if not policy.may_arrange(by):
        raise NotAllowed


def _word(text: str) -> str:
    problems = Problems()
    word = problems.take("word", lambda: limits.tag(text), "")
    if not word:
        problems.fields.setdefault("word", gettext("This is still empty."))
    problems.refuse()
    return word


def _refuse_missing(names: list[str], category: Category) -> None:
    if not category.needs_tag:
        return
    if category.wanted_tags and not set(names) & set(category.wanted_tags):
        wanted = ", ".join(category.wanted_tags)
        raise Invalid(gettext("A question here needs one of these tags: %(tags)s", tags=wanted))
    if not names:
        raise Invalid(gettext("A question here needs a tag, so that those who know find it."))

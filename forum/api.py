"""The forum's calls of the JSON API.

A topic in a list: id, source_id, title, url, locale, category, tags, state, closed (duplicate, closed or null),
waits_for_asker (whether its asker was asked for more and said nothing yet), answer_count, asker, created and
last_activity.
A topic by itself has besides: question (a post), answers (posts; accepted ones first, then by age), accepted_post_id,
duplicate_of (kind, id, title and url of what it leads to, or null).
A post: id, source_id, kind, url, author, body (Markdown), html, details (what stands in the fields of its category:
key, name, value), created, edited (or null), held, helpful, accepted, official, obsolete (null, or since, reason and
instead: the path of what holds, or null), comments.
Where something private stands in what is to be posted, the answer is 409 and nothing is posted: `found` says what
(field, type, value, start and end), and the same sent once more with `confirm` as the answer gave it is posted.
What waits until the team has looked at it is answered with 202 instead of 201, and its post says so in `held`: cause
(first, fast or words) and until (by when somebody looks); for all others `held` is null.
A person: handle and name, or null when the account was erased. Times are ISO 8601 in UTC.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal

from flask_login import current_user
from pydantic import AwareDatetime, Field
from sqlalchemy.orm import joinedload

from accounts.models import User
from core import paging
from core.api import Api, Model
from core.errors import NotFound
from core.problems import renamed
from core.transfer import iso
from forum import (
    addresses,
    aging,
    answers,
    closing,
    fields,
    holding,
    limits,
    moderation,
    personal_data,
    queries,
    self_answering,
    topics,
)
from forum.models import Category, Muting, MutingRule, Post, Topic

LARGEST_PAGE = 100

api = Api("forum")


class TopicsQuery(Model):
    """Which topics, and from where on; `cursor` is the `next` of the page before."""

    category: str | None = Field(None, max_length=80)
    tag: str | None = Field(None, max_length=limits.LONGEST_TAG)
    state: queries.State | None = None
    locale: Literal["de", "en"] | None = None
    limit: int = Field(20, ge=1, le=LARGEST_PAGE)
    cursor: str | None = Field(None, max_length=500)


class Confirmed(Model):
    """What is posted once somebody has seen what is private in it."""

    confirm: str | None = Field(
        None,
        max_length=personal_data.SEAL,
        description="Where something private is found in what is sent, nothing is posted and the answer is 409, with "
        "`found` and `confirm`: sent once more with this value, it is posted.",
    )


class NewTopic(Confirmed):
    category: str = Field(max_length=80)
    title: str = Field(max_length=1000)
    body: str
    locale: Literal["de", "en"]
    tags: list[str] = Field(default=[], max_length=20)
    details: dict[str, str] = Field(default={}, max_length=fields.MOST)
    answer: str | None = None
    """An answer of one's own, posted together with the question."""
    solves: bool = False
    """Whether it is the solution."""


class NewPost(Confirmed):
    body: str


class NewMuting(Model):
    """`rule` says which rule was broken, `wanted` what the author can change; `silent` is for spam only."""

    reason: str
    until: AwareDatetime | None = None
    release: bool = False
    """Whether the questions that lead here as duplicates are reopened; without it such a topic is not muted."""
    rule: MutingRule = "other"
    wanted: str = ""
    silent: bool = False


class AcceptanceQuery(Model):
    """`label` is the version or device a solution is for, where the category takes several."""

    label: str = Field("", max_length=limits.LONGEST_VERSION)


@api.call("GET", "/topics", summary="Topics, the liveliest first", query=TopicsQuery)
def list_topics(query: TopicsQuery) -> dict[str, Any]:
    """Return `{"topics": […], "next": cursor or null}`."""
    statement = queries.listed(queries.visible_topics(current_user)).options(joinedload(Topic.asker))
    if query.category is not None:
        statement = statement.where(Topic.category_id == queries.category(query.category).id)
    if query.tag is not None:
        statement = statement.where(queries.has_tag(query.tag))
    if query.state is not None:
        statement = statement.where(queries.in_state(query.state))
    if query.locale is not None:
        statement = statement.where(Topic.locale == query.locale)
    page = paging.page(statement, by=[Topic.last_activity_at, Topic.id], cursor=query.cursor, size=query.limit)
    return {"topics": [_in_short(topic) for topic in page], "next": page.next}


@api.call("POST", "/topics", summary="Ask a question", body=NewTopic, scope="write", status=201)
def ask(body: NewTopic) -> tuple[dict[str, Any], int]:
    """Return the new topic; 202 when it waits until the team has looked at it, 409 when something is private in it."""
    written = {"title": body.title, "body": body.body, "answer": body.answer or ""}
    details = {f"details.{key}": value for key, value in body.details.items()}
    personal_data.refuse_unseen(written | details, seen=body.confirm)
    with renamed(source="body"):
        topic = topics.ask(
            title=body.title,
            source=body.body,
            category=_category(body.category),
            locale=body.locale,
            tags=body.tags,
            details=body.details,
            by=current_user,
        )
    if body.answer is not None:
        self_answering.answer(topic, source=body.answer, solves=body.solves, by=current_user)
    return _in_full(topic), _status(topic.muting)


@api.call("GET", "/topics/<int:topic_id>", summary="A topic with its answers and comments")
def show_topic(topic_id: int) -> dict[str, Any]:
    return _in_full(queries.visible_topic(topic_id, viewer=current_user))


@api.call(
    "POST", "/topics/<int:topic_id>/answers", summary="Answer a question", body=NewPost, scope="write", status=201
)
def answer(topic_id: int, body: NewPost) -> tuple[dict[str, Any], int]:
    """Return the new post; 202 when it waits until the team has looked at it."""
    topic = queries.visible_topic(topic_id, viewer=current_user)
    personal_data.refuse_unseen({"body": body.body}, seen=body.confirm)
    with renamed(source="body"):
        post = answers.post(topic, source=body.body, by=current_user)
    return _post(post, topic, []), _status(post.muting)


@api.call(
    "POST",
    "/posts/<int:post_id>/comments",
    summary="Comment on a question or an answer",
    body=NewPost,
    scope="write",
    status=201,
)
def comment(post_id: int, body: NewPost) -> tuple[dict[str, Any], int]:
    """Return the new post; 202 when it waits until the team has looked at it."""
    post = queries.visible_post(post_id, viewer=current_user)
    personal_data.refuse_unseen({"body": body.body}, seen=body.confirm)
    with renamed(source="body"):
        comment = answers.comment(post, source=body.body, by=current_user)
    return _post(comment, post.topic, []), _status(comment.muting)


@api.call(
    "POST",
    "/posts/<int:post_id>/acceptance",
    summary="Say that an answer solved it",
    query=AcceptanceQuery,
    scope="write",
    status=201,
)
def accept(post_id: int, query: AcceptanceQuery) -> dict[str, Any]:
    """Return `{"topic_id", "post_id", "label", "by", "at"}`; an earlier choice (of this label) is replaced."""
    post = queries.visible_post(post_id, viewer=current_user)
    acceptance = answers.accept(post, by=current_user, label=query.label)
    return {
        "topic_id": acceptance.topic_id,
        "post_id": acceptance.post_id,
        "label": acceptance.label,
        "by": _person(acceptance.by),
        "at": iso(acceptance.at),
    }


@api.call("DELETE", "/posts/<int:post_id>/acceptance", summary="Say that it did not", scope="write", status=204)
def undo_acceptance(post_id: int) -> None:
    """Answer 204; an answer that is not accepted has no acceptance (404)."""
    post = queries.visible_post(post_id, viewer=current_user)
    if post.acceptance is None:
        raise NotFound
    answers.undo_acceptance(post.topic, by=current_user, post=post)


@api.call(
    "POST",
    "/topics/<int:topic_id>/muting",
    summary="Mute a topic",
    body=NewMuting,
    scope="moderate",
    team=True,
    status=201,
)
def mute_topic(topic_id: int, body: NewMuting) -> dict[str, Any]:
    """Return `{"topic_id", "post_id", "reason", "until", "by", "at"}`."""
    topic = queries.visible_topic(topic_id, viewer=current_user)
    return _muting(_mute(topic, body))


@api.call("DELETE", "/topics/<int:topic_id>/muting", summary="Unmute a topic", scope="moderate", team=True, status=204)
def unmute_topic(topic_id: int) -> None:
    moderation.unmute(queries.visible_topic(topic_id, viewer=current_user), by=current_user)


@api.call(
    "POST",
    "/posts/<int:post_id>/muting",
    summary="Mute a post",
    body=NewMuting,
    scope="moderate",
    team=True,
    status=201,
)
def mute_post(post_id: int, body: NewMuting) -> dict[str, Any]:
    """Return the same as for a topic; muting a question mutes its topic."""
    post = queries.visible_post(post_id, viewer=current_user)
    return _muting(_mute(post, body))


@api.call("DELETE", "/posts/<int:post_id>/muting", summary="Unmute a post", scope="moderate", team=True, status=204)
def unmute_post(post_id: int) -> None:
    moderation.unmute(queries.visible_post(post_id, viewer=current_user), by=current_user)


def _mute(subject: Topic | Post, body: NewMuting) -> Muting:
    with renamed(is_silent="silent"):
        return moderation.mute(
            subject,
            by=current_user,
            reason=body.reason,
            until=body.until,
            rule=body.rule,
            wanted=body.wanted,
            is_silent=body.silent,
            release=body.release,
        )


def _category(slug: str) -> Category | None:
    return next((category for category in queries.categories() if category.slug == slug), None)


def _in_short(topic: Topic) -> dict[str, Any]:
    return {
        "id": topic.id,
        "source_id": topic.source_id,
        "title": topic.title,
        "url": addresses.of_topic(topic),
        "locale": topic.locale,
        "category": topic.category.slug,
        "tags": topic.tag_names,
        "state": topic.state,
        "closed": topic.closed_as,
        "waits_for_asker": topic.waits_for_asker,
        "answer_count": topic.answer_count,
        "asker": _person(topic.asker),
        "created": iso(topic.created_at),
        "last_activity": iso(topic.last_activity_at),
    }


def _in_full(topic: Topic) -> dict[str, Any]:
    posts = queries.visible_posts(topic, viewer=current_user)
    comments: dict[int | None, list[dict[str, Any]]] = {}
    for post in posts:
        if post.kind == "comment":
            comments.setdefault(post.parent_id, []).append(_post(post, topic, None))
    questions = [_post(post, topic, comments.get(post.id, [])) for post in posts if post.kind == "question"]
    places = {one.post_id: place for place, one in enumerate(queries.chosen(topic))}
    given = [
        _post(post, topic, comments.get(post.id, []), accepted=post.id in places)
        for post in posts
        if post.kind == "answer"
    ]
    given.sort(key=lambda post: places.get(post["id"], len(places)))
    accepted = [post["id"] for post in given if post["accepted"]]
    return _in_short(topic) | {
        "question": questions[0],
        "answers": given,
        "accepted_post_id": accepted[0] if accepted else None,
        "duplicate_of": _target(topic),
    }


def _target(topic: Topic) -> dict[str, Any] | None:
    target = closing.target_of(topic, viewer=current_user) if topic.closed_as == "duplicate" else None
    return None if target is None else {"kind": target.kind, "id": target.id, "title": target.title, "url": target.url}


def _post(post: Post, topic: Topic, comments: list[dict[str, Any]] | None, *, accepted: bool = False) -> dict[str, Any]:
    about = {
        "id": post.id,
        "source_id": post.source_id,
        "topic_id": topic.id,
        "kind": post.kind,
        "url": addresses.of_post(post),
        "author": _person(post.author),
        "body": post.source,
        "html": post.html,
        "details": [{"key": one.key, "name": one.name, "value": one.value} for one in fields.of_post(post)],
        "created": iso(post.created_at),
        "edited": None if post.edited_at is None else iso(post.edited_at),
        "held": _held(topic.muting if post.kind == "question" else post.muting),
    }
    if comments is None or post.kind == "comment":
        return about
    return about | {
        "helpful": post.helpful_count,
        "accepted": accepted,
        "official": post.official_at is not None,
        "obsolete": _obsolete(post),
        "comments": comments,
    }


def _obsolete(post: Post) -> dict[str, str | None] | None:
    if not post.obsolete:
        return None
    said = aging.of(post)
    return {"since": iso(said.since), "reason": said.reason, "instead": said.url or None}


def _held(muting: Muting | None) -> dict[str, str] | None:
    """Say why a post waits; only its author and the team get an answer that says so."""
    if muting is None or not muting.is_held:
        return None
    return {"cause": muting.cause, "until": iso(holding.looked_at_by(muting))}


def _status(muting: Muting | None) -> int:
    return HTTPStatus.ACCEPTED if muting is not None and muting.is_held else HTTPStatus.CREATED


def _person(user: User | None) -> dict[str, str] | None:
    return None if user is None else {"handle": user.handle, "name": user.name}


def _muting(muting: Muting) -> dict[str, Any]:
    return {
        "topic_id": muting.topic_id,
        "post_id": muting.post_id,
        "reason": muting.reason,
        "rule": muting.rule,
        "until": _iso_or_none(muting.until),
        "by": _person(muting.by),
        "at": iso(muting.at),
    }


def _iso_or_none(at: datetime | None) -> str | None:
    return None if at is None else iso(at)

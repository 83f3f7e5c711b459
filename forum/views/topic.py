"""A topic on its page, its permalinks, and what its posts said before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from flask import Response, redirect, request
from flask_babel import gettext
from flask_login import current_user
from markupsafe import Markup
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.models import User
from core import diffs, linked_data, markup
from core.clock import now
from core.errors import KlinkeError, NotFound
from core.forms import Form
from core.ready import same_for_guests
from core.web import absolute, limiter
from forum import (
    addresses,
    aging,
    assignments,
    drafts,
    fields,
    finding,
    forms,
    holding,
    marks,
    posts,
    queries,
    reading,
    threads,
)
from forum import linked_data as forum_linked_data
from forum.inserting import Insert
from forum.models import Acceptance, Post, PostRevision, Topic
from forum.views.edge import bp, show
from search import query


@dataclass(frozen=True, slots=True)
class Inserts:
    """What was looked for to be put into an answer, what was found, and what went into it before."""

    words: str
    found: Sequence[Insert] | None
    used: Sequence[str]
    verdicts: Mapping[str, str] = field(default_factory=dict)
    """What was said of them, by their names."""


A_YEAR = timedelta(days=365)
DESCRIPTION_LENGTH = 160
MOST_RELATED = 5
SMALL_FORMS = (
    "comment_form",
    "label_form",
    "experience_form",
    "objection_form",
    "note_form",
    "ask_back_form",
    "assign_form",
)


@bp.get("/t/<int:topic_id>")
@bp.get("/t/<int:topic_id>-")
@bp.get("/t/<int:topic_id>-<slug>")
@same_for_guests
def show_topic(topic_id: int, slug: str = "") -> Response | WerkzeugResponse:
    try:
        topic = queries.visible_topic(topic_id, viewer=current_user)
    except NotFound:
        if mine := queries.own_posts_in_muted(topic_id, viewer=current_user):
            return show("forum/stub.html", posts=mine)
        raise
    if slug != topic.slug or topic_id != topic.id:
        query = f"?{request.query_string.decode('ascii', 'ignore')}" if request.query_string else ""
        return redirect(addresses.of_topic(topic) + query, code=301)
    return topic_page(topic)


@bp.get("/t/<int:topic_id>/related")
@limiter.limit("120 per minute")
def related(topic_id: int) -> Response:
    """Show what is similar; asked for when somebody comes near, so that the topic's own page costs no search."""
    topic = queries.visible_topic(topic_id, viewer=current_user)
    question = next(post for post in queries.visible_posts(topic, viewer=current_user) if post.kind == "question")
    hits = query.similar(
        topic.title,
        markup.plain(question.html),
        viewer=current_user,
        kinds=("topic", "article"),
        locale=topic.locale,
        limit=MOST_RELATED + 1,
    )
    others = [hit.found for hit in hits if (hit.found.ref.kind, hit.found.ref.id) != ("topic", topic.id)]
    template = "forum/_related.html" if request.args.get("part") == "list" else "forum/related.html"
    return show(template, topic=topic, found=others[:MOST_RELATED])


@bp.get("/p/<int:post_id>")
def show_post(post_id: int) -> WerkzeugResponse:
    try:
        post = queries.visible_post(post_id, viewer=current_user)
    except NotFound:
        if mine := queries.own_post_in_muted(post_id, viewer=current_user):
            return redirect(f"{addresses.of_topic_id(mine.topic_id)}#p{post_id}", code=302)
        raise
    return redirect(where(post), code=302)


@bp.get("/posts/<int:post_id>/history")
def post_history(post_id: int) -> Response:
    post = queries.visible_post(post_id, viewer=current_user)
    versions = _versions(post)
    number = min(max(request.args.get("version", len(versions), type=int), 1), len(versions))
    chosen = versions[number - 1]
    before = versions[number - 2] if number > 1 else None
    return show(
        "forum/history.html",
        post=post,
        versions=versions,
        chosen=chosen,
        changes=[] if before is None else diffs.compare(before.source, chosen.source),
        title_changes=[] if before is None else diffs.compare(before.title, chosen.title),
        back=where(post),
    )


def topic_page(
    topic: Topic,
    *,
    answer_form: forms.AnswerForm | None = None,
    at: int = 0,
    page: int = 0,
    preview: str = "",
    inserts: Inserts | None = None,
    refused: KlinkeError | None = None,
    status: int = 200,
    **typed: Form,
) -> Response:
    """Show a topic, by itself the page of answers that the address names, in the order that it names.

    What was refused stands in its form again, one of `SMALL_FORMS` at the post `at`.
    """
    order = next((one for one in threads.ORDERS if one == request.args.get("order")), threads.ORDERS[0])
    page = page or request.args.get("answers", 1, type=int)
    thread = threads.read(topic, viewer=current_user, page=page, order=order)
    if request.method == "GET" and reading.is_news(current_user, thread.stance):
        reading.note_after_this(topic, current_user)
    draft = holder = None
    if current_user.is_authenticated:
        holder = assignments.of(topic)
    if answer_form is None and current_user.is_authenticated:  # a guest's page has no form, no token and no cookie
        draft = drafts.find(current_user, f"answer:{topic.id}")
        answer_form = forms.AnswerForm(data=draft.fields if draft is not None else {}, formdata=None)
    return show(
        "forum/topic.html",
        thread=thread,
        topic=topic,
        answer_form=answer_form,
        **{name: typed.get(name) for name in SMALL_FORMS},
        rule_names=forms.RULE_NAMES,
        at=at,
        draft=draft,
        preview=preview,
        inserts=inserts,
        holder=holder,
        marks=marks.of([*(one.post for one in thread.solutions.values()), *thread.answers], current_user),
        acceptance_words=lambda acceptance: _reason_of(topic, acceptance),
        description=markup.excerpt(markup.plain(thread.question.html), DESCRIPTION_LENGTH),
        canonical=absolute(_page_path(topic, thread.page)),
        linked=_linked(thread),
        is_found=finding.is_worth_finding(topic, thread.question, thread.answers),
        details_of=fields.of_post,
        version_of=fields.version_of,
        years=_years,
        obsolete=aging.of,
        looked_at_by=holding.looked_at_by,
        page_path=lambda page, order=order: _page_path(topic, page, order),
        refused=refused,
        status=status,
    )


def where(post: Post) -> str:
    """Return the address of a post on the page of its topic."""
    page = threads.page_of(post, viewer=current_user)
    return f"{_page_path(post.topic, page)}#p{post.id}"


def _linked(thread: threads.Thread) -> Markup | None:
    """Return what search engines are told, who are guests; whoever is signed in sees more than they may know."""
    told = None if current_user.is_authenticated else forum_linked_data.of_thread(thread)
    return None if told is None else linked_data.script(told)


def _years(post: Post) -> int:
    """Return for how many whole years a post has said what it says."""
    return (now() - (post.edited_at or post.created_at)) // A_YEAR


def _page_path(topic: Topic, page: int, order: threads.Order = threads.ORDERS[0]) -> str:
    chosen = {"order": order} if order != threads.ORDERS[0] else {}
    query = urlencode(chosen | ({"answers": page} if page > 1 else {}))
    return addresses.of_topic(topic) + (f"?{query}" if query else "")


def _reason_of(topic: Topic, acceptance: Acceptance) -> str:
    """Say who decided that an answer is the solution."""
    if acceptance.by_id is not None and acceptance.by_id == topic.asker_id == acceptance.post.author_id:
        return str(gettext("the asker answered it"))
    if acceptance.by_id is not None and acceptance.by_id == topic.asker_id:
        return str(gettext("confirmed by the asker"))
    if acceptance.by is None:
        return str(gettext("confirmed by somebody who has left"))
    if acceptance.by.is_team:
        return str(gettext("chosen by the team"))
    return str(gettext("chosen by a trusted member"))


@dataclass(frozen=True, slots=True)
class Version:
    """What a post said from a moment on, and who made it say that."""

    number: int
    title: str
    source: str
    by: User | None
    at: datetime
    reason: str
    suggested_by: User | None


def _versions(post: Post) -> Sequence[Version]:
    past = posts.revisions(post)
    titles = [revision.title or "" for revision in past] + [post.topic.title if post.kind == "question" else ""]
    sources = [_whole(revision) for revision in past] + [_whole(post)]
    first = (post.author, post.created_at, "", None)
    hands = [first, *((revision.by, revision.at, revision.reason, revision.suggested_by) for revision in past)]
    return [
        Version(number, title, source, *hand)
        for number, (title, source, hand) in enumerate(zip(titles, sources, hands, strict=True), start=1)
    ]


def _whole(said: PostRevision | Post) -> str:
    """Return everything that a post said, what stood in its fields before its text."""
    return "\n\n".join(part for part in (fields.text_of(said.details), said.source) if part)

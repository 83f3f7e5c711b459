"""A topic on its page, its permalinks, and what its posts said before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, redirect, request
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.models import User
from core import diffs, markup
from core.clock import now
from core.errors import KlinkeError
from core.ready import same_for_guests
from core.web import absolute
from forum import addresses, drafts, fields, forms, posts, queries, threads
from forum.models import Post, PostRevision, Topic
from forum.views.edge import bp, show

A_YEAR = timedelta(days=365)
DESCRIPTION_LENGTH = 160


@bp.get("/t/<int:topic_id>")
@bp.get("/t/<int:topic_id>-")
@bp.get("/t/<int:topic_id>-<slug>")
@same_for_guests
def show_topic(topic_id: int, slug: str = "") -> Response | WerkzeugResponse:
    topic = queries.visible_topic(topic_id, viewer=current_user)
    if slug != topic.slug:
        query = f"?{request.query_string.decode('ascii', 'ignore')}" if request.query_string else ""
        return redirect(addresses.of_topic(topic) + query, code=301)
    return topic_page(topic)


@bp.get("/p/<int:post_id>")
def show_post(post_id: int) -> WerkzeugResponse:
    return redirect(where(queries.visible_post(post_id, viewer=current_user)), code=302)


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
    comment_form: forms.CommentForm | None = None,
    mute_form: forms.MuteForm | None = None,
    at: int = 0,
    preview: str = "",
    refused: KlinkeError | None = None,
    status: int = 200,
) -> Response:
    """Show a topic; what was refused stands in its form again, that of a comment or a muting at the post `at`."""
    thread = threads.read(topic, viewer=current_user, page=request.args.get("answers", 1, type=int))
    draft = fresh = None
    if current_user.is_authenticated:  # a guest's page has no form, and so no token and no cookie
        fresh = forms.CommentForm(formdata=None)
        draft = drafts.find(current_user, f"answer:{topic.id}") if answer_form is None else None
    if answer_form is None and fresh is not None:
        answer_form = forms.AnswerForm(data=draft.fields if draft is not None else {}, formdata=None)
    return show(
        "forum/topic.html",
        thread=thread,
        topic=topic,
        answer_form=answer_form,
        comment_form=comment_form,
        mute_form=mute_form,
        fresh=fresh,
        at=at,
        draft=draft,
        preview=preview,
        acceptance_words=_reason_of(topic),
        description=markup.excerpt(markup.plain(thread.question.html), DESCRIPTION_LENGTH),
        canonical=absolute(_page_path(topic, thread.page)),
        details_of=fields.of_post,
        version_of=fields.version_of,
        years=_years,
        page_path=lambda page: _page_path(topic, page),
        refused=refused,
        status=status,
    )


def where(post: Post) -> str:
    """Return the address of a post on the page of its topic."""
    page = threads.page_of(post, viewer=current_user)
    return f"{_page_path(post.topic, page)}#p{post.id}"


def _years(post: Post) -> int:
    """Return for how many whole years a post has said what it says."""
    return (now() - (post.edited_at or post.created_at)) // A_YEAR


def _page_path(topic: Topic, page: int) -> str:
    return addresses.of_topic(topic) + (f"?answers={page}" if page > 1 else "")


def _reason_of(topic: Topic) -> str:
    """Say who decided that an answer is the solution."""
    acceptance = topic.acceptance
    if acceptance is None:
        return ""
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


def _versions(post: Post) -> Sequence[Version]:
    past = posts.revisions(post)
    titles = [revision.title or "" for revision in past] + [post.topic.title if post.kind == "question" else ""]
    sources = [_whole(revision) for revision in past] + [_whole(post)]
    hands = [(post.author, post.created_at)] + [(revision.by, revision.at) for revision in past]
    return [
        Version(number, title, source, by, at)
        for number, (title, source, (by, at)) in enumerate(zip(titles, sources, hands, strict=True), start=1)
    ]


def _whole(said: PostRevision | Post) -> str:
    """Return everything that a post said, what stood in its fields before its text."""
    return "\n\n".join(part for part in (fields.text_of(said.details), said.source) if part)

"""What moderators do with a topic as a whole, and what was asked most often."""

from collections.abc import Callable
from typing import TypeVar

from flask import Response, flash
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import people
from accounts.access import me, role_required
from accounts.models import User
from core import markup, web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE
from core.errors import Invalid, KlinkeError
from core.forms import Form
from core.ready import same_for_guests
from forum import addresses, arranging, arranging_forms, closing, merging, queries, targets
from forum.models import Post, Topic
from forum.views.edge import bp, show
from forum.views.topic import where
from search import query

F = TypeVar("F", bound=Form)
EXCERPT_LENGTH = 160
MOST_SIMILAR = 5


@bp.get("/most-asked")
@same_for_guests
def most_asked() -> Response:
    return show("forum/most_asked.html", asked=closing.most_asked(current_user))


@bp.get("/topics/<int:topic_id>/arrangement")
@role_required("moderator")
def arrange_topic(topic_id: int) -> Response:
    return _page(queries.visible_topic(topic_id, viewer=current_user))


@bp.post("/topics/<int:topic_id>/duplicate")
@role_required("moderator")
def close_duplicate(topic_id: int) -> Response | WerkzeugResponse:
    def deed(topic: Topic, form: arranging_forms.DuplicateForm) -> None:
        target = targets.named(form.chosen, viewer=me())
        closing.close_as_duplicate(topic, target=target, by=me(), reason=form.reason.data or "")

    return _do(
        topic_id, "duplicate", arranging_forms.DuplicateForm, deed, gettext("Closed. Its readers find the way now.")
    )


@bp.post("/topics/<int:topic_id>/closing")
@role_required("moderator")
def close_topic(topic_id: int) -> Response | WerkzeugResponse:
    return _do(
        topic_id,
        "close",
        arranging_forms.CloseForm,
        lambda topic, form: closing.close(topic, by=me(), reason=form.reason.data or ""),
        gettext("Closed. Nothing can be added to it any more."),
    )


@bp.post("/topics/<int:topic_id>/closing/undo")
@role_required("moderator")
def reopen_topic(topic_id: int) -> WerkzeugResponse:
    topic = queries.visible_topic(topic_id, viewer=current_user)
    closing.reopen(topic, by=me())
    db.session.commit()
    flash(gettext("It is open again."), "good")
    return web.go(addresses.of_topic(topic))


@bp.post("/topics/<int:topic_id>/title")
@role_required("moderator")
def rename_topic(topic_id: int) -> Response | WerkzeugResponse:
    return _do(
        topic_id,
        "name",
        arranging_forms.NameForm,
        lambda topic, form: arranging.rename(topic, title=form.title.data or "", by=me()),
        gettext("It has its new title. The old address leads here."),
    )


@bp.post("/topics/<int:topic_id>/category")
@role_required("moderator")
def move_topic(topic_id: int) -> Response | WerkzeugResponse:
    return _do(
        topic_id,
        "move",
        arranging_forms.CategoryChoiceForm,
        lambda topic, form: arranging.move(topic, category=queries.category(form.category.data), by=me()),
        gettext("Moved."),
    )


@bp.post("/topics/<int:topic_id>/owner")
@role_required("moderator")
def give_topic(topic_id: int) -> Response | WerkzeugResponse:
    def deed(topic: Topic, form: arranging_forms.OwnerForm) -> None:
        arranging.give(arranging.question_of(topic), to=_named_person(form.handle.data or ""), by=me())

    return _do(topic_id, "owner", arranging_forms.OwnerForm, deed, gettext("The question has a new owner."))


@bp.get("/posts/<int:post_id>/author")
@role_required("moderator")
def choose_author(post_id: int) -> Response:
    return _author_page(queries.visible_post(post_id, viewer=current_user), arranging_forms.AuthorForm(formdata=None))


@bp.post("/posts/<int:post_id>/author")
@role_required("moderator")
def give_post(post_id: int) -> Response | WerkzeugResponse:
    post = queries.visible_post(post_id, viewer=current_user)
    form = arranging_forms.AuthorForm()
    if not form.validate():
        return _author_page(post, form, status=UNPROCESSABLE)
    try:
        arranging.give(post, to=_named_person(form.handle.data or ""), by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _author_page(queries.visible_post(post_id, viewer=current_user), form, refused=error)
    db.session.commit()
    flash(gettext("The text has another author now; both are told."), "good")
    return web.go(where(post))


@bp.post("/topics/<int:topic_id>/tags")
@role_required("moderator")
def retag_topic(topic_id: int) -> Response | WerkzeugResponse:
    return _do(
        topic_id,
        "tags",
        arranging_forms.TagsForm,
        lambda topic, form: arranging.retag(topic, names=form.names, by=me()),
        gettext("It has its new tags."),
    )


@bp.post("/topics/<int:topic_id>/pin")
@role_required("moderator")
def pin_topic(topic_id: int) -> Response | WerkzeugResponse:
    return _do(
        topic_id,
        "pin",
        arranging_forms.PinForm,
        lambda topic, form: arranging.pin(topic, by=me(), until=form.until_moment),
        gettext("Pinned on top of its category."),
    )


@bp.post("/topics/<int:topic_id>/pin/undo")
@role_required("moderator")
def unpin_topic(topic_id: int) -> WerkzeugResponse:
    topic = queries.visible_topic(topic_id, viewer=current_user)
    arranging.unpin(topic, by=me())
    db.session.commit()
    flash(gettext("It is not pinned any more."), "good")
    return web.go(addresses.of_topic(topic))


@bp.post("/topics/<int:topic_id>/merge")
@role_required("moderator")
def merge_topic(topic_id: int) -> Response | WerkzeugResponse:
    def deed(topic: Topic, form: arranging_forms.MergeForm) -> Topic:
        into = _named_topic(form.into.data or "")
        return merging.merge(topic, into=into, by=me(), knowing=bool(form.knowing.data))

    return _do(topic_id, "merge", arranging_forms.MergeForm, deed, gettext("Merged. The old address leads here."))


@bp.get("/topics/<int:topic_id>/split")
@role_required("moderator")
def choose_posts(topic_id: int) -> Response:
    topic = queries.visible_topic(topic_id, viewer=current_user)
    return _split_page(topic, arranging_forms.SplitForm(formdata=None, data={"category": topic.category.slug}))


@bp.post("/topics/<int:topic_id>/split")
@role_required("moderator")
def split_topic(topic_id: int) -> Response | WerkzeugResponse:
    topic = queries.visible_topic(topic_id, viewer=current_user)
    form = arranging_forms.SplitForm()
    form.category.offer(arranging_forms.choices_of(queries.categories()))
    if not form.validate():
        return _split_page(topic, form, status=UNPROCESSABLE)
    try:
        made = arranging.split(
            topic,
            post_ids=form.posts.data or [],
            title=form.title.data or "",
            category=queries.category(form.category.data),
            by=me(),
            knowing=bool(form.knowing.data),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _split_page(queries.visible_topic(topic_id, viewer=current_user), form, refused=error)
    db.session.commit()
    flash(gettext("This is a question of its own now. Links to the posts still work."), "good")
    return web.go(addresses.of_topic(made))


def _do(
    topic_id: int, name: str, form_class: type[F], deed: Callable[[Topic, F], object], done: str
) -> Response | WerkzeugResponse:
    """Do what one of the forms says; a deed that returns a topic leads there, others back to theirs."""
    topic = queries.visible_topic(topic_id, viewer=current_user)
    form = form_class()
    if "category" in form:
        form["category"].offer(arranging_forms.choices_of(queries.categories()))
    if not form.validate():
        return _page(topic, status=UNPROCESSABLE, **{name: form})
    try:
        other = deed(topic, form)
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(queries.visible_topic(topic_id, viewer=current_user), refused=error, **{name: form})
    db.session.commit()
    flash(done, "good")
    return web.go(addresses.of_topic(other if isinstance(other, Topic) else topic))


def _named_person(handle: str) -> User:
    person = people.by_handle(handle.strip().removeprefix("@"))
    if person is None:
        sentence = gettext("There is nobody with this handle.")
        raise Invalid(sentence, fields={"handle": sentence})
    return person


def _author_page(
    post: Post, form: arranging_forms.AuthorForm, *, refused: KlinkeError | None = None, status: int = 200
) -> Response:
    return show("forum/author.html", post=post, form=form, back=where(post), refused=refused, status=status)


def _named_topic(text: str) -> Topic:
    try:
        named = targets.named(text, viewer=me())
    except Invalid as error:
        raise Invalid(error.sentence, fields={"into": error.sentence}) from None
    if not isinstance(named, Topic):
        sentence = gettext("Only questions can be merged.")
        raise Invalid(sentence, fields={"into": sentence})
    return named


def _page(topic: Topic, *, refused: KlinkeError | None = None, status: int = 200, **typed: Form) -> Response:
    """Show every form for a topic; what was typed into one of them stands there again."""
    categories = arranging_forms.choices_of(queries.categories())
    forms: dict[str, Form] = {
        "duplicate": arranging_forms.DuplicateForm(formdata=None),
        "close": arranging_forms.CloseForm(formdata=None),
        "name": arranging_forms.NameForm(formdata=None, data={"title": topic.title}),
        "move": arranging_forms.CategoryChoiceForm(formdata=None, data={"category": topic.category.slug}),
        "owner": arranging_forms.OwnerForm(formdata=None),
        "tags": arranging_forms.TagsForm(formdata=None, data={"tags": ", ".join(topic.tag_names)}),
        "pin": arranging_forms.PinForm(formdata=None),
        "merge": arranging_forms.MergeForm(formdata=None),
        **typed,
    }
    forms["move"]["category"].offer(categories)
    similar = query.similar(topic.title, viewer=targets.GUEST, kinds=("topic", "article"), limit=MOST_SIMILAR + 1)
    others = [hit.found for hit in similar if (hit.found.ref.kind, hit.found.ref.id) != ("topic", topic.id)]
    forms["duplicate"]["pick"].choices = [(found.url, found.title) for found in others[:MOST_SIMILAR]]
    return show(
        "forum/arrangement.html",
        topic=topic,
        forms=forms,
        opened=next(iter(typed), None),
        is_linked=topic.is_closed or bool(closing.state(topic)["targets"]),
        target=closing.target_of(topic, viewer=current_user),
        leading=closing.leading_to(topic),
        pin=queries.pin_in_force(topic),
        refused=refused,
        status=status,
    )


def _split_page(
    topic: Topic, form: arranging_forms.SplitForm, *, refused: KlinkeError | None = None, status: int = 200
) -> Response:
    posts = [post for post in queries.visible_posts(topic, viewer=current_user) if post.kind != "question"]
    form.posts.choices = [(post.id, _words_of(post)) for post in posts]
    form.category.offer(arranging_forms.choices_of(queries.categories()))
    return show("forum/split.html", topic=topic, form=form, has_posts=bool(posts), refused=refused, status=status)


def _words_of(post: Post) -> str:
    name = post.author.name if post.author is not None else gettext("Somebody who has left")
    kind = gettext("Comment") if post.kind == "comment" else gettext("Answer")
    return f"{kind}, {name}: {markup.excerpt(markup.plain(post.html), EXCERPT_LENGTH)}"

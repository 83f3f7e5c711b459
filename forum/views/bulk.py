"""Many questions at once, for moderators."""

from flask import Response, flash, request, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import paging, texts, web
from core.db import LARGEST_ID, db
from core.edge import REFUSALS, UNPROCESSABLE
from core.errors import KlinkeError, NotFound
from forum import arranging_forms, bulk, queries
from forum.models import BulkDeed, Topic
from forum.views.edge import bp, show

PAGE_SIZE = 30
LATEST = 10


@bp.get("/moderation/questions")
@role_required("moderator")
def arrange_many() -> Response:
    return _page(arranging_forms.BulkForm(formdata=None), set())


@bp.post("/moderation/questions")
@role_required("moderator")
def do_to_many() -> Response | WerkzeugResponse:
    form = arranging_forms.BulkForm()
    chosen = {number for typed in request.form.getlist("topics") if (number := texts.number(typed)) is not None}
    _offer(form)
    if not form.deed.data:
        form.deed.data = ""
    try:
        topics = select(Topic).where(Topic.id.in_(sorted(chosen)[: bulk.MOST_TOPICS + 1]))
        wanted = bulk.Wanted(
            reason=(form.reason.data or "").strip(),
            category=queries.category(form.category.data) if form.category.data else None,
            tag=form.tag.data or "",
            target=form.target.data or "",
        )
        outcome = bulk.do(form.deed.data, list(db.session.scalars(topics).unique()), wanted=wanted, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        if "topics" in error.fields:
            form.form_errors.append(error.fields["topics"])
        return _page(form, chosen, refused=error)
    if outcome.deed is None and outcome.refused:
        db.session.rollback()
        form.form_errors.extend(dict.fromkeys(outcome.refused.values()))
        return _page(form, chosen, status=UNPROCESSABLE)
    db.session.commit()
    _say(outcome)
    return web.go(url_for(".arrange_many"))


@bp.post("/moderation/questions/<int:deed_id>/undo")
@role_required("moderator")
def undo_many(deed_id: int) -> WerkzeugResponse:
    done = db.session.get(BulkDeed, deed_id) if deed_id <= LARGEST_ID else None
    if done is None:
        raise NotFound
    outcome = bulk.undo(done, by=me())
    db.session.commit()
    _say(outcome)
    return web.go(url_for(".arrange_many"))


def _say(outcome: bulk.Outcome) -> None:
    flash(
        ngettext("%(num)s question changed.", "%(num)s questions changed.", outcome.changed),
        "good" if outcome.changed or not outcome.refused else "info",
    )
    for topic_id, sentence in list(outcome.refused.items())[:LATEST]:
        flash(gettext("Question %(id)s: %(sentence)s", id=topic_id, sentence=sentence), "info")


def _offer(form: arranging_forms.BulkForm) -> None:
    form.deed.offer([("", gettext("Please choose")), *((name, str(words)) for name, words in bulk.DEEDS.items())])
    form.category.offer([("", gettext("Please choose")), *arranging_forms.choices_of(queries.categories())])


def _page(
    form: arranging_forms.BulkForm, chosen: set[int], *, refused: KlinkeError | None = None, status: int = 200
) -> Response:
    _offer(form)
    slug, tag = request.args.get("category") or None, request.args.get("tag") or None
    state = next((known for known in queries.STATES if known == request.args.get("state")), None)
    topics = queries.visible_topics(current_user)
    if slug is not None:
        topics = topics.where(Topic.category_id == queries.category(slug).id)
    if tag is not None:
        topics = topics.where(queries.has_tag(tag))
    if state is not None:
        topics = topics.where(queries.in_state(state))
    narrowed = {"category": slug, "tag": tag, "state": state}
    return show(
        "forum/bulk.html",
        form=form,
        chosen=chosen,
        topics=paging.page(
            queries.listed(topics),
            by=(Topic.last_activity_at, Topic.id),
            cursor=request.args.get("page"),
            size=PAGE_SIZE,
        ),
        categories=queries.categories(),
        narrowed=narrowed,
        link=lambda **changed: url_for(".arrange_many", **{**narrowed, **changed}),
        deeds=bulk.latest(LATEST),
        words=bulk.DEEDS,
        refused=refused,
        status=status,
    )

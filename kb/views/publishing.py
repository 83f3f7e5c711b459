"""Publishing with a word on what changed, now or at a time that is planned."""

from typing import cast

from flask import Response, flash
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import texts, timezones, web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE
from core.errors import Invalid, KlinkeError
from core.i18n import moment
from core.settings import current_settings
from kb import addresses, families, planning, queries
from kb.models import Article, Significance
from kb.publishing_forms import PublicationForm
from kb.views.edge import bp, show, to_publish


@bp.get("/kb/articles/<int:article_id>/publication")
@role_required("editor", "agent")
def ask_publication(article_id: int) -> Response:
    article = to_publish(article_id)
    plan = planning.planned(article)
    data = None
    if plan is not None:
        due_at = timezones.local(plan.due_at, _zone()).strftime("%Y-%m-%dT%H:%M")
        data = {"significance": plan.significance, "is_matching": plan.is_matching, "due_at": due_at}
    return _page(article, PublicationForm(formdata=None, data=data))


@bp.post("/kb/articles/<int:article_id>/plan")
@role_required("editor", "agent")
def plan_publication(article_id: int) -> Response | WerkzeugResponse:
    article = to_publish(article_id)
    form = PublicationForm()
    form.zone = _zone()
    if not form.validate():
        return _page(article, form, status=UNPROCESSABLE)
    try:
        if form.due_at.moment is None:
            sentence = gettext("Please give a day and a time, as in 2027-03-01T09:30.")
            raise Invalid(sentence, fields={"due_at": sentence})
        plan = planning.plan(
            article,
            due_at=form.due_at.moment,
            by=me(),
            number=texts.number(form.number.data or ""),
            significance=cast("Significance", form.significance.data),
            is_matching=form.is_matching.data,
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(article, form, refused=error)
    at = moment(plan.due_at)
    path = addresses.of_article(article, queries.newest_revision(article))
    db.session.commit()
    flash(gettext("It will be published on %(at)s.", at=at), "good")
    return web.go(path)


@bp.post("/kb/articles/<int:article_id>/plan/removal")
@role_required("editor", "agent")
def cancel_publication(article_id: int) -> WerkzeugResponse:
    article = to_publish(article_id)
    planning.cancel(article, by=me())
    path = addresses.of_article(article, queries.newest_revision(article))
    db.session.commit()
    flash(gettext("Nothing is planned any more."), "good")
    return web.go(path)


def _zone() -> str:
    return me().time_zone or current_settings().time_zone


def _page(
    article: Article, form: PublicationForm, *, refused: KlinkeError | None = None, status: int = 200
) -> Response:
    newest = queries.newest_revision(article)
    form.number.process_data(str(newest.number))
    form.number.raw_data = None
    return show(
        "kb/publication.html",
        article=article,
        newest=newest,
        form=form,
        plan=planning.planned(article),
        zone=_zone(),
        has_family=len(families.members(article)) > 1,
        refused=refused,
        status=status,
    )

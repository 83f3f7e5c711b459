"""Archiving articles, putting others in their place, and finding again what is archived."""

from flask import Response, flash, request
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required, team_required
from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE
from core.errors import KlinkeError
from core.paging import page
from forum import closing
from kb import addresses, forms, queries, retiring
from kb.models import Article
from kb.views.edge import bp, show, to_publish

A_PAGE = 25
LONGEST_WORDS = 200


@bp.get("/kb/articles/<int:article_id>/retirement")
@role_required("editor", "agent")
def ask_retirement(article_id: int) -> Response:
    article = to_publish(article_id)
    return _page(article, forms.RetirementForm(formdata=None))


@bp.post("/kb/articles/<int:article_id>/retirement")
@role_required("editor", "agent")
def retire_article(article_id: int) -> Response | WerkzeugResponse:
    article = to_publish(article_id)
    form = forms.RetirementForm()
    if not form.validate():
        return _page(article, form, status=UNPROCESSABLE)
    try:
        successor = retiring.named(form.successor.data or "", viewer=current_user)
        retiring.retire(article, by=me(), reason=form.reason.data or "", successor=successor)
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(queries.visible_article(article_id, viewer=current_user), form, refused=error)
    db.session.commit()
    if successor is None:
        flash(gettext("The article is archived. The team still finds it."), "good")
    else:
        flash(gettext("The article is archived. Whoever opens it is led to the new one."), "good")
    return web.go(addresses.of_article(article, queries.newest_revision(article)))


@bp.post("/kb/articles/<int:article_id>/revival")
@role_required("editor", "agent")
def revive_article(article_id: int) -> WerkzeugResponse:
    article = to_publish(article_id)
    retiring.revive(article, by=me())
    db.session.commit()
    flash(gettext("The article is back as it was."), "good")
    return web.go(addresses.of_article(article, queries.newest_revision(article)))


@bp.get("/kb/archive")
@team_required
def archive() -> Response:
    words = request.args.get("words", "")[:LONGEST_WORDS]
    found = page(retiring.archived_articles(words), by=(Article.id,), cursor=request.args.get("page"), size=A_PAGE)
    return show(
        "kb/archive.html",
        page=found,
        words=words,
        newest=queries.newest_revisions(found.items) if found.items else {},
    )


def _page(
    article: Article, form: forms.RetirementForm, *, refused: KlinkeError | None = None, status: int = 200
) -> Response:
    return show(
        "kb/retirement.html",
        article=article,
        words=article.published or queries.newest_revision(article),
        leading=closing.count_leading_to_place("article", article.id),
        form=form,
        refused=refused,
        status=status,
    )

"""What looks personal in an article: an editor says of each whether it is taken out or stays."""

from flask import Response, flash, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import texts, web
from core.db import db
from core.edge import REFUSALS
from core.errors import KlinkeError
from kb import addresses, articles, confirming, queries, redaction
from kb.models import Article
from kb.redaction import Decisions
from kb.views.edge import bp, show, to_edit


@bp.get("/kb/articles/<int:article_id>/personal")
@role_required("editor", "agent")
def personal_data_of(article_id: int) -> Response:
    return _page(to_edit(article_id))


@bp.post("/kb/articles/<int:article_id>/personal")
@role_required("editor", "agent")
def confirm_personal_data(article_id: int) -> Response | WerkzeugResponse:
    """Do what was decided, and publish where that was asked for and everything is decided."""
    article = to_edit(article_id)
    decided = redaction.decisions(request.form)
    seen = texts.number(request.form.get("seen", "")) or 0
    try:
        left = confirming.confirm(article, decided, by=me(), seen=seen)
        if request.form.get("do") == "publish" and not left:
            articles.publish(article, by=me())
    except REFUSALS as error:
        db.session.rollback()
        article = to_edit(article_id)
        return _page(article, decided=decided, refused=error)
    db.session.commit()
    if left:
        flash(redaction.refusal(len(left)), "message")
        return web.go(url_for(".personal_data_of", article_id=article_id))
    if request.form.get("do") == "publish":
        flash(gettext("The article is published."), "good")
        return web.go(addresses.of_article(article))
    flash(gettext("Everything is decided. The article can be published."), "good")
    return web.go(addresses.of_article(article, queries.newest_revision(article)))


@bp.post("/kb/articles/<int:article_id>/kept/<int:finding_id>/remove")
@role_required("editor", "agent")
def reconsider_finding(article_id: int, finding_id: int) -> WerkzeugResponse:
    article = to_edit(article_id)
    redaction.reconsider(article, finding_id, by=me())
    db.session.commit()
    return web.go(url_for(".personal_data_of", article_id=article_id))


def _page(article: Article, *, decided: Decisions | None = None, refused: KlinkeError | None = None) -> Response:
    newest = queries.newest_revision(article)
    found = redaction.find(redaction.texts_of(article, newest), people=redaction.of(article), locale=article.locale)
    kept = {one.digest: one for one in redaction.kept(article)}
    return show(
        "kb/personal.html",
        article=article,
        newest=newest,
        back=addresses.of_article(article, newest),
        found=[one for one in found if one.digest not in kept],
        kept=[(one, kept[one.digest]) for one in found if one.digest in kept],
        decided=decided or Decisions(kept={}),
        wrong=refused.fields if refused else {},
        sentence=refused.sentence if refused and not refused.fields else "",
        refused=refused,
    )

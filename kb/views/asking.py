"""Where a reply leads: the article, and on top of it the question whether it helped. Without an account or a script."""

from flask import Response, request
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from core import web
from core.db import db
from core.errors import Invalid, NotFound
from core.forms import csrf
from core.web import limiter
from kb import asking, queries, sent_links
from kb.models import ArticleUse
from kb.views.edge import bp, show
from kb.views.reading import article_page

UNINDEXED = "noindex, nofollow"


@bp.get("/kb/<int:article_id>/<ticket>")
def ask_outcome(article_id: int, ticket: str) -> Response | WerkzeugResponse:
    """Show the article with the question; an address that was cut short, or is too old, still leads to the article."""
    try:
        use = asking.asked(article_id, ticket)
    except NotFound:
        return _linked(article_id, ticket) or web.go(f"/kb/{article_id}")
    return _page(use, ticket)


@bp.post("/kb/<int:article_id>/<ticket>")
@csrf.exempt
@limiter.limit("60 per hour")
def tell_outcome(article_id: int, ticket: str) -> Response | WerkzeugResponse:
    """Keep what the customer chose. The address itself is the permission, so that no cookie is needed."""
    try:
        asking.say(article_id, ticket, request.form.get("outcome", ""))
    except Invalid as error:
        db.session.rollback()
        return _page(asking.asked(article_id, ticket), ticket, wrong=error)
    db.session.commit()
    return web.go(f"/kb/{article_id}/{ticket}")


@bp.post("/kb/<int:article_id>/<ticket>/opened")
@csrf.exempt
@limiter.limit("120 per hour")
def note_opened(article_id: int, ticket: str) -> Response:
    """Take what the page's script tells: somebody reads under this link. The team looks after its links itself."""
    sent_links.note_opened(
        article_id, ticket, program="" if current_user.is_team else request.headers.get("User-Agent", "")
    )
    db.session.commit()
    return Response(status=204)


def _linked(article_id: int, token: str) -> Response | None:
    """Return the article as whoever got a link to it reads it, without a question; None where it is no such link."""
    if not sent_links.known(article_id, token):
        return None
    try:
        article = queries.visible_article(article_id, viewer=current_user)
    except NotFound:
        return None
    if article.published is None or not article.is_published:
        return None
    page = article_page(article, article.published, via=token)
    page.headers["X-Robots-Tag"] = UNINDEXED
    return page


def _page(use: ArticleUse, ticket: str, *, wrong: Invalid | None = None) -> Response:
    about = {"use": use, "ticket": ticket, "answers": asking.ANSWERS, "wrong": wrong}
    try:
        article = queries.visible_article(use.article_id, viewer=current_user)
    except NotFound:
        article = None
    if article is None or article.published is None:
        title = gettext("Did our reply help?")
        page = show("kb/asked.html", title=title, asked=about, refused=wrong)
    else:
        via = ticket if sent_links.is_token(ticket) else None
        page = article_page(article, article.published, asked=about, refused=wrong, via=via)
    page.headers["X-Robots-Tag"] = UNINDEXED
    return page

"""Promoting: the queue of accepted answers, each beside the draft of its article."""

from typing import Any, cast

from flask import Response, flash, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import people
from accounts.access import me, role_required, team_required
from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import KlinkeError
from core.paging import page
from forum import queries as forum_queries
from kb import addresses, doubts, evidence, forms, promotion, queries
from kb.models import Article, Audience, Nomination
from kb.views.edge import bp, show
from kb.views.writing import article_form, chosen_section

A_PAGE = 20


@bp.get("/kb/nominations")
@role_required("editor")
def promotion_queue() -> Response:
    state = request.args.get("state", "")
    state = state if state in promotion.STATES else "pending"
    ranked = promotion.queue(state)
    number = max(1, min(request.args.get("page", 1, type=int), -(-len(ranked) // A_PAGE)))
    shown = ranked[(number - 1) * A_PAGE : number * A_PAGE]
    nominations = promotion.by_id([one.nomination_id for one in shown])
    return show(
        "kb/queue.html",
        state=state,
        counts=promotion.counts(),
        entries=[(nominations[one.nomination_id], one) for one in shown],
        newer=url_for(".promotion_queue", state=state, page=number - 1) if number > 1 else None,
        older=url_for(".promotion_queue", state=state, page=number + 1) if number * A_PAGE < len(ranked) else None,
    )


@bp.get("/kb/doubts")
@team_required
def doubted_articles() -> Response:
    found = page(doubts.doubted_articles(), by=(Article.id,), cursor=request.args.get("page"), size=A_PAGE)
    ids = [article.id for article in found.items]
    return show(
        "kb/doubts.html",
        page=found,
        newest=queries.newest_revisions(found.items) if ids else {},
        doubts=doubts.in_words_by_article(ids),
    )


@bp.post("/kb/articles/<int:article_id>/confirmation")
@role_required("editor")
def confirm_article(article_id: int) -> WerkzeugResponse:
    article = queries.visible_article(article_id, viewer=current_user)
    doubts.confirm(article, by=me(), reason=request.form.get("reason", ""))
    db.session.commit()
    flash(gettext("Thank you. The mark is gone until something new speaks against it."), "good")
    return web.go(addresses.of_article(article, queries.newest_revision(article)))


@bp.get("/kb/nominations/<int:nomination_id>")
@role_required("editor")
def show_nomination(nomination_id: int) -> Response:
    nomination = promotion.visible_nomination(nomination_id)
    return _nomination_page(nomination, form=_proposed(nomination))


@bp.post("/kb/nominations/<int:nomination_id>/article")
@role_required("editor")
def draft_article(nomination_id: int) -> Response | WerkzeugResponse:
    nomination = promotion.visible_nomination(nomination_id)
    form: forms.ArticleForm = article_form()
    if not form.validate():
        return _nomination_page(nomination, form=form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        article = promotion.draft_from(
            nomination,
            by=me(),
            section=chosen_section(form),
            locale=form.locale.data,
            tags=form.tag_names,
            audience=cast("Audience", form.audience.data),
            words=form.words,
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _nomination_page(nomination, form=form, refused=error)
    flash(gettext("The draft is saved. Read it once more, then publish it."), "good")
    return done(form, addresses.of_article(article, queries.newest_revision(article)))


@bp.post("/kb/nominations/<int:nomination_id>/decline")
@role_required("editor")
def decline_nomination(nomination_id: int) -> Response | WerkzeugResponse:
    nomination = promotion.visible_nomination(nomination_id)
    refusal = forms.ReasonForm()
    if not refusal.validate():
        return _nomination_page(nomination, form=_proposed(nomination), refusal=refusal, status=UNPROCESSABLE)
    try:
        promotion.decline(nomination, by=me(), reason=refusal.reason.data or "")
    except REFUSALS as error:
        db.session.rollback()
        refusal.refuse(error)
        return _nomination_page(nomination, form=_proposed(nomination), refusal=refusal, refused=error)
    db.session.commit()
    flash(gettext("Declined. The answer stays where it is, and the reason is kept."), "good")
    return web.go(url_for(".promotion_queue"))


def _proposed(nomination: Nomination) -> forms.ArticleForm:
    proposal = promotion.propose(nomination.post)
    form: forms.ArticleForm = article_form(
        data={
            "title": proposal.title,
            "summary": proposal.summary,
            "symptoms": proposal.symptoms,
            "environment": proposal.environment,
            "resolution": proposal.resolution,
            "keywords": ", ".join(proposal.keywords),
            "tags": ", ".join(proposal.tags),
            "locale": proposal.locale,
            "section": proposal.section.slug if proposal.section else forms.NEW_SECTION,
            "section_name": "" if proposal.section else proposal.section_name,
        }
    )
    return form


def _nomination_page(
    nomination: Nomination,
    *,
    form: forms.ArticleForm,
    refusal: forms.ReasonForm | None = None,
    refused: KlinkeError | None = None,
    status: int = 200,
) -> Response:
    post = nomination.post
    context: dict[str, Any] = {
        "nomination": nomination,
        "post": post,
        "topic": post.topic,
        "posts": forum_queries.visible_posts(post.topic, viewer=people.AnonymousUser()),
        "similar": promotion.similar_articles(nomination, current_user),
        "evidence": evidence.weigh(Nomination.id == nomination.id)[0],
        "decided_by": people.by_id(nomination.decided_by_id) if nomination.decided_by_id else None,
        "article_url": addresses.of_article(nomination.article, queries.newest_revision(nomination.article))
        if nomination.article
        else None,
    }
    return show(
        "kb/nomination.html",
        form=form,
        refusal=refusal or forms.ReasonForm(formdata=None),
        refused=refused,
        status=status,
        **context,
    )

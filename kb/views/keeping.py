"""Keeping articles true: what they need, when they are checked, where they came from, what carried their old words."""

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import people
from accounts.access import login_required, me, role_required, team_required
from core import texts, web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE
from core.errors import KlinkeError, NotFound
from core.paging import page
from core.web import limiter
from forum import addresses as forum_addresses
from kb import addresses, articles, checking, drift, forms, links, policy, queries, recall, retiring, tasks
from kb.models import Article, ArticleLink, ArticleRecall, ArticleTask, Revision
from kb.standing import Standing
from kb.views.edge import bp, show

A_PAGE = 25
MOST_ROWS = 200


def about(article: Article, words: Revision, stands: Standing) -> dict[str, Any]:
    """Return what the team sees beside an article; for others nothing is asked."""
    if not policy.may_see_drafts(current_user):
        return {}
    retirement = retiring.of(article) if article.confidence == "archived" else None
    successor = None if retirement is None else retiring.successor_of(article.id, viewer=current_user)
    return {
        "clocks": checking.clocks(article, words, used_at=stands.used_at, uses=stands.uses),
        "needed": stands.needed,
        "retirement": retirement,
        "successor": successor,
    }


@bp.get("/kb/needs")
@role_required("editor")
def needs() -> Response:
    return _needs_page(forms.SettlementForm(formdata=None))


@bp.post("/kb/tasks/<int:task_id>/settlement")
@role_required("editor")
def settle_task(task_id: int) -> Response | WerkzeugResponse:
    task = tasks.task(task_id)
    form = forms.SettlementForm()
    if not form.validate():
        return _needs_page(form, at=task_id, status=UNPROCESSABLE)
    try:
        tasks.settle(task, request.form.get("outcome", ""), by=me(), note=form.note.data or "")
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _needs_page(form, at=task_id, refused=error)
    db.session.commit()
    flash(gettext("Settled. Whoever reported it hears of that."), "good")
    return web.go(web.safe_path(request.form.get("next"), url_for(".needs")))


@bp.get("/kb/articles/<int:article_id>/flag")
@login_required
def ask_flag(article_id: int) -> Response:
    article = queries.visible_article(article_id, viewer=current_user)
    return _flag_page(article, forms.FlagForm(formdata=None))


@bp.post("/kb/articles/<int:article_id>/flag")
@login_required
@limiter.limit("20 per hour")
def flag_article(article_id: int) -> Response | WerkzeugResponse:
    article = queries.visible_article(article_id, viewer=current_user)
    form = forms.FlagForm()
    if not form.validate():
        return _flag_page(article, form, status=UNPROCESSABLE)
    try:
        tasks.flag(article, words=form.words.data or "", by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _flag_page(article, form, refused=error)
    db.session.commit()
    flash(gettext("Thank you. Whoever looks after the article has it now, and you hear what became of it."), "good")
    return web.go(addresses.of_article(article))


@bp.get("/kb/overdue")
@team_required
def overdue() -> Response:
    is_mine = request.args.get("whose") == "mine"
    found = page(
        checking.overdue_articles(current_user, of_all=not is_mine),
        by=(Article.verify_by, Article.id),
        cursor=request.args.get("page"),
        size=A_PAGE,
        descending=False,
    )
    return show("kb/overdue.html", page=found, is_mine=is_mine)


@bp.post("/kb/verifications")
@role_required("editor")
def verify_articles() -> WerkzeugResponse:
    """Take the ticks of the list: all of these are right as they are."""
    ids = [number for typed in request.form.getlist("article") if (number := texts.number(typed)) is not None]
    done = checking.verify_many(ids, by=me())
    db.session.commit()
    flash(ngettext("%(num)s article is checked.", "%(num)s articles are checked.", done), "good")
    return web.go(web.safe_path(request.form.get("next"), url_for(".overdue")))


@bp.post("/kb/articles/<int:article_id>/verification")
@role_required("editor")
def verify_article(article_id: int) -> WerkzeugResponse:
    article = queries.visible_article(article_id, viewer=current_user)
    checking.verify(article, by=me())
    db.session.commit()
    flash(gettext("Thank you. The article counts as checked from today."), "good")
    return web.go(addresses.of_article(article))


@bp.get("/kb/articles/<int:article_id>/owner")
@role_required("editor")
def ask_owner(article_id: int) -> Response:
    article = queries.visible_article(article_id, viewer=current_user)
    return _owner_page(article, _owner_form(article))


@bp.post("/kb/articles/<int:article_id>/owner")
@role_required("editor")
def give_article(article_id: int) -> Response | WerkzeugResponse:
    article = queries.visible_article(article_id, viewer=current_user)
    form = _owner_form(None)
    if not form.validate():
        return _owner_page(article, form, status=UNPROCESSABLE)
    to = people.by_handle(form.owner.data) if form.owner.data else None
    try:
        checking.give(article, to, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _owner_page(article, form, refused=error)
    db.session.commit()
    flash(gettext("Saved."), "good")
    return web.go(addresses.of_article(article, article.published or queries.newest_revision(article)))


@bp.get("/admin/checks")
@role_required("admin")
def check_rules() -> Response:
    return _rules_page(_rule_form(given=False))


@bp.post("/admin/checks")
@role_required("admin")
def set_check_rule() -> Response | WerkzeugResponse:
    form = _rule_form(given=True)
    if not form.validate():
        return _rules_page(form, status=UNPROCESSABLE)
    section = None if not form.section.data else queries.visible_section(form.section.data, viewer=current_user)
    try:
        checking.set_rule(section, form.confidence.data, form.days.data or 0, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _rules_page(form, refused=error)
    db.session.commit()
    flash(gettext("The rule holds from now on, for what is published already as well."), "good")
    return web.go(url_for(".check_rules"))


@bp.post("/admin/checks/<int:rule_id>/removal")
@role_required("admin")
def drop_check_rule(rule_id: int) -> WerkzeugResponse:
    checking.drop_rule(checking.rule(rule_id), by=me())
    db.session.commit()
    return web.go(url_for(".check_rules"))


@bp.get("/kb/articles/<int:article_id>/sources/<int:post_id>")
@role_required("editor")
def compare_source(article_id: int, post_id: int) -> Response:
    article = queries.visible_article(article_id, viewer=current_user)
    return _drift_page(article, post_id)


@bp.post("/kb/articles/<int:article_id>/sources/<int:post_id>/keeping")
@role_required("editor")
def keep_despite_source(article_id: int, post_id: int) -> Response | WerkzeugResponse:
    article = queries.visible_article(article_id, viewer=current_user)
    version = texts.number(request.form.get("version", "")) or 0
    try:
        drift.keep(article, post_id, version=version, by=me(), reason=request.form.get("reason", ""))
    except REFUSALS as error:
        db.session.rollback()
        again = queries.visible_article(article_id, viewer=current_user)
        return _drift_page(again, post_id, refused=error, complaint=error.sentence)
    db.session.commit()
    flash(gettext("The article stays as it is. You are asked again when the answer changes once more."), "good")
    return web.go(addresses.of_article(article, queries.newest_revision(article)))


@bp.post("/kb/articles/<int:article_id>/sources/<int:post_id>/update")
@role_required("editor")
def update_from_source(article_id: int, post_id: int) -> Response | WerkzeugResponse:
    article = queries.visible_article(article_id, viewer=current_user)
    form = forms.TakeOverForm()
    if not form.validate():
        return _drift_page(article, post_id, form=form, status=UNPROCESSABLE)
    try:
        revision = drift.update(
            article,
            post_id,
            version=texts.number(form.version.data or "") or 0,
            resolution=form.resolution.data or "",
            based_on=texts.number(form.based_on.data or "") or 0,
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _drift_page(queries.visible_article(article_id, viewer=current_user), post_id, form=form, refused=error)
    db.session.commit()
    flash(gettext("Version %(number)s is saved. Readers see it when you publish it.", number=revision.number), "good")
    return web.go(url_for(".show_article", article_id=article.id, slug=revision.slug, version=revision.number))


@bp.get("/kb/links")
@team_required
def link_list() -> Response:
    is_mine = request.args.get("whose") == "mine"
    found = page(
        links.bad_links(current_user, of_all=not is_mine),
        by=(ArticleLink.id,),
        cursor=request.args.get("page"),
        size=A_PAGE,
    )
    return show("kb/links.html", page=found, counts=links.counts(), is_mine=is_mine)


@bp.post("/kb/links/<int:link_id>/check")
@role_required("editor")
def check_link(link_id: int) -> WerkzeugResponse:
    links.check_again(links.link(link_id))
    db.session.commit()
    flash(gettext("The link is opened within a minute or two."), "good")
    return web.go(url_for(".link_list"))


@bp.get("/kb/articles/<int:article_id>/recall")
@team_required
def show_recall(article_id: int) -> Response:
    article = queries.visible_article(article_id, viewer=current_user)
    found = page(
        recall.of(article),
        by=(ArticleRecall.reach, ArticleRecall.id),
        cursor=request.args.get("page"),
        size=A_PAGE,
    )
    return show(
        "kb/recall.html",
        article=article,
        words=queries.newest_revision(article),
        page=found,
        places=recall.places(found.items, current_user),
        numbers=recall.numbers(found.items),
    )


@bp.post("/kb/recalls/<int:recall_id>/state")
@team_required
def settle_recall(recall_id: int) -> WerkzeugResponse:
    row = recall.row(recall_id)
    recall.settle(row, request.form.get("state", ""), by=me())
    db.session.commit()
    back = url_for(".show_recall", article_id=row.article_id)
    return web.go(web.safe_path(request.form.get("next"), back))


def _needs_page(
    form: forms.SettlementForm, *, at: int | None = None, refused: KlinkeError | None = None, status: int = 200
) -> Response:
    article_id = request.args.get("article", type=int)
    article = None if article_id is None else queries.visible_article(article_id, viewer=current_user)
    whose = request.args.get("whose")
    whose = whose if whose in {"all", "settled"} else "mine"
    if whose == "settled":
        statement = tasks.settled_tasks(article_id)
    else:
        statement = tasks.waiting_tasks(current_user, of_all=whose == "all", article_id=article_id)
    found = page(statement, by=(ArticleTask.id,), cursor=request.args.get("page"), size=A_PAGE)
    recalled = recall.open_counts()
    shown = db.session.scalars(queries.by_ids([*recalled][:MOST_ROWS])).unique().all() if recalled else []
    return show(
        "kb/needs.html",
        page=found,
        article=article,
        whose=whose,
        newest=queries.newest_revisions([one.article for one in found.items]) if found.items else {},
        kinds=tasks.KINDS,
        reasons=tasks.REASONS,
        form=form,
        at=at,
        due=checking.overdue_count(current_user),
        recalled=[(one, recalled[one.id]) for one in shown],
        refused=refused,
        status=status,
    )


def _flag_page(
    article: Article, form: forms.FlagForm, *, refused: KlinkeError | None = None, status: int = 200
) -> Response:
    if not article.is_published or article.published is None:
        raise NotFound(gettext("This article is not published, so nothing can be said of it yet."))
    return show("kb/flag.html", article=article, words=article.published, form=form, refused=refused, status=status)


def _owner_form(article: Article | None) -> forms.OwnerForm:
    """Return the form with what is typed, or (with an article) with who looks after that."""
    given = (
        {} if article is None else {"formdata": None, "data": {"owner": article.owner.handle if article.owner else ""}}
    )
    form = forms.OwnerForm(**given)
    form.owner.choices = forms.choices(
        {"": gettext("Nobody: every editor"), **{one.handle: one.name for one in checking.editors()}}
    )
    return form


def _owner_page(
    article: Article, form: forms.OwnerForm, *, refused: KlinkeError | None = None, status: int = 200
) -> Response:
    words = article.published or queries.newest_revision(article)
    return show("kb/owner.html", article=article, words=words, form=form, refused=refused, status=status)


def _rule_form(*, given: bool) -> forms.RuleForm:
    form = forms.RuleForm() if given else forms.RuleForm(formdata=None)
    known = {section.slug: section.name for section in queries.all_sections()}
    form.section.choices = forms.choices({"": gettext("All"), **known})
    return form


def _rules_page(form: forms.RuleForm, *, refused: KlinkeError | None = None, status: int = 200) -> Response:
    return show(
        "kb/check_rules.html",
        form=form,
        rules=checking.all_rules(),
        general=checking.rules()[f"{checking.ANY}:{checking.ANY}"],
        sections={section.id: section.name for section in queries.all_sections()},
        refused=refused,
        status=status,
    )


def _drift_page(
    article: Article,
    post_id: int,
    *,
    form: forms.TakeOverForm | None = None,
    complaint: str = "",
    refused: KlinkeError | None = None,
    status: int = 200,
) -> Response:
    found = drift.between(drift.source_of(article, post_id))
    newest = queries.newest_revision(article)
    if form is None:
        form = forms.TakeOverForm(formdata=None, data={"resolution": drift.merged(article, found)})
    for field, number in ((form.version, found.post.version), (form.based_on, newest.number)):
        field.process_data(str(number))
        field.raw_data = None
    return show(
        "kb/drift.html",
        article=article,
        words=newest,
        drift=found,
        complaint=complaint,
        form=form,
        longest=articles.LONGEST_REASON,
        post_url=forum_addresses.of_post(found.post),
        refused=refused,
        status=status,
    )

"""Sheets of links that colleagues look at, if they like."""

from flask import Response, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import markup, texts, web
from core.db import db
from core.edge import REFUSALS, show
from core.errors import KlinkeError
from desk import link_checks, measures
from desk.figure_models import LinkCheck, LinkSheet
from desk.models import Message
from desk.views.edge import Answer, bp
from kb import figures

LONGEST_SHOWN = 600


@bp.get("/desk/figures/sheets")
@role_required("agent")
def link_sheets() -> Response:
    return _sheets_page()


@bp.post("/desk/figures/sheets")
@role_required("agent")
def draw_link_sheet() -> Answer:
    """Draw links of a week: of the whole desk, or at one's own wish of oneself."""
    try:
        sheet = link_checks.draw(
            request.form.get("week", ""),
            texts.number(request.form.get("size", "")) or 0,
            is_own=request.form.get("whose") == "mine",
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        return _sheets_page(error)
    db.session.commit()
    return web.go(url_for(".link_sheet", sheet_id=sheet.id))


@bp.get("/desk/figures/sheets/<int:sheet_id>")
@role_required("agent")
def link_sheet(sheet_id: int) -> Response:
    return _sheet_page(link_checks.visible_sheet(sheet_id, viewer=current_user))


@bp.post("/desk/figures/checks/<int:check_id>")
@role_required("agent")
def judge_link(check_id: int) -> Response | WerkzeugResponse:
    """Say whether a link led to the right article."""
    check = link_checks.visible_check(check_id, viewer=current_user)
    sheet_id = check.sheet_id
    try:
        link_checks.judge(check, request.form.get("verdict", ""), words=request.form.get("words", ""), by=me())
    except REFUSALS as error:
        db.session.rollback()
        sheet = link_checks.visible_sheet(sheet_id, viewer=current_user)
        return _sheet_page(sheet, error, at=check_id, typed=request.form.get("words", ""))
    db.session.commit()
    return web.go(url_for(".link_sheet", sheet_id=sheet_id, _anchor=f"c{check_id}"))


def _sheets_page(refused: KlinkeError | None = None) -> Response:
    return show(
        "desk/link_sheets.html",
        sheets=link_checks.sheets(current_user),
        weeks=list(reversed(figures.week_names())),
        sizes=link_checks.SIZES,
        given=request.form,
        wrong=refused,
        refused=refused,
    )


def _sheet_page(sheet: LinkSheet, refused: KlinkeError | None = None, *, at: int = 0, typed: str = "") -> Response:
    checks = db.session.scalars(select(LinkCheck).where(LinkCheck.sheet_id == sheet.id).order_by(LinkCheck.id)).all()
    uses = measures.uses_by_id({check.use_id for check in checks})
    titles = measures.titles({use.article_id for use in uses.values()}, current_user)
    replies = select(Message.id, Message.text, Message.conversation_id)
    said = {
        row.id: row
        for row in db.session.execute(replies.where(Message.id.in_({use.where_id for use in uses.values()})))
    }
    rows = [
        {
            "check": check,
            "title": titles.get(use.article_id, (gettext("An article"), ""))[0],
            "lang": titles.get(use.article_id, ("", ""))[1],
            "article_id": use.article_id,
            "asked": markup.excerpt(use.asked, LONGEST_SHOWN),
            "reply": markup.excerpt(said[use.where_id].text, LONGEST_SHOWN) if use.where_id in said else "",
            "conversation_id": said[use.where_id].conversation_id if use.where_id in said else None,
            "may_judge": use.by_id != current_user.id and check.by_id in {None, current_user.id},
            "is_mine": use.by_id == current_user.id,
            "words": typed if at == check.id else check.words,
        }
        for check in checks
        for use in [uses[check.use_id]]
    ]
    return show(
        "desk/link_sheet.html",
        sheet=sheet,
        rows=rows,
        is_mine=sheet.whose_id == current_user.id,
        at=at,
        wrong=refused,
        refused=refused,
        longest=link_checks.LONGEST_WORDS,
    )

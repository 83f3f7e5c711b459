"""Blocks: pieces of text that stand in several articles."""

from typing import Any, cast

from flask import Flask, Response, flash, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import texts, web
from core.db import db
from core.diffs import compare
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import KlinkeError
from core.i18n import LOCALES
from kb import blocks, forms, queries, redaction
from kb.block_forms import AUDIENCES, BlockEditForm, BlockForm, SayingForm
from kb.models import Audience, Significance, TextBlock
from kb.publishing_forms import SIGNIFICANCES
from kb.views.edge import bp, show


@bp.get("/kb/blocks")
@role_required("editor")
def block_list() -> Response:
    return _list_page(BlockForm(formdata=None))


@bp.post("/kb/blocks")
@role_required("editor")
def post_block() -> Response | WerkzeugResponse:
    form = BlockForm()
    if not form.validate():
        return _list_page(form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        made = blocks.create(
            name=form.name.data or "",
            words=form.words,
            audience=cast("Audience", form.audience.data),
            by=me(),
            decided=redaction.decisions(request.form),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _list_page(form, refused=error)
    flash(gettext("The block is there. Articles have it by %(name)s.", name=_reference(made)), "good")
    return done(form, url_for(".show_block", block_id=made.id))


@bp.get("/kb/blocks/<int:block_id>")
@role_required("editor")
def show_block(block_id: int) -> Response:
    block = blocks.block(block_id)
    versions = blocks.revisions_of(block)
    number = request.args.get("version", type=int) or block.number
    after = next((one for one in versions if one.number == number), versions[0])
    before = next((one for one in versions if one.number == after.number - 1), None)
    users = list(db.session.scalars(blocks.using(block)).unique())
    return show(
        "kb/block.html",
        block=block,
        reference=_reference(block),
        audiences=AUDIENCES,
        languages=forms.LANGUAGE_NAMES,
        significances=SIGNIFICANCES,
        users=users,
        newest=queries.newest_revisions(users) if users else {},
        outer=blocks.outer_of(block),
        versions=versions,
        before=before,
        after=after,
        changes=[
            (locale, compare(old, new))
            for locale in LOCALES
            if (old := before.words.get(locale, "") if before else "") != (new := after.words.get(locale, ""))
        ],
    )


@bp.get("/kb/blocks/<int:block_id>/edit")
@role_required("editor")
def edit_block(block_id: int) -> Response:
    block = blocks.block(block_id)
    data = {f"words_{locale}": said for locale, said in block.words.items()}
    form = BlockEditForm(formdata=None, data={**data, "audience": block.audience, "based_on": str(block.number)})
    return _edit_page(block, form)


@bp.post("/kb/blocks/<int:block_id>/edit")
@role_required("editor")
def save_block(block_id: int) -> Response | WerkzeugResponse:
    block, form = blocks.block(block_id), BlockEditForm()
    if not form.validate():
        return _edit_page(block, form, status=UNPROCESSABLE)
    try:
        blocks.revise(
            block,
            words=form.words,
            audience=cast("Audience", form.audience.data),
            significance=cast("Significance", form.significance.data),
            by=me(),
            comment=form.comment.data or "",
            based_on=texts.number(form.based_on.data or "") or 0,
            decided=redaction.decisions(request.form),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _edit_page(blocks.block(block_id), form, refused=error)
    db.session.commit()
    flash(gettext("Saved. It is shown wherever the block stands."), "good")
    return web.go(url_for(".show_block", block_id=block_id))


@bp.post("/kb/blocks/<int:block_id>/revisions/<int:number>/restoration")
@role_required("editor")
def restore_block(block_id: int, number: int) -> WerkzeugResponse:
    block = blocks.block(block_id)
    chosen = request.form.get("significance")
    significance = chosen if chosen in SIGNIFICANCES else "content"
    blocks.restore(block, number, significance=cast("Significance", significance), by=me())
    db.session.commit()
    flash(gettext("The block says again what version %(number)s said.", number=number), "good")
    return web.go(url_for(".show_block", block_id=block_id))


@bp.post("/kb/blocks/<int:block_id>/removal")
@role_required("editor")
def remove_block(block_id: int) -> WerkzeugResponse:
    blocks.remove(blocks.block(block_id), by=me())
    db.session.commit()
    flash(gettext("The block is gone."), "good")
    return web.go(url_for(".block_list"))


@bp.post("/kb/blocks/<int:block_id>/dissolution")
@role_required("editor")
def dissolve_block(block_id: int) -> WerkzeugResponse:
    blocks.dissolve(blocks.block(block_id), by=me())
    db.session.commit()
    flash(gettext("Its words stand in its place now, and the block is gone."), "good")
    return web.go(url_for(".block_list"))


def init_app(app: Flask) -> None:
    """Give the form of an article its blocks; they are read only where it is shown."""
    app.jinja_env.globals |= {"text_blocks": blocks.every, "block_reference": _reference}


def _reference(block: TextBlock) -> str:
    return f"{{{{block:{block.name}}}}}"


def _list_page(form: BlockForm, *, refused: KlinkeError | None = None, status: int = 200) -> Response:
    return show(
        "kb/blocks.html",
        blocks=blocks.every(),
        counts=blocks.counts(),
        languages=forms.LANGUAGE_NAMES,
        audiences=AUDIENCES,
        form=form,
        **_private(None, form, refused),
        refused=refused,
        status=status,
    )


def _edit_page(
    block: TextBlock, form: BlockEditForm, *, refused: KlinkeError | None = None, status: int = 200
) -> Response:
    count = len(list(db.session.scalars(blocks.using(block)).unique()))
    return show(
        "kb/block_edit.html",
        block=block,
        form=form,
        count=count,
        **_private(block, form, refused),
        refused=refused,
        status=status,
    )


def _private(block: TextBlock | None, form: SayingForm, refused: KlinkeError | None) -> dict[str, Any]:
    """Return what looks personal in what was typed, after it was refused."""
    return {
        "personal": blocks.found(block, form.words) if refused else [],
        "decided": redaction.decisions(request.form),
        "wrong": refused.fields if refused else {},
    }

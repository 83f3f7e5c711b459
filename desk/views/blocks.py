"""The team's text blocks: the list, what each says and said, and their way out and in as JSON lines."""

import json
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import texts, web
from core.db import db
from core.diffs import compare
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before, show
from core.errors import KlinkeError
from desk import block_transfer, blocks, queries, wordings
from desk.block_forms import SCOPES, BlockForm
from desk.block_models import ReplyBlock
from desk.channels.base import LONGEST_TEXT
from desk.models import Channel
from desk.views.edge import bp

WHOSE = ("all", "mine", "kept", "unused", "away")
MOST = 200


@bp.get("/desk/blocks")
@role_required("agent")
def block_list() -> Response:
    whose = next((one for one in WHOSE if one == request.args.get("whose")), "all")
    words = web.given_line("q", longest=200)
    folder = request.args.get("folder")
    found = blocks.listing(current_user, words=words, folder=folder, whose=whose, most=MOST)
    return show(
        "desk/blocks.html",
        rows=found,
        folders=blocks.folders(current_user),
        folder=folder,
        whose=whose,
        words=words,
        scopes=SCOPES,
        most=MOST,
        may_change=blocks.may_change,
    )


@bp.get("/desk/blocks/new")
@role_required("agent")
def write_block() -> Response:
    channels = _channels()
    given = {"title": web.given_line("title", longest=blocks.LONGEST_TITLE), "scope": "team"}
    form = BlockForm(formdata=None, data=given).read(channels)
    form.texts["de"] = request.args.get("text", "")[:LONGEST_TEXT]
    return _edit_page(None, form, channels)


@bp.post("/desk/blocks")
@role_required("agent")
def post_block() -> Response | WerkzeugResponse:
    channels = _channels()
    form = BlockForm().read(channels)
    if not form.validate():
        return _edit_page(None, form, channels, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        block = blocks.create(form.words(channels), by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _edit_page(None, form, channels, refused=error)
    flash(gettext("The block is there. Type / in a reply to find it."), "good")
    return done(form, url_for(".show_block", block_id=block.id))


@bp.get("/desk/blocks/<int:block_id>")
@role_required("agent")
def show_block(block_id: int) -> Response:
    block = blocks.visible_block(block_id, viewer=current_user)
    every = blocks.versions(block)
    number = request.args.get("version", type=int) or block.number
    after = next((one for one in every if one.number == number), every[0])
    before = next((one for one in every if one.number == after.number - 1), None)
    row = db.session.execute(blocks.ranked(current_user, ReplyBlock.id == block_id)).one()
    return show(
        "desk/block.html",
        block=block,
        used=row[1],
        is_kept=row[3],
        languages=blocks.LANGUAGES,
        scopes=SCOPES,
        versions=every,
        after=after,
        changes=[
            (key, compare(old, new))
            for key in dict.fromkeys([*(before.words if before else {}), *after.words])
            if (old := before.words.get(key, "") if before else "") != (new := after.words.get(key, ""))
        ],
        outer=[one for one in blocks.outer(block) if blocks.may_change(one, current_user)],
        may_change=blocks.may_change(block, current_user),
        reference=_reference(block),
    )


@bp.get("/desk/blocks/<int:block_id>/edit")
@role_required("agent")
def edit_block(block_id: int) -> Response:
    block, channels = blocks.visible_block(block_id, viewer=current_user), _channels()
    data = {
        "title": block.title,
        "folder": block.folder,
        "keywords": ", ".join(block.keywords),
        "name": block.name,
        "scope": block.scope,
        "channel": block.channel.slug if block.channel else "",
        "based_on": str(block.number),
    }
    return _edit_page(block, BlockForm(formdata=None, data=data).read(channels).show(block), channels)


@bp.post("/desk/blocks/<int:block_id>/edit")
@role_required("agent")
def save_block(block_id: int) -> Response | WerkzeugResponse:
    block, channels = blocks.visible_block(block_id, viewer=current_user), _channels()
    form = BlockForm().read(channels)
    if not form.validate():
        return _edit_page(block, form, channels, status=UNPROCESSABLE)
    try:
        blocks.revise(
            block,
            form.words(channels),
            by=me(),
            comment=form.comment.data or "",
            based_on=texts.number(form.based_on.data or ""),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _edit_page(blocks.visible_block(block_id, viewer=current_user), form, channels, refused=error)
    db.session.commit()
    flash(gettext("Saved. The next reply with it says so."), "good")
    return web.go(url_for(".show_block", block_id=block_id))


@bp.post("/desk/blocks/<int:block_id>/revisions/<int:number>/restoration")
@role_required("agent")
def restore_block(block_id: int, number: int) -> WerkzeugResponse:
    blocks.restore(blocks.visible_block(block_id, viewer=current_user), number, by=me())
    db.session.commit()
    flash(gettext("The block says again what version %(number)s said.", number=number), "good")
    return web.go(url_for(".show_block", block_id=block_id))


@bp.post("/desk/blocks/<int:block_id>/standing")
@role_required("agent")
def place_block(block_id: int) -> WerkzeugResponse:
    """Put a block away, take it back, or keep it at hand."""
    block, deed = blocks.visible_block(block_id, viewer=current_user), request.form.get("to", "")
    if deed in {"kept", "not_kept"}:
        blocks.favour(block, by=me(), is_favourite=deed == "kept")
    elif deed == "away":
        blocks.put_away(block, by=me())
    else:
        blocks.take_back(block, by=me())
    db.session.commit()
    return web.go(web.safe_path(request.form.get("next"), url_for(".show_block", block_id=block_id)))


@bp.get("/desk/blocks/export")
@role_required("agent")
def export_blocks() -> Response:
    """Hand out every block the viewer may read, as JSON lines."""
    lines = [
        json.dumps({"type": block_transfer.TYPE, **record}, ensure_ascii=False)
        for record in block_transfer.dump(blocks.visible_to(current_user))
    ]
    answer = Response("".join(f"{line}\n" for line in lines), mimetype="application/x-ndjson")
    answer.headers["Content-Disposition"] = "attachment; filename=text-blocks.jsonl"
    return answer


@bp.post("/desk/blocks/import")
@role_required("agent")
@web.takes_files
def import_blocks() -> WerkzeugResponse:
    """Take blocks in from JSON lines; what cannot be taken is named with its line."""
    given = request.files.get("file")
    with NamedTemporaryFile("wb", suffix=".jsonl") as file:
        if given is not None:
            given.save(file)
        file.flush()
        report = block_transfer.take_in(Path(file.name), by=me())
    db.session.commit()
    flash(gettext("Taken in: %(new)s new, %(changed)s changed.", new=report.new, changed=report.changed), "good")
    for number, reason in report.skipped[:10]:
        flash(gettext("Line %(number)s was left out: %(reason)s", number=number, reason=reason), "bad")
    return web.go(url_for(".block_list"))


def _channels() -> list[Channel]:
    return [channel for channel in queries.channels() if channel.disabled_at is None]


def _reference(block: ReplyBlock) -> str:
    return f"{{{{block:{block.name}}}}}"


def _edit_page(
    block: ReplyBlock | None,
    form: BlockForm,
    channels: list[Channel],
    *,
    refused: KlinkeError | None = None,
    status: int = 200,
) -> Response:
    more: dict[str, Any] = {"folders": [name for name, _count in blocks.folders(current_user) if name]}
    return show(
        "desk/block_edit.html",
        block=block,
        form=form,
        channels=channels,
        languages=blocks.LANGUAGES,
        variables=wordings.known(),
        refused=refused,
        status=status,
        **more,
    )

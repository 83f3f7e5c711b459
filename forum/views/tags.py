"""The tags, for those who arrange the house."""

from flask import Response, flash, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE
from core.errors import Invalid, KlinkeError, NotFound
from core.forms import Form
from forum import arranging_forms, tags
from forum.limits import LONGEST_TAG
from forum.models import Tag
from forum.views.edge import bp, show

MOST_TAGS = 200


@bp.get("/admin/tags")
@role_required("admin")
def tag_list() -> Response:
    return _list(arranging_forms.NewTagForm(formdata=None))


@bp.post("/admin/tags")
@role_required("admin")
def post_tag() -> Response | WerkzeugResponse:
    form = arranging_forms.NewTagForm()
    if not form.validate():
        return _list(form, status=UNPROCESSABLE)
    try:
        tag = tags.make(form.word.data or "", by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _list(form, refused=error)
    db.session.commit()
    return web.go(url_for(".edit_tag", tag=tag.name))


@bp.get("/admin/tags/<tag>")
@role_required("admin")
def edit_tag(tag: str) -> Response:
    return _page(_named(tag))


@bp.post("/admin/tags/<tag>/reservation")
@role_required("admin")
def reserve_tag(tag: str) -> WerkzeugResponse:
    return _reserve(tag, is_reserved=True)


@bp.post("/admin/tags/<tag>/reservation/undo")
@role_required("admin")
def free_tag(tag: str) -> WerkzeugResponse:
    return _reserve(tag, is_reserved=False)


@bp.post("/admin/tags/<tag>/synonyms")
@role_required("admin")
def post_tag_synonym(tag: str) -> Response | WerkzeugResponse:
    known, form = _named(tag), arranging_forms.SynonymForm()
    if not form.validate():
        return _page(known, synonym=form, status=UNPROCESSABLE)
    try:
        tags.add_synonym(known, word=form.word.data or "", by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(_named(tag), synonym=form, refused=error)
    db.session.commit()
    return web.go(url_for(".edit_tag", tag=tag))


@bp.post("/admin/tags/<tag>/synonyms/undo")
@role_required("admin")
def remove_tag_synonym(tag: str) -> WerkzeugResponse:
    tags.remove_synonym(_named(tag), word=request.form.get("word", ""), by=me())
    db.session.commit()
    return web.go(url_for(".edit_tag", tag=tag))


@bp.post("/admin/tags/<tag>/merge")
@role_required("admin")
def merge_tag(tag: str) -> Response | WerkzeugResponse:
    known, form = _named(tag), arranging_forms.TagMergeForm()
    if not form.validate():
        return _page(known, merge=form, status=UNPROCESSABLE)
    try:
        into = tags.by_name((form.into.data or "").lower())
        if into is None:
            sentence = gettext("There is no such tag.")
            raise Invalid(sentence, fields={"into": sentence})
        tags.merge(known, into=into, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(_named(tag), merge=form, refused=error)
    db.session.commit()
    flash(gettext("The two are one now. “%(tag)s” is another word for it.", tag=tag), "good")
    return web.go(url_for(".edit_tag", tag=into.name))


def _named(name: str) -> Tag:
    found = tags.by_name(name)
    if found is None:
        raise NotFound
    return found


def _reserve(name: str, *, is_reserved: bool) -> WerkzeugResponse:
    tags.reserve(_named(name), is_reserved=is_reserved, by=me())
    db.session.commit()
    return web.go(url_for(".edit_tag", tag=name))


def _list(form: Form, *, refused: KlinkeError | None = None, status: int = 200) -> Response:
    sought = request.args.get("q", "")[:LONGEST_TAG].strip().lower()
    return show(
        "forum/tags.html",
        form=form,
        tags=tags.listed(MOST_TAGS, containing=sought),
        sought=sought,
        refused=refused,
        status=status,
    )


def _page(
    tag: Tag,
    *,
    synonym: Form | None = None,
    merge: Form | None = None,
    refused: KlinkeError | None = None,
    status: int = 200,
) -> Response:
    return show(
        "forum/tag_edit.html",
        tag=tag,
        words=tags.words_of(tag),
        synonym=synonym or arranging_forms.SynonymForm(formdata=None),
        merge=merge or arranging_forms.TagMergeForm(formdata=None),
        refused=refused,
        status=status,
    )

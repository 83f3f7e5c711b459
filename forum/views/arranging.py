"""The categories, for those who arrange the house."""

from flask import Response, flash, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import KlinkeError
from forum import categories, fields, forms, queries
from forum.models import Category
from forum.views.edge import bp, show


@bp.get("/admin/categories")
@role_required("admin")
def category_list() -> Response:
    return _page(forms.CategoryForm(formdata=None))


@bp.post("/admin/categories")
@role_required("admin")
def post_category() -> Response | WerkzeugResponse:
    form = forms.CategoryForm()
    if not form.validate():
        return _page(form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        category = categories.create(names=form.names, descriptions=form.descriptions, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _page(form, refused=error)
    flash(gettext("The category “%(name)s” is there.", name=category.name), "good")
    return done(form, url_for(".category_list"))


@bp.get("/admin/categories/<slug>")
@role_required("admin")
def edit_category(slug: str) -> Response:
    return _category_page(queries.category(slug))


@bp.post("/admin/categories/<slug>")
@role_required("admin")
def save_category(slug: str) -> Response | WerkzeugResponse:
    category = queries.category(slug)
    form = forms.CategoryForm()
    if not form.validate():
        return _category_page(category, form=form, status=UNPROCESSABLE)
    try:
        categories.revise(
            category,
            names=form.names,
            descriptions=form.descriptions,
            position=form.position.data or 0,
            needs_tag=bool(form.needs_tag.data),
            wanted_tags=form.wanted_names,
            by=me(),
        )
        categories.set_rules(
            category,
            accepts_several=bool(form.accepts_several.data),
            closes_after_hours=form.closes_after_hours.data,
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _category_page(queries.category(slug), form=form, refused=error)
    db.session.commit()
    return web.go(url_for(".category_list"))


@bp.post("/admin/categories/<slug>/fields")
@role_required("admin")
def post_field(slug: str) -> Response | WerkzeugResponse:
    category = queries.category(slug)
    form = forms.FieldForm()
    if not form.validate():
        return _category_page(category, field_form=form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        field = fields.add(
            category,
            names=form.names,
            hints=form.hints,
            kind=form.kind.data or "",
            required=form.required.data,
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _category_page(queries.category(slug), field_form=form, refused=error)
    flash(gettext("“%(name)s” is asked from now on.", name=field.name), "good")
    return done(form, url_for(".edit_category", slug=slug))


@bp.get("/admin/categories/<slug>/fields/<field>")
@role_required("admin")
def edit_field(slug: str, field: str) -> Response:
    category = queries.category(slug)
    found = fields.find(category, field)
    data: dict[str, str | int] = {
        "kind": found.kind,
        "required": found.required,
        "position": fields.of(category).index(found) + 1,
    }
    for locale in ("de", "en"):
        data[f"name_{locale}"] = found.names.get(locale, "")
        data[f"hint_{locale}"] = found.hints.get(locale, "")
    return show("forum/field_edit.html", category=category, field=found, form=forms.FieldForm(data=data))


@bp.post("/admin/categories/<slug>/fields/<field>")
@role_required("admin")
def save_field(slug: str, field: str) -> Response | WerkzeugResponse:
    category = queries.category(slug)
    found = fields.find(category, field)
    form = forms.FieldForm()
    if not form.validate():
        return show("forum/field_edit.html", category=category, field=found, form=form, status=UNPROCESSABLE)
    try:
        fields.revise(
            category,
            field,
            names=form.names,
            hints=form.hints,
            kind=form.kind.data or "",
            required=form.required.data,
            position=form.position.data or 1,
            by=me(),
        )
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return show("forum/field_edit.html", category=category, field=found, form=form, refused=error)
    db.session.commit()
    return web.go(url_for(".edit_category", slug=slug))


@bp.post("/admin/categories/<slug>/fields/<field>/removal")
@role_required("admin")
def remove_field(slug: str, field: str) -> WerkzeugResponse:
    fields.remove(queries.category(slug), field, by=me())
    db.session.commit()
    return web.go(url_for(".edit_category", slug=slug))


def _category_page(
    category: Category,
    *,
    form: forms.CategoryForm | None = None,
    field_form: forms.FieldForm | None = None,
    status: int = 200,
    refused: KlinkeError | None = None,
) -> Response:
    data: dict[str, str | int | None] = {
        "needs_tag": category.needs_tag,
        "wanted_tags": ", ".join(category.wanted_tags),
        "position": category.position,
        "accepts_several": category.accepts_several,
        "closes_after_hours": category.closes_after_hours,
    }
    for locale in ("de", "en"):
        data[f"name_{locale}"] = category.names.get(locale, "")
        data[f"description_{locale}"] = category.descriptions.get(locale, "")
    return show(
        "forum/category_edit.html",
        category=category,
        form=form or forms.CategoryForm(formdata=None, data=data),
        fields=fields.of(category),
        field_form=field_form or forms.FieldForm(formdata=None),
        status=status,
        refused=refused,
    )


def _page(form: forms.CategoryForm, *, status: int = 200, refused: KlinkeError | None = None) -> Response:
    return show("forum/categories.html", form=form, categories=queries.categories(), status=status, refused=refused)

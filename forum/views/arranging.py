"""The categories, for those who arrange the house."""

from flask import Response, flash, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import KlinkeError
from forum import categories, forms, queries
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
    category = queries.category(slug)
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
    return show("forum/category_edit.html", category=category, form=forms.CategoryForm(data=data))


@bp.post("/admin/categories/<slug>")
@role_required("admin")
def save_category(slug: str) -> Response | WerkzeugResponse:
    category = queries.category(slug)
    form = forms.CategoryForm()
    if not form.validate():
        return show("forum/category_edit.html", category=category, form=form, status=UNPROCESSABLE)
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
        return show("forum/category_edit.html", category=category, form=form, refused=error)
    db.session.commit()
    return web.go(url_for(".category_list"))


def _page(form: forms.CategoryForm, *, status: int = 200, refused: KlinkeError | None = None) -> Response:
    return show("forum/categories.html", form=form, categories=queries.categories(), status=status, refused=refused)

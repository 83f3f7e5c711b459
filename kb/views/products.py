"""Products: what articles are about, and the list that editors keep of them and their versions."""

from typing import Any, Final

from flask import Response, flash, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.access import me, role_required
from core import web
from core.db import db
from core.edge import REFUSALS, UNPROCESSABLE, done, sent_before
from core.errors import KlinkeError
from core.paging import page
from core.ready import same_for_guests
from kb import policy, products, queries
from kb.models import Article, Product
from kb.product_forms import ProductForm, ReleaseForm, VersionForm
from kb.views.edge import bp, show

A_PAGE: Final = 25


@bp.get("/kb/products")
@same_for_guests
def product_list() -> Response:
    # A form would make a token, and a token a cookie, which no guest needs here.
    return _list_page(ProductForm(formdata=None) if policy.may_write(current_user) else None)


@bp.post("/kb/products")
@role_required("editor")
def post_product() -> Response | WerkzeugResponse:
    form = ProductForm()
    if not form.validate():
        return _list_page(form, status=UNPROCESSABLE)
    try:
        if sent := sent_before(form):
            return sent
        product = products.create(name=form.name.data or "", aliases=form.alias_list, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _list_page(form, refused=error)
    flash(gettext("“%(name)s” is on the list.", name=product.name), "good")
    return done(form, url_for(".edit_product", slug=product.slug))


@bp.get("/kb/p/<slug>")
@same_for_guests
def show_product(slug: str) -> Response:
    product = products.visible(slug, viewer=current_user)
    statement = products.articles_about(product, viewer=current_user)
    statement = statement.options(*queries.marked_for(current_user))
    found = page(statement, by=(Article.id,), cursor=request.args.get("page"), size=A_PAGE)
    return show("kb/product.html", product=product, page=found)


@bp.get("/kb/p/<slug>/edit")
@role_required("editor")
def edit_product(slug: str) -> Response:
    return _product_page(products.found(slug))


@bp.post("/kb/p/<slug>/edit")
@role_required("editor")
def save_product(slug: str) -> Response | WerkzeugResponse:
    product = products.found(slug)
    form = ProductForm()
    if not form.validate():
        return _product_page(product, form=form, status=UNPROCESSABLE)
    try:
        products.change(product, name=form.name.data or "", aliases=form.alias_list, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _product_page(products.found(slug), form=form, refused=error)
    db.session.commit()
    flash(gettext("Saved."), "good")
    return web.go(url_for(".edit_product", slug=slug))


@bp.post("/kb/p/<slug>/removal")
@role_required("editor")
def remove_product(slug: str) -> Response | WerkzeugResponse:
    product = products.found(slug)
    try:
        products.remove(product, by=me())
    except REFUSALS as error:
        db.session.rollback()
        return _product_page(products.found(slug), refused=error, sentence=error.sentence)
    db.session.commit()
    flash(gettext("The product is off the list."), "good")
    return web.go(url_for(".product_list"))


@bp.post("/kb/p/<slug>/versions")
@role_required("editor")
def post_version(slug: str) -> Response | WerkzeugResponse:
    product = products.found(slug)
    form = VersionForm()
    if not form.validate():
        return _product_page(product, version=form, status=UNPROCESSABLE)
    try:
        products.add_version(product, name=form.version.data or "", released_on=form.released_on.data, by=me())
    except REFUSALS as error:
        db.session.rollback()
        form.refuse(error)
        return _product_page(products.found(slug), version=form, refused=error)
    db.session.commit()
    flash(gettext("The version is on the list."), "good")
    return web.go(url_for(".edit_product", slug=slug))


@bp.post("/kb/p/<slug>/versions/<int:version_id>")
@role_required("editor")
def release_version(slug: str, version_id: int) -> Response | WerkzeugResponse:
    product = products.found(slug)
    version = products.version_of(product, version_id)
    form = ReleaseForm()
    if not form.validate():
        return _product_page(product, sentence=gettext("Please give a day as in 2026-03-01."), status=UNPROCESSABLE)
    products.release(version, released_on=form.released_on.data, by=me())
    db.session.commit()
    flash(gettext("Saved."), "good")
    return web.go(url_for(".edit_product", slug=slug))


@bp.post("/kb/p/<slug>/versions/<int:version_id>/removal")
@role_required("editor")
def remove_version(slug: str, version_id: int) -> Response | WerkzeugResponse:
    product = products.found(slug)
    try:
        products.remove_version(products.version_of(product, version_id), by=me())
    except REFUSALS as error:
        db.session.rollback()
        return _product_page(products.found(slug), refused=error, sentence=error.sentence)
    db.session.commit()
    flash(gettext("The version is off the list."), "good")
    return web.go(url_for(".edit_product", slug=slug))


def _list_page(form: ProductForm | None, *, refused: KlinkeError | None = None, status: int = 200) -> Response:
    return show("kb/products.html", shelf=products.shelf(current_user), form=form, refused=refused, status=status)


def _product_page(
    product: Product,
    *,
    form: ProductForm | None = None,
    version: VersionForm | None = None,
    sentence: str = "",
    **more: Any,
) -> Response:
    data = {"name": product.name, "aliases": ", ".join(product.aliases)}
    return show(
        "kb/product_edit.html",
        product=product,
        form=form or ProductForm(formdata=None, data=data),
        version=version or VersionForm(formdata=None),
        sentence=sentence,
        **more,
    )

"""Products and their versions: what articles apply to, said by name, and what a new release makes them owe.

An article keeps what it applies to twice: a row for each product, by which it is found, and `Article.applies`, which
its page shows without looking anything up.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, TypedDict

from flask_babel import gettext, ngettext
from sqlalchemy import ColumnElement, Select, delete, exists, func, select
from sqlalchemy.orm import aliased, lazyload

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Invalid, NotAllowed, NotFound
from core.i18n import locale
from core.problems import at
from core.unique import add_once
from kb import policy, queries, tasks
from kb.models import Applies, Article, ArticleProduct, ArticleTask, Product, ProductVersion
from search import tracking

LONGEST_NAME: Final = 80
LONGEST_VERSION: Final = 40
MOST_ALIASES: Final = 20
MOST: Final = 500
MOST_VERSIONS: Final = 200
MOST_OF_AN_ARTICLE: Final = 20
_SEPARATORS: Final = re.compile(r"[,;\n]")


class Wanted(TypedDict):
    """A product and some of its versions; none of them is every one."""

    product: Product
    versions: list[str]


def create(*, name: str, aliases: Iterable[str] = (), by: User) -> Product:
    """Add a product; its address is made of its name and stays."""
    _ask_policy(by)
    name, other = _named(name), _aliases(aliases)
    if (db.session.scalar(select(func.count(Product.id))) or 0) >= MOST:
        raise Invalid(gettext("There are %(most)s products already.", most=MOST))
    slug = texts.slug(name, "product")
    _refuse_taken([name, *other])
    if not add_once(Product, slug=slug, name=name, aliases=other, at=now()):
        _taken("name", name)
    product = found(slug)
    audit.record("kb.product.create", product, by=by, after=_state(product))
    return product


def change(product: Product, *, name: str, aliases: Iterable[str], by: User) -> None:
    """Give a product another name or other names; its address stays, and its articles say the new name."""
    _ask_policy(by)
    before = _state(product)
    name, other = _named(name), _aliases(aliases)
    _refuse_taken([name, *other], besides=product)
    if before == {"name": name, "aliases": other}:
        return
    rename(product, name=name, aliases=other)
    audit.record("kb.product.change", product, by=by, before=before, after=_state(product))


def rename(product: Product, *, name: str, aliases: list[str]) -> None:
    """Write down what a product is called, in its articles as well; asks nobody."""
    product.name, product.aliases = name, aliases
    db.session.flush()
    ids = []
    for article in db.session.scalars(_applying(product)).unique():
        article.applies = [
            {**one, "name": name} if one["slug"] == product.slug else one for one in article.applies or ()
        ]
        ids.append(article.id)
    db.session.flush()
    tracking.note("article", ids)  # they are found by the other names, too


def remove(product: Product, *, by: User) -> None:
    """Take a product away that no article applies to."""
    _ask_policy(by)
    _refuse_used(len(db.session.scalars(_applying(product)).unique().all()))
    for version in product.versions:
        _forget_release(version)
    audit.record("kb.product.remove", product, by=by, before=_state(product))
    db.session.delete(product)
    db.session.flush()


def add_version(product: Product, *, name: str, released_on: date | None, by: User) -> ProductVersion:
    """Add a version; from the day of its release on what applies to the product is to be looked at."""
    _ask_policy(by)
    with at("version"):
        name = texts.line(name, longest=LONGEST_VERSION, shortest=1)
    if len(product.versions) >= MOST_VERSIONS:
        raise Invalid(gettext("There are %(most)s versions already.", most=MOST_VERSIONS))
    if any(one.name.casefold() == name.casefold() for one in product.versions):
        _taken("version", name)
    if not add_once(ProductVersion, product_id=product.id, name=name, released_on=released_on):
        _taken("version", name)
    db.session.expire(product, ["versions"])
    version = next(one for one in product.versions if one.name == name)
    audit.record("kb.product.version", product, by=by, after=_said(version))
    look_at_releases(product)
    return version


def release(version: ProductVersion, *, released_on: date | None, by: User) -> None:
    """Say when a version was or will be released; what is not released yet asks nothing of anybody."""
    _ask_policy(by)
    before = _said(version)
    version.released_on = released_on
    db.session.flush()
    if before == _said(version):
        return
    audit.record("kb.product.version", version.product, by=by, before=before, after=_said(version))
    if not _is_released(version):
        _forget_release(version)
    look_at_releases(version.product)


def remove_version(version: ProductVersion, *, by: User) -> None:
    """Take a version away that no article names."""
    _ask_policy(by)
    product = version.product
    naming = [one for one in db.session.scalars(_applying(product)).unique() if version.name in _versions(one, product)]
    _refuse_used(len(naming))
    _forget_release(version)
    audit.record("kb.product.version", product, by=by, before=_said(version), after={})
    product.versions.remove(version)
    db.session.flush()


def has_some() -> bool:
    """Tell whether there is a list of products at all."""
    return db.session.scalar(select(Product.id).limit(1)) is not None


def everything() -> Sequence[Product]:
    """Return every product by its name."""
    return sorted(db.session.scalars(select(Product)).unique(), key=lambda one: (one.name.casefold(), one.id))


def found(slug: str) -> Product:
    """Return the product at this address, or raise `NotFound`."""
    product = db.session.scalars(select(Product).where(Product.slug == slug)).unique().one_or_none()
    if product is None:
        raise NotFound(gettext("There is no such product."))
    return product


def version_of(product: Product, version_id: int) -> ProductVersion:
    """Return one of the versions of a product, or raise `NotFound`."""
    version = next((one for one in product.versions if one.id == version_id <= LARGEST_ID), None)
    if version is None:
        raise NotFound(gettext("There is no such version."))
    return version


def visible(slug: str, *, viewer: Viewer) -> Product:
    """Return a product of which the viewer may know: editors of every one, others where they find an article."""
    product = found(slug)
    if not policy.may_write(viewer):
        some = select(Article.id).where(applies_to(product.id), queries.readable_by(viewer)).limit(1)
        if db.session.scalar(some) is None:
            raise NotFound(gettext("There is no such product."))
    return product


def shelf(viewer: Viewer) -> list[tuple[Product, int]]:
    """Return the products of which the viewer may know, each with how many rows its list has."""
    counts = {
        row[0]: row[1]
        for row in db.session.execute(
            select(ArticleProduct.product_id, func.count())
            .join(Article, Article.id == ArticleProduct.article_id)
            .where(queries.readable_by(viewer), _told(viewer, Article, ArticleProduct.product_id))
            .group_by(ArticleProduct.product_id)
        )
    }
    return [(one, counts.get(one.id, 0)) for one in everything() if counts.get(one.id) or policy.may_write(viewer)]


def articles_about(product: Product, *, viewer: Viewer) -> Select[Article]:
    """Select what applies to a product, each thing once in the language of the page where it is said in it."""
    return queries.readable_articles(viewer).where(applies_to(product.id), _told(viewer, Article, product.id))


def applies_to(product_id: Any, article: Any = Article) -> ColumnElement[bool]:
    """Return the clause for articles that apply to a product."""
    row = aliased(ArticleProduct)
    some = exists().where(row.article_id == article.id, row.product_id == product_id)
    return some.correlate(article, ArticleProduct)


def names(slugs: Collection[str], viewer: Viewer) -> dict[str, str]:
    """Return what the products with these addresses are called of which the viewer may know."""
    statement = select(Product.slug, Product.name).where(Product.slug.in_(slugs))
    if not policy.may_write(viewer):
        some = exists().where(
            ArticleProduct.product_id == Product.id,
            ArticleProduct.article_id == Article.id,
            queries.readable_by(viewer),
        )
        statement = statement.where(some)
    return {row.slug: row.name for row in db.session.execute(statement)}


def meant(typed: str) -> str:
    """Return the address of the product that somebody means who types its name; of none what was typed."""
    known = _by_word()
    product = known.get(_word(typed))
    return typed if product is None else product.slug


def read(typed: str) -> list[Wanted]:
    """Return the products and versions that a line names; `Invalid` names what is on no list."""
    known = _by_word()
    wanted: dict[int, Wanted] = {}
    unknown = []
    for piece in (one.strip() for one in _SEPARATORS.split(typed) if one.strip()):
        match = _matched(piece, known)
        if match is None:
            unknown.append(piece)
            continue
        product, version = match
        one = wanted.setdefault(product.id, {"product": product, "versions": []})
        if version is not None and version not in one["versions"]:
            one["versions"].append(version)
    sentence = ""
    if unknown:
        sentence = gettext("No product or version of the list is called: %(names)s.", names=", ".join(unknown))
    elif len(wanted) > MOST_OF_AN_ARTICLE:
        sentence = gettext("At most %(most)s products, please.", most=MOST_OF_AN_ARTICLE)
    if sentence:
        raise Invalid(sentence, fields={"products": sentence})
    return list(wanted.values())


def in_words(applies: Iterable[Applies] | None) -> str:
    """Return what an article applies to as a line that `read` understands."""
    return ", ".join(
        f"{one['name']} {version}".strip() for one in applies or () for version in (one["versions"] or [""])
    )


def recognised(text: str) -> str:
    """Return which products a text in somebody's own words names, piece by piece, as a line that `read` understands."""
    known = _by_word()
    found = [match for piece in re.split(r"[,;\n·]", text) if (match := _matched(piece.strip(), known))]
    return ", ".join(dict.fromkeys(f"{product.name} {version or ''}".strip() for product, version in found))


def assign(article: Article, typed: str, *, by: User) -> None:
    """Say what an article applies to, by names with versions; this holds at once, as tags do."""
    if not policy.may_edit(by, article):
        raise NotAllowed
    before = in_words(article.applies)
    keep(article, read(typed))
    after = in_words(article.applies)
    if before != after:
        audit.record("kb.article.products", article, by=by, before={"products": before}, after={"products": after})


def keep(article: Article, wanted: Sequence[Wanted]) -> None:
    """Write down what an article applies to; asks nobody."""
    applies: list[Applies] = [
        {"slug": one["product"].slug, "name": one["product"].name, "versions": one["versions"]} for one in wanted
    ]
    if (article.applies or []) == applies:
        return
    db.session.execute(delete(ArticleProduct).where(ArticleProduct.article_id == article.id))
    for one in wanted:
        add_once(ArticleProduct, article_id=article.id, product_id=one["product"].id)
    article.applies = applies or None
    db.session.flush()


def words_for_search(articles: Iterable[Article]) -> Mapping[str, list[str]]:
    """Return by address what else the products of these articles are called."""
    slugs = {one["slug"] for article in articles for one in article.applies or ()}
    if not slugs:
        return {}
    rows = db.session.execute(select(Product.slug, Product.aliases).where(Product.slug.in_(slugs)))
    return {row.slug: row.aliases for row in rows}


def look_at_releases(product: Product | None = None) -> list[int]:
    """Make a task of every article that was checked before the newest release of its product; return their ids.

    Once for each release, whatever was done about it; older releases that nobody asked about are over. An article that
    names the new version knows it already. Nothing is taken back from readers.
    """
    asked = []
    for one in [product] if product is not None else everything():
        version = _newest(one)
        if version is None or version.released_on is None:
            continue
        ref = f"release:{version.id}"
        told = exists().where(
            ArticleTask.article_id == Article.id, ArticleTask.kind == "release", ArticleTask.ref == ref
        )
        checked = func.coalesce(Article.verified_at, Article.published_at, Article.created_at)
        since = datetime(version.released_on.year, version.released_on.month, version.released_on.day, tzinfo=UTC)
        due = _applying(one).where(queries.readable_in("team"), checked < since, ~told).order_by(Article.id)
        for article in db.session.scalars(due.options(lazyload("*"))).unique().all():
            if version.name not in _versions(article, one):
                tasks.need(article, "release", ref, words=f"{one.name} {version.name}")
                asked.append(article.id)
    return asked


def _told(viewer: Viewer, _article: type[Article], product_id: Any) -> ColumnElement[bool]:
    return queries.told_in(locale(), viewer, among=lambda other: applies_to(product_id, other))


def _applying(product: Product) -> Select[Article]:
    return select(Article).where(applies_to(product.id))


def _versions(article: Article, product: Product) -> list[str]:
    return [version for one in article.applies or () if one["slug"] == product.slug for version in one["versions"]]


def _is_released(version: ProductVersion) -> bool:
    return version.released_on is not None and version.released_on <= now().astimezone(UTC).date()


def _newest(product: Product) -> ProductVersion | None:
    released = [one for one in product.versions if _is_released(one)]
    return max(released, key=lambda one: (one.released_on or date.min, one.id), default=None)


def _forget_release(version: ProductVersion) -> None:
    waiting = select(ArticleTask).where(
        ArticleTask.kind == "release", ArticleTask.ref == f"release:{version.id}", ArticleTask.done_at.is_(None)
    )
    for task in db.session.scalars(waiting).unique().all():
        tasks.drop(task.article, "release", task.ref)


def _by_word() -> dict[str, Product]:
    known: dict[str, Product] = {}
    for product in everything():
        for word in (product.slug, product.name, *product.aliases):
            known.setdefault(_word(word), product)
    return known


def _matched(piece: str, known: Mapping[str, Product]) -> tuple[Product, str | None] | None:
    """Return the product that a piece names, the longest name first, and the version that follows it."""
    parts = piece.split()
    for length in range(len(parts), 0, -1):
        product = known.get(_word(" ".join(parts[:length])))
        if product is None:
            continue
        rest = " ".join(parts[length:])
        if not rest:
            return product, None
        version = next((one.name for one in product.versions if one.name.casefold() == rest.casefold()), None)
        if version is not None:
            return product, version
    return None


def _word(text: str) -> str:
    return " ".join(text.casefold().split())


def _named(name: str) -> str:
    with at("name"):
        name = texts.line(name, longest=LONGEST_NAME, shortest=1)
        _refuse_separators(name)
    return name


def _aliases(aliases: Iterable[str]) -> list[str]:
    with at("aliases"):
        lines = [texts.line(one, longest=LONGEST_NAME) for one in aliases]
        other = list({_word(one): one for one in lines if one}.values())
        if len(other) > MOST_ALIASES:
            raise Invalid(gettext("At most %(most)s, please.", most=MOST_ALIASES))
    return other


def _refuse_separators(name: str) -> None:
    if _SEPARATORS.search(name):
        raise Invalid(gettext("A comma or semicolon parts the names of products and cannot stand in one."))


def _refuse_taken(words: Sequence[str], *, besides: Product | None = None) -> None:
    known = _by_word()
    for place, word in enumerate(words):
        other = known.get(_word(word))
        if other is not None and (besides is None or other.id != besides.id):
            _taken("aliases" if place else "name", word)


def _taken(field: str, word: str) -> None:
    sentence = gettext("“%(name)s” is on the list already.", name=word)
    raise Invalid(sentence, fields={field: sentence})


def _refuse_used(number: int) -> None:
    if number:
        raise Invalid(
            ngettext(
                "%(num)s article names it. Change that first.", "%(num)s articles name it. Change them first.", number
            )
        )


def _ask_policy(by: User) -> None:
    if not policy.may_write(by):
        raise NotAllowed(gettext("Only editors keep the list of products."))


def _state(product: Product) -> dict[str, Any]:
    return {"name": product.name, "aliases": list(product.aliases)}


def _said(version: ProductVersion) -> dict[str, Any]:
    day = version.released_on
    return {"version": version.name, "released_on": None if day is None else day.isoformat()}

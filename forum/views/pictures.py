"""Pictures: they come by themselves while somebody writes, or with a form, and are shown to whoever sees their post."""

import re
from collections.abc import Sequence

from flask import Response, jsonify, request
from flask_babel import gettext
from flask_login import current_user
from werkzeug.datastructures import FileStorage

from accounts.access import login_required, me
from accounts.people import AnonymousUser
from core import pictures, web
from core.db import db
from core.edge import REFUSALS
from core.errors import Invalid, NotAllowed, NotFound, Unavailable
from core.settings import current_settings
from core.web import limiter
from forum import addresses, forms, images, policy
from forum.models import Image
from forum.views.edge import bp

FOR_GOOD = "private, max-age=31536000, immutable"
"""A browser may keep what everybody sees; a cache between us may not, for it could show it when it is muted."""
ALONE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""Opened by itself a picture has no markup; the styles are those of the browser's own page around it."""
FOR_NOW = "private, no-cache"
_UNFIT = re.compile(r"[\[\]\\<>`*_\s]+")


@bp.post("/images")
@login_required
@web.takes_files
@limiter.limit("120 per minute")
def post_image() -> Response:
    """Take one picture (`picture`) and answer with its address and the Markdown that shows it, as JSON."""
    try:
        image = _keep(request.files.get("picture"))
    except (*REFUSALS, Unavailable) as error:
        db.session.rollback()
        return web.problem(error.status, str(error.title), error.sentence)
    db.session.commit()
    answer = jsonify(url=addresses.of_image(image), markdown=markdown_of(image, request.form.get("words", "")))
    answer.status_code = 201
    return answer


@bp.get("/uploads/<picture>")
def show_image(picture: str) -> Response:
    try:
        image, is_open = images.visible_image(picture, viewer=AnonymousUser()), True
    except NotFound:
        image, is_open = images.visible_image(picture, viewer=current_user), False
    try:
        answer = Response(images.path(image).read_bytes(), mimetype=pictures.MEDIA_TYPES[image.kind])
    except FileNotFoundError:
        raise NotFound from None
    answer.headers["Cache-Control"] = FOR_GOOD if is_open else FOR_NOW
    answer.headers["Content-Security-Policy"] = ALONE
    answer.headers["Content-Disposition"] = f'inline; filename="{image.name}"'
    answer.vary.add("Cookie")
    answer.set_etag(image.digest)
    return answer.make_conditional(request)  # type: ignore[return-value]  # werkzeug returns the same object


def take(form: forms.WithPictures) -> None:
    """Keep the pictures that came with a form and show them at the end of its text, before it is validated.

    They are kept for good: whatever else is wrong, nobody has to choose them again. What is wrong with one is said at
    the field.
    """
    if not form.pictures.data:
        return
    shown, refused = kept(form.pictures.data, form.picture_words.data or "")
    form.source.data = "\n\n".join(part for part in ((form.source.data or "").rstrip(), *shown) if part)
    form.pictures.process_errors = refused
    form.pictures.data, form.picture_words.data = [], ""


def kept(files: Sequence[FileStorage], words: str) -> tuple[list[str], list[str]]:
    """Keep pictures, commit, and return the Markdown that shows them and what is wrong with the others."""
    shown: list[str] = []
    refused: list[str] = []
    for file in files:
        try:
            image = _keep(file)
        except (*REFUSALS, Unavailable) as error:
            db.session.rollback()
            refused.append(error.sentence if len(files) == 1 else f"{file.filename}: {error.sentence}")
        else:
            db.session.commit()
            shown.append(markdown_of(image, words))
    return shown, refused


def markdown_of(image: Image, words: str) -> str:
    """Return the Markdown that shows a picture; `words` say what can be seen."""
    said = " ".join(_UNFIT.sub(" ", words[: forms.LONGEST_PICTURE_WORDS]).split())
    return f"![{said}]({addresses.of_image(image)})"


def _keep(file: FileStorage | None) -> Image:
    if not file:  # a field that was left empty sends a file without a name
        raise Invalid(gettext("Please choose a picture."))
    if not policy.may_upload(current_user):
        raise NotAllowed
    settings = current_settings()
    images.check_room(me())
    db.session.rollback()  # nobody has to wait for the database while it is drawn
    picture = pictures.redraw(
        file.stream.read(settings.image_megabytes * web.MEGABYTE + 1),
        megabytes=settings.image_megabytes,
        megapixels=settings.image_megapixels,
    )
    return images.keep(picture, by=me())

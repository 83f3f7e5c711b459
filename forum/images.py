"""Pictures in posts: kept once each, seen by whoever may see a post that shows them, swept when none does."""

import hashlib
import os
import time
from collections.abc import Collection, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

from flask_babel import gettext, ngettext
from sqlalchemy import ColumnElement, delete, or_, select, true, update

from accounts.models import User
from accounts.people import AnonymousUser, Viewer
from core import markup
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from core.pictures import Picture
from core.settings import current_settings
from core.unique import add_once, add_or_change
from core.worker import chore
from forum import addresses, holding, policy, queries
from forum.models import Draft, Image, Post, PostImage, Upload


class Holder(Protocol):
    """Another room whose pages show pictures too."""

    def shows(self, address: str, viewer: Viewer) -> bool:
        """Tell whether a page that the viewer may see shows the picture."""
        ...

    def keeps(self, address: str) -> bool:
        """Tell whether any page shows it, or did and could be brought back."""
        ...


HOLDERS: list[Holder] = []
"""A room above the forum puts itself here; the forum does not ask who it is."""

A_DAY: Final = timedelta(days=1)
SWEPT_AT_ONCE: Final = 200


def keep(picture: Picture, *, by: User) -> Image:
    """Keep a picture that somebody brought; the same one again is the same. Only they and the team see it so far.

    Raises `Invalid` when it is one more than fits into a day.
    """
    if not policy.may_upload(by):
        raise NotAllowed(gettext("Please sign in to write."))
    # Of two pictures sent at the same moment the second waits here and then sees the first.
    db.session.execute(select(User.id).where(User.id == by.id).with_for_update(key_share=True))
    image = store(picture)
    if db.session.get(Upload, (image.id, by.id)) is None:
        check_room(by)
        add_once(Upload, image_id=image.id, user_id=by.id, at=now())
    db.session.flush()
    return image


def store(picture: Picture) -> Image:
    """Keep a picture of which nobody has proved who brought it: only the team sees it, until `give`."""
    digest = hashlib.sha256(picture.content).hexdigest()[:32]
    # Whoever sweeps at this moment has the row, and then a new one is made, or waits for it and lets it be.
    image_id = add_or_change(
        Image,
        by="digest",
        changes={"touched_at": now()},
        digest=digest,
        kind=picture.kind,
        width=picture.width,
        height=picture.height,
        touched_at=now(),
    )
    image = db.session.get_one(Image, image_id, populate_existing=True)
    _write(path(image), picture.content)
    return image


def give(name: str, *, to: User) -> Image | None:
    """Make a stored picture somebody's own; None when it is gone or no more fit into their day."""
    image = next(iter(_named([name])), None)
    if image is None:
        return None
    if db.session.get(Upload, (image.id, to.id)) is None:
        try:
            check_room(to)
        except Invalid:
            return None
        add_once(Upload, image_id=image.id, user_id=to.id, at=now())
    db.session.flush()
    return image


def link(post: Post, *, by: User) -> None:
    """Write down which pictures a post shows; whoever writes or edits it calls this.

    A picture that not everybody sees can be shown by those only who brought it: nobody makes public what is muted by
    knowing its address. Raises `Invalid` when the post shows too many.
    """
    names = markup.pictures(post.html)
    most = current_settings().images_per_post
    if len(names) > most:
        sentence = ngettext("%(num)s picture fits into a post.", "%(num)s pictures fit into a post.", most) + gettext(
            " These are %(given)s.", given=len(names)
        )
        raise Invalid(sentence, fields={"source": sentence})
    before = set(db.session.scalars(select(PostImage.image_id).where(PostImage.post_id == post.id)))
    if not names and not before:
        return
    shown = {image.id for image in _named(names, or_(visible_to(AnonymousUser()), _is_of(by), Image.id.in_(before)))}
    for image_id in shown - before:
        add_once(PostImage, post_id=post.id, image_id=image_id)
    gone = before - shown
    if gone:
        db.session.execute(delete(PostImage).where(PostImage.post_id == post.id, PostImage.image_id.in_(gone)))
        db.session.execute(update(Image).where(Image.id.in_(gone)).values(touched_at=now()))


def visible_image(name: str, *, viewer: Viewer) -> Image:
    """Return the picture with this name, or raise `NotFound` when there is none that the viewer may see."""
    if found := _named([name], visible_to(viewer)):
        return found[0]
    if found := _named([name]):
        address = addresses.of_image(found[0])
        if any(holder.shows(address, viewer) for holder in HOLDERS):
            return found[0]
    raise NotFound


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the clause for a statement that selects from `Image`: in a visible post, or one's own, or for the team."""
    if viewer.is_team:
        return true()
    shown = (
        select(PostImage.image_id)
        .join(Post, Post.id == PostImage.post_id)
        .where(PostImage.image_id == Image.id, queries.posts_visible_to(viewer))
        .correlate(Image)
        .exists()
    )
    return shown if viewer.id is None else or_(shown, _is_of(viewer))


def path(image: Image) -> Path:
    """Return where the file of a picture lies."""
    return _folder() / image.digest[:2] / f"{image.digest}.{image.kind}"


def check_room(by: User) -> None:
    """Refuse one more picture when this person's day is full; the team's never is."""
    settings = current_settings()
    most = settings.images_per_day_new if holding.is_new(by) else settings.images_per_day
    if by.is_team:
        return
    today = db.session.scalars(select(Upload.at).where(Upload.user_id == by.id, Upload.at > now() - A_DAY)).all()
    if len(today) >= most:
        hours = 24 if not today else max(1, -(-(min(today) + A_DAY - now()).seconds // 3600))
        raise Invalid(
            gettext("%(most)s pictures fit into a day. The next one fits in %(hours)s h.", most=most, hours=hours)
        )


@chore("forum.sweep_images", every=3600)
def sweep() -> None:
    """Forget the pictures that no post and no draft has shown for a while, and files that no picture belongs to."""
    before = now() - timedelta(days=current_settings().unused_image_days)
    unused = ~select(PostImage.image_id).where(PostImage.image_id == Image.id).exists()
    idle = select(Image.id).where(Image.touched_at < before, unused).order_by(Image.touched_at).limit(SWEPT_AT_ONCE)
    for image_id in db.session.scalars(idle).all():
        found = select(Image).where(Image.id == image_id, Image.touched_at < before, unused).with_for_update()
        image = db.session.scalars(found.execution_options(populate_existing=True)).first()
        if image is not None and (_is_in_a_draft(image) or _is_held(image)):
            image.touched_at = now()
        elif image is not None:
            db.session.delete(image)
            db.session.flush()
            # The file first and then the commit: who brings the same picture now waits, and then writes it anew.
            path(image).unlink(missing_ok=True)
        db.session.commit()
    _sweep_files()


def _named(names: Iterable[str], *where: ColumnElement[bool]) -> list[Image]:
    """Return the pictures with these names, which say their size too: one with another size is none."""
    digests = {name.partition("-")[0]: name for name in names}
    found = db.session.scalars(select(Image).where(Image.digest.in_(digests), *where))
    return [image for image in found if digests[image.digest] == image.name]


def _is_of(viewer: Viewer) -> ColumnElement[bool]:
    return (
        select(Upload.image_id)
        .where(Upload.image_id == Image.id, Upload.user_id == viewer.id)
        .correlate(Image)
        .exists()
    )


def _is_in_a_draft(image: Image) -> bool:
    owners = select(Upload.user_id).where(Upload.image_id == image.id)
    drafts = db.session.scalars(select(Draft.fields).where(Draft.user_id.in_(owners)))
    return any(image.digest in text for fields in drafts for text in fields.values())


def _is_held(image: Image) -> bool:
    address = addresses.of_image(image)
    return any(holder.keeps(address) for holder in HOLDERS)


def _folder() -> Path:
    return current_settings().data_dir / "uploads"


def _write(place: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    if place.exists():
        return
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = place.with_name(f".{os.getpid()}-{time.monotonic_ns()}")
    try:
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        half.replace(place)
    finally:
        half.unlink(missing_ok=True)


def _sweep_files() -> None:
    """Delete the files that a crash left behind: written before a commit that never came, or half written."""
    long_ago = time.time() - A_DAY.total_seconds()
    for folder in _folder().glob("??"):
        old = [file for file in folder.iterdir() if file.stat().st_mtime < long_ago]
        known = _known({file.stem for file in old})
        for file in old:
            if file.stem not in known:
                file.unlink(missing_ok=True)


def _known(digests: Collection[str]) -> set[str]:
    return set(db.session.scalars(select(Image.digest).where(Image.digest.in_(digests)))) if digests else set()

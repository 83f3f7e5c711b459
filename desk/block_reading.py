"""The team's blocks are read by the linter every night, like the short texts of articles."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import lazyload

from core import texts
from core.db import LARGEST_ID, db
from desk import nightly
from desk.block_models import ReplyBlock


@nightly.source("reply_block")
def stored() -> Iterator[nightly.Stored]:
    """Yield what blocks of the team say; what is one person's own is nobody else's business."""
    rows = db.session.scalars(
        select(ReplyBlock)
        .where(ReplyBlock.archived_at.is_(None), ReplyBlock.scope != "mine")
        .options(lazyload(ReplyBlock.owner), lazyload(ReplyBlock.channel))
        .order_by(ReplyBlock.id)
    )
    for block in rows:
        for key, text in block.words.items():
            yield _stored(block, key, text)


@nightly.shown_by("reply_block", to="agent")
def one(ref: str) -> nightly.Stored | None:
    """Return what a block says, by `9:de`."""
    typed, _, key = ref.partition(":")
    number = texts.number(typed)
    block = None if number is None or not 0 < number <= LARGEST_ID else db.session.get(ReplyBlock, number)
    if block is None or block.archived_at is not None or block.scope == "mine" or key not in block.words:
        return None
    return _stored(block, key, block.words[key])


def _stored(block: ReplyBlock, key: str, text: str) -> nightly.Stored:
    url = f"/desk/blocks/{block.id}"
    return nightly.Stored(ref=f"{block.id}:{key}", text=text, title=block.title, url=url, locale=key[:2])

"""The team's blocks are read by the linter every night, like the short texts of articles."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import lazyload

from core.db import db
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
            yield nightly.Stored(
                ref=f"{block.id}:{key}",
                text=text,
                title=block.title,
                url=f"/desk/blocks/{block.id}",
                locale=key[:2],
            )

"""Pictures in articles: who made an article of an answer takes its pictures along, whatever becomes of the answer."""

from sqlalchemy import ColumnElement, Text, cast, or_, select

from accounts.people import Viewer
from core.db import db
from kb import queries
from kb.models import Article, Revision, TextBlockRevision


class Articles:
    """What `forum.images` asks before it hides or forgets a picture."""

    def shows(self, address: str, viewer: Viewer) -> bool:
        """Look into what is published for the viewer."""
        published = select(Article.id).join(Revision, Revision.id == Article.published_id)
        found = published.where(queries.readable_by(viewer), _has(address))
        return db.session.scalar(found.limit(1)) is not None

    def keeps(self, address: str) -> bool:
        """Look into every revision: an older one can be restored."""
        if db.session.scalar(select(Revision.id).where(_has(address)).limit(1)) is not None:
            return True
        in_blocks = cast(TextBlockRevision.words, Text).contains(address, autoescape=True)
        return db.session.scalar(select(TextBlockRevision.id).where(in_blocks).limit(1)) is not None


def _has(address: str) -> ColumnElement[bool]:
    return or_(
        Revision.symptoms_html.contains(address, autoescape=True),
        Revision.resolution_html.contains(address, autoescape=True),
    )

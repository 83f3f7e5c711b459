"""Pictures in articles: who made an article of an answer takes its pictures along, whatever becomes of the answer."""

from sqlalchemy import ColumnElement, or_, select

from accounts.people import Viewer
from core.db import db
from kb import queries
from kb.models import Article, Revision


class Articles:
    """What `forum.images` asks before it hides or forgets a picture."""

    def shows(self, address: str, viewer: Viewer) -> bool:
        """Look into what is published for the viewer."""
        published = select(Article.id).join(Revision, Revision.id == Article.published_id)
        found = published.where(queries.readable_by(viewer), _has(address))
        return db.session.scalar(found.limit(1)) is not None

    def keeps(self, address: str) -> bool:
        """Look into every revision: an older one can be restored."""
        return db.session.scalar(select(Revision.id).where(_has(address)).limit(1)) is not None


def _has(address: str) -> ColumnElement[bool]:
    return or_(
        Revision.symptoms_html.contains(address, autoescape=True),
        Revision.resolution_html.contains(address, autoescape=True),
    )

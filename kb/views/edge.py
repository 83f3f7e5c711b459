"""What every view of the knowledge base stands on: the blueprint, and pages that know what their reader may do."""

import functools

from flask import Blueprint
from flask_babel import gettext
from flask_login import current_user

from core import edge
from core.errors import NotAllowed
from kb import policy, publishing, queries
from kb.models import Article

bp = Blueprint("kb", __name__)
show = functools.partial(edge.show, policy=policy)


def to_edit(article_id: int) -> Article:
    """Return the article, for somebody who may change it."""
    article = queries.visible_article(article_id, viewer=current_user)
    if not policy.may_edit(current_user, article):
        raise NotAllowed(gettext("Only editors change what was published, or what others drafted."))
    return article


def to_publish(article_id: int) -> Article:
    """Return the article, for somebody who publishes in its section; everybody else is told who does."""
    article = queries.visible_article(article_id, viewer=current_user)
    if not policy.may_publish(current_user, article):
        raise NotAllowed(publishing.in_words(article.section))
    return article

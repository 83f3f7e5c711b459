"""Who looks after an article hears when it was changed in another language and has to be translated anew."""

from flask_babel import gettext

from accounts.models import User
from core.db import db
from core.outbox import listens_to
from forum import notifications
from forum.models import Notification
from kb import families, policy
from kb.events import ArticlePublished
from kb.models import Article


@listens_to(ArticlePublished)
def tell_translators(event: ArticlePublished) -> None:
    """Tell the owners of the articles that lag behind now; of a typo nobody hears."""
    article = db.session.get(Article, event.article_id)
    if article is None or event.significance == "typo" or article.published_id != event.revision_id:
        return
    family = families.members(article)
    for other in family:
        owner = other.owner
        if other.id == article.id or owner is None or owner.id == event.by_id or not policy.may_edit(owner, other):
            continue
        if families.state_of(other, family) == "older":
            notifications.notify(
                owner,
                kind="translation_behind",
                key=f"translation_behind:{other.id}:{event.revision_id}",
                url=f"/kb/articles/{other.id}/languages",
                data={"article_id": other.id, "significance": event.significance},
            )


@notifications.kind("translation_behind", group="tasks")
def _translation_behind(notification: Notification) -> str:
    article = db.session.get(Article, notification.data.get("article_id"))
    user = db.session.get(User, notification.user_id)
    if article is None or article.published is None or user is None or not policy.may_see_drafts(user):
        return str(gettext("An article has changed in another language."))
    title = article.published.title
    if notification.data.get("significance") == "instructions":
        return str(gettext("In the other language, the instructions of “%(title)s” were corrected.", title=title))
    return str(gettext("“%(title)s” has changed in the other language.", title=title))

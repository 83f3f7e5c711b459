"""Following articles: who wants to hear when one changes. The form and the list are the forum's (`forum.follows`)."""

from collections.abc import Sequence

from flask_babel import gettext
from sqlalchemy import delete, select

from accounts.models import User
from core import texts
from core.clock import now
from core.db import db
from core.errors import NotAllowed, NotFound
from core.unique import add_once
from forum import notifications
from forum import policy as forum_policy
from forum.follows import Followed
from forum.models import Notification
from kb import addresses, queries
from kb.models import Article, ArticleFollow, Revision

KIND = "article"


class Articles:
    """What the forum asks about articles that are followed."""

    def page(self, name: str, *, viewer: User) -> str:
        return addresses.of_article(_named(name, viewer))

    def choose(self, name: str, *, is_followed: bool, by: User) -> None:
        article = _named(name, by)
        if is_followed:
            follow(article, by=by)
        else:
            unfollow(article, by=by)

    def followed_by(self, user: User) -> Sequence[Followed]:
        rows = db.session.execute(
            select(Article.id, Revision.slug, Revision.title, ArticleFollow.at)
            .join(ArticleFollow, ArticleFollow.article_id == Article.id)
            .join(Revision, Revision.id == Article.published_id)
            .where(ArticleFollow.user_id == user.id, queries.readable_by(user))
            .order_by(ArticleFollow.at.desc(), Article.id.desc())
        )
        sort = str(gettext("Article"))
        return [Followed(KIND, str(row.id), sort, row.title, addresses.path(row.id, row.slug), row.at) for row in rows]


def follow(article: Article, *, by: User) -> None:
    """Have `by` told when the article changes; following twice is following."""
    if not forum_policy.may_follow(by):
        raise NotAllowed(gettext("Please sign in to follow this."))
    add_once(ArticleFollow, article_id=article.id, user_id=by.id, at=now())


def unfollow(article: Article, *, by: User) -> None:
    """Tell `by` nothing more of it."""
    if not forum_policy.may_follow(by):
        raise NotAllowed
    mine = (ArticleFollow.article_id == article.id, ArticleFollow.user_id == by.id)
    db.session.execute(delete(ArticleFollow).where(*mine))


def tell(article: Article, revision: Revision, *, by_id: int, is_first: bool) -> int:
    """Tell the followers who may read it that it is published or has changed; return how many hear of it anew."""
    rows = select(User).join(ArticleFollow, ArticleFollow.user_id == User.id)
    followers = db.session.scalars(rows.where(ArticleFollow.article_id == article.id, User.id != by_id)).unique()
    return notifications.notify_each(
        sorted(user.id for user in followers if _may_read(user, article)),
        kind="article_revised",
        key=f"{_prefix(article)}{revision.id}",
        url=addresses.of_article(article),
        data={"article_id": article.id, "is_first": is_first},
    )


def retract(article: Article) -> None:
    """Take back what was told of an article: not everybody who heard of it may read it now."""
    notifications.retract_with(_prefix(article))


@notifications.kind("article_revised", group="revisions")
def _article_revised(notification: Notification) -> str:
    article = db.session.get(Article, notification.data.get("article_id"))
    user = db.session.get(User, notification.user_id)
    if article is None or article.published is None or user is None or not _may_read(user, article):
        return str(gettext("An article you follow is being revised at the moment."))
    title = article.published.title
    if notification.data.get("is_first"):
        return str(gettext("“%(title)s” is published.", title=title))
    return str(gettext("“%(title)s” has changed.", title=title))


def _may_read(user: User, article: Article) -> bool:
    readable = select(Article.id).where(Article.id == article.id, queries.readable_by(user))
    return db.session.scalar(readable) is not None


def _named(name: str, viewer: User) -> Article:
    article_id = texts.number(name)
    if article_id is None:
        raise NotFound
    return queries.visible_article(article_id, viewer=viewer)


def _prefix(article: Article) -> str:
    return f"article_revised:{article.id}:"

"""Articles, as they are put into an answer of the forum: a short form with the way to the whole."""

from collections.abc import Sequence
from typing import Final

from flask_babel import gettext

from accounts.people import AnonymousUser, Viewer
from core.errors import NotFound
from core.web import absolute
from forum import inserting
from forum.inserting import Insert
from forum.models import Topic
from kb import addresses, faces, queries
from kb.models import Article
from kb.queries import Publication
from search import query

LIMIT: Final = 1000
"""Characters of an article in an answer, with its address; who wants more follows the link."""
GUEST: Final = AnonymousUser()


class Articles:
    """The shelf from which articles are taken: those that every reader of the answer can open."""

    def may_use(self, viewer: Viewer) -> bool:
        return viewer.is_trusted

    def find(self, words: str, topic: Topic, *, viewer: Viewer) -> Sequence[Insert]:  # noqa: ARG002 -- the answer is for everybody
        most = inserting.MOST_OF_A_KIND
        if words:
            results = query.find(words, viewer=GUEST, kinds=("article",), locale=topic.locale, limit=most)
            hits = results.hits or results.near
        else:
            hits = query.similar(topic.title, "", viewer=GUEST, kinds=("article",), locale=topic.locale, limit=most)
        published = queries.publications([hit.found.ref.id for hit in hits])
        return [
            _insert(published[hit.found.ref.id], hit.found.title, hit.found.url, hit.found.locale)
            for hit in hits
            if hit.found.ref.id in published
        ]

    def take(self, thing_id: int, topic: Topic, *, viewer: Viewer) -> Insert | None:  # noqa: ARG002 -- as above
        try:
            article = queries.visible_article(thing_id, viewer=GUEST)
        except NotFound:
            return None
        if article.published is None:
            return None
        return _insert(article, article.published.title, addresses.of_article(article), article.locale)


def _insert(article: Article | Publication, title: str, path: str, locale: str) -> Insert:
    url = absolute(path)
    short = faces.text_for(article, limit=LIMIT, url=url)[1].removesuffix(url).rstrip()
    link = f"[{inserting.as_markdown(title)}]({url})"
    return Insert(
        kind="article",
        id=article.id,
        title=title,
        text=f"{inserting.as_markdown(short)}\n\n{link}" if short else link,
        locale=locale,
        url=path,
        label=gettext("Article"),
    )

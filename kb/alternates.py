"""The same article in other languages, for search engines: whoever looks in German is to land on the German page."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from core.web import absolute
from kb import addresses
from kb.models import Article


class Alternate(NamedTuple):
    """A language, or `x-default` for everybody else, and the whole address of its page."""

    lang: str
    url: str


def of(article: Article, siblings: Iterable[Article]) -> Sequence[Alternate]:
    """Return the pages of an article and its translations, itself included, as search engines want it.

    Each language leads to one page, and only to what everybody may read; none where there is one language. Of two in a
    language the first one counts. Whoever looks in another language gets English.
    """
    pages = {one.locale: one for one in reversed([article, *siblings]) if one.is_published and one.audience == "public"}
    if pages.get(article.locale) is not article or len(pages) == 1:
        return ()
    found = [Alternate(lang, absolute(addresses.of_article(pages[lang]))) for lang in sorted(pages)]
    others = [Alternate("x-default", found[sorted(pages).index("en")].url)] if "en" in pages else []
    return [*found, *others]

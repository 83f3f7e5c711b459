"""What an instance tells, as the desk takes it: a status becomes a message, its HTML text, its poll words."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urlsplit

from flask_babel import force_locale, gettext, ngettext

from core.clock import now
from desk.channels.base import (
    LONGEST_ID,
    LONGEST_TEXT,
    LONGEST_URL,
    EarlierPost,
    IncomingFile,
    IncomingMessage,
    Kind,
    tidied,
)

LONGEST_HTML: Final = 100_000
LONGEST_NAME: Final = 200
LONGEST_HANDLE: Final = 200
LONGEST_FILE_WORDS: Final = 2000
LARGEST_REACH: Final = 2**31 - 1
MOST_OF_THREAD: Final = 50
PUBLIC: Final = frozenset({"public", "unlisted"})
NARROWER: Final = ("public", "unlisted", "private", "direct")
"""From what everybody sees to what only those see who are named in it."""
_LOCALES: Final = frozenset({"de", "en"})
_SPACE: Final = re.compile(r"[ \t\n\r\f\v]+")
_MENTION: Final = re.compile(r"(?<![\w/=@])@(\w+(?:[\w.-]*\w)?)(?:@([\w-]+(?:[.:][\w-]+)*))?")
_LEADING: Final = re.compile(r"(?:@[^\s@]+(?:@[^\s@]+)?\s+)+")


@dataclass(frozen=True, slots=True)
class Us:
    """The account that we are on the instance."""

    id: str
    acct: str
    domain: str

    @property
    def handles(self) -> frozenset[str]:
        """Return the ways to name us, without the first @ and folded."""
        name = self.acct.casefold()
        return frozenset({name, f"{name}@{self.domain.casefold()}"})


def id_of(told: Any) -> str:
    """Return an id as it is; empty when it is none: ids are opaque, and compared byte by byte."""
    found = str(told) if isinstance(told, str | int) and not isinstance(told, bool) else ""
    return found if 0 < len(found) <= LONGEST_ID and found.isprintable() else ""


def moment_of(told: Any) -> datetime | None:
    """Return a moment, aware and not in the future."""
    if isinstance(told, str):
        try:
            told = datetime.fromisoformat(told)
        except ValueError:
            return None
    if not isinstance(told, datetime):
        return None
    return min(told if told.tzinfo else told.replace(tzinfo=UTC), now())


def handle_of(account: Mapping[str, Any], domain: str) -> str:
    """Return how an account is named from anywhere: with its server, which an instance leaves out of its own."""
    acct = " ".join(tidied(str(account.get("acct") or "")).split()).lstrip("@")
    if acct and "@" not in acct:
        acct = f"{acct}@{domain}"
    return f"@{acct}"[:LONGEST_HANDLE]


def name_of(account: Mapping[str, Any]) -> str:
    """Return what an account calls itself, without the pictures it has between the letters."""
    name = str(account.get("display_name") or "")[: 4 * LONGEST_NAME]
    for emoji in _listed(account.get("emojis")):
        name = name.replace(f":{emoji.get('shortcode')}:", "")
    return " ".join(tidied(name).split())[:LONGEST_NAME]


def mentions_us(status: Mapping[str, Any], us: Us) -> bool:
    return any(id_of(each.get("id")) == us.id for each in _listed(status.get("mentions")))


def is_ours(status: Mapping[str, Any], us: Us) -> bool:
    return id_of(_account(status).get("id")) == us.id


def is_public(status: Mapping[str, Any]) -> bool:
    return status.get("visibility") in PUBLIC


def named_in(text: str) -> list[str]:
    """Return whom a text names so that they are told of it, without the first @ and folded."""
    return [f"{name}@{host}".casefold() if host else name.casefold() for name, host in _MENTION.findall(text)]


def others_named_in(text: str, allowed: Iterable[str]) -> list[str]:
    """Return whom a text names beside those, as it does, each once."""
    known = {name.casefold() for name in allowed}
    found = (match for match in _MENTION.finditer(text) if match[0].casefold().lstrip("@") not in known)
    return list(dict.fromkeys(match[0] for match in found))


def incoming(
    status: Mapping[str, Any],
    us: Us,
    *,
    path: Sequence[Mapping[str, Any]] = (),
    files: Sequence[IncomingFile] = (),
    left_out: Iterable[str] = (),
    since: datetime | None = None,
    kind: Kind | None = None,
) -> IncomingMessage | None:
    """Return a status as a message; None when it has no id, no writer or no moment.

    `path` is what stands before it in its thread, the first one first. `left_out` are lines about what did not come
    along. What others wrote to us after `since` arrives by itself and is not told as an earlier post.
    """
    status_id, account = id_of(status.get("id")), _account(status)
    created_at, handle = moment_of(status.get("created_at")), handle_of(account, us.domain)
    if not status_id or created_at is None or handle == "@":
        return None
    begins = _beginning(status, path, us)
    before = [each for each in path[begins:] if id_of(each.get("id"))]
    return IncomingMessage(
        conversation=id_of(before[0].get("id")) if before else status_id,
        id=status_id,
        text=_whole_text(status, us, files, left_out),
        created_at=created_at,
        is_public=is_public(status),
        url=url_of(status),
        handle=handle,
        name=name_of(account),
        reach=_reach(account),
        locale=_locale(status),
        capabilities={"public": is_public(status)},
        thread=tuple(_earlier(path, us, since)),
        kind=kind or kind_of(status, path, us),
        answers=tuple(id_of(each.get("id")) for each in reversed(before)),
        files=tuple(files),
        edited_at=moment_of(status.get("edited_at")),
    )


def kind_of(status: Mapping[str, Any], path: Sequence[Mapping[str, Any]], us: Us) -> Kind:
    """Tell what a status is to us: under a post of our own it is a comment, under a reply of ours a reply."""
    if status.get("visibility") == "direct":
        return "direct"
    if not mentions_us(status, us) and status.get("in_reply_to_id") is None:
        return "post"
    if id_of(status.get("in_reply_to_account_id")) != us.id:
        return "mention"
    parent = path[-1] if path else None
    return "comment" if parent is not None and parent.get("in_reply_to_id") is None else "reply"


def url_of(status: Mapping[str, Any]) -> str | None:
    """Return where people see a status."""
    for told in (status.get("url"), status.get("uri")):
        url = str(told or "")
        if url.startswith(("https://", "http://")) and len(url) <= LONGEST_URL and url.isprintable():
            return url
    return None


def text_of(status: Mapping[str, Any]) -> str:
    """Return what a status says, as text: paragraphs, addresses and names whole."""
    return words_of(str(status.get("content") or ""), _listed(status.get("mentions")))


def words_of(html: str, mentions: Iterable[Mapping[str, Any]] = ()) -> str:
    """Return HTML as text: links with their whole addresses, mentions with their servers, paragraphs kept."""
    reader = _Reader({str(each.get("url")): str(each.get("acct") or "") for each in mentions})
    reader.feed(html[:LONGEST_HTML])
    reader.close()
    return reader.text


def same_words(first: str, second: str) -> bool:
    """Tell whether two texts say the same but for whom they name and where their lines break."""
    return folded(first) == folded(second)


def folded(text: str) -> str:
    return " ".join(_MENTION.sub(" ", tidied(text)).split())


def _beginning(status: Mapping[str, Any], path: Sequence[Mapping[str, Any]], us: Us) -> int:
    """Return where in the path the exchange with us begins; its length when it begins with the status itself.

    A thread may have begun among others, and under a post of ours many people speak to us, each for themselves: the
    exchange begins with the first status that was written to us. What is private is an exchange with its writer alone.
    """
    writer = id_of(_account(status).get("id"))
    for at, each in enumerate(path):
        if is_ours(each, us) or not mentions_us(each, us):
            continue
        if is_public(status) or id_of(_account(each).get("id")) == writer:
            return at
    return len(path)


def _earlier(path: Sequence[Mapping[str, Any]], us: Us, since: datetime | None) -> Iterable[EarlierPost]:
    for each in path[-MOST_OF_THREAD:]:
        each_id, at = id_of(each.get("id")), moment_of(each.get("created_at"))
        if not each_id or at is None or not is_public(each):
            continue
        ours = is_ours(each, us)
        if not ours and mentions_us(each, us) and (since is None or at >= since):
            continue  # it arrives as a message, or has already
        account = _account(each)
        yield EarlierPost(
            id=each_id,
            text=_with_warning(each, text_of(each))[:LONGEST_TEXT],
            created_at=at,
            handle=handle_of(account, us.domain),
            name=name_of(account),
            url=url_of(each),
            is_ours=ours,
        )


def _whole_text(status: Mapping[str, Any], us: Us, files: Sequence[IncomingFile], left_out: Iterable[str]) -> str:
    said = _without_us(text_of(status), us)
    with force_locale(_locale(status) or "en"):
        parts = [_with_warning(status, said), _poll(status.get("poll")), "\n".join(left_out)]
        text = "\n\n".join(part for part in parts if part)
        if not text and files:
            text = "\n".join(file.words for file in files if file.words) or ngettext(
                "(a file without words)", "(%(num)s files without words)", len(files)
            )
        if not text:
            text = gettext("(no words)")
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def _with_warning(status: Mapping[str, Any], said: str) -> str:
    """Put what a text is folded under before it, as people on Mastodon write it."""
    warning = " ".join(tidied(str(status.get("spoiler_text") or "")[:LONGEST_TEXT]).split())
    return "\n\n".join(part for part in (f"[CW: {warning}]" if warning else "", said) if part)


def _without_us(text: str, us: Us) -> str:
    """Take our own name off the beginning: everybody writes it there, and it says nothing."""
    leading = _LEADING.match(text)
    if leading is None:
        return text
    kept = [name for name in leading[0].split() if name.lstrip("@").casefold() not in us.handles]
    rest = text[leading.end() :]
    return " ".join([*kept, rest]) if rest else text


def _poll(told: Any) -> str:
    if not isinstance(told, Mapping):
        return ""
    lines = []
    for option in _listed(told.get("options")):
        title, votes = " ".join(tidied(str(option.get("title") or "")[:500]).split()), option.get("votes_count")
        if isinstance(votes, int):
            title += " – " + ngettext("%(num)s vote", "%(num)s votes", votes)
        lines.append(f"– {title}")
    if not lines:
        return ""
    heading = gettext("A poll, several choices:") if told.get("multiple") else gettext("A poll:")
    return "\n".join([heading, *lines])


def _reach(account: Mapping[str, Any]) -> int | None:
    told = account.get("followers_count")
    return min(told, LARGEST_REACH) if isinstance(told, int) and told >= 0 else None


def _locale(status: Mapping[str, Any]) -> str | None:
    told = str(status.get("language") or "")[:2]
    return told if told in _LOCALES else None


def _account(status: Mapping[str, Any]) -> Mapping[str, Any]:
    found = status.get("account")
    return found if isinstance(found, Mapping) else {}


def _listed(told: Any) -> list[Mapping[str, Any]]:
    return [each for each in told if isinstance(each, Mapping)] if isinstance(told, list | tuple) else []


class _Reader(HTMLParser):
    """Reads the HTML that instances make of what people write."""

    _BLOCKS: Final = frozenset({"p", "div", "blockquote", "ul", "ol", "pre", "h1", "h2", "h3", "h4", "h5", "h6"})
    _SILENT: Final = frozenset({"script", "style", "template"})

    def __init__(self, accts: Mapping[str, str]) -> None:
        super().__init__(convert_charrefs=True)
        self._accts = accts
        self._parts: list[str] = []
        self._links: list[tuple[str, str, int]] = []
        self._silent = 0
        self._quotes = 0
        self._pre = 0

    @property
    def text(self) -> str:
        text = "".join(self._parts)
        lines = [line.rstrip(" ") for line in text.split("\n")]
        return tidied(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SILENT:
            self._silent += 1
        elif tag == "br":
            self._break(1)
        elif tag == "li":
            self._break(1)
            self._parts.append("– ")
        elif tag in self._BLOCKS:
            self._break(2)
            self._pre += tag == "pre"
            self._quotes += tag == "blockquote"
        elif tag == "a":
            told = {name: value or "" for name, value in attrs}
            self._links.append((told.get("href", ""), told.get("class", ""), len(self._parts)))

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in self._BLOCKS:
            self._break(2)
            self._pre -= tag == "pre" and self._pre > 0
            self._quotes -= tag == "blockquote" and self._quotes > 0
        elif tag == "a" and self._links:
            href, classes, at = self._links.pop()
            said = "".join(self._parts[at:])
            del self._parts[at:]
            self._parts.append(self._link(href, classes.split(), said))

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if not self._pre:
            data = _SPACE.sub(" ", data)
            if self._ends_a_line():
                data = data.lstrip(" ")
        if data and self._quotes and (not self._parts or self._parts[-1].endswith("\n")):
            self._parts.append("> ")
        if data:
            self._parts.append(data)

    def _link(self, href: str, classes: Sequence[str], said: str) -> str:
        if said.startswith("#") or "hashtag" in classes:
            return said
        if said.startswith("@"):
            acct = self._accts.get(href, "")
            return f"@{acct}" if acct else said
        if _scheme(href) not in {"http", "https"}:
            return said
        shown = said.strip().removesuffix("…").rstrip("/")
        bare = href.partition("://")[2].removeprefix("www.")
        is_address = (
            not shown
            or shown in {href, href.rstrip("/")}
            or bare.startswith(
                shown.partition("://")[2].removeprefix("www.") if "://" in shown else shown.removeprefix("www.")
            )
        )
        return href if is_address else f"{said} ({href})"

    def _break(self, lines: int) -> None:
        if any(part.strip() for part in self._parts) and not self._links:
            self._parts.append("\n" * lines)

    def _ends_a_line(self) -> bool:
        return not self._parts or self._parts[-1].endswith(("\n", " "))


def _scheme(href: str) -> str:
    """Return the scheme of an address; empty when it cannot be read."""
    try:
        return urlsplit(href).scheme
    except ValueError:
        return ""

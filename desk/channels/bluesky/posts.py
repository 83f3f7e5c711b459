"""What posts say: their words with the links that lie behind them, what hangs on them, and what stands before them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import gettext

from core import http
from core.clock import now
from core.settings import current_settings
from desk.channels.base import LONGEST_TEXT, ChannelFailed, EarlierPost, IncomingFile, mended, tidied
from desk.channels.bluesky.account import Connection
from desk.channels.bluesky.writing import read_uri

LARGEST_FILE: Final = 5 * 1024 * 1024
MOST_FILES: Final = 4
LONGEST_WORDS: Final = 2000
BACKDATED: Final = timedelta(days=1)
"""A post that says it is older than this was not written then: we go by when the service saw it."""
_PICTURES: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
}
_MARK: Final = "…"


def inside(value: Any) -> Mapping[str, Any]:
    """Return an object of JSON, and an empty one for anything else: strangers write these."""
    return value if isinstance(value, dict) else {}


def words_of(record: Mapping[str, Any]) -> str:
    """Return the text of a post or a chat message; behind a link that is shown short, its address."""
    raw = str(record.get("text") or "").encode("utf-8", "surrogatepass")
    facets = record.get("facets")
    links = sorted(_links(facets if isinstance(facets, list) else (), len(raw)), reverse=True)
    for start, end, url in links:
        seen = raw[start:end].decode("utf-8", "replace")
        if url.rstrip("/") in {seen.rstrip("/"), f"https://{seen}".rstrip("/"), f"http://{seen}".rstrip("/")}:
            continue
        bare = seen.rstrip(".…").removeprefix("https://").removeprefix("http://")
        is_cut_short = bare != "" and url.removeprefix("https://").removeprefix("http://").startswith(bare)
        said = url if is_cut_short else f"{seen} ({url})"
        raw = raw[:start] + said.encode() + raw[end:]
    return tidied(mended(raw.decode("utf-8", "replace")))[:LONGEST_TEXT]


def _links(facets: Iterable[Any], size: int) -> Iterable[tuple[int, int, str]]:
    taken = 0
    for facet in sorted((one for one in facets if isinstance(one, dict)), key=_begin_of):
        index, features = inside(facet.get("index")), facet.get("features")
        start, end = index.get("byteStart"), index.get("byteEnd")
        if not (isinstance(start, int) and isinstance(end, int) and taken <= start < end <= size):
            continue
        for feature in features if isinstance(features, list) else ():
            url = feature.get("uri") if isinstance(feature, dict) else None
            if isinstance(url, str) and url.startswith(("https://", "http://")) and url.isprintable():
                yield start, end, url
                taken = end
                break


def _begin_of(facet: Mapping[str, Any]) -> int:
    begin = inside(facet.get("index")).get("byteStart")
    return begin if isinstance(begin, int) else 0


def moment(told: Any, otherwise: datetime | None = None) -> datetime:
    """Return a moment that a record or a service names; now, or `otherwise`, where it names none."""
    try:
        read = datetime.fromisoformat(str(told))
    except ValueError:
        read = None
    fallback = otherwise or now()
    return fallback if read is None or read.tzinfo is None else read


def written_at(record: Mapping[str, Any], seen_at: datetime) -> datetime:
    """Return when a post was written, as far as its writer can be believed: clocks are wrong, and posts backdated."""
    said = moment(record.get("createdAt"), seen_at)
    return min(said if seen_at - BACKDATED <= said <= seen_at else seen_at, now())


def quoted(record: Mapping[str, Any]) -> str | None:
    """Return the address of the post that one quotes."""
    embed = inside(record.get("embed"))
    inner = inside(embed.get("record"))
    if embed.get("$type") == "app.bsky.embed.recordWithMedia":
        inner = inside(inner.get("record"))
    uri = inner.get("uri")
    return uri if isinstance(uri, str) and read_uri(uri) is not None else None


def files_of(record: Mapping[str, Any], did: str, connection: Connection) -> tuple[tuple[IncomingFile, ...], list[str]]:
    """Return the pictures of a post, fetched from its writer's own server, and lines for what did not come along."""
    media = _media(record)
    files: list[IncomingFile] = []
    lines: list[str] = []
    for number, one in enumerate(_pictures(media), 1):
        words = tidied(str(one.get("alt") or ""))[:LONGEST_WORDS]
        file = _fetched(one.get("image"), did, connection, f"picture-{number}", words)
        if file is not None:
            files.append(file)
        else:
            lines.append(_left_out(words))
    if media.get("$type") == "app.bsky.embed.video":
        alt = tidied(str(media.get("alt") or ""))[:LONGEST_WORDS]
        lines.append(gettext("[A video: %(words)s]", words=alt) if alt else gettext("[A video]"))
    url = inside(media.get("external")).get("uri")
    if isinstance(url, str) and url.startswith(("https://", "http://")) and url.isprintable():
        lines += [] if url in words_of(record) else [url]
    return tuple(files), lines


def _media(record: Mapping[str, Any]) -> Mapping[str, Any]:
    embed = inside(record.get("embed"))
    return inside(embed.get("media")) if embed.get("$type") == "app.bsky.embed.recordWithMedia" else embed


def _pictures(media: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    told = media.get("images") if media.get("$type") == "app.bsky.embed.images" else None
    return [one for one in told if isinstance(one, dict)][:MOST_FILES] if isinstance(told, list) else []


def _fetched(blob: Any, did: str, connection: Connection, name: str, words: str) -> IncomingFile | None:
    cid = inside(inside(blob).get("ref")).get("$link")
    if not isinstance(cid, str) or not cid.isalnum() or len(cid) > 200:  # noqa: PLR2004 -- far more than one has
        return None
    try:
        server = connection.server_of(did)
        url = f"{server}/xrpc/com.atproto.sync.getBlob?did={did}&cid={cid}"
        answer = http.look(url, current_settings(), method="GET", largest=LARGEST_FILE)
    except (ChannelFailed, http.Refused, http.Unreachable):
        return None  # a picture that cannot be had must not keep the words away; a line says so
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if answer.status != 200 or answer.is_cut or kind not in _PICTURES:  # noqa: PLR2004 -- OK
        return None
    return IncomingFile(name=f"{name}.{_PICTURES[kind]}", media_type=kind, content=answer.body, words=words)


def _left_out(words: str) -> str:
    line = gettext("[A picture that could not be fetched]")
    if words:
        line = gettext("[A picture that could not be fetched: %(words)s]", words=words)
    return str(line)


def shown_handle(author: Mapping[str, Any]) -> str:
    """Return what somebody is called by; many share the word for a handle that is not valid, so the DID instead."""
    handle = " ".join(tidied(str(author.get("handle") or "")).split())
    return f"@{handle}" if handle and handle != "handle.invalid" else str(author.get("did") or "")


def shown_name(author: Mapping[str, Any]) -> str:
    return " ".join(tidied(str(author.get("displayName") or "")).split())[:200]


def earlier(view: Mapping[str, Any], ours: str) -> EarlierPost | None:
    """Return a post of the thread as the desk keeps it; None where it has no words."""
    uri, author, record = read_uri(view.get("uri")), view.get("author"), view.get("record")
    if uri is None or not isinstance(author, dict) or not isinstance(record, dict):
        return None
    text = words_of(record)
    if not text:
        return None
    return EarlierPost(
        id=str(uri),
        text=text,
        created_at=written_at(record, moment(view.get("indexedAt"))),
        handle=shown_handle(author),
        name=shown_name(author),
        url=uri.page,
        is_ours=uri.did == ours,
    )

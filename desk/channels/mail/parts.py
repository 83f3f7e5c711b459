"""A mail taken apart, however broken: its headers, its words, its files. Nothing in it makes this fail."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.utils import getaddresses
from typing import Final

from desk.channels.base import IncomingFile, tidied
from desk.channels.mail import plain

MOST_PARTS: Final = 100
DEEPEST: Final = 10
MOST_HEADERS: Final = 200
LONGEST_HEADER: Final = 10_000
LONGEST_TEXT: Final = 200_000
MOST_FILES: Final = 20
LARGEST_FILE: Final = 10 * 1024 * 1024
LARGEST_FILES: Final = 25 * 1024 * 1024
"""All together."""
LONGEST_NAME: Final = 120
LONGEST_ENDING: Final = 9
_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,48}/[a-z0-9!#$&^_.+-]{1,48}")
_IDS: Final = re.compile(r"<[^<>\s]{1,250}>")
_BOUNDARY: Final = re.compile(rb"(?im)^content-type:\s*multipart/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a mail says and brings."""

    text: str = ""
    files: tuple[IncomingFile, ...] = ()
    left_out: tuple[str, ...] = ()
    """Names of files that were too many or too large."""


def parsed(raw: bytes) -> Message:
    """Return a mail; one that cannot be taken apart has its headers, and its bytes as its text."""
    try:
        return BytesParser(policy=policy.compat32).parsebytes(raw)
    except (ValueError, LookupError, RecursionError, TypeError, AttributeError):
        head, _, body = raw.partition(b"\r\n\r\n" if b"\r\n\r\n" in raw else b"\n\n")
        message = BytesParser(policy=policy.compat32).parsebytes(
            _BOUNDARY.sub(b"x-was: multipart/", head), headersonly=True
        )
        message.set_payload(body[:LONGEST_TEXT].decode("latin-1"))
        return message


def header(message: Message, name: str) -> str:
    """Return the first header of this name in readable words on one line; empty where there is none."""
    return next(headers(message, name), "")


def headers(message: Message, *names: str) -> Iterator[str]:
    """Yield the headers of these names, decoded."""
    wanted = {name.lower() for name in names}
    for place, (name, value) in enumerate(message.raw_items()):
        if place >= MOST_HEADERS:
            return
        if name.lower() in wanted:
            yield _decoded_header(str(value)[:LONGEST_HEADER])


def addresses(message: Message, *names: str) -> list[tuple[str, str]]:
    """Return names and addresses out of the headers, addresses in small letters; what is none is left out."""
    found = []
    for name in names:
        # Taken apart before it is decoded: a comma in an encoded name separates nobody.
        for place, (header_name, value) in enumerate(message.raw_items()):
            if place < MOST_HEADERS and header_name.lower() == name.lower():
                try:
                    pairs = getaddresses([str(value)[:LONGEST_HEADER].replace("\r", "").replace("\n", "")])
                except (ValueError, IndexError, TypeError):
                    pairs = []
                found += [
                    (_decoded_header(said), address.strip().lower())
                    for said, address in pairs
                    if re.fullmatch(r"[^\s@<>,;:\"()]{1,64}@[^\s@<>,;:\"()]{1,190}", address.strip())
                ]
    return found


def ids(message: Message, *names: str) -> list[str]:
    """Return the message ids in these headers, in angle brackets, each once."""
    return list(dict.fromkeys(each for value in headers(message, *names) for each in _IDS.findall(value)))


def ids_in(text: str) -> list[str]:
    return list(dict.fromkeys(_IDS.findall(text)))


def walk(message: Message, depth: int = 0) -> Iterator[Message]:
    """Yield the parts that have content of their own, not those inside a mail that was attached; bounded."""
    if depth > DEEPEST:
        return
    payload = message.get_payload()
    if message.get_content_maintype() == "multipart" and isinstance(payload, list):
        for part in payload[:MOST_PARTS]:
            if isinstance(part, Message):
                yield from walk(part, depth + 1)
    else:
        yield message


def content(message: Message) -> Content:
    """Return the words and files of a mail: its plain text where it has one, else its HTML as text."""
    texts: list[str] = []
    html = ""
    files: list[IncomingFile] = []
    left_out: list[str] = []
    size = 0
    for number, part in enumerate(walk(message)):
        if number >= MOST_PARTS:
            break
        kind = _type(part)
        if kind == "text/plain" and not _is_attached(part):
            texts.append(decoded(part))
        elif kind == "text/html" and not _is_attached(part):
            html = html or decoded(part)
        elif kind not in {"message/delivery-status", "text/rfc822-headers", "application/pgp-signature"}:
            bytes_ = _bytes(part)
            name = _name(part, kind, len(files) + 1)
            if len(files) >= MOST_FILES or len(bytes_) > LARGEST_FILE or size + len(bytes_) > LARGEST_FILES:
                left_out.append(name)
            elif bytes_:
                size += len(bytes_)
                files.append(IncomingFile(name=name, media_type=kind, content=bytes_))
    text = "\n".join(each.strip("\n") for each in texts if each.strip())
    if not text.strip() and html:
        text = plain.text_of(html)
    return Content(text=tidied(text[:LONGEST_TEXT]), files=tuple(files), left_out=tuple(left_out[:MOST_FILES]))


def decoded(part: Message) -> str:
    """Return the text of a part, in whatever character set it says, or seems to be."""
    raw = _bytes(part)
    said = str(part.get_param("charset") or "").strip("\"' ").lower()
    charsets = [said, "utf-8"] if said and said not in {"us-ascii", "unknown-8bit", "default", "utf-8"} else ["utf-8"]
    text = None
    for charset in charsets:
        try:
            text = raw.decode(charset)
            break
        except (LookupError, UnicodeError, ValueError):
            continue
    if text is None:
        text = raw.decode("cp1252", "replace")
    if str(part.get_param("format") or "").lower() == "flowed":
        text = _unflowed(text, deletes_space=str(part.get_param("delsp") or "").lower() == "yes")
    return text


def _unflowed(text: str, *, deletes_space: bool) -> str:
    """Join the lines that a mail program broke (RFC 3676)."""
    lines: list[str] = []
    is_open = False
    depth_before = 0
    for line in text.replace("\r\n", "\n").split("\n"):
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        bare = bare.removeprefix(" ")
        if is_open and depth == depth_before and line != "-- ":
            lines[-1] += bare
        else:
            lines.append(f"{'>' * depth} {bare}" if depth else bare)
        is_open = bare.endswith(" ") and bare != "-- "
        if is_open and deletes_space:
            lines[-1] = lines[-1][:-1]
        depth_before = depth
    return "\n".join(lines)


def _type(part: Message) -> str:
    try:
        kind = part.get_content_type().lower()
    except (ValueError, TypeError, AttributeError):
        return "application/octet-stream"
    return kind if _TYPE.fullmatch(kind) else "application/octet-stream"


def _is_attached(part: Message) -> bool:
    said = str(part.get("Content-Disposition") or "").strip().lower()
    return said.startswith("attachment") or (bool(_filename(part)) and not said.startswith("inline"))


def _filename(part: Message) -> str:
    try:
        return _decoded_header(str(part.get_filename() or ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""


def _bytes(part: Message) -> bytes:
    payload = part.get_payload()
    if isinstance(payload, list):  # a mail that was attached, or a report's blocks
        try:
            return b"\n".join(each.as_bytes() for each in payload[:MOST_PARTS] if isinstance(each, Message))
        except (ValueError, LookupError, RecursionError, TypeError, AttributeError, IndexError):
            return b""
    try:
        found = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AttributeError):
        found = None
    if isinstance(found, bytes):
        return found
    return str(payload or "").encode("utf-8", "surrogateescape")


def _name(part: Message, kind: str, number: int) -> str:
    said = re.split(r"[/\\]", tidied(_filename(part)))[-1]
    said = " ".join(said.split()).lstrip(".")
    if len(said) > LONGEST_NAME:
        stem, dot, ending = said.rpartition(".")
        said = (
            f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}"
            if dot and len(ending) <= LONGEST_ENDING
            else said[:LONGEST_NAME]
        )
    if said:
        return said
    return f"{kind.partition('/')[0]}-{number}" + (".eml" if kind == "message/rfc822" else "")


def _decoded_header(value: str) -> str:
    value = value.replace("\r", "").replace("\n", "")
    try:
        pieces = decode_header(value)
    except (ValueError, LookupError, TypeError, AttributeError, IndexError):
        pieces = [(value, None)]
    said = ""
    for piece, charset in pieces:
        if isinstance(piece, str):
            said += piece
            continue
        try:
            said += piece.decode(charset if charset and charset != "unknown-8bit" else "utf-8")
        except (LookupError, UnicodeError, ValueError):
            said += piece.decode("utf-8", "replace")
    if any("\udc80" <= each <= "\udcff" for each in said):
        # Raw bytes that nobody encoded: what they most likely are.
        raw = said.encode("utf-8", "surrogateescape")
        try:
            said = raw.decode("utf-8")
        except UnicodeError:
            said = raw.decode("cp1252", "replace")
    return " ".join(tidied(said).split())

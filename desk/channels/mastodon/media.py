"""Pictures and sounds of a status are fetched through the guard; what is too large is left as an address."""

import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit

from core import http
from core.settings import current_settings
from desk.channels.base import LONGEST_URL, IncomingFile, tidied
from desk.channels.mastodon.reading import LONGEST_FILE_WORDS

LARGEST: Final = 8 * 1024 * 1024
LARGEST_TOGETHER: Final = 16 * 1024 * 1024
MOST: Final = 8
SECONDS: Final = 10.0
LONGEST_NAME: Final = 100
_TAKEN: Final = re.compile(r"image/(?:png|jpeg|gif|webp|avif|heic)|audio/[a-z0-9.+-]{1,40}|video/[a-z0-9.+-]{1,40}")


def files_of(status: Mapping[str, Any], *, until: float) -> tuple[list[IncomingFile], list[str]]:
    """Return the files of a status, and a line for each that does not come along; `until` is of the monotonic clock."""
    files: list[IncomingFile] = []
    left_out: list[str] = []
    size = 0
    told = status.get("media_attachments") or ()
    for attachment in [each for each in told if isinstance(each, Mapping)][:MOST]:
        url = _url_of(attachment)
        words = tidied(str(attachment.get("description") or "")[:LONGEST_FILE_WORDS])
        is_wanted = bool(url) and time.monotonic() < until
        file = _fetched(url, words, min(LARGEST, LARGEST_TOGETHER - size)) if is_wanted else None
        if file is not None:
            files.append(file)
            size += len(file.content)
        elif url or words:
            left_out.append(" ".join(part for part in (words, url) if part))
    return files, left_out


def _url_of(attachment: Mapping[str, Any]) -> str:
    for name in ("url", "remote_url"):
        url = str(attachment.get(name) or "")
        if url.startswith(("https://", "http://")) and len(url) <= LONGEST_URL:
            return url
    return ""


def _fetched(url: str, words: str, largest: int) -> IncomingFile | None:
    try:
        # Without the token: pictures lie at any host, and need none.
        answer = http.request("GET", url, current_settings(), seconds=SECONDS, largest=largest)
    except (http.Refused, http.Unreachable):
        return None
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.status != HTTPStatus.OK or answer.is_cut or not answer.body or not _TAKEN.fullmatch(media_type):
        return None
    return IncomingFile(name=_name_of(url, media_type), media_type=media_type, content=answer.body, words=words)


def _name_of(url: str, media_type: str) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]", "", PurePosixPath(urlsplit(url).path).name)[-LONGEST_NAME:].lstrip(".")
    return name or media_type.replace("/", ".")

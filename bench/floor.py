"""The floor that pages are measured beside: a bare Flask page, one SQLite query, one Jinja page of 20 ready posts.

Beside it stands a bare "hello", which is what a page that the reader has already is measured beside, and a page that
takes a signed message: HMAC over the raw bytes, one INSERT, one commit, into SQLite or into the PostgreSQL that
KLINKE_DATABASE_URL names.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pysqlite3
import waitress
from flask import Flask, abort, render_template_string, request

PAGE = """<!doctype html><html lang="en"><head><title>{{ title }}</title></head><body><h1>{{ title }}</h1>
{% for post in posts %}
<article id="p{{ post[0] }}"><header>{{ post[1] }} · {{ post[2] }}</header><div>{{ post[3]|safe }}</div></article>
{% endfor %}<footer>{{ filler }}</footer></body></html>"""
POSTS = 20


def main(port: int, folder: Path, bytes_of_page: int) -> None:
    path = folder / "floor.db"
    connection = pysqlite3.connect(str(path))
    connection.execute("CREATE TABLE IF NOT EXISTS post (id INTEGER PRIMARY KEY, author TEXT, at TEXT, html TEXT)")
    if not connection.execute("SELECT 1 FROM post").fetchone():
        text = "<p>" + "Words of an answer that somebody wrote. " * 12 + "</p>"
        connection.executemany(
            "INSERT INTO post (author, at, html) VALUES (?, ?, ?)", [("alice", "today", text)] * POSTS
        )
    connection.commit()
    connection.close()
    app = Flask("floor")
    size = len(_page(app, path, ""))
    filler = "x" * max(0, bytes_of_page - size)

    @app.get("/")
    def page() -> str:
        return _page(app, path, filler)

    @app.get("/hello")
    def hello() -> str:
        return "hello"

    _take_messages(app, path)
    waitress.serve(app, listen=f"127.0.0.1:{port}", threads=8, connection_limit=2000, asyncore_use_poll=True)


def _page(app: Flask, path: Path, filler: str) -> str:
    connection = pysqlite3.connect(str(path))
    posts = connection.execute("SELECT id, author, at, html FROM post ORDER BY id LIMIT ?", (POSTS,)).fetchall()
    connection.close()
    with app.app_context():
        return render_template_string(PAGE, title="A question", posts=posts, filler=filler)


def _take_messages(app: Flask, path: Path) -> None:
    secret, local = os.environ.get("FLOOR_SECRET", "").encode(), threading.local()
    sign = "%s" if (url := os.environ.get("KLINKE_DATABASE_URL")) else "?"

    def connected() -> Any:
        if not hasattr(local, "connection"):
            if url:
                local.connection = psycopg.connect(url.replace("+psycopg", ""))
            else:
                local.connection = pysqlite3.connect(str(path), timeout=5)
                local.connection.execute("PRAGMA journal_mode=WAL")
                local.connection.execute("PRAGMA synchronous=FULL")
        return local.connection

    with closing(psycopg.connect(url.replace("+psycopg", "")) if url else pysqlite3.connect(str(path))) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS floor_message (id TEXT PRIMARY KEY, handle TEXT, text TEXT)")
        connection.commit()

    @app.post("/webhook")
    def take() -> tuple[dict[str, str], int]:
        raw, headers = request.get_data(), request.headers
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + raw
        expected = "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        if not hmac.compare_digest(expected, headers["webhook-signature"]):
            abort(401)
        told = json.loads(raw)
        row = (told["message"]["id"], told["contact"]["handle"], told["message"]["text"])
        connected().execute(f"INSERT INTO floor_message VALUES ({sign}, {sign}, {sign})", row)  # noqa: S608 -- a sign, not a value
        connected().commit()
        return {"id": row[0]}, 202


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))

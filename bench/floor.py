"""The floor that pages are measured beside: a bare Flask page, one SQLite query, one Jinja page of 20 ready posts.

Beside it stands a bare "hello", which is what a page that the reader has already is measured beside.
"""

import sys
from pathlib import Path

import pysqlite3
import waitress
from flask import Flask, render_template_string

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

    waitress.serve(app, listen=f"127.0.0.1:{port}", threads=8, connection_limit=2000, asyncore_use_poll=True)


def _page(app: Flask, path: Path, filler: str) -> str:
    connection = pysqlite3.connect(str(path))
    posts = connection.execute("SELECT id, author, at, html FROM post ORDER BY id LIMIT ?", (POSTS,)).fetchall()
    connection.close()
    with app.app_context():
        return render_template_string(PAGE, title="A question", posts=posts, filler=filler)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))

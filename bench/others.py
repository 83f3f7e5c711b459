"""Other engines, asked the same in the same run: OR of the words of a query, the best ten, stems where they have them.

Each is a class with a name, `build(documents)`, `search(query)` that says how many it found, and `close()`. A query is
prepared outside the time that is measured where an engine's interface allows that, as ours is.
"""

import importlib.util
import os
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Protocol

from measure import LOCALES, Text, cpu_seconds

TOP = 10
POSTGRES = os.environ.get("KLINKE_TEST_POSTGRES_URL", "").replace("+psycopg", "")
_WORD = re.compile(r"\w+")
_LANGUAGES = {"de": "german", "en": "english"}
_AT_ONCE = 2000


class Other(Protocol):
    name: ClassVar[str]
    most: ClassVar[int]
    """Documents that it is measured with at most; more would take too long or too much memory."""
    is_elsewhere: ClassVar[bool]
    """Whether it works in a process of its own, so that only wall time can be told for one query."""

    def __init__(self, folder: Path) -> None: ...

    def build(self, documents: Iterable[Text]) -> None:
        """Index everything and bring it to the disk, where it keeps anything there."""

    def prepared(self, text: str) -> Any:
        """Return a query as the engine wants it."""

    def search(self, query: Any) -> int:
        """Return how many of the best ten there are."""

    def bytes_on_disk(self) -> int:
        """Return how much it keeps on the disk, 0 where it keeps nothing there."""

    def cpu_seconds(self) -> float:
        """Return the CPU time used elsewhere so far."""

    def close(self) -> None: ...


class _Here:
    """What engines within this process have in common."""

    is_elsewhere: ClassVar[bool] = False
    most: ClassVar[int] = 10_000_000

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def bytes_on_disk(self) -> int:
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def cpu_seconds(self) -> float:
        return 0.0

    def close(self) -> None:
        pass


class Tantivy(_Here):
    """Lucene's relative in Rust; a field a language, each with its stemmer, top documents only (`count=False`)."""

    name: ClassVar = "tantivy"

    def __init__(self, folder: Path) -> None:
        import tantivy

        super().__init__(folder)
        self._tantivy = tantivy
        schema = tantivy.SchemaBuilder().add_integer_field("number", stored=True)
        for locale in LOCALES:
            schema.add_text_field(locale, tokenizer_name=f"stemmed_{locale}")
        self._index = tantivy.Index(schema.build(), path=str(folder))
        for locale, language in _LANGUAGES.items():
            analyzer = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.lowercase())
            self._index.register_tokenizer(
                f"stemmed_{locale}", analyzer.filter(tantivy.Filter.stemmer(language)).build()
            )

    def build(self, documents: Iterable[Text]) -> None:
        writer = self._index.writer(num_threads=1)
        for text in documents:
            found = self._tantivy.Document(number=text.number)
            found.add_text(text.locale, f"{text.title} {text.body}")
            writer.add_document(found)
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._searcher = self._index.searcher()

    def prepared(self, text: str) -> Any:
        return self._index.parse_query(" ".join(_WORD.findall(text.lower())), list(LOCALES))

    def search(self, query: Any) -> int:
        return len(self._searcher.search(query, TOP, count=False).hits)


class Fts5(_Here):
    """SQLite's: English stems (`porter`), no German ones."""

    name: ClassVar = "SQLite FTS5"

    def __init__(self, folder: Path) -> None:
        import pysqlite3

        super().__init__(folder)
        self._connection = pysqlite3.connect(str(folder / "fts.db"))

    def build(self, documents: Iterable[Text]) -> None:
        self._connection.execute(
            "CREATE VIRTUAL TABLE found USING fts5(text, content='', tokenize='porter unicode61 remove_diacritics 0')"
        )
        self._connection.executemany(
            "INSERT INTO found (rowid, text) VALUES (?, ?)",
            ((text.number, f"{text.title} {text.body}") for text in documents),
        )
        self._connection.execute("INSERT INTO found (found) VALUES ('optimize')")
        self._connection.commit()

    def prepared(self, text: str) -> str:
        return " OR ".join(f'"{word}"' for word in dict.fromkeys(_WORD.findall(text.lower())))

    def search(self, query: Any) -> int:
        statement = "SELECT rowid FROM found WHERE found MATCH ? ORDER BY rank LIMIT ?"
        return len(self._connection.execute(statement, (query, TOP)).fetchall())

    def close(self) -> None:
        self._connection.close()


class Bm25s(_Here):
    """Scores counted in advance and kept as sparse arrays; the same tokens as ours. A change means building anew."""

    name: ClassVar = "bm25s"
    most: ClassVar[int] = 200_000

    def __init__(self, folder: Path) -> None:
        import bm25s

        super().__init__(folder)
        self._engine = bm25s.BM25()

    def build(self, documents: Iterable[Text]) -> None:
        self._engine.index(
            [
                [f"{text.locale}:{term}" for term in _terms(f"{text.title} {text.body}", text.locale)]
                for text in documents
            ],
            show_progress=False,
        )
        self._known = set(self._engine.vocab_dict)
        self._engine.save(str(self.folder), show_progress=False)

    def prepared(self, text: str) -> list[list[str]]:
        terms = [f"{locale}:{term}" for locale in LOCALES for term in _terms(text, locale)]
        return [[term for term in dict.fromkeys(terms) if term in self._known]]

    def search(self, query: Any) -> int:
        if not query[0]:
            return 0
        found = self._engine.retrieve(query, k=TOP, show_progress=False, return_as="documents")
        return int(found.shape[1])


class Whoosh(_Here):
    """Whoosh's own matchers and BM25F, over the same tokens as ours; one field a language."""

    name: ClassVar = "Whoosh's matchers"
    most: ClassVar[int] = 20_000

    def __init__(self, folder: Path) -> None:
        from whoosh import analysis, fields, index

        super().__init__(folder)
        tokens = fields.TEXT(analyzer=analysis.SpaceSeparatedTokenizer(), phrase=False)
        self._index = index.create_in(str(folder), fields.Schema(number=fields.STORED, de=tokens, en=tokens))

    def build(self, documents: Iterable[Text]) -> None:
        from whoosh import scoring

        writer = self._index.writer(limitmb=256)
        for text in documents:
            terms = " ".join(_terms(f"{text.title} {text.body}", text.locale))
            writer.add_document(number=text.number, **{text.locale: terms})
        writer.commit()
        self._searcher = self._index.searcher(weighting=scoring.BM25F(B=0.75, K1=1.2))

    def prepared(self, text: str) -> Any:
        from whoosh import query

        terms = {(locale, term): None for locale in LOCALES for term in _terms(text, locale)}
        return query.Or([query.Term(locale, term) for locale, term in terms])

    def search(self, query: Any) -> int:
        return self._searcher.search(query, limit=TOP).scored_length()

    def close(self) -> None:
        self._searcher.close()


class Postgres:
    """PostgreSQL's: `ts_rank` over a GIN index, without the stop words that it leaves out by default."""

    name: ClassVar = "PostgreSQL"
    most: ClassVar[int] = 1_000_000
    is_elsewhere: ClassVar[bool] = True

    def __init__(self, _folder: Path) -> None:
        import psycopg

        self._connection = psycopg.connect(POSTGRES, autocommit=True)
        self._connection.execute("SET max_parallel_workers_per_gather = 0")
        self._connection.execute("CREATE TEMPORARY TABLE found (number bigint PRIMARY KEY, words tsvector NOT NULL)")

    def build(self, documents: Iterable[Text]) -> None:
        waiting = iter(documents)
        while some := list(islice(waiting, _AT_ONCE)):
            rows = [(text.number, _LANGUAGES[text.locale], f"{text.title} {text.body}") for text in some]
            with self._connection.cursor() as cursor:
                cursor.executemany("INSERT INTO found VALUES (%s, to_tsvector(%s::regconfig, %s))", rows)
        self._connection.execute("CREATE INDEX ON found USING gin (words)")
        self._connection.execute("ANALYZE found")

    def prepared(self, text: str) -> str:
        return " | ".join(dict.fromkeys(_WORD.findall(text.lower())))

    def search(self, query: Any) -> int:
        statement = """
            WITH asked AS (SELECT to_tsquery('german', %s) || to_tsquery('english', %s) AS words)
            SELECT number FROM found, asked WHERE found.words @@ asked.words
            ORDER BY ts_rank(found.words, asked.words) DESC LIMIT %s
        """
        return len(self._connection.execute(statement, (query, query, TOP)).fetchall())

    def bytes_on_disk(self) -> int:
        row = self._connection.execute("SELECT pg_total_relation_size('found')").fetchone()
        return int(row[0]) if row else 0

    def cpu_seconds(self) -> float:
        return cpu_seconds(self._connection.info.backend_pid)

    def close(self) -> None:
        self._connection.close()


def available() -> Iterator[tuple[str, type[Other] | None]]:
    """Yield each engine by its name; None for one that is not installed here."""
    yield Tantivy.name, Tantivy if importlib.util.find_spec("tantivy") else None
    yield Fts5.name, Fts5
    yield Bm25s.name, Bm25s if importlib.util.find_spec("bm25s") else None
    yield Postgres.name, Postgres if POSTGRES else None
    yield Whoosh.name, Whoosh


def _terms(text: str, locale: str) -> list[str]:
    from search.analysis import tokens

    return [term for word in tokens.words(text) if (term := tokens.term(word.text, locale))]

"""How fast the index is built, and what one search in process costs.

python bench/bench_index.py [documents]
"""

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from measure import ROOT, median, report, sentences, settings

sys.path.insert(0, str(ROOT))

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
SENTENCES_A_DOCUMENT = 5
QUERIES = 200
WORDS = 8
BATCH = 500
MOST_HITS = 1000


def main() -> None:
    from app import create_app
    from search import grammar, query, registry
    from search.documents import Document, Ref

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(settings(Path(folder)))
        texts = sentences(COUNT * SENTENCES_A_DOCUMENT)
        documents = [
            Document(
                ref=Ref("topic", number + 1),
                locale="en",
                title=texts[number * SENTENCES_A_DOCUMENT][:120],
                body=" ".join(texts[number * SENTENCES_A_DOCUMENT : (number + 1) * SENTENCES_A_DOCUMENT]),
                created_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
            for number in range(COUNT)
        ]
        with app.app_context():
            engine = registry.engine()
            begun = time.process_time()
            for start in range(0, COUNT, BATCH):
                engine.apply(documents[start : start + BATCH], [])
            report("index", "documents a CPU second", COUNT / (time.process_time() - begun), "1/s", "higher")
            asked = [" ".join(line.split()[:WORDS]) for line in sentences(QUERIES, seed=3)]
            for turn in ("terms seen first", "warm"):
                times, found = [], 0
                for words in asked:
                    begun = time.process_time()
                    parsed = grammar.parse(words)
                    asked_for = query._query_of(parsed, kinds=None, locale="en", category=None, only_locale=None)  # noqa: SLF001 -- what find() does before it asks the database
                    found += len(engine.hits(asked_for, MOST_HITS))
                    times.append(1000 * (time.process_time() - begun))
                assert found > QUERIES, "nearly every question finds something"
                times.sort()
                report("index", f"search among {COUNT}, {turn}: p50", median(times), "ms", "lower")
                report("index", f"search among {COUNT}, {turn}: p95", times[int(0.95 * len(times))], "ms", "lower")


if __name__ == "__main__":
    main()

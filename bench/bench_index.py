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


def main() -> None:
    from app import create_app
    from search import engines
    from search.documents import Document, Ref
    from search.query import find  # noqa: F401 -- the import is part of what a process pays once

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
            engine = engines.current()
            begun = time.process_time()
            for start in range(0, COUNT, 500):
                engine.apply(documents[start : start + 500], [])
            report("index", "documents a CPU second", COUNT / (time.process_time() - begun), "1/s", "higher")
            from search.engines import EngineQuery

            times = []
            for line in sentences(QUERIES, seed=3):
                begun = time.process_time()
                engine.hits(EngineQuery.of_text(line, locale="en"), 20)
                times.append(1000 * (time.process_time() - begun))
            times.sort()
            report("index", f"search among {COUNT}: p50", median(times), "ms", "lower")
            report("index", f"search among {COUNT}: p95", times[int(0.95 * len(times))], "ms", "lower")


if __name__ == "__main__":
    main()

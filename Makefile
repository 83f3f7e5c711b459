# Klinke: `make run` starts it, `make test` proves it, `make check` is what CI runs.
PYTHON ?= python3
BIN := .venv/bin
FLASK := $(BIN)/flask --app wsgi
export KLINKE_DEMO ?= 1

.PHONY: run test check format messages lock bench clean
.DELETE_ON_ERROR:

run: .make/run translations/de/LC_MESSAGES/messages.mo
	@$(FLASK) start

test: .make/dev .make/browser .make/mail .make/pds translations/de/LC_MESSAGES/messages.mo
	$(BIN)/pytest -n 2 --dist worksteal

check: .make/dev translations/de/LC_MESSAGES/messages.mo
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/python -m tests.translations
	$(MAKE) test

format: .make/dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Collects what people read from code and templates into the German catalogue; missing translations come out empty.
messages: .make/dev
	$(BIN)/pybabel extract --no-location --sort-output -F babel.cfg -k lazy_gettext -k _l -k phrase -k lazy_phrase -o .make/messages.pot .
	$(BIN)/pybabel update --no-fuzzy-matching --ignore-obsolete --no-wrap -i .make/messages.pot -d translations -l de

lock: .make/dev
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --python-version 3.11 --custom-compile-command "make lock" requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --python-version 3.11 --custom-compile-command "make lock" requirements-dev.in -o requirements-dev.txt

bench: .make/dev translations/de/LC_MESSAGES/messages.mo
	@for script in bench/bench_*.py bench/desk.py bench/channels.py; do $(BIN)/python $$script || exit 1; done

clean:
	rm -rf .venv .make .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Klinke needs Python 3.11 or newer; this is %s." % sys.version.split()[0])'
	$(PYTHON) -m venv .venv

.make/run: requirements.txt | .venv/bin/python
	@mkdir -p .make
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.make/dev: requirements-dev.txt .make/run
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

.make/browser: tests/install_browser.sh
	sh tests/install_browser.sh
	@touch $@

.make/mail: tests/install_mail.sh
	sh tests/install_mail.sh
	@touch $@

.make/pds: tests/install_pds.sh tests/channels/pds/package-lock.json
	sh tests/install_pds.sh
	@touch $@

translations/de/LC_MESSAGES/messages.mo: translations/de/LC_MESSAGES/messages.po .make/run
	$(BIN)/pybabel compile --statistics -d translations

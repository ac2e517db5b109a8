# `make demo` and `make test` do all the set-up they need, in .venv.

PYTHON ?= python3
BIN := .venv/bin
READERS := newsboat sfeed

.PHONY: demo run test check bench lock install test-tools clean

demo: install
	@# on a terminal the daemon goes on serving until Ctrl-C; otherwise one cycle is the demo
	@if [ -t 1 ]; then $(BIN)/aggregator demo; else $(BIN)/aggregator demo --once; fi

run: install
	$(BIN)/aggregator run

test: install test-tools
	$(BIN)/pytest --numprocesses 3 --dist worksteal

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install
	$(BIN)/python -m bench.cycle

install: .venv/installed

# the pins are complete, so pip has nothing to resolve
.venv/installed: requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# the real readers that the tests subscribe with, and the server whose databases they use
test-tools:
	@missing=$$(for tool in $(READERS); do command -v $$tool >/dev/null || echo $$tool; done); \
	{ command -v initdb && command -v postgres || ls /usr/lib/postgresql/*/bin/initdb; } >/dev/null 2>&1 \
		|| missing="$$missing postgresql"; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
		else \
			echo "make test needs these programs; install them first: $$missing" >&2; exit 1; \
		fi; \
	fi

# the exact versions, for every Python and system the project runs on
lock: install
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command 'make lock' pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command 'make lock' pyproject.toml --group dev -o requirements-dev.txt

clean:
	rm -rf .venv

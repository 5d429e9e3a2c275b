# Everything sets itself up: a virtual environment in .venv, remade when pyproject.toml changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo editors test check docs bench soak-edits soak-orders soak-kills soak-mirror mutation fix clean

help:
	@echo "make demo    watch a whole session in this terminal"
	@echo "make test    all tests, with style and types"
	@echo "make editors install the real editors that the tests drive (Debian or Ubuntu)"
	@echo "make check   style and types only"
	@echo "make bench   the benchmarks, each beside its peer"
	@echo "make soak-edits  20,000 simulated interleavings of Claude, an editor and a person"
	@echo "make soak-orders  3,000 stories of accept, reject, undo, redo, rewind and typing in any order"
	@echo "make soak-kills  the server killed at every call that changes a file (a quarter of an hour)"
	@echo "make soak-mirror  a million random changes to our copy of a document"
	@echo "make mutation  which wrong lines of the editing engine no test notices (half an hour)"
	@echo "make docs    write what is generated from the table of actions: tables, Neovim's commands"
	@echo "make fix     format the code and fill the @ sections of the case files"

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: $(READY)
	$(BIN)/claude-ls demo

# Neovim comes as a wheel. What cannot be installed here is skipped by the tests, which say so.
editors:
	@command -v emacs > /dev/null && ls -d /usr/share/emacs/site-lisp/elpa*/eglot* > /dev/null 2>&1 \
	  || { command -v apt-get > /dev/null || { echo "make editors: no apt-get here; install Emacs and eglot by hand"; exit 1; }; \
	       sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	       $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -qq -y emacs-nox elpa-eglot; }

test: check
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff check server tests bench
	$(BIN)/ruff format --check server tests bench
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/python tests/generated.py

bench: $(READY)
	$(BIN)/python bench/startup.py
	$(BIN)/python bench/code_action.py
	$(BIN)/python bench/stream.py
	$(BIN)/python bench/edit_engine.py
	$(BIN)/python bench/review.py
	$(BIN)/python bench/context_recall.py
	$(BIN)/python bench/keystroke.py
	$(BIN)/python bench/index.py
	$(BIN)/python bench/folder_copy.py

soak-edits: $(READY)
	CLAUDE_LS_INTERLEAVINGS=20000 $(BIN)/python -m pytest tests/unit/editing/test_live.py --timeout 1200

soak-orders: $(READY)
	CLAUDE_LS_ORDERS=3000 $(BIN)/python -m pytest tests/session/test_review_orders.py --timeout 1800

soak-kills: $(READY)
	CLAUDE_LS_KILLS=all CLAUDE_LS_REQUIRE_KILLS=1 $(BIN)/python -m pytest tests/kills -s

soak-mirror: $(READY)
	CLAUDE_LS_CHANGES=1000000 $(BIN)/python -m pytest tests/unit/text/test_mirror.py --timeout 1200

# In a copy, as the tool knows packages only at the top or in src/.
mutation: $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[mutation]'
	rm -rf $(VENV)/mutation
	mkdir $(VENV)/mutation
	cp -r server $(VENV)/mutation/src
	cp -r tests pyproject.toml $(VENV)/mutation
	cd $(VENV)/mutation && CLAUDE_LS_INTERLEAVINGS=280 ../bin/mutmut run --max-children 1
	cd $(VENV)/mutation && ../bin/mutmut results

fix: $(READY)
	$(BIN)/ruff check --fix server tests bench
	$(BIN)/ruff format server tests bench
	$(BIN)/python -m pytest tests/test_cases.py --update

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

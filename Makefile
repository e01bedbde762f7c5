# One command for each daily act; `make` alone lists them. They use .venv, which `make setup` fills; another Python by
# `make test python=python`.
python ?= .venv/bin/python
pytest = $(python) -m pytest
topics ?= # for `make test topics="tests/clipping keras_ch8/clipping"`: only these

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup:  ## fill .venv with the package in place and all that is needed below, and check each commit from now on
	python3 -m venv .venv
	.venv/bin/pip install -q -e ".[dev,examples]"
	.venv/bin/pre-commit install

test:  ## the default tests, 3 minutes on two cores
	$(pytest) -n 2 $(topics)

slow:  ## the slow tests of .ci/run
	$(pytest) -n 2 -m "slow and not full" --durations=40 $(topics)

parts:  ## the tests that read lists of parts, rules, charts or commands, as `make recipe` says
	$(pytest) -n 2 $(topics) $$($(python) tools/recipes.py --tests)

planted:  ## the table of planted troubles that were judged once: hours; `python -m benchmarks.diagnosis.confusion --help` has more
	$(python) -m benchmarks.diagnosis.confusion --split judged_once

lint:  ## what ruff has to say of rules and format, `make format` does what it can itself; and whether imports go one way
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -c "import sys; from importlinter.cli import lint_imports_command as lint; sys.exit(lint())"

format:  ## order imports, fix what can be fixed, and format
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

types:  ## mypy on the package
	$(python) -m mypy

docs:  ## pages, tables, the film of the tour and pictures of sections, made from the code and from what was measured; what is missing; examples in docstrings
	$(python) tools/missing.py
	$(python) tools/film.py
	$(python) -W ignore tools/section_pictures.py
	$(pytest) -n 2 -m "" keras_ch8

recipe:  ## what `make recipe add="A pacing"` adds is there to be made your own; without `add`, the names of the recipes
	@$(python) tools/recipes.py $(add)

site:  ## the site of the documents in build/site/html
	$(python) -m pip install -q -e ".[docs,examples]"
	$(python) -W ignore tools/make_site.py

gallery:  ## the site with what the examples print and draw with --quick, each run again only when it has changed: ten minutes
	$(python) -m pip install -q -e ".[docs,examples]"
	$(python) -W ignore tools/make_site.py --run $(examples)

pictures:  ## docs/pictures/verdicts, in minutes; `python tools/verdict_pictures.py vanishing` draws one
	$(python) -m pip install -q -e ".[examples]"
	$(python) tools/verdict_pictures.py

serve:  ## the site at http://localhost:8000
	$(python) -m http.server -d build/site/html

bench:  ## all benchmarks, with torch and optax beside (the extra `bench`)
	$(python) -m pip install -q -e ".[bench]"
	for benchmark in $(filter-out benchmarks/__init__.py benchmarks/harness.py benchmarks/all.py, $(wildcard benchmarks/*.py)); do $(python) $$benchmark || exit 1; done

coverage:  ## branches that the default tests run: the total, and the ten files with the least
	$(python) -m coverage erase
	$(python) -m coverage run -m pytest -n 2 $(topics)
	$(python) -m coverage combine -q
	$(python) -m coverage report --sort=cover | sed -n '1,12p;$$p'

ci:  ## all that must hold before a change lands, as the public host runs it: half an hour
	bash .ci/run

full:  ## all that .ci/run leaves out, by hand before an issue is resolved: hours
	bash .ci/full

examples ?= .  # for `make gallery examples=s8_3`: those whose names have this in them

add ?=  # for `make recipe`: what is to be added

.PHONY: help setup test slow parts planted lint format types docs recipe site gallery pictures serve bench coverage ci full
.DEFAULT_GOAL = help

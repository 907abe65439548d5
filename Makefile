# `make help` lists the targets. Needs make and Python 3.11 or newer; everything else goes into .venv.
#
#   make test ARGS="-k layering -n0"    more arguments for pytest
#   make demo PYTHON=/opt/python3.13/bin/python3

PYTHON_IN_VENV := .venv/bin/python
GREENROOM_ORACLE_EXAMPLES ?= 1000
ARGS ?=
SEEDS ?= 50
ATTACKS ?= 5000
FIRST ?= 1
CHANGES ?= 30
SERVERS ?= 15,18
KINDS ?=
TIMES ?= 10
SEED ?= $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')

.DEFAULT_GOAL := help
.PHONY: help demo test quick fuzz applies year attack supply-chain constraints check lint types format oracle truth upstream atlas coverage goldens bench bench-plan docs docs-serve wheel clean setup-demo setup-test

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

demo: setup-demo ## the whole way on a throw-away PostgreSQL, from examples/quickstart
	@.venv/bin/greenroom demo $(ARGS)

# Compiled once, not by each of the processes that the tests start.
unexport PYTHONDONTWRITEBYTECODE

test: setup-test ## all tests; those that take long on one PostgreSQL of the two
	@$(PYTHON_IN_VENV) -m pytest $(ARGS)

quick: setup-test ## the tests that start no server and no other program that takes long
	@$(PYTHON_IN_VENV) -m pytest -m "not slow" --ignore=tests/e2e --ignore=tests/oracle $(ARGS)

fuzz: setup-test ## property tests with TIMES (10) times the examples, new ones each time; a failure prints how to repeat it
	@GREENROOM_FUZZ=$(TIMES) $(PYTHON_IN_VENV) -m pytest -m hypothesis --hypothesis-seed=$(strip $(SEED)) $(ARGS)

applies: setup-test ## the tests that take long on every PostgreSQL: real Terraform (needs a mirror of providers), stacks, backends
	@GREENROOM_APPLIES=all $(PYTHON_IN_VENV) -m pytest -m "provider or one_of_two" $(ARGS)

year: setup-test ## SEEDS (50) years of production with real providers: CHANGES (30) changes each, on SERVERS (15,18)
	@GREENROOM_YEAR_SEEDS=$(SEEDS) GREENROOM_YEAR_FIRST=$(FIRST) GREENROOM_YEAR_CHANGES=$(CHANGES) \
		GREENROOM_YEAR_SERVERS=$(SERVERS) GREENROOM_YEAR_KINDS=$(KINDS) $(PYTHON_IN_VENV) -m pytest tests/e2e/terraform/test_year_of_production.py $(ARGS)

# Besides what the seeds make: servers that are none, kill -9, and what servers log of passwords, on each server that there is.
attack: setup-test ## ATTACKS (5000) hostile files, 300 spellings of secrets, 1,500 lock files, from seed FIRST on; hours
	@GREENROOM_ATTACKS=$(ATTACKS) GREENROOM_ATTACK_FIRST=$(FIRST) GREENROOM_APPLIES=all $(PYTHON_IN_VENV) -m pytest tests/attack \
		tests/e2e/postgres/test_server_log.py tests/e2e/mysql/test_mysql_script.py tests/e2e/preflight/test_hostile_servers.py \
		tests/e2e/preflight/test_killed.py tests/unit/output/test_generate_killed.py $(ARGS)

supply-chain: setup-test ## licences and known vulnerabilities of everything that is installed; exit code 77 where they cannot be looked up
	@$(PYTHON_IN_VENV) tools/supply_chain.py

constraints: setup-test ## constraints.txt anew, with the newest versions that pyproject.toml takes
	@$(PYTHON_IN_VENV) -m pip install --quiet --upgrade --upgrade-strategy eager --editable '.[test]'
	@$(PYTHON_IN_VENV) tools/supply_chain.py --write

check: lint types ## ruff and mypy

lint: setup-test
	@$(PYTHON_IN_VENV) -m ruff check .
	@$(PYTHON_IN_VENV) -m ruff format --check .

types: setup-test
	@$(PYTHON_IN_VENV) -m mypy

format: setup-test ## let ruff format the code and fix what it can
	@$(PYTHON_IN_VENV) -m ruff check --fix .
	@$(PYTHON_IN_VENV) -m ruff format .

truth: setup-test ## every state of a server, on PostgreSQL 15, 18 and MariaDB, with the oldest and the newest Backstage
	@GREENROOM_TRUTH=all GREENROOM_REQUIRE_BACKSTAGE=1 $(PYTHON_IN_VENV) -m pytest tests/e2e/preflight -k "truth or pools" $(ARGS)

upstream: setup-test ## what npm serves today, compared with what greenroom says of Backstage
	@$(PYTHON_IN_VENV) tools/upstream.py $(ARGS)

oracle: setup-test ## compare GREENROOM_ORACLE_EXAMPLES (1000) random configs with the real Backstage packages
	@GREENROOM_REQUIRE_ORACLE=1 GREENROOM_ORACLE_EXAMPLES=$(GREENROOM_ORACLE_EXAMPLES) \
		$(PYTHON_IN_VENV) -m pytest tests/oracle $(ARGS)

atlas: setup-test ## measure every published plugin of the atlas anew (needs node, npm and hours); writes atlas.json and docs/plugins.md
	@$(PYTHON_IN_VENV) tools/atlas/measure.py $(ARGS)
	@$(PYTHON_IN_VENV) tools/update_docs.py

coverage: setup-test ## every branch of the CloudFormation functions is run by a test
	@$(PYTHON_IN_VENV) tools/functions_coverage.py $(ARGS)

goldens: setup-test ## generate examples/*/expected anew
	@$(PYTHON_IN_VENV) tools/regenerate_goldens.py $(ARGS)

bench: setup-test ## how fast, as ratios, measured on the built wheel
	@$(PYTHON_IN_VENV) tests/bench/bench.py $(ARGS)

bench-plan: ## how long Terraform plans for 10 to 1,000 plugins, written in three ways; needs terraform (or tofu)
	@python3 tests/bench/plan_time.py $(ARGS)

docs: setup-test ## the documentation as a site, in .cache/site/html; a link to nothing is an error
	@$(PYTHON_IN_VENV) tools/docs_site.py build

docs-serve: setup-test ## the documentation at http://localhost:8000, as you write it
	@$(PYTHON_IN_VENV) tools/docs_site.py serve $(ARGS)

wheel: setup-test ## dist/*.whl and dist/*.tar.gz
	@$(PYTHON_IN_VENV) -m build --outdir dist .

clean: ## remove what the other targets made
	@rm -rf .venv .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist demo-output
	@find generator tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

setup-demo:
	@tools/setup demo

setup-test:
	@tools/setup test

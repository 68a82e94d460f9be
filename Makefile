# `make help` lists the targets. Everything runs in .venv, which is made on first use.

PYTHON ?= python3
ARGS ?=

bin := .venv/bin
stamp := .venv/.installed
modules := contracts/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help check prove conform demo deep test mutants seeds lint format contracts bench clean FORCE

help: ## list the targets
	@echo "usage: make TARGET [ARGS='...'] [PYTHON=python3.12]"
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)$$/\1\t\2/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do printf '  %-9s %s\n' "$$name" "$$text"; done

check: $(stamp) ## judge every property of both designs; ARGS='--design 0.2.0 --json out.json' to choose
	@$(bin)/coordination check $(ARGS)

prove: $(stamp) ## prove every property for all sizes; ARGS='--recheck cvc5' to ask another solver too
	@$(bin)/coordination prove $(ARGS)

conform: $(stamp) ## execute every transition on the contract's bytecode; ARGS='--instance ci --distinct' for more
	@$(bin)/coordination conform contract $(ARGS)

demo: $(stamp) ## four nodes on this machine: bid, take, claim, proof, payout, told line by line
	@$(bin)/coordination demo $(ARGS)

deep: $(stamp) ## the same for the largest instance: minutes, and gigabytes
	@$(bin)/coordination check --instance deep $(ARGS)

test: lint $(modules) ## lint, then run the tests on two cores; ARGS='-k name' to choose
	@$(bin)/python -m pytest --numprocesses 2 --dist worksteal $(ARGS)

mutants: $(stamp) $(modules) ## hold hundreds of wrong contracts to the specification, and write docs/mutants.md: minutes
	@$(bin)/python -m tests.mutants

seeds: $(stamp) ## prove everything under ten seeds, by both solvers: half a minute
	@$(bin)/python -m tests.prove.seeds

lint: $(stamp) ## ruff (rules and format), mypy strict on src/ and spec/
	@$(bin)/python -m ruff check --quiet .
	@$(bin)/python -m ruff format --check --quiet . || { echo "error: 'make format' would change the files above." >&2; exit 1; }
	@$(bin)/python -m mypy

format: $(stamp) ## put imports in order and format every Python file
	@$(bin)/python -m ruff check --quiet --select I --fix .
	@$(bin)/python -m ruff format .

contracts: $(modules) ## compile contracts/ to the artifacts that the Python package ships
	@cd contracts && npm run --silent build

bench: $(stamp) $(modules) ## run the benchmarks and print their comparisons; ARGS='...' goes to them
	@$(bin)/python -m bench $(ARGS)

clean: ## remove .venv, node_modules, caches and build output
	@rm -rf .venv build dist .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@rm -rf contracts/node_modules contracts/out contracts/cache
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# The stamp holds the path of the checkout: a .venv that was moved or copied points at the old one, so it is made anew.
ifneq ($(shell cat $(stamp) 2>/dev/null),$(CURDIR))
$(stamp): FORCE
endif

$(stamp): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "error: '$(PYTHON)' is missing or older than Python 3.11; name a newer one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: '$(PYTHON)' cannot make virtual environments; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "setting up .venv (first use, or pyproject.toml or constraints.txt changed) ..." >&2
	@rm -f $(stamp)
	@$(PYTHON) -m venv .venv
	@$(bin)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@printf '%s\n' "$$(pwd)" > $(stamp)

# npm writes this file last, so there is none after a run that failed.
$(modules): contracts/package-lock.json
	@command -v npm >/dev/null || { echo "error: npm is missing, which installs the Solidity compiler; on Debian or Ubuntu: apt-get install nodejs npm" >&2; exit 1; }
	@echo "setting up contracts/node_modules (first use, or package-lock.json changed) ..." >&2
	@cd contracts && npm ci --loglevel=error >/dev/null

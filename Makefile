# Guichet's tasks. Each does its own set-up: Node >= 20.19 with npm is all a fresh machine needs.
SHELL := /bin/sh
.DEFAULT_GOAL := help
TOPOLOGY ?= all

BIN := node_modules/.bin
NODE := $(BIN)/node
# The project's own Node (24), whatever the machine has, also for the processes that tests start.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help install start test test-soak test-integration coverage check format bench logs

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

node_modules/.package-lock.json: package.json package-lock.json server/package.json
	npm ci --no-audit --no-fund
	@touch $@

install: node_modules/.package-lock.json ## install the dependencies, as every other task does by itself

start: node_modules/.package-lock.json ## run everything on http://localhost:8000 in development mode (TOPOLOGY=shop for another topology)
	GUICHET_DEV=$${GUICHET_DEV:-true} exec $(NODE) server/src/main.ts start $(TOPOLOGY)

test: node_modules/.package-lock.json ## run every test
	$(NODE) scripts/test.js $(REPORT)

test-soak: node_modules/.package-lock.json ## run the tests again whose rounds `make test` keeps short, with as many as they can have
	SOAK=true $(BIN)/vitest run --config server/vitest.config.ts $$(grep -rl support/soak.ts server/src server/tests)

test-integration: node_modules/.package-lock.json ## check the running help desk (AUTH_SERVICE_URL, USER_SERVICE_URL or GUICHET_URL) from outside
	$(NODE) scripts/test-integration.js

coverage: node_modules/.package-lock.json ## run every test and say how much of the code they reach
	$(BIN)/vitest run --config server/vitest.config.ts --coverage --coverage.provider=v8 --coverage.include='server/src/**/*.ts' --coverage.reporter=text-summary

check: node_modules/.package-lock.json ## check format, lint, types, architecture, unused code and generated files
	$(BIN)/biome check .
	$(BIN)/tsc --project tsconfig.json
	$(BIN)/knip
	$(BIN)/vitest run --config server/vitest.config.ts --project server tests/architecture.test.ts
	$(NODE) server/src/main.ts openapi --check

format: node_modules/.package-lock.json ## put the code in its standard form
	$(BIN)/biome check --write .

bench: node_modules/.package-lock.json ## measure, side by side, what the design promises
	$(NODE) server/bench/main.ts

logs: ## follow the log files of what runs from here, as the help desk's
	@ls logs/*.log > /dev/null 2>&1 || { echo 'Nothing has written to logs/ yet: start something first, as the help desk.'; exit 1; }
	tail -n 100 -F $$(ls logs/*.log | grep -v '\.[0-9]*\.log$$')

# make help lists what there is. Tools that are missing are installed by scripts/tools.

SHELL         := /bin/bash
.SHELLFLAGS   := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS     += --no-print-directory

# One kind of build for all targets but the race detector, which is C: less to compile.
export CGO_ENABLED := 0

TOOLS   := scripts/tools
# The version is the tag that is checked out; without one the program names its commit.
RELEASE ?= $(patsubst v%,%,$(shell git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null))
LDFLAGS := -s -w $(if $(RELEASE),-X github.com/havenregistry/haven/internal/telemetry.release=$(RELEASE))
VCS     := $(if $(shell git rev-parse HEAD 2>/dev/null),true,false)
# Whole-program tests carry this build tag, so that the fast tests never skip one.
ACCEPT  := -tags acceptance
# SQLite is C made into Go, with memory of its own: the race detector finds nothing there, and makes it eight times slower.
UNWATCHED := -gcflags='modernc.org/sqlite/lib=-race=false' -gcflags='modernc.org/libc/...=-race=false'

PORTAL_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)
PORTAL_BUILT   := bin/.portal

##@ Everyday

.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: build ## build all, then serve on http://127.0.0.1:8080 with data in ./data
	@exec bin/haven serve --listen 127.0.0.1:8080 --data-dir ./data

.PHONY: build
build: $(PORTAL_BUILT) ## portal and binary: bin/haven
	@go build -trimpath -buildvcs=$(VCS) -ldflags '$(LDFLAGS)' -o bin/haven ./cmd/haven

.PHONY: release
release: $(PORTAL_BUILT) ## packages, image, SBOMs and checksums, into dist/; HAVEN_RELEASE_KEY=FILE signs them (docs/packages.md)
	@go run ./release $(if $(VERSION),-version $(VERSION))

.PHONY: generate
generate: web/node_modules/.package-lock.json ## Go and TypeScript from api/openapi.yaml
	@$(TOOLS) install generate
	@generator=$$($(TOOLS) path oapi-codegen); \
	for config in $$(find internal -name 'oapi-codegen*.yaml' | sort); do \
	  (cd "$$(dirname "$$config")" && "$$generator" -config "$$(basename "$$config")" "$(CURDIR)/api/openapi.yaml"); \
	done
	@export PATH="$$($(TOOLS) env node)"; cd web && npm run --silent generate

##@ Tests

.PHONY: test
test: tools-test test-race test-web test-acceptance ## every test, with race detector, real clients, PostgreSQL, browser

.PHONY: test-unit
test-unit: $(PORTAL_BUILT) ## the fast tests, on SQLite and PostgreSQL; under two minutes
	@$(TOOLS) install postgres redis
	@go test ./...

.PHONY: test-race
test-race: $(PORTAL_BUILT) # the fast tests under the race detector
	@$(TOOLS) install postgres redis gcc
	@CGO_ENABLED=1 go test -race $(UNWATCHED) -timeout 30m ./...

.PHONY: test-web
test-web: web/node_modules/.package-lock.json # types and tests of the portal
	@export PATH="$$($(TOOLS) env node)"; cd web && npm run --silent check && npm test --silent

.PHONY: test-acceptance
test-acceptance: tools-test $(PORTAL_BUILT) # the whole program, met as its users meet it
	@export PATH="$$($(TOOLS) env node)"; go test $(ACCEPT) -count=1 -p 1 -timeout 40m ./test/...
	@go test $(ACCEPT) -count=1 -timeout 20m -run TestEveryOrder ./internal/registry

.PHONY: tools-test
tools-test:
	@$(TOOLS) install test

.PHONY: bench
bench: build ## measure beside CNCF Distribution, into bench/RESULTS.md; QUICK=1: five minutes; KEEP=FOLDER keeps the data sets
	@$(TOOLS) install bench postgres
	@go run ./bench $(if $(QUICK),-quick,-write bench/RESULTS.md) $(if $(KEEP),-keep $(KEEP)) -note "$(NOTE)"

.PHONY: lint
lint: web/node_modules/.package-lock.json $(PORTAL_BUILT) ## golangci-lint (go vet and others), biome, shell syntax
	@$(TOOLS) install lint
	@bash -n scripts/tools .ci/run
	@"$$($(TOOLS) path golangci-lint)" run ./...
	@export PATH="$$($(TOOLS) env node)"; cd web && npm run --silent lint

##@ Tidying

.PHONY: clean
clean: ## remove what was built (not ./data)
	@rm -rf bin dist web/node_modules web/dist

# The portal is built when one of its sources is newer than the last build.
$(PORTAL_BUILT): web/node_modules/.package-lock.json $(PORTAL_SOURCES)
	@export PATH="$$($(TOOLS) env node)"; cd web; \
	 log=$$(npm run --silent build 2>&1) || { printf '%s\n' "$$log"; exit 1; }; printf '%s\n' "$$log" | tail -n 1
	@mkdir -p bin && touch $@

web/node_modules/.package-lock.json: web/package-lock.json
	@$(TOOLS) install node
	@export PATH="$$($(TOOLS) env node)"; cd web && npm ci --no-fund --no-audit --loglevel=error
	@touch $@

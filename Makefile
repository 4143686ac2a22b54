# Go and make are enough for everything but `race` and `check`, which need a C compiler for the race detector, and
# `test-postgres`, which needs PostgreSQL's server programs.

GO        ?= go
BIN       := $(CURDIR)/bin
PACKAGES  ?= ./...
TESTFLAGS ?= -timeout 20m
FUZZTIME  ?= 30s
VULNDB    ?= ../shared/vulndb
# The tools, pinned: a newer linter is a change of its own.
GOLANGCI    := $(BIN)/golangci-lint-v2.15.0
STATICCHECK := $(BIN)/staticcheck-v0.8.2
GOVULNCHECK := $(BIN)/govulncheck-v1.9.0
HELM        := $(BIN)/helm-v3.22.0
NFPM        := $(BIN)/nfpm-v2.45.0
CYCLONEDX   := $(BIN)/cyclonedx-gomod-v1.9.0
OUT         ?= dist

# One static binary; the race detector alone needs C.
export CGO_ENABLED = 0
.PHONY: bench microbench build check demo format fuzz gen generated helm help lint packages race release static test test-postgres tidy vet vuln

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-14s %s\n", $$1, $$2}' Makefile

build: ## build bin/sopd
	$(GO) build -trimpath -ldflags '-s -w' -o $(BIN)/sopd ./cmd/sopd

demo: ## play the whole story against simulated vendors on this machine
	$(GO) run ./cmd/sopd demo

test: ## run the tests
	$(GO) test $(TESTFLAGS) $(PACKAGES)

test-postgres: ## run the tests on a throw-away PostgreSQL too
	.ci/postgres $(GO) test $(TESTFLAGS) $(PACKAGES)

race: ## run the tests in random order under the race detector
	CGO_ENABLED=1 $(GO) test -race -shuffle=on $(TESTFLAGS) $(PACKAGES)

fuzz: ## run each fuzz target for FUZZTIME (30s)
	@grep -rl --include='*_test.go' '^func Fuzz' . | while read -r file; do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file"); do \
			echo "== $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")" || exit 1; \
		done; done

bench: ## measure the shipped program at the size of a large company and print the figures beside their aims
	@out=$$(mktemp) && trap 'rm -f "$$out"' EXIT && \
	if SOPD_BENCH=1 $(GO) test -count=1 -timeout 60m -v -run '^TestTheFigures$$' ./cmd/sopd/benchtest >"$$out"; \
	then sed '/^=== \|^ *--- \|^PASS$$\|^ok /d' "$$out"; else cat "$$out"; exit 1; fi

microbench: ## run the benchmarks of the packages
	$(GO) test -run '^$$' -bench . -benchmem $(PACKAGES)

gen: ## write the generated pages again
	$(GO) generate $(PACKAGES)

release: $(NFPM) $(CYCLONEDX) ## build archives, packages, checksums and SBOMs into OUT (dist)
	NFPM=$(NFPM) CYCLONEDX=$(CYCLONEDX) deploy/package/release $(OUT)

packages: $(NFPM) $(CYCLONEDX) ## build the release twice, compare, install and upgrade the packages
	NFPM=$(NFPM) CYCLONEDX=$(CYCLONEDX) $(GO) test -count=1 -tags packages -run TestTheReleaseAndItsPackages ./deploy

helm: $(HELM) ## lint the Helm chart; decode it and the compose file into their readers' types
	$(HELM) lint --strict deploy/helm/sopd -f deploy/test/minimal.yaml --quiet
	cd deploy/test && SOPD_HELM=$(HELM) $(GO) test -count=1 ./...

check: format vet lint static tidy generated vuln race ## everything that CI checks

lint: $(GOLANGCI) ## run golangci-lint
	$(GOLANGCI) run $(PACKAGES)

format:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; }

vet:
	$(GO) vet $(PACKAGES)

static: $(STATICCHECK)
	$(STATICCHECK) $(PACKAGES)

tidy:
	$(GO) mod tidy -diff

generated:
	@before=$$(git status --porcelain; git diff); $(MAKE) --no-print-directory gen && \
	test "$$before" = "$$(git status --porcelain; git diff)" || { echo "not current: commit what 'make gen' wrote"; exit 1; }

vuln: $(GOVULNCHECK)
	@test ! -d $(VULNDB) || $(GOVULNCHECK) -db file://$(abspath $(VULNDB)) $(PACKAGES)

$(BIN)/golangci-lint-%: MODULE = github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(BIN)/staticcheck-%:   MODULE = honnef.co/go/tools/cmd/staticcheck
$(BIN)/govulncheck-%:   MODULE = golang.org/x/vuln/cmd/govulncheck
$(BIN)/helm-%:          MODULE = helm.sh/helm/v3/cmd/helm
$(BIN)/nfpm-%:          MODULE = github.com/goreleaser/nfpm/v2/cmd/nfpm
$(BIN)/cyclonedx-gomod-%: MODULE = github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod
$(GOLANGCI) $(STATICCHECK) $(GOVULNCHECK) $(HELM) $(NFPM) $(CYCLONEDX): $(BIN)/%:
	GOBIN=$(BIN) $(GO) install $(MODULE)@v$(lastword $(subst -v, ,$*))
	mv $(BIN)/$(notdir $(MODULE)) $@

# Everything is one line and works offline once the modules are here.
# 'make check' before every commit, 'make test' is what CI runs.

GO         ?= go
TAGS       := urfave_cli_no_docs
STATIC     := CGO_ENABLED=0
BUILDFLAGS := -trimpath -tags $(TAGS) -ldflags='-s -w'
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
# 'make vet' has vetted what a test compiles, and nobody debugs a test program
TESTFLAGS  := -vet=off -ldflags='-s -w' -tags $(TAGS)
FUZZTIME   ?= 20s
# one way to compile for all steps: each package once, and not again in another clone
export GOFLAGS := -trimpath $(filter-out -trimpath,$(shell $(GO) env GOFLAGS))
PROGRAMS   := git-crosslink git-remote-crosslink git-crosslink-dashboard git-crosslink-mcp

.PHONY: check test race fuzz soak bench benchmarks nightly newer-git scripts-newer-git chromium mcp-clients build release release-twice cross man install fmt vet staticcheck

check: fmt vet staticcheck ## under a minute when warm: style, structure, documents, unit and property tests
	$(STATIC) $(GO) run ./internal/gotest -short $(TESTFLAGS) ./...

test: fmt vet staticcheck build ## everything CI runs, at most ten minutes
	$(STATIC) $(GO) run ./internal/gotest -count=1 -timeout 40m $(TESTFLAGS) ./tracker ./cmd/git-crosslink ./dashboard/web ./... # the longest first
	@echo "not run: make race, make fuzz, make soak, make bench, make nightly"

race: ## the tests of 'check' with the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) run ./internal/gotest -race -short -count=1 -timeout 20m -tags $(TAGS) ./...

fuzz: ## every fuzz target for FUZZTIME
	@set -e; for p in $$($(GO) list ./...); do \
		for f in $$($(STATIC) $(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
			echo "$$p $$f"; $(STATIC) $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 2s $$p; \
		done; done

soak: ## several agents work while faults are injected, then everything is checked (Linux); SOAK='-minutes 30 -seeds 10', or '-load host' to measure many agents without faults
	$(STATIC) $(GO) run ./internal/soak $(SOAK)

bench: build ## the budgets of docs/performance.md, as ratios to git itself; ROWS=<regexp> for some, BENCH=<options>
	$(STATIC) $(GO) run -tags $(TAGS) ./internal/bench -rows '$(ROWS)' $(BENCH) bin/git-crosslink

benchmarks: ## every benchmark of a package
	$(STATIC) $(GO) test -run '^$$' -bench . -benchmem -tags $(TAGS) ./...

nightly: ## long runs: the whole suite with CROSSLINK_NIGHTLY=1, the scripts with a newer git, soaks of 30 minutes of agents and of the dashboard, 10 minutes of many agents on a host and of many clones, ten minutes a fuzz target, all budgets
	-$(MAKE) newer-git
	$(MAKE) mcp-clients
	$(MAKE) cross
	$(MAKE) release-twice
	CROSSLINK_NIGHTLY=1 CROSSLINK_DISK=1 $(STATIC) $(GO) run ./internal/gotest -count=1 -timeout 6h $(TESTFLAGS) ./...
	$(MAKE) scripts-newer-git
	CROSSLINK_REFS=plumbing $(STATIC) $(GO) run ./internal/gotest -count=1 -timeout 2h -tags $(TAGS) ./refs/... ./tracker
	$(MAKE) soak SOAK='-minutes 30 -seeds 10'
	$(MAKE) soak SOAK='-dashboard -minutes 30'
	$(MAKE) soak SOAK='-load host -minutes 10'
	$(MAKE) soak SOAK='-load http -minutes 10'
	$(MAKE) fuzz FUZZTIME=10m
	$(MAKE) bench BENCH=-long

NEWER_GIT ?= $${XDG_CACHE_HOME:-$$HOME/.cache}/git-crosslink/newer-git

newer-git: ## a newer git beside the one installed (Debian's, from its mirror), for the scripts that need one
	sh internal/testkit/newer-git.sh

scripts-newer-git: ## every script with that git instead of the one installed
	@test -x "$(NEWER_GIT)/bin/git" || { echo "not run: the scripts with a newer git: make newer-git gets one"; exit 0; }; \
		PATH="$(NEWER_GIT)/bin:$$PATH" && git version && \
		$(STATIC) $(GO) run ./internal/gotest -count=1 -timeout 40m -tags $(TAGS) ./cmd/...

chromium: ## a browser for the tests of the dashboard, from Debian's packages where that works; never fails
	@sh internal/testkit/chromium.sh

mcp-clients: ## two clients of the Model Context Protocol for the tests of the server, from pip and npm where that works; never fails
	@sh internal/testkit/mcp-clients.sh

build: ## the programs, static, into bin/
	@mkdir -p bin
	$(foreach p,$(PROGRAMS),$(STATIC) $(GO) build $(BUILDFLAGS) -o bin/$(p) ./cmd/$(p) &&) true

release: ## what a release consists of, into dist/ (docs/releasing.md); RELEASE=-snapshot to try it from any commit
	$(STATIC) $(GO) run ./internal/release $(RELEASE)

release-twice: ## a release of all platforms from this commit, built twice, and compared
	rm -rf bin/twice
	$(STATIC) $(GO) run ./internal/release -snapshot -twice -o bin/twice

cross: ## vet, and unit tests compiled but not run, for the other systems
	@set -e; for s in windows darwin freebsd; do \
		echo "$$s: vet, and tests of every package"; \
		GOOS=$$s $(STATIC) $(GO) vet -tags $(TAGS) ./...; \
		GOOS=$$s $(STATIC) $(GO) test -exec true -vet=off -count=1 -tags $(TAGS) ./... >/dev/null; \
	done

man: ## the manual in man/, from the texts of help and docs/format.md
	$(STATIC) $(GO) run -tags $(TAGS) ./internal/manpage

install: ## ./install.sh, with PREFIX if it is set
	./install.sh $(if $(PREFIX),--prefix '$(PREFIX)')

fmt:
	@files=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l 2>/dev/null); \
		if [ -n "$$files" ]; then echo "not gofmt'd:"; echo "$$files"; exit 1; fi

vet:
	$(STATIC) $(GO) vet -tags $(TAGS) ./...

staticcheck:
	$(STATIC) $(GO) run $(STATICCHECK) -tags $(TAGS) ./...

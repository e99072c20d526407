# `make` prints what there is to do.

# Downloads are kept here, outside the tree, a directory for each version.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/aggregator

KAFKA     := 4.4.0
GOLANGCI  := v2.15.0
KUSTOMIZE := v5.7.1
VULNCHECK := v1.9.0
KUBE      := v1.37.2
GRAFANA   := 11.6.0
AXE_CORE  := 4.14.1
PY_KAFKA  := 3.0.12
STREAMS   := 4.4.0
FLINK     := 2.2.1

export KAFKA_LIB ?= $(CACHE)/kafka-$(KAFKA)
export PEERS_LIB ?= $(CACHE)/peers-$(STREAMS)-$(FLINK)
lint      := $(CACHE)/golangci-lint-$(GOLANGCI)/golangci-lint
kustomize := $(CACHE)/kustomize-$(KUSTOMIZE)/kustomize
export PATH := $(dir $(kustomize)):$(PATH)
export KUBERNETES ?= $(CACHE)/kubernetes-$(KUBE)
export GRAFANA_SDK ?= $(CACHE)/grafana-sdk-$(GRAFANA)
export AXE ?= $(CACHE)/axe-core-$(AXE_CORE)
export KAFKA_PYTHON ?= $(CACHE)/kafka-python-$(PY_KAFKA)

# A directory for each content of the lock file, which has the versions.
contract := $(CACHE)/contract-$(firstword $(shell cksum scripts/contract/package-lock.json))

FUZZTIME ?= 60s
BENCH    ?= .
SIMULATE ?= 1000000000
IMAGE    ?= aggregator:dev

# What the program says that it is. Git knows it in a clone; whoever builds without git gives it.
VERSION  ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),(devel))
REVISION ?= $(or $(shell git rev-parse HEAD 2>/dev/null),unknown)

# Nothing waits for ever: each long step has a limit, after which it is killed,
# in CI with all it started; on a terminal it stays where Ctrl-C reaches it.
limit := timeout $(if $(CI),,--foreground) -k 30

.PHONY: help
help: ## print this menu
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install
install: ## get what the tests need: Debian packages, Kafka's jars, Grafana's model, axe-core, the linters
	@echo "make install: up to 10 minutes the first time, a second after that"
	@scripts/install "$(KAFKA_LIB)"
	@$(MAKE) --no-print-directory $(lint) $(kustomize) $(AXE)/axe.min.js $(contract)/node_modules

$(lint):
	@echo "install: golangci-lint $(GOLANGCI) by go install (about 3 minutes)"
	GOBIN=$(@D) $(limit) 20m go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI)

$(kustomize):
	@echo "install: kustomize $(KUSTOMIZE) by go install (about half a minute)"
	GOBIN=$(@D) $(limit) 10m go install sigs.k8s.io/kustomize/kustomize/v5@$(KUSTOMIZE)

# The package holds one file that is needed, and scripts that are not run.
$(AXE)/axe.min.js:
	mkdir -p $(@D)
	cd $(@D) && $(limit) 5m npm pack --silent axe-core@$(AXE_CORE) && tar -xzf axe-core-$(AXE_CORE).tgz --strip-components 1 package/axe.min.js package/LICENSE
	touch $@

# They are made in one step, so that nothing that was cut off looks whole. Scripts of packages are not run.
$(contract)/node_modules:
	@echo "install: the linters of AsyncAPI and OpenAPI into $(@D) by npm (69 MB, some seconds)"
	rm -rf $(@D).part && mkdir -p $(@D).part
	cp scripts/contract/package.json scripts/contract/package-lock.json $(@D).part
	cd $(@D).part && $(limit) 10m npm ci --silent --ignore-scripts --no-audit --no-fund
	rm -rf $(@D) && mv $(@D).part $(@D)

.PHONY: test
test: install check ## install, check, then every test on real servers
	cd tools/promql && ../../scripts/failures $(limit) 10m go test -count=1 ./...
	REQUIRE_SERVERS=1 scripts/failures $(limit) 40m go test -race -count=1 -timeout 30m ./...
	REQUIRE_SERVERS=1 scripts/failures $(limit) 40m go test -count=1 -timeout 35m -tags slow -run '^TestSlow' ./...

# The first time it builds the server, which takes up to 10 minutes. The other tests of deploy/k8s are part of `make test`.
.PHONY: check-deploy
check-deploy: install ## the manifests on a real Kubernetes API server, and the image
	@$(limit) 40m scripts/kubernetes "$(KUBERNETES)"
	cd tools/image && ../../scripts/failures $(limit) 10m go test -count=1 ./...
	REQUIRE_SERVERS=1 scripts/failures $(limit) 10m go test -count=1 -timeout 9m -tags kube -run '^TestKubernetes' ./deploy/k8s

.PHONY: check
check: $(lint) $(contract)/node_modules ## formatting, vet and linters, of the contract too
	$(lint) fmt --diff
	$(limit) 10m go vet -tags slow,kube ./...
	$(limit) 15m $(lint) run --allow-parallel-runners ./...
	cd tools/image && $(lint) fmt --diff && $(limit) 10m $(lint) run --allow-parallel-runners ./...
	$(limit) 5m node scripts/contract/lint.cjs $(contract)/node_modules api
	cd tools/promql && $(lint) fmt --diff && $(limit) 10m $(lint) run --allow-parallel-runners ./...

# Pictures of every page of the board, as the tests of the browser see them.
SCREENSHOTS ?= $(CURDIR)/bin/screenshots

.PHONY: screenshots
screenshots: install ## the board in a real browser, and pictures of it in SCREENSHOTS
	REQUIRE_SERVERS=1 SCREENSHOTS='$(SCREENSHOTS)' $(limit) 10m go test -count=1 ./internal/browser

.PHONY: fmt
fmt: $(lint) ## format all Go files
	$(lint) fmt

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (60s)
	scripts/fuzz $(FUZZTIME)

.PHONY: simulate
simulate: ## histories of the simulation until stopped, or SIMULATE of them; SEED=s repeats one
	SIMULATE=$(SIMULATE) SEED=$(SEED) go test -run '^TestSimulation$$' -count=1 -timeout 0 -v ./internal/stream

.PHONY: mutants
mutants: ## known bugs put into the code one by one: the simulation must find each (10 minutes)
	$(limit) 60m go test -tags slow -run '^TestMutants$$' -count=1 -timeout 55m -v ./internal/stream

# Not part of `make test` nor of CI: it asks the database at vuln.go.dev, which changes
# by the day and may be out of reach.
.PHONY: vuln
vuln: ## known vulnerabilities in what the program calls; needs the internet
	$(limit) 10m go run golang.org/x/vuln/cmd/govulncheck@$(VULNCHECK) ./...

# Without BENCH the long ones are left out: make curves runs those, and Peers, which is of other programs and
# takes 236 MB of jars, runs only when it is named.
long  := ^Benchmark(Curves|Latency|Restart)$$
peers := $(findstring Peers,$(BENCH))

.PHONY: bench
bench: install $(if $(peers),peers) ## the benchmarks that match BENCH (all but curves and Peers: 8 minutes), on real servers
	REQUIRE_SERVERS=1 $(limit) 30m go test -run '^$$' -bench '$(BENCH)' $(if $(filter .,$(BENCH)),-skip '$(long)|^BenchmarkPeers$$') -benchmem -timeout 25m ./...

.PHONY: peers
peers: ## get what BENCH=Peers needs: a JDK, the jars of Kafka Streams and of Flink
	@scripts/install "$(KAFKA_LIB)" "$(PEERS_LIB)"

# CURVES are flags of these benchmarks, as '-curve subjects -points 1000000 -full': bench/README.md has them.
CURVES  ?=
FIGURES ?= $(CURDIR)/bench/figures

.PHONY: curves
curves: install ## scale, latency and restart on real servers (half an hour), drawn into FIGURES
	REQUIRE_SERVERS=1 $(limit) 190m go test -run '^$$' -bench '$(long)' -benchtime 1x -timeout 180m ./bench -figures '$(FIGURES)' $(CURVES)
	go run ./bench/cmd/plot '$(FIGURES)'/*.tsv

# The faults come in their thousands: FAULTS is the share of them in per cent.
FAULTS       ?= 100
FAULTS_TABLE ?= $(CURDIR)/bin/faults.md

.PHONY: faults
faults: install ## every fault, on real servers (two hours), and a table in FAULTS_TABLE
	@mkdir -p $(dir $(FAULTS_TABLE))
	REQUIRE_SERVERS=1 FAULTS=$(FAULTS) FAULTS_TABLE=$(FAULTS_TABLE) $(limit) 150m \
		go test -count=1 -timeout 140m -tags slow -run '^TestSlow(Notify)?Faults$$' -v ./internal/e2e

# SERVERS are flags, as '-dir DIR', which keeps the data there. Without them nothing is left.
SERVERS ?=

.PHONY: servers
servers: ## a real Kafka and a real Redis on loopback for a first try, until Ctrl-C
	@WANT=servers scripts/install "$(KAFKA_LIB)"
	@go build -o bin/servers ./internal/servers/cmd/servers
	@bin/servers $(SERVERS)

# Neither part of `make test` nor of CI: it takes the jars of other versions. REDIS is a directory with
# another redis-server and redis-cli.
COMPAT ?= 3.5.2 3.9.1 4.0.1 $(KAFKA)

.PHONY: compat
compat: install ## end-to-end tests on other versions of Kafka (COMPAT) and Redis (REDIS): docs/compatibility.md
	CACHE='$(CACHE)' REDIS='$(REDIS)' scripts/compat $(COMPAT)

.PHONY: demo
demo: build ## the whole program at work, with nothing else installed
	bin/aggregator demo

.PHONY: build
build: ## a static binary in bin/
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION) -X main.revision=$(REVISION)' -o bin/aggregator ./cmd/aggregator

.PHONY: dashboards
dashboards: ## the dashboards of deploy/monitoring anew, from the code beside them
	go test -count=1 -run '^TestCommitted$$' ./deploy/monitoring/dashboards -rewrite

.PHONY: notices
notices: ## NOTICE anew: the licenses of what is in the binary
	scripts/notices >NOTICE.new && mv NOTICE.new NOTICE

# It needs no container engine. A Dockerfile is there for those who have one: see deploy/k8s/README.md.
build-image = cd tools/image && SOURCE_DATE_EPOCH=$(or $(shell git log -1 --format=%ct 2>/dev/null),0) \
	go run . -tag '$(IMAGE)' -version '$(VERSION)' -revision '$(REVISION)'

.PHONY: image
image: ## a container image for amd64 and arm64 in bin/image, named by IMAGE (aggregator:dev)
	$(build-image)

.PHONY: push
push: ## the same, sent to the registry that IMAGE names
	$(build-image) -push

.PHONY: clean
clean: ## remove what was built here; the downloads stay in the user's cache
	rm -rf bin

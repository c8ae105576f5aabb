# Every verb needs nothing but python3 (with its headers and venv) and a C++ compiler.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NATIVE := $(wildcard ext/*/*.pyx ext/*/*.pxd ext/*/*.cpp ext/*/*.hpp) setup.py
# and those of these that setup.py names
COMPILED := $(foreach kind,py pxd,$(wildcard $(addsuffix *.$(kind),bandit/ featurestore/ featurestore/redis/ \
    service/ service/http/ service/oip/ service/sampling/)))
PORT ?= 8000
WORKERS ?= auto
PEERS ?= all
STORES := bandit-serve bandit-serve-redis bandit-serve-redis-hot-tier empty-reply
SERVICES := article_go article_python/venv fast_go fast_rust
CPU_TORCH := https://download.pytorch.org/whl/cpu
CALLS ?= 1e8
SANITIZED := build/sanitize
SAMPLER := $(wildcard ext/betadist/*.cpp)
OBJECTS := $(SAMPLER:ext/betadist/%.cpp=build/sampler/%.o)
DRIVER := -std=c++20 -O2 -g1 -ffp-contract=off -fno-math-errno -pthread -Iext/betadist
# With the instructions of this very processor
CARGO := RUSTFLAGS='-C target-cpu=native' cargo build --quiet --release --target-dir build/peers/target \
    --manifest-path loadtest/peers/fast_rust/Cargo.toml
# Python doesn't load these by itself, and must before its extensions do.
RUNTIMES = $(foreach lib,asan ubsan stdc++,$(shell $(CXX) -print-file-name=lib$(lib).so))
# Python frees little of its own at exit, so leaks are looked for in the C++ program only. Compilers and
# emulators would load the runtimes too, so tests that start some are left out.
UBSAN := UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
SANITIZE = PYTHONPATH=$(SANITIZED)/lib LD_PRELOAD="$(RUNTIMES)" ASAN_OPTIONS=detect_leaks=0 $(UBSAN)
DRAWS ?= 1e8
# of the load suite; without a URL it starts a service of its own
RATES ?= 500 1000 2000
RATE ?= 200
MINUTES ?= 30
LOAD = $(BIN)/python -m loadtest
TARGET = $(if $(URL),--url $(URL)) $(OPTIONS)
# setuptools warns of every editable installation, and pip would have each compile the extensions
EDITABLE := PYTHONWARNINGS=ignore BANDIT_SERVE_EXTENSIONS=0 $(BIN)/pip install -q --no-build-isolation

.DEFAULT_GOAL := help
.PHONY: help setup serve test test-long test-gpu check-ptx test-statistics test-mutations \
        test-sanitize fuzz check format bench bench-stores bench-tail bench-hot-tier bench-sampler \
        bench-threads bench-catalogue bench-peers \
        load load-k6 load-locust soak overload size report peers compare clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.dev ## build the extensions and install everything that development needs

$(VENV)/bin/pip:
	@$(PYTHON) -c "$$CHECK_PYTHON"
	$(PYTHON) -m venv $(VENV)

define CHECK_PYTHON
import importlib.util, os, sys, sysconfig
lacks = []
if importlib.util.find_spec('ensurepip') is None:
    lacks.append('python3-venv')
if not os.path.exists(sysconfig.get_path('include') + '/Python.h'):
    lacks.append('python3-dev')
if sys.version_info < (3, 11):
    sys.exit('$(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12')
if lacks:
    sys.exit('$(PYTHON) lacks its C headers or venv; on Debian: apt-get install ' + ' '.join(lacks))
endef
export CHECK_PYTHON

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing what the build needs"
	@$(BIN)/pip install -q --upgrade pip 'setuptools>=77' 'cython>=3.1' 'numpy>=2.0'
	@echo "Installing what the service needs"
	@$(EDITABLE) -e .
	@touch $@

$(VENV)/.built: $(VENV)/.installed $(NATIVE) $(COMPILED)
	@echo "Compiling the extensions and the request path"
	@$(BIN)/python setup.py -q build_ext --inplace
	@touch $@

$(VENV)/.extras: $(VENV)/.installed
	@echo "Installing what development needs"
	@$(EDITABLE) -e '.[dev]'
	@touch $@

$(VENV)/.dev: $(VENV)/.built $(VENV)/.extras
	@touch $@

serve: $(VENV)/.built data/store ## build, load a sample catalogue the first time, and serve (PORT=8000 WORKERS=auto)
	$(BIN)/bandit-serve run --port $(PORT) --workers $(WORKERS)

# Loaded aside and renamed, so that a first load that is cut off leaves no half-filled store.
data/store: | $(VENV)/.built
	rm -rf data/store.new
	mkdir -p data
	$(BIN)/bandit-serve sample data/catalogue.csv --rows 100000
	$(BIN)/bandit-serve load data/catalogue.csv --prior 2,30 --store data/store.new
	mv data/store.new data/store

test: $(VENV)/.dev build/feast/.installed ## run the tests
	$(BIN)/pytest

test-long: $(VENV)/.dev build/feast/.installed ## run the statistical and fuzz tests of minutes too
	$(BIN)/pytest -m 'not gpu' --timeout 1800 --hypothesis-profile default

# Numba reads its variable when it is imported: 0 is a device, not the simulator.
test-gpu: $(VENV)/.dev ## test the sampler on a CUDA device (needs extra gpu); fails without one
	NUMBA_ENABLE_CUDASIM=0 $(BIN)/pytest tests/bandit/cuda -m gpu --timeout 1800

# Numba's compiler for devices, 1 GB, beside the project's own packages
build/gpu/.installed: | $(VENV)/bin/pip
	@echo "Installing CUDA's compiler aside"
	@mkdir -p $(@D) && $(PYTHON) -m venv build/gpu/venv
	@timeout 900 build/gpu/venv/bin/pip install -q --disable-pip-version-check 'numba-cuda[cu12]>=0.30' && touch $@

check-ptx: $(VENV)/.built build/gpu/.installed ## check the sampler's CUDA code without a device and write bandit/cuda/RESOURCES.md
	PYTHONPATH=.:ext build/gpu/venv/bin/python -m tests.bandit.cuda.compiled --table bandit/cuda/RESOURCES.md

# 600 MB, and other versions of what the project needs, so beside it; its tests are skipped without.
build/feast/.installed: | $(VENV)/bin/pip
	@echo "Installing Feast aside, for the tests of its store"
	@mkdir -p $(@D) && $(PYTHON) -m venv build/feast/venv
	@timeout 400 build/feast/venv/bin/pip install -q --retries 1 --disable-pip-version-check 'feast>=0.60,<1' 2>/dev/null \
	&& touch $@ || { rm -rf build/feast/venv; echo "Feast can't be had now; its tests will be skipped"; }

test-sanitize: $(VENV)/.dev $(SANITIZED)/hammer-address,undefined $(SANITIZED)/hammer-thread ## run the extensions' tests under the sanitizers
	$(UBSAN) $(SANITIZED)/hammer-address,undefined
	$(SANITIZED)/hammer-thread
	BANDIT_SERVE_PURE=1 BANDIT_SERVE_SANITIZE=address,undefined $(BIN)/python setup.py -q \
	    build_py --build-lib $(SANITIZED)/lib \
	    build_ext --build-lib $(SANITIZED)/lib --build-temp $(SANITIZED)/temp
	$(SANITIZE) $(BIN)/python -c "import sys; from betadist import _core; sys.exit('sanitize' not in _core.__file__)"
	$(SANITIZE) $(BIN)/pytest tests/ext --timeout 900 $(addprefix --ignore tests/ext/betadist/test_betadist_,emulated.py programs.py)

fuzz: build/fuzz ## draw from shapes of any bits with every kernel (CALLS=1e8)
	build/fuzz $(CALLS)

# C++ programs of the sampler alone
$(SANITIZED)/hammer-%: tests/ext/betadist/hammer.cpp $(NATIVE)
	@mkdir -p $(@D)
	$(CXX) $(DRIVER) -fsanitize=$* -fno-sanitize-recover=all $< $(SAMPLER) -o $@

.SECONDARY: $(OBJECTS)
build/sampler/%.o: ext/betadist/%.cpp $(NATIVE)
	@mkdir -p $(@D)
	$(CXX) $(DRIVER) -c $< -o $@

build/%: tests/ext/betadist/%.cpp $(OBJECTS)
	$(CXX) $(DRIVER) $^ -o $@

# Fewer draws than the record's leave it as it is.
test-statistics: $(VENV)/.dev ## test the sampler's distribution and write ext/betadist/STATISTICS.md (DRAWS=1e8)
	$(BIN)/python -m tests.ext.betadist.suite --draws $(DRAWS) \
	    --table $(if $(filter 1e8 1e+08,$(DRAWS)),ext/betadist,build)/STATISTICS.md

test-mutations: $(VENV)/.dev ## test that mistakes in the sampler's kernel are caught and write ext/betadist/MUTATIONS.md
	$(BIN)/python -m tests.ext.betadist.mutants --table ext/betadist/MUTATIONS.md

bench: $(VENV)/.dev ## measure CPU per request and RPS next to an empty reply (needs wrk)
	$(BIN)/python -m loadtest compare --only bandit-serve empty-reply --json build/load/bench.json $(OPTIONS)

bench-stores: $(VENV)/.dev ## measure the same on each store (needs wrk and redis-server)
	$(BIN)/python -m loadtest compare --only $(STORES) --json build/load/bench-stores.json $(OPTIONS)

compare: $(VENV)/.dev ## measure the service beside its peers of `make peers` (needs wrk, OPTIONS=--redis redis-server)
	$(BIN)/python -m loadtest compare $(OPTIONS)

bench-tail: $(VENV)/.dev ## measure what hedging brings when calls of the store are slow
	$(BIN)/python -m loadtest.tail $(OPTIONS)

bench-hot-tier: $(VENV)/.dev ## measure look-ups of cold ids among 1 and 10 million rows in memory
	$(BIN)/python -m loadtest.hot_tier $(OPTIONS)

bench-sampler: $(VENV)/.dev ## measure the Beta sampler next to its peers (PEERS=all OPTIONS=--quick)
	$(BIN)/python -m loadtest.sampler --peers $(PEERS) $(OPTIONS)

bench-threads: $(VENV)/.dev ## measure what a second thread brings the sampler
	$(BIN)/python -m loadtest.sampler.scaling

bench-catalogue: $(VENV)/.dev ## measure the best 100 of up to 10 million arms, in a loop and of a service (OPTIONS="--arms 10000000")
	$(BIN)/python -m loadtest.top_k --json build/catalogue.json $(OPTIONS)

# gigabytes where the index of CPU-only builds is out of reach
bench-peers: ## install torch and mkl_random aside for bench-sampler
	$(PYTHON) -m venv build/peers/venv
	timeout 900 build/peers/venv/bin/pip install -q numpy mkl_random
	timeout 900 build/peers/venv/bin/pip install -q --retries 0 --index-url $(CPU_TORCH) torch \
	|| timeout 900 build/peers/venv/bin/pip install -q torch

peers: $(addprefix build/peers/,$(SERVICES)) ## build the services that ours is compared with (needs go and cargo)

# $(call built,toolchain,command): a service whose toolchain is absent is left out
define built
@if command -v $(1) >/dev/null; then echo "Building $(@F)"; mkdir -p $(@D); $(2); \
else echo "$(@F) is left out: $(1) is not installed"; fi
endef

.SECONDEXPANSION:
build/peers/%_go: $$(wildcard loadtest/peers/$$*_go/*)
	$(call built,go,go build -C loadtest/peers/$(@F) -o $(abspath $@) .)

build/peers/fast_rust: $(wildcard loadtest/peers/fast_rust/Cargo.toml loadtest/peers/fast_rust/src/*)
	$(call built,cargo,$(CARGO) && cp build/peers/target/release/$(@F) $@)

build/peers/article_python/venv: loadtest/peers/article_python/requirements.txt
	@echo "Installing what article_python needs"
	@rm -rf $@ && $(PYTHON) -m venv $@
	@timeout 400 $@/bin/pip install -q --disable-pip-version-check -r $< || { rm -rf $@; exit 1; }

load: $(VENV)/.dev ## load a service, at RATES and as fast as it goes (URL=http://host:port or its own; needs wrk)
	$(LOAD) load --rate $(RATES) --json build/load/python.json $(TARGET)
	$(LOAD) load --driver wrk --json build/load/wrk.json $(TARGET)

load-k6: $(VENV)/.dev $(if $(shell command -v k6),,build/bin/k6) ## load a service by k6 (URL= RATE=200)
	$(LOAD) load --driver k6 --rate $(RATE) --json build/load/k6.json $(TARGET)

load-locust: $(VENV)/.dev build/locust/venv/bin/locust ## load a service by locust (URL= RATE=200)
	$(LOAD) load --driver locust --rate $(RATE) --json build/load/locust.json $(TARGET)

soak: $(VENV)/.dev ## load a service for long; fails on an error or growing memory (URL= RATE=200 MINUTES=30)
	$(LOAD) soak --minutes $(MINUTES) --rate $(RATE) --json build/load/soak.json $(TARGET)

overload: $(VENV)/.dev ## offer a service twice its maximum (URL=; needs wrk)
	$(LOAD) overload --json build/load/overload.json $(TARGET)

size: $(VENV)/.dev ## find what a node bears, and the fleet for a target (URL= OPTIONS="--target-predictions 3e6 --node-price 0.2")
	$(LOAD) size --json build/load/size.json $(TARGET)

report: $(VENV)/.dev ## render all results of build/load as one page
	$(LOAD) report build/load/*.json --html build/load/report.html --markdown build/load/report.md

build/bin/k6:
	@command -v go >/dev/null || { echo "k6 is neither on the PATH nor is there Go to build it with; see" \
	    "https://grafana.com/docs/k6/latest/set-up/install-k6/ or https://go.dev/dl/" >&2; exit 1; }
	GOBIN=$(abspath $(@D)) go install go.k6.io/k6@v1

# 100 MB, gevent and a web server among them, which the tests' interpreter is better without
build/locust/venv/bin/locust:
	@echo "Installing locust aside"
	@$(PYTHON) -m venv build/locust/venv
	@timeout 600 build/locust/venv/bin/pip install -q --disable-pip-version-check 'locust>=2.32,<3' || { rm -rf build/locust; exit 1; }

check: $(VENV)/.dev ## check format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev ## format and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what was built (the store in data/ stays)
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find bandit featurestore service ext -name '*.so' -delete

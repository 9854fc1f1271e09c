# Entry points for people and for CI; the build itself is CMake (CMakePresets.json).
JOBS ?= $(shell nproc)
export JOBS
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
SOURCES = $(shell git ls-files '*.cc' '*.h' '*.c')

.PHONY: help build test bench bench-fleet demo fuzz format tidy asan tsan clean deps cluster-deps
.PHONY: cluster-up cluster-down image conformance cluster-test bench-cluster

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

deps:
	@tools/install_deps.sh

build: deps  ## build/release/kgateway
	cmake --preset release --log-level=WARNING
	cmake --build --preset release -j $(JOBS) --target kgateway --target sample_echo
	@ln -sfn "$$(python3 tools/envoy_binary.py)" build/release/envoy

test: deps  ## unit, golden, property, end to end with real Envoy, sanitizers, fuzzers
	@python3 tools/run_tests.py $(STAGES)

bench: deps  ## build and run the benchmarks; results as JSON in build/bench
	cmake --preset release --log-level=WARNING
	cmake --build --preset release -j $(JOBS) --target benches --target kgateway
	@tools/run_benches.sh

bench-fleet: deps  ## what 100, 500 and 1,000 proxies of 1, 10 and 100 Gateways cost a controller
	cmake --preset release --log-level=WARNING
	cmake --build --preset release -j $(JOBS) --target fleet_bench
	@mkdir -p build/bench
	@build/release/src/app/fleet_bench $(FLEET)

demo: build  ## a tour with real requests; stays until Ctrl-C (ONCE=1: exits with the result)
	@tools/demo.sh

fuzz: deps  ## every fuzzer for KGW_FUZZ_SECONDS (60)
	@python3 tools/run_tests.py fuzz

asan: deps  ## unit tests under AddressSanitizer and UBSan
	@python3 tools/run_tests.py asan

tsan: deps  ## unit tests under ThreadSanitizer
	@python3 tools/run_tests.py tsan

image: build cluster-deps  ## the images of controller and Envoy in build/images; loaded into a running cluster
	@python3 tools/cluster/cluster.py images

cluster-deps: deps
	@tools/install_deps.sh packages-cluster.txt

cluster-up: cluster-deps  ## a real Kubernetes on this machine, as root; prints its kubeconfig
	@python3 tools/cluster/cluster.py up

cluster-down:  ## end it, and remove what it left on the host
	@python3 tools/cluster/cluster.py down

conformance: build cluster-deps  ## the Gateway API's own suite in that cluster (RUN='NAME...': only these tests)
	@python3 tools/cluster/conformance.py $(RUN)

cluster-test: build cluster-deps  ## faults in that cluster, with the controller that `make conformance` installed
	@python3 tools/cluster/faults.py

bench-cluster: build cluster-deps  ## this controller and Envoy Gateway side by side in that cluster (15 minutes; KGW_BENCH_SIZES=...)
	@python3 tools/bench_cluster.py

format:  ## clang-format over all sources
	clang-format-19 -i $(SOURCES)

tidy: deps  ## clang-tidy over all sources
	cmake --preset asan --log-level=WARNING
	run-clang-tidy-19 -quiet -p build/asan -j $(JOBS) 'src/.*\.cc$$'

clean:  ## remove build trees (the shared cache stays)
	rm -rf build

# Entry points for people and for CI; the build itself is CMake (CMakePresets.json).
JOBS ?= $(shell nproc)
export JOBS
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
SOURCES = $(shell git ls-files '*.cc' '*.h' '*.c')

.PHONY: help build test bench demo fuzz format tidy asan tsan clean deps

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

deps:
	@tools/install_deps.sh

build: deps  ## build/release/kgateway
	cmake --preset release --log-level=WARNING
	cmake --build --preset release -j $(JOBS)
	@ln -sfn "$$(python3 tools/envoy_binary.py)" build/release/envoy

test: deps  ## unit, golden, property, end to end with real Envoy
	@python3 tools/run_tests.py

bench: deps  ## build and run the benchmarks; results as JSON in build/bench
	cmake --preset release --log-level=WARNING
	cmake --build --preset release -j $(JOBS) --target benches
	@tools/run_benches.sh

demo: build  ## a tour with real requests; stays until Ctrl-C (ONCE=1: exits with the result)
	@tools/demo.sh

fuzz: deps  ## every fuzzer for KGW_FUZZ_SECONDS (60)
	@python3 tools/run_tests.py fuzz

asan: deps  ## unit tests under AddressSanitizer and UBSan
	@python3 tools/run_tests.py asan

tsan: deps  ## unit tests under ThreadSanitizer
	@python3 tools/run_tests.py tsan

format:  ## clang-format over all sources
	clang-format-19 -i $(SOURCES)

tidy: deps  ## clang-tidy over all sources
	cmake --preset asan --log-level=WARNING
	run-clang-tidy-19 -quiet -p build/asan -j $(JOBS) 'src/.*\.cc$$'

clean:  ## remove build trees (the shared cache stays)
	rm -rf build

# SPDX-License-Identifier: MIT
# The front door. Everything here installs what it misses (tools/setup), and
# touches nothing and needs no network when all is there.
MESON ?= meson
PYTHON ?= python3
T ?=

.PHONY: build demo test test-pythons lint format bench fuzz wheel clean

build:
	@tools/setup build
	@test -d build/meson-info || $(MESON) setup build
	@$(MESON) compile -C build

demo: build
	@build/tare run examples/julia.py

# make test T=name runs only the tests with that in their name.
test:
	@tools/setup build test && tools/venv
	@$(PYTHON) tools/run_tests.py --only '$(T)' test

test-pythons: build
	@tools/setup test pythons && tools/venv
	@$(PYTHON) tools/run_tests.py --only '$(T)' pythons

lint:
	@tools/setup build lint && tools/venv
	@$(PYTHON) tools/lint.py

# Let the tools mend what they can of what lint finds.
format:
	@tools/setup lint && tools/venv
	@$(PYTHON) tools/lint.py --fix

bench: build
	@tools/setup test pythons
	@$(PYTHON) bench/run.py

# make fuzz SECONDS=600: each target of tests/fuzz for so long.
fuzz:
	@tools/setup build fuzz
	@$(PYTHON) tools/fuzz.py --seconds $(or $(SECONDS),60)

wheel:
	@tools/setup build wheel && tools/venv
	@build/venv/bin/python tools/build_wheel.py

clean:
	rm -rf build build-asan dist

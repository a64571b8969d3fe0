# Every target is one command; each calls `setup` when something is missing.
ARCH     := $(subst x86_64,x64,$(subst aarch64,arm64,$(shell uname -m)))
NODE_PKG := $(CURDIR)/node_modules/node-linux-$(ARCH)
# Goes away with the packages that it stands for.
STAMP    := node_modules/.setup-done
# The pinned Node comes first; its own headers serve the one native build (sqlite3).
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
export npm_config_nodedir := $(NODE_PKG)
export npm_config_build_from_source := true

.PHONY: setup demo test check bench sim build clean

setup: $(STAMP)

$(STAMP): package.json package-lock.json cli/package.json daemon/package.json scripts/setup.sh
	@sh scripts/setup.sh
	@touch $(STAMP)

build: $(STAMP)
	@npm run --silent build

demo: build
	@node scripts/demo.ts

test: build
	@npm run --silent test

check: build
	@npm run --silent check

# Fifty simulated hours, two seeds at a time. Each seed decides all: what is red once is red always.
sim: $(STAMP)
	@node daemon/sim/main.ts --seeds 1..50 --hours 1 --workers 2

bench: build
	@npm run --silent bench

clean:
	rm -rf build dist cli/dist daemon/build node_modules cli/node_modules daemon/node_modules

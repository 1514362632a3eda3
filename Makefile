# neurond. `make help` lists the targets.
#
#   make unit MODULES="base wire" ONLY=json    compile and run these alone
#   make SAN=1 …       with AddressSanitizer and UBSan, in build/san
#   make WERROR=1 …    warnings are errors (what `make check` uses; not for packagers)
#   make OUT=DIR …     everything that is made goes to DIR instead of build/
#
# CXX, CXXFLAGS, CPPFLAGS, LDFLAGS, LDLIBS, DESTDIR and PREFIX are the packager's: ours are
# added to them.

PREFIX  ?= /usr/local
PROGRAM  = $(DESTDIR)$(PREFIX)/bin/neurond
MANUAL   = $(DESTDIR)$(PREFIX)/share/man/man8/neurond.8
CONFIG   = $(DESTDIR)/etc/neurond/neurond.conf
UNITS    = $(DESTDIR)$(PREFIX)/lib/systemd/system
COMPLETE = $(DESTDIR)$(PREFIX)/share/bash-completion/completions/neurond
SHARE    = $(DESTDIR)$(PREFIX)/share/neurond
ROTATE   = $(DESTDIR)/etc/logrotate.d/neurond
VERSION  = $(shell sed -n 's/.*kVersion = "\(.*\)";/\1/p' include/neurond/base/version.h)

PKGS  := libssl libcrypto libcjson
NEEDS := 'libssl >= 3.0' 'libcjson >= 1.7.15'
CXX  := $(if $(filter default,$(origin CXX)),g++,$(CXX))

# All cores unless -j says otherwise; a sub-make shares them.
JOBS ?= $(shell nproc 2>/dev/null || echo 1)
MAKEFLAGS += $(if $(filter 0,$(MAKELEVEL)),-j$(JOBS)) --no-print-directory

# ---- flags ------------------------------------------------------------------------------
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast \
        -Woverloaded-virtual -Wnon-virtual-dtor -Wcast-qual -Wformat=2 \
        -Wimplicit-fallthrough -Wundef -Wnull-dereference
# -Wrestrict is wrong about "text" + std::string in g++ 12 (its bug 105651).
GXX_WARN := -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wno-restrict
CLANG    := clang++-14
IS_CLANG := $(findstring clang,$(CXX))
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fcf-protection \
            -D_GLIBCXX_ASSERTIONS
FORTIFY  := $(if $(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CXXFLAGS)),,-D_FORTIFY_SOURCE=2)

ifdef SAN
OUT      := build/san
CXXFLAGS ?= -O1 -g
MODE     := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifdef FUZZ
OUT      := build/fuzz
CXX      := $(CLANG)
IS_CLANG := clang
CXXFLAGS ?= -O1 -g
MODE     := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
else
OUT      := build
CXXFLAGS ?= -O2 -g
MODE     := $(HARDEN) $(FORTIFY)
endif
# One spelling: what depends on what is kept by name.
override OUT := $(patsubst $(CURDIR)/%,%,$(OUT))

LANG_FLAGS := -std=c++17 -fno-exceptions -fno-rtti -fPIE -Iinclude
ALL_FLAGS   = $(LANG_FLAGS) $(WARN) $(if $(IS_CLANG),,$(GXX_WARN)) $(MODE) \
              $(shell pkg-config --cflags $(PKGS) 2>/dev/null) $(CPPFLAGS) $(CXXFLAGS)
COMPILE    := $(CXX) $(ALL_FLAGS)
LINK_FLAGS := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(MODE) $(CXXFLAGS) $(LDFLAGS)
LIBS       := $(shell pkg-config --libs $(PKGS) 2>/dev/null) $(LDLIBS)
# doctest without exceptions; what nobody measures need not be made fast, and a failure
# names its line: -g1 says as much.
TEST_FLAGS := -O0 -g1 -U_FORTIFY_SOURCE -DDOCTEST_CONFIG_NO_EXCEPTIONS_BUT_WITH_ALL_ASSERTS=

# ---- what there is ----------------------------------------------------------------------
empty     :=
ALL_MODS  := $(notdir $(patsubst %/,%,$(wildcard src/*/)))
MODULES   ?= $(ALL_MODS)
SET       := $(if $(filter-out $(MODULES),$(ALL_MODS)),-$(subst $(empty) ,+,$(strip $(MODULES))))
MAIN      := src/cli/main.cc
LIB_SRC   := $(filter-out $(MAIN),$(foreach m,$(MODULES),$(wildcard src/$m/*.cc)))
UNIT_SRC  := tests/unit/main.cc $(foreach m,$(MODULES),$(wildcard tests/unit/$m_*.cc))
FUZZERS   := $(patsubst tests/fuzz/%.cc,%,$(filter-out %/replay.cc,$(wildcard tests/fuzz/*.cc)))
SOURCES   := $(sort $(wildcard src/*/*.cc tests/unit/*.cc tests/fuzz/*.cc))
HEADERS   := $(wildcard include/neurond/*/*.h)
objects    = $(patsubst %.cc,$(OUT)/obj/%.o,$(1))
LIB       := $(OUT)/lib$(SET).a
UNIT      := $(OUT)/unit$(SET)
BIN       := $(OUT)/neurond

.PHONY: all run check check-long unit it peers lint fuzz fuzz-replay bench tidy format \
        clang-check conformance deps install uninstall dist deb clean help FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BIN)  ## build build/neurond (SAN=1: build/san/neurond)

# ---- building ---------------------------------------------------------------------------
$(BIN): $(call objects,$(MAIN)) $(LIB)
	$(CXX) $(LINK_FLAGS) -o $@ $^ $(LIBS)

$(LIB): $(call objects,$(LIB_SRC))
	@rm -f $@
	@ar rcs $@ $^

$(UNIT): $(call objects,$(UNIT_SRC)) $(LIB)
	@$(CXX) $(LINK_FLAGS) -o $@ $^ $(LIBS)

$(OUT)/obj/%.o: %.cc $(OUT)/flags
	@mkdir -p $(@D)
	@echo "  $(CXX) $<"
	@$(COMPILE) $(if $(filter tests/%,$<),$(TEST_FLAGS)) $(if $(WERROR),-Werror) -MMD -MP -c -o $@ $<

# Rewritten only when the flags changed, and then everything is built anew. WERROR is not
# among them: it changes no object.
$(OUT)/flags: FORCE
	@mkdir -p $(OUT)
	@pkg-config --exists $(PKGS) || { echo "error: find $(PKGS): not installed; run: make deps" \
	    "(or: apt-get install g++ make pkg-config libssl-dev libcjson-dev)" >&2; exit 1; }
	@pkg-config --print-errors --exists $(NEEDS) || \
	    { echo "error: build: older than $(NEEDS)" >&2; exit 1; }
	@echo '$(COMPILE)' | cmp -s - $@ || echo '$(COMPILE)' > $@

-include $(wildcard $(OUT)/obj/*/*/*.d $(OUT)/clang/*/*/*.d)

# The second compiler only reads: one stamp a file. It has read the standard library before;
# that a file includes what it uses is for the first compiler to see.
clang-check: $(patsubst %.cc,$(OUT)/clang/%.ok,$(SOURCES))
STD_HEADERS := algorithm deque functional map memory optional set string string_view \
               unordered_map utility vector doctest/doctest.h
CLANG_READS  = $(CLANG) $(LANG_FLAGS) $(WARN) $(TEST_FLAGS) -Werror
$(OUT)/clang/std.pch: Makefile
	@mkdir -p $(@D)
	@printf '#include <%s>\n' $(STD_HEADERS) | $(CLANG_READS) -x c++-header -o $@ -
$(OUT)/clang/%.ok: %.cc $(OUT)/clang/std.pch
	@mkdir -p $(@D)
	@$(CLANG_READS) -include-pch $(OUT)/clang/std.pch -fsyntax-only \
	    -MMD -MP -MT $@ -MF $(OUT)/clang/$*.d $<
	@touch $@

# ---- running and testing ----------------------------------------------------------------
deps:  ## install what building and testing need; says what it installs
	@tests/deps.sh check

run:  ## build, then run in the foreground with etc/neurond.conf
	@tests/deps.sh build
	@$(MAKE) all
	build/neurond -c etc/neurond.conf

check:  ## every test, in under 5 minutes (SAN=1: unit and it under ASan and UBSan)
	@tests/deps.sh check
	@OUT=$(OUT) SAN=$(SAN) MAKE='$(MAKE) OUT=$(OUT) WERROR=1' tests/check.sh

check-long:  ## every test with full counts
	@NEUROND_LONG=1 $(MAKE) check

unit: $(UNIT)  ## unit tests (ONLY=part-of-file-name, MODULES="base wire")
	$(UNIT) --no-intro $(if $(ONLY),-sf='*tests/unit/*$(ONLY)*')

it: $(BIN)  ## integration tests (ONLY=part-of-file-name)
	NEUROND_BIN=$(BIN) tests/it/run.py $(ONLY)

peers: $(BIN)  ## the ecosystem's own clients and servers
	NEUROND_BIN=$(BIN) tests/it/run.py -C tests/peers $(ONLY)

conformance: $(BIN)  ## the official suites, through neurond
	NEUROND_BIN=$(BIN) tests/it/run.py -C tests/conformance $(ONLY)

lint:  ## floors, sizes, one-place rules, second compiler, scripts, manual
	@OUT=$(OUT) MAKE='$(MAKE) OUT=$(OUT)' tests/lint/run.sh

fuzz-replay: $(patsubst %,$(OUT)/replay/%,$(FUZZERS))
$(OUT)/replay/%: $(OUT)/obj/tests/fuzz/%.o $(OUT)/obj/tests/fuzz/replay.o $(LIB)
	@mkdir -p $(@D)
	@$(CXX) $(LINK_FLAGS) -o $@ $^ $(LIBS)

fuzz:  ## search with libFuzzer (TARGET=json_scan SECONDS=60)
	@test -f tests/fuzz/$(TARGET).cc || { echo "TARGET is one of: $(FUZZERS)" >&2; exit 1; }
	@$(MAKE) FUZZ=1 build/fuzz/$(TARGET)
	@mkdir -p build/fuzz/found/$(TARGET) tests/fuzz/corpus/$(TARGET)
	build/fuzz/$(TARGET) -max_total_time=$(or $(SECONDS),60) -artifact_prefix=build/fuzz/ \
	    build/fuzz/found/$(TARGET) tests/fuzz/corpus/$(TARGET)
build/fuzz/%: build/fuzz/obj/tests/fuzz/%.o build/fuzz/lib$(SET).a
	@$(CXX) $(LINK_FLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

bench: $(BIN)  ## what a call and TLS cost, as ratios; never passes or fails
	@tests/deps.sh bench
	NEUROND_BIN=$(BIN) python3 tests/bench/run.py
	NEUROND_BIN=$(BIN) python3 tests/bench/tls.py

tidy:  ## clang-tidy over the sources (MODULES="base wire")
	@tests/deps.sh develop
	clang-tidy-14 --quiet $(LIB_SRC) -- $(LANG_FLAGS)

format:  ## clang-format over everything
	@tests/deps.sh develop
	clang-format-14 -i $(SOURCES) $(HEADERS) $(wildcard tests/unit/*.h)

# ---- installing -------------------------------------------------------------------------
install: all  ## install below DESTDIR; an existing configuration is kept
	install -D -m 0755 $(BIN) $(PROGRAM)
	install -D -m 0644 neurond.8 $(MANUAL)
	install -D -m 0644 contrib/completion/neurond $(COMPLETE)
	install -D -m 0644 contrib/logrotate/neurond $(ROTATE)
	for file in neurond.rules.yml neurond.dashboard.json; do \
	    install -D -m 0644 contrib/prometheus/$$file $(SHARE)/$$file || exit 1; \
	done
	[ -e $(CONFIG) ] || { install -D -m 0644 etc/neurond.conf $(CONFIG) && \
	    sed -i -e 's|^# state_dir = .*|state_dir = /var/lib/neurond|' \
	        -e 's|^# run_dir = .*|run_dir = /run/neurond|' \
	        -e 's|^# \(path = /var/log/neurond/audit.log\)|\1|' $(CONFIG); }
	install -d $(UNITS)
	for unit in neurond.service neurond.socket; do \
	    sed 's#/usr/local/bin/#$(PREFIX)/bin/#' contrib/systemd/$$unit >$(UNITS)/$$unit || exit 1; \
	done

uninstall:  ## remove what install put there; the configuration stays
	rm -f $(PROGRAM) $(MANUAL) $(UNITS)/neurond.service $(UNITS)/neurond.socket
	rm -f $(COMPLETE) $(ROTATE)
	rm -rf $(SHARE)

dist:  ## the sources of the last commit, as build/neurond-VERSION.tar.gz
	@mkdir -p $(OUT)
	git archive --format=tar.gz --prefix=neurond-$(VERSION)/ -o $(OUT)/neurond-$(VERSION).tar.gz HEAD

deb: all  ## a package for Debian, build/neurond_VERSION_ARCH.deb
	@OUT=$(OUT) MAKE='$(MAKE) OUT=$(OUT)' contrib/debian/build.sh

clean:  ## remove build/
	rm -rf build

help:  ## this list
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

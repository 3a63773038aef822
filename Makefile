# SPDX-License-Identifier: GPL-2.0-or-later
# make [V=1] [SAN=1] [WERROR=1] [all|demo|check|benches|fuzz|deps|deps-all|install|format|lint|clean]

VERSION := $(shell cat VERSION)
export DESTDIR PREFIX SBINDIR MANDIR UNITDIR DOCDIR
PKG_CONFIG ?= pkg-config

# The two commands of the README install what is missing first; plain make never does.
# "deps-all" adds what few tests need, and is large: a browser, load generators, clang.
ifneq ($(filter deps deps-all demo check,$(MAKECMDGOALS)),)
ifneq ($(shell sh packaging/deps.sh $(filter deps-all,$(MAKECMDGOALS)) >&2 || echo failed),)
$(error could not install what is missing; see packaging/deps.sh for the list)
endif
endif

, := ,
FUZZ := $(filter fuzz,$(MAKECMDGOALS))
B := build$(if $(FUZZ),-fuzz,$(if $(SAN),-san))
Q := $(if $(V),,@)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -Wpointer-arith -Wwrite-strings -Wundef -Wvla -Wformat=2 \
        -Wnull-dereference -Wimplicit-fallthrough -Wno-unused-parameter
HARDEN := -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
PKGS := libmnl libnftnl libnftables libnetfilter_conntrack jansson libconfuse libcap-ng
ifneq ($(filter-out clean format deps deps-all,$(or $(MAKECMDGOALS),all)),)
ifeq ($(shell $(PKG_CONFIG) --exists $(PKGS) ncursesw && echo y),)
$(error libraries are missing: run "make deps")
endif
endif
CFLAGS ?= -O2 -g
CC := $(if $(FUZZ),clang,$(CC))
override CPPFLAGS += -I. -D_GNU_SOURCE -DCTKIT_VERSION='"$(VERSION)"' -MMD -MP \
        $(shell $(PKG_CONFIG) --cflags $(PKGS))
override CFLAGS += -std=gnu11 $(HARDEN) $(WARN) $(if $(WERROR),-Werror) \
        $(if $(SAN)$(FUZZ),-fsanitize=address$(,)undefined -fno-sanitize-recover=undefined) \
        $(if $(FUZZ),-fsanitize=fuzzer-no-link)
override LDFLAGS += -pie -Wl,-z,relro,-z,now,--as-needed
# Debian's libev has no .pc file; other distributions add one.
override LDLIBS += $(shell $(PKG_CONFIG) --libs $(PKGS)) \
        $(shell $(PKG_CONFIG) --libs libev 2>/dev/null || echo -lev) -lm

# llhttp: a library (Debian 13), else the sources that Debian 12 ships for Node.
ifeq ($(shell $(PKG_CONFIG) --exists libllhttp 2>/dev/null && echo y),y)
LLHTTP := $(shell $(PKG_CONFIG) --libs libllhttp)
override CPPFLAGS += $(shell $(PKG_CONFIG) --cflags libllhttp)
else
LLHTTP_SRC ?= /usr/share/llhttp
LLHTTP_INC ?= /usr/share/include/llhttp
LLHTTP := $B/llhttp.a
override CPPFLAGS += -isystem $(LLHTTP_INC)
endif

# A program is one file with main() plus the folders it may use. The linker
# enforces the module graph: what is not listed here cannot be called.
PROGRAMS := $(basename $(wildcard server/ctserve.c server/ctload.c conntrack/ctwatch.c \
        rules/ctrules.c guard/ctguard.c))
server/ctserve_USES := server lib
server/ctload_USES := server lib
conntrack/ctwatch_USES := conntrack lib
conntrack/ctwatch_LIBS = $(shell $(PKG_CONFIG) --libs ncursesw)
rules/ctrules_USES := rules lib
guard/ctguard_USES := guard conntrack rules lib
FOLDERS := guard conntrack rules server lib

objs = $(patsubst %.c,$B/%.o,$(filter-out $(PROGRAMS:=.c),$(sort $(wildcard $1/*.c))))
UNITS := $(patsubst %.c,$B/%,$(sort $(wildcard tests/unit/*.c)))
TOOLS := $(patsubst %.c,$B/%,$(sort $(wildcard tests/tools/*.c)))
BENCHES := $(patsubst %.c,$B/%,$(sort $(wildcard tests/bench/*.c)))
FUZZERS := $(patsubst %.c,$B/%,$(filter-out %/replay.c,$(sort $(wildcard tests/fuzz/*.c))))
SOURCES = $(wildcard $(FOLDERS:=/*.[ch]) tests/*/*.[ch])

all: $(PROGRAMS:%=$B/%)

.SECONDEXPANSION:
$(PROGRAMS:%=$B/%): $B/%: $B/%.o $$(foreach d,$$($$*_USES),$B/$$d.a) $$(LLHTTP)
	$(if $Q,@echo "  LD      $@")
	$Q$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $($*_LIBS) $(LDLIBS)

# A unit test may include the .c of the module that it is named after.
$(UNITS): $B/%: $B/%.o $(FOLDERS:%=$B/%.a) $(LLHTTP)
	$(if $Q,@echo "  LD      $@")
	$Q$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)

$(BENCHES): $B/%: $B/%.o $(FOLDERS:%=$B/%.a) $(LLHTTP)
	$(if $Q,@echo "  LD      $@")
	$Q$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# gcc has no fuzzer: there the driver only replays the corpus.
$(FUZZERS): $B/%: $B/%.o $(if $(FUZZ),,$B/tests/fuzz/replay.o) $(FOLDERS:%=$B/%.a) $(LLHTTP)
	$(if $Q,@echo "  LD      $@")
	$Q$(CC) $(CFLAGS) $(if $(FUZZ),-fsanitize=fuzzer) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(TOOLS): $B/%: $B/%.o $B/conntrack.a $B/rules.a $B/lib.a
	$(if $Q,@echo "  LD      $@")
	$Q$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$B/llhttp.a: $(patsubst %,$B/llhttp/%.o,api http llhttp)
	$Q$(RM) $@ && $(AR) rcs $@ $^

$B/llhttp/%.o: $(LLHTTP_SRC)/%.c
	@mkdir -p $(@D)
	$(if $Q,@echo "  CC      $<")
	$Q$(CC) -isystem $(LLHTTP_INC) -O2 -g -fPIE $(if $(FUZZ),$(CFLAGS)) -w -c -o $@ $<

$(FOLDERS:%=$B/%.a): $B/%.a: $$(call objs,$$*)
	$Q$(RM) $@ && $(AR) rcs $@ $^

$B/%.o: %.c
	@mkdir -p $(@D)
	$(if $Q,@echo "  CC      $<")
	$Q$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

deps deps-all: ;@:

demo: all $(TOOLS)
	@tests/demo/run $B

check: all $(UNITS) $(TOOLS) $(FUZZERS)
	@tests/run $B

benches: all $(BENCHES) $(TOOLS)

fuzz: $(if $(shell command -v clang),$(FUZZERS))
	@tests/fuzz/run $B $(or $(FUZZ_SECONDS),30)

install: all
	@packaging/install $B

format:
	clang-format -i $(SOURCES)

# Tests are subshells and share variables with lib.bash, wait_until evals; lists of words are wanted.
NOT_IN_BATS := SC1010,SC1083,SC2001,SC2013,SC2016,SC2030,SC2031,SC2034,SC2059,SC2086,SC2102,SC2154

lint:
	clang-format --dry-run -Werror $(SOURCES)
	cppcheck -q --enable=warning,style,performance,portability --inline-suppr \
	  --suppressions-list=tests/cppcheck.list --error-exitcode=1 -I. $(FOLDERS)
	shellcheck $$(git grep -l -E '^#!/bin/(ba)?sh')
	shellcheck -s bats -e $(NOT_IN_BATS) tests/*/*.bats tests/system/*.bash

clean:
	$(RM) -r build build-san build-fuzz

.PHONY: all deps deps-all demo check benches fuzz install format lint clean
.SECONDARY:
.DELETE_ON_ERROR:
-include $(shell find $B -name '*.d' 2>/dev/null)

# Holdfast. `make help` lists the targets.
#
# BUILD      where everything goes; each sanitizer builds into a folder of its own below build/
# CC         gcc or clang
# SANITIZE   compiler and linker flags of a sanitizer (the targets asan, tsan and fuzz set it)
# SCALE      how long the randomised tests run: 1 (a tenth, the default) or full
# SEED       of everything random in tests and fuzzing; empty: a new one, which is printed
# SEEDS      how many of them `make sim` runs, from SEED on
# JOBS       in so many processes; else as many as there are processors
# STEPS, FAULTS   the part of one seed's schedule that `make sim` carries out (tests/README.md)
# TIME_S     how long `make fuzz` runs, all targets together
# V=1        prints every command as it is given
# PREFIX, SYSCONFDIR, DESTDIR   where `make install` puts things
BUILD    ?= build
CC       := $(if $(filter default,$(origin CC)),cc,$(CC))
SCALE    ?= 1
SEED     ?=
STEPS    ?=
SEEDS    ?=
JOBS     ?=
FAULTS   ?=
TIME_S   ?= 60
PREFIX   ?= /usr/local
DESTDIR  ?=
OPTIMIZE ?= -O2
SANITIZE ?=
DEFINES  ?=
CFLAGS   ?= -g
WERROR   ?= -Werror

VERSION  := $(shell sed -n 's/^\#define HF_VERSION "\(.*\)"$$/\1/p' engine/version.h)
SOMAJOR  := $(firstword $(subst ., ,$(VERSION)))

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes $(WERROR)
PACKAGES := libuv libxxhash liblz4 inih zlib jansson libedit
# Evaluated when first used: `make test` begins on a machine that has none of them yet.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
pkg_libs   = $$(pkg-config --libs $(1))
HF_CFLAGS  = -std=c11 -D_GNU_SOURCE -DXXH_INLINE_ALL $(DEFINES) -I. $(WARNINGS) $(OPTIMIZE) \
             $(SANITIZE) -fPIC -fvisibility=hidden -pthread -MMD -MP $(PKG_CFLAGS) $(CFLAGS)
# The server is optimized as a whole, across files, when gcc builds it as it will run. Its objects
# hold machine code besides, for everything else that is made of them: tests link in no time.
LTO       := $(if $(SANITIZE)$(findstring clang,$(shell $(CC) --version)),,-flto)
LINK       = @$(if $(V),,echo "link $@";) $(if $(V),set -x;) $(CC) $(SANITIZE) -pthread -fno-lto $(LDFLAGS)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# ---------------------------------------------------------------- what is built from what

sources = $(wildcard $(1))
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(call sources,$(1)))

ENGINE_LIB      := $(BUILD)/lib/libhf_engine.a
NET_LIB         := $(BUILD)/lib/libhf_net.a
PERSISTENCE_LIB := $(BUILD)/lib/libhf_persistence.a
TOOLS_LIB       := $(BUILD)/lib/libhf_tools.a
TEST_LIB        := $(BUILD)/lib/libhf_test.a
CLIENT_LIB      := $(BUILD)/libholdfast.a
CLIENT_SO       := $(BUILD)/libholdfast.so

# libholdfast: the client and the few modules that know its bytes and words.
CLIENT_SOURCES := $(call sources,net/client*.c net/frame.c net/codec*.c net/buffer.c) \
                  $(call sources,engine/err.c engine/words.c engine/text.c engine/assert.c)
CLIENT_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(CLIENT_SOURCES))

# A program is built when its folder has a main.
main_in = $(shell grep -ls '^int main\b' $(1)/*.c)
SERVER := $(if $(call main_in,tools/holdfastd),$(BUILD)/holdfastd)
CLI    := $(if $(call main_in,tools/holdfast),$(BUILD)/holdfast)
LOGS   := $(if $(call main_in,tools/holdfast-log),$(BUILD)/holdfast-log)
REPLAY := $(if $(call main_in,bench/replay),$(BUILD)/holdfast-replay)
LOAD   := $(if $(call main_in,bench/load),$(BUILD)/holdfast-bench)
MICRO  := $(if $(call main_in,bench/micro),$(BUILD)/holdfast-micro)
CLIENT := $(if $(call sources,net/client*.c),$(CLIENT_LIB) $(CLIENT_SO))
PROGRAMS := $(SERVER) $(CLI) $(LOGS) $(REPLAY) $(LOAD)

# test_*.c is a program each; the other files of a folder are shared by the programs beside them.
TEST_FOLDERS := unit integration model sim
test_programs = $(patsubst tests/%.c,$(BUILD)/tests/%,$(call sources,tests/$(1)/test_*.c))
test_helpers  = $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out tests/$(1)/test_% tests/$(1)/main.c,\
                $(call sources,tests/$(1)/*.c)))
UNIT_TESTS        := $(call test_programs,unit)
INTEGRATION_TESTS := $(call test_programs,integration)
MODEL_TESTS       := $(call test_programs,model)
SIM_TESTS         := $(call test_programs,sim)
FUZZ_SOURCES      := $(call sources,tests/fuzz/fuzz_*.c)
FUZZ_TESTS        := $(patsubst tests/%.c,$(BUILD)/tests/%,$(FUZZ_SOURCES))
FUZZ_HELPERS      := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out tests/fuzz/fuzz_% tests/fuzz/main.c,\
                     $(call sources,tests/fuzz/*.c)))
TEST_PROGRAMS     := $(UNIT_TESTS) $(INTEGRATION_TESTS) $(MODEL_TESTS) $(SIM_TESTS) $(FUZZ_TESTS)
SCRIPT_TESTS      := $(call sources,tests/integration/test_*.sh tests/integration/test_*.py)
FUZZERS           := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SOURCES))

all: $(PROGRAMS) $(MICRO) $(CLIENT) ## every program and library, into build/ (the default)

# A change of compiler or flags rebuilds what they were used for.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(HF_CFLAGS) $(LTO)' | cmp -s - $@ || echo '$(CC) $(HF_CFLAGS) $(LTO)' >$@

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@$(if $(V),,echo "cc $<")
	$(if $(V),,@)$(CC) $(HF_CFLAGS) $(LTO_CFLAGS) -c $< -o $@

# Appended, not replaced: two folders may each have a main.c.
%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(if $(V),,@)ar qcs $@ $^

$(ENGINE_LIB): $(call objects,engine/*.c)
$(NET_LIB): $(call objects,net/*.c)
$(PERSISTENCE_LIB): $(call objects,persistence/*.c)
$(TOOLS_LIB): $(call objects,tools/*/*.c bench/*/*.c)
$(TEST_LIB): $(call objects,tests/lib/*.c)
$(CLIENT_LIB): $(CLIENT_OBJECTS)

$(CLIENT_SO).$(VERSION): $(CLIENT_OBJECTS)
	$(LINK) -shared -Wl,-soname,libholdfast.so.$(SOMAJOR) -o $@ $^
$(CLIENT_SO).$(SOMAJOR): $(CLIENT_SO).$(VERSION)
	@ln -sf $(<F) $@
$(CLIENT_SO): $(CLIENT_SO).$(SOMAJOR)
	@ln -sf $(<F) $@

COMMON := $(call objects,tools/common/*.c)
LTO_OBJECTS := $(filter-out $(CLIENT_OBJECTS),$(call objects,engine/*.c net/*.c persistence/*.c))
$(LTO_OBJECTS): LTO_CFLAGS := $(if $(LTO),$(LTO) -ffat-lto-objects)

$(BUILD)/holdfastd $(BUILD)/holdfast-micro: LDFLAGS += $(if $(LTO),$(LTO)=auto $(OPTIMIZE))
$(BUILD)/holdfastd: $(call objects,tools/holdfastd/*.c) $(COMMON) $(NET_LIB) $(PERSISTENCE_LIB) \
                    $(ENGINE_LIB)
	$(LINK) -o $@ $^ $(call pkg_libs,libuv liblz4 inih) -lm

$(BUILD)/holdfast: $(call objects,tools/holdfast/*.c) $(COMMON) $(CLIENT_LIB)
	$(LINK) -o $@ $^ $(call pkg_libs,jansson libedit)

$(BUILD)/holdfast-log: $(call objects,tools/holdfast-log/*.c) $(COMMON) $(PERSISTENCE_LIB) \
                       $(ENGINE_LIB)
	$(LINK) -o $@ $^ $(call pkg_libs,liblz4)

$(BUILD)/holdfast-replay: $(call objects,bench/replay/*.c) $(COMMON) $(CLIENT_LIB)
	$(LINK) -o $@ $^ $(call pkg_libs,zlib)

$(BUILD)/holdfast-bench: $(call objects,bench/load/*.c) $(COMMON) $(CLIENT_LIB)
	$(LINK) -o $@ $^ -lm

$(BUILD)/holdfast-micro: $(call objects,bench/micro/*.c) $(COMMON) $(ENGINE_LIB)
	$(LINK) -o $@ $^

define test_rule
$(BUILD)/tests/$(1)/%: $(BUILD)/obj/tests/$(1)/%.o $(call test_helpers,$(1)) $(TEST_LIB) \
                       $(TOOLS_LIB) $(NET_LIB) $(PERSISTENCE_LIB) $(ENGINE_LIB)
	@mkdir -p $$(@D)
	$$(LINK) -o $$@ $$^ $$(call pkg_libs,cmocka $$(PACKAGES)) -lm
endef
$(foreach folder,$(TEST_FOLDERS),$(eval $(call test_rule,$(folder))))

# Planted defects: these functions are called through the test's own (tests/sim/test_planted.c).
PLANTED := hf_tail_judge hf_effect_apply hf_image_put hf_image_read_ref \
           hf_directory_sync
$(BUILD)/tests/sim/test_planted: LDFLAGS += $(PLANTED:%=-Wl,--wrap=%)

# Allocations fail on demand there (tests/lib/fail_alloc.h).
$(BUILD)/tests/unit/test_failed_calls: override LDFLAGS += \
    -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=mmap

$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(FUZZ_HELPERS) $(TEST_LIB) $(TOOLS_LIB) $(NET_LIB) \
                 $(PERSISTENCE_LIB) $(ENGINE_LIB)
	@mkdir -p $(@D)
	$(LINK) -fsanitize=fuzzer -o $@ $^ $(call pkg_libs,cmocka $(PACKAGES)) -lm

# The same targets without libFuzzer: they run what the corpus in the tree holds.
$(BUILD)/tests/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/obj/tests/fuzz/main.o $(FUZZ_HELPERS) \
                       $(TEST_LIB) $(TOOLS_LIB) $(NET_LIB) $(PERSISTENCE_LIB) $(ENGINE_LIB)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(call pkg_libs,cmocka $(PACKAGES)) -lm

tests-build: all $(TEST_PROGRAMS)
fuzz-build: $(FUZZERS)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# ---------------------------------------------------------------- running it

run: ## installs what is missing, builds, plays a shopping day and goes on serving
	@tools/install-deps build
	@$(MAKE) --no-print-directory -s all
	@HOLDFAST_BUILD=$(abspath $(BUILD)) tools/sample/day run

demo: ## the same shopping day, then exits
	@tools/install-deps build
	@$(MAKE) --no-print-directory -s all
	@HOLDFAST_BUILD=$(abspath $(BUILD)) tools/sample/day demo

bench: ## first figures: machine, command, commit, full percentiles
	@tools/install-deps build
	@$(MAKE) --no-print-directory -s all
	@HOLDFAST_BUILD=$(abspath $(BUILD)) bench/figures

# ---------------------------------------------------------------- tests

# The environment of every test program and script.
TEST_ENV = HOLDFAST_BUILD=$(abspath $(BUILD)) HOLDFASTD=$(abspath $(BUILD))/holdfastd \
           SCALE=$(SCALE) SEED=$(SEED) STEPS=$(STEPS)

test: ## installs what is missing, then all tests; a tenth of the random counts, SCALE=full for all
	@tools/install-deps build test
	@$(MAKE) --no-print-directory tests-run

tests-run: tests-build
	@$(TEST_ENV) tests/run $(UNIT_TESTS) $(INTEGRATION_TESTS) $(MODEL_TESTS) $(SIM_TESTS) \
	    $(FUZZ_TESTS) $(SCRIPT_TESTS)

unit: $(UNIT_TESTS) ## the unit tests only
	@$(TEST_ENV) tests/run $(UNIT_TESTS)

integration: all $(INTEGRATION_TESTS) ## the integration tests only
	@$(TEST_ENV) tests/run $(INTEGRATION_TESTS) $(SCRIPT_TESTS)

model: $(MODEL_TESTS) ## the model tests only
	@$(TEST_ENV) tests/run $(MODEL_TESTS)

# The order file and the programs run unchanged below a sanitizer, only slower.
ASAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
TSAN := -fsanitize=thread

asan: ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/install-deps build test sanitize
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan SANITIZE='$(ASAN)' OPTIMIZE=-O1 tests-run

tsan: ## the tests with threads under ThreadSanitizer
	@tools/install-deps build test sanitize
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan SANITIZE='$(TSAN)' OPTIMIZE=-O1 tsan-run

# Everything else in unit and model tests has one thread only, by design of engine and simulation. The
# order file is left to the other builds: its audits are slow here, and the same threads run below.
tsan-run: all $(INTEGRATION_TESTS) $(filter %thread %threads,$(UNIT_TESTS))
	@$(TEST_ENV) tests/run $(filter %thread %threads,$(UNIT_TESTS)) $(INTEGRATION_TESTS) \
	    $(filter-out %/test_order_file.py,$(SCRIPT_TESTS))

fuzz: ## libFuzzer over every decoder; SEED= TIME_S=
	@tools/install-deps build test fuzz
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/libfuzzer CC=clang OPTIMIZE=-O1 \
	    SANITIZE='$(ASAN) -fsanitize=fuzzer-no-link' fuzz-build
	@BUILD=$(BUILD)/libfuzzer SEED=$(SEED) TIME_S=$(TIME_S) tests/fuzz/run

sim: ## the simulator of server, disk, network and clock in one thread; SEED= SEEDS= JOBS= STEPS= FAULTS=
	@tools/install-deps build test
	@$(MAKE) --no-print-directory -s $(BUILD)/tests/sim/main
	@$(TEST_ENV) SEEDS=$(SEEDS) FAULTS=$(FAULTS) JOBS=$(JOBS) $(BUILD)/tests/sim/main

# ---------------------------------------------------------------- the source itself

FORMATTED := $(call sources,engine/*.[ch] net/*.[ch] persistence/*.[ch] tools/*/*.[ch] \
             bench/*/*.[ch] tests/*/*.[ch])
ANALYZED  := $(filter-out tests/%,$(filter %.c,$(FORMATTED)))

fmt: ## formats every source file
	clang-format -i $(FORMATTED)

check: ## formatting, include arrows, lines, banned calls, static analysis, gcc and clang builds
	@tools/install-deps build test check
	@$(MAKE) --no-print-directory check-format check-tree check-header check-analysis
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/gcc CC=gcc tests-build check-prefetch
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/clang CC=clang tests-build
	@$(MAKE) --no-print-directory check-readme
	@echo "make check: clean"

check-format:
	@echo "clang-format of $(words $(FORMATTED)) files"
	@clang-format --dry-run -Werror $(FORMATTED)

check-tree:
	tools/check-tree

# A compiler that takes fetching ahead for a thing without effect drops it, and no test would notice
# (hf_prefetch): what was compiled is counted.
check-prefetch: $(call objects,engine/touch.c engine/image_load.c engine/image_prepare.c)
	@for object in $^; do \
	    count=$$(objdump -d $$object | grep -c prefetch); \
	    [ $$count -ge 4 ] || { echo "$$object: $$count prefetches; are they dropped?"; exit 1; }; \
	done

# The public header needs nothing before it, in C99, C11 and C++; no header needs another before it.
check-header: $(addprefix $(BUILD)/headers/,$(filter %.h,$(FORMATTED)))
	gcc -std=c99 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c net/holdfast.h
	clang -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c net/holdfast.h
	g++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c++ net/holdfast.h
	clang++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c++ net/holdfast.h

$(BUILD)/headers/%.h: %.h $(filter %.h,$(FORMATTED))
	@mkdir -p $(@D)
	@$(CC) $(filter-out -MMD -MP,$(HF_CFLAGS)) -Wno-unused -Wno-pedantic -fsyntax-only -include $< -x c /dev/null
	@touch $@

check-analysis: $(addprefix $(BUILD)/tidy/,$(ANALYZED:.c=.tidy))
	@echo "cppcheck of $(words $(ANALYZED)) files"
	@cppcheck --std=c11 --quiet --error-exitcode=1 --inline-suppr -j2 \
	    --enable=warning,performance,portability --suppressions-list=.cppcheck -I. $(ANALYZED)

# One file at a time, again only when it or a header has changed.
$(BUILD)/tidy/%.tidy: %.c .clang-tidy $(filter %.h,$(FORMATTED))
	@mkdir -p $(@D)
	@echo "clang-tidy $<"
	@clang-tidy --quiet --warnings-as-errors='*' $< -- $(filter-out -MMD -MP,$(HF_CFLAGS)) 2>$@.log \
	    || { cat $@.log; exit 1; }
	@touch $@

# The C example of README.md is compiled and linked as a caller would.
check-readme: all
	tools/check-readme $(BUILD)

# ---------------------------------------------------------------- installation

LIBDIR     := $(PREFIX)/lib
SYSCONFDIR ?= $(PREFIX)/etc
MAN_PAGES := $(call sources,tools/install/*.1 tools/install/*.8)
FILL_IN   := sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' \
             -e 's|@VERSION@|$(VERSION)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g'

install: all ## programs, library, header, holdfast.pc, service unit, man pages (DESTDIR=, PREFIX=)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/include \
	    $(DESTDIR)$(LIBDIR)/systemd/system $(DESTDIR)$(PREFIX)/share/man/man1 \
	    $(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(PREFIX)/share/doc/holdfast \
	    $(DESTDIR)$(SYSCONFDIR)
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(CLIENT_LIB) $(DESTDIR)$(LIBDIR)
	install -m 755 $(CLIENT_SO).$(VERSION) $(DESTDIR)$(LIBDIR)
	ln -sf libholdfast.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libholdfast.so.$(SOMAJOR)
	ln -sf libholdfast.so.$(SOMAJOR) $(DESTDIR)$(LIBDIR)/libholdfast.so
	install -m 644 net/holdfast.h $(DESTDIR)$(PREFIX)/include
	$(FILL_IN) tools/install/holdfast.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/holdfast.pc
	$(FILL_IN) tools/install/holdfastd.service.in \
	    >$(DESTDIR)$(LIBDIR)/systemd/system/holdfastd.service
	for page in $(MAN_PAGES); do \
	    $(FILL_IN) $$page >$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$$(basename $$page); done
	install -m 644 LICENSE CHANGELOG.md README.md $(DESTDIR)$(PREFIX)/share/doc/holdfast
	[ -e $(DESTDIR)$(SYSCONFDIR)/holdfastd.conf ] || \
	    $(SERVER) --print-config >$(DESTDIR)$(SYSCONFDIR)/holdfastd.conf

clean: ## removes everything under build/ (also the sample's data)
	rm -rf $(BUILD)

help: ## this list
	@echo "Holdfast $(VERSION)"
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | \
	    while IFS='|' read -r target text; do printf '  make %-12s %s\n' "$$target" "$$text"; done

FORCE:
.PHONY: all run demo bench test tests-build tests-run unit integration model asan tsan tsan-run \
        fuzz fuzz-build sim fmt check check-format check-tree check-header check-analysis \
        check-readme install clean help FORCE
.SECONDARY:

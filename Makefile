# Holdfast. `make help` lists the targets.
#
# BUILD    where everything goes; each sanitizer builds into a folder of its own
# CC       gcc or clang
# SCALE    how long the randomised tests run: 1 (a tenth, the default) or full
BUILD   ?= build
CC      ?= cc
SCALE   ?= 1
SEED    ?=
TIME_S  ?= 60

PACKAGES := libuv libxxhash liblz4 inih zlib jansson
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Werror
OPTIMIZE ?= -O2
SANITIZE ?=
# Evaluated when first used: `make install-deps` runs on a machine that has none of them yet.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
CFLAGS  ?= -g
HF_CFLAGS = -std=c11 -D_GNU_SOURCE -DXXH_INLINE_ALL -I. $(WARNINGS) $(OPTIMIZE) $(SANITIZE) -fPIC \
            -fvisibility=hidden -pthread -MMD -MP $(PKG_CFLAGS) $(CFLAGS)
LINK     = $(CC) $(SANITIZE) -pthread $(LDFLAGS)

ENGINE_LIB      := $(BUILD)/lib/libhf_engine.a
NET_LIB         := $(BUILD)/lib/libhf_net.a
PERSISTENCE_LIB := $(BUILD)/lib/libhf_persistence.a
TEST_LIB        := $(BUILD)/lib/libhf_test.a

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(1)))

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HF_CFLAGS) -c $< -o $@

%.a:
	@mkdir -p $(@D)
	@rm -f $@
	ar rcs $@ $^

$(ENGINE_LIB): $(call objects,engine/*.c)
$(NET_LIB): $(call objects,net/*.c)
$(PERSISTENCE_LIB): $(call objects,persistence/*.c)
$(TEST_LIB): $(call objects,tests/lib/*.c)

UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(TEST_LIB) $(NET_LIB) $(PERSISTENCE_LIB) $(ENGINE_LIB)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $$(pkg-config --libs cmocka libuv libxxhash liblz4 inih zlib jansson) -lm

unit: $(UNIT_TESTS) ## the unit tests only
	@set -e; for t in $(UNIT_TESTS); do echo "$$t"; $$t; done

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
.PHONY: unit

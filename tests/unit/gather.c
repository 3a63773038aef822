// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/gather.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <cmocka.h>

#include "rules/model.h"

/* Dumps of a kernel 6.18, which the fuzz target starts from. */
static const char FOLDER[] = "tests/fuzz/corpus/ruleset/";

struct recording {
	uint8_t *data;
	size_t bytes;
};

static struct recording load(const char *name)
{
	struct recording recording = { 0 };
	char path[120];
	FILE *file;
	long size;

	snprintf(path, sizeof(path), "%s%s", FOLDER, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	assert_true(size > 0);
	rewind(file);
	recording.bytes = (size_t)size;
	recording.data = malloc(recording.bytes);
	assert_non_null(recording.data);
	assert_int_equal(fread(recording.data, 1, recording.bytes, file),
			 recording.bytes);
	fclose(file);
	return recording;
}

/* Returns what the first message that was refused said. */
static int gather(struct model *model, const void *data, size_t bytes)
{
	struct gather state = { .model = model };
	const struct nlmsghdr *header = data;
	int left = (int)bytes, err = 0;

	for (; !err && mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left))
		err = gather_message(&state, header);
	return err;
}

static void read_all(const char *name, struct model *model)
{
	struct recording recording = load(name);

	assert_int_equal(gather(model, recording.data, recording.bytes), 0);
	assert_int_equal(model_complete(model), 0);
	free(recording.data);
}

static unsigned opaque(const struct model *model)
{
	unsigned count = 0;

	for (const struct model_chain *chain = model->chains; chain; chain = chain->next)
		for (const struct model_rule *rule = chain->rules; rule;
		     rule = rule->next)
			for (const struct model_expr *expr = rule->exprs; expr;
			     expr = expr->next)
				count += expr->kind == MODEL_OPAQUE;
	return count;
}

static void a_recorded_ruleset_is_understood_to_the_last_attribute(void **state)
{
	static const char *const NAMES[] = { "plain", "nat", "everything", "iptables" };

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		struct model model = { 0 };

		read_all(NAMES[i], &model);
		assert_true(model.rule_count > 0);
		assert_int_equal(opaque(&model), 0);
		model_clear(&model);
	}
}

static void chains_rules_and_policies_are_as_they_were_made(void **state)
{
	struct model model = { 0 };
	const struct model_chain *input, *output;

	read_all("plain", &model);
	input = model.chains;
	assert_string_equal(input->name, "input");
	assert_string_equal(input->table->name, "f");
	assert_int_equal(input->table->family, NFPROTO_INET);
	assert_true(input->base && input->drops);
	assert_int_equal(input->hook, NF_INET_LOCAL_IN);
	assert_int_equal(input->type, MODEL_TYPE_FILTER);
	assert_int_equal(input->rules->exprs->kind, MODEL_CT);
	assert_int_equal(input->rules->exprs->number[0], NFT_CT_STATE);
	assert_int_equal(input->rules->exprs->to, 0);
	assert_int_equal(input->last->number, 3);
	assert_true(input->rules->effects & MODEL_ASKS_CT);
	output = input->next;
	assert_string_equal(output->name, "output");
	assert_true(output->effects & MODEL_REFUSES);
	model_clear(&model);
}

static struct model_set set_named(const struct model *model, const char *name)
{
	const struct model_set *set = model->sets;

	while (set && strcmp(set->name, name) != 0)
		set = set->next;
	return set ? *set : (struct model_set){ 0 };
}

static void intervals_are_put_together(void **state)
{
	struct model_set set;
	struct model model = { 0 };

	read_all("everything", &model);
	set = set_named(&model, "s");
	assert_true(set.count == 2);
	assert_memory_equal(set.elems[0].key.at, "\x0a\0\0\0", 4);
	assert_memory_equal(set.elems[0].key_end.at, "\x0a\xff\xff\xff", 4);
	assert_memory_equal(set.elems[1].key_end.at, "\xc0\xa8\xff\xff", 4);
	set = set_named(&model, "x");
	assert_true(set.count == 1);
	assert_memory_equal(set.elems[0].key.at, "\x0a\0\0\0\0\x50\0\0", 8);
	assert_memory_equal(set.elems[0].key_end.at, "\x0a\xff\xff\xff\0\x5a\0\0", 8);
	set = set_named(&model, "m");
	assert_true(set.count == 2);
	assert_int_equal(set.elems[1].verdict.code, MODEL_JUMP);
	assert_non_null(set.elems[1].verdict.chain);
	model_clear(&model);
}

/* Each shorter than it was, in memory of its own, so that a sanitizer sees what is beyond. */
static void messages_that_are_cut_off_are_refused_or_harmless(void **state)
{
	struct recording recording = load("everything");
	const struct nlmsghdr *header = (const struct nlmsghdr *)recording.data;
	int left = (int)recording.bytes;

	for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
		size_t before = (size_t)((const uint8_t *)header - recording.data);

		for (uint32_t bytes = MNL_NLMSG_HDRLEN; bytes < header->nlmsg_len;
		     bytes += 3) {
			uint8_t *copy = malloc(before + bytes);
			struct model model = { 0 };

			assert_non_null(copy);
			memcpy(copy, recording.data, before + bytes);
			((struct nlmsghdr *)(copy + before))->nlmsg_len = bytes;
			gather(&model, copy, before + bytes);
			assert_int_equal(model_complete(&model), 0);
			model_clear(&model);
			free(copy);
		}
	}
	free(recording.data);
}

/* A rule with one expression, which has one number under one attribute; of meta and ct, and a register. */
static void put_rule(void *buffer, const char *name, uint16_t type, uint32_t value)
{
	const bool keyed = type == NFTA_META_KEY &&
			   (strcmp(name, "meta") == 0 || strcmp(name, "ct") == 0);
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nfgen = mnl_nlmsg_put_extra_header(header, sizeof(*nfgen));
	struct nlattr *list, *nest, *data;

	header->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE;
	nfgen->nfgen_family = NFPROTO_INET;
	mnl_attr_put_strz(header, NFTA_RULE_TABLE, "t");
	mnl_attr_put_strz(header, NFTA_RULE_CHAIN, "c");
	mnl_attr_put_u64(header, NFTA_RULE_HANDLE, htobe64(7));
	list = mnl_attr_nest_start(header, NFTA_RULE_EXPRESSIONS);
	nest = mnl_attr_nest_start(header, NFTA_LIST_ELEM);
	mnl_attr_put_strz(header, NFTA_EXPR_NAME, name);
	data = mnl_attr_nest_start(header, NFTA_EXPR_DATA);
	mnl_attr_put_u32(header, type, htobe32(value));
	if (keyed && value)
		mnl_attr_put_u32(header, NFTA_META_DREG, htobe32(NFT_REG_1));
	mnl_attr_nest_end(header, data);
	mnl_attr_nest_end(header, nest);
	mnl_attr_nest_end(header, list);
}

static enum model_kind kind_of(const char *name, uint16_t type, uint32_t value)
{
	struct model model = { 0 };
	struct gather state_of = { .model = &model };
	_Alignas(struct nlmsghdr) char buffer[1024];
	const struct model_chain *chain;
	enum model_kind kind;

	chain = model_add_chain(&model, model_add_table(&model, NFPROTO_INET, "t"), "c");
	put_rule(buffer, name, type, value);
	assert_int_equal(
		gather_message(&state_of, (const struct nlmsghdr *)(void *)buffer), 0);
	assert_true(chain && chain->rules && chain->rules->handle == 7);
	kind = chain->rules->exprs->kind;
	assert_string_equal(chain->rules->exprs->name, name);
	model_clear(&model);
	return kind;
}

static void what_is_not_known_is_kept_as_opaque(void **state)
{
	assert_int_equal(kind_of("quota", NFTA_QUOTA_FLAGS, 1), MODEL_QUOTA);
	/* An expression, an attribute and a register that there were not. */
	assert_int_equal(kind_of("tarpit", 1, 1), MODEL_OPAQUE);
	assert_int_equal(kind_of("quota", 12, 1), MODEL_OPAQUE);
	assert_int_equal(kind_of("quota", 30, 1), MODEL_OPAQUE);
	assert_int_equal(kind_of("quota", 300, 1), MODEL_OPAQUE);
	assert_int_equal(kind_of("rt", NFTA_RT_DREG, 77), MODEL_OPAQUE);
	/* Something to ask that there was not. */
	assert_int_equal(kind_of("meta", NFTA_META_KEY, NFT_META_MARK), MODEL_META);
	assert_int_equal(kind_of("meta", NFTA_META_KEY, 38), MODEL_OPAQUE);
	assert_int_equal(kind_of("ct", NFTA_CT_KEY, NFT_CT_ID), MODEL_CT);
	assert_int_equal(kind_of("ct", NFTA_CT_KEY, NFT_CT_MAX + 1), MODEL_OPAQUE);
	assert_int_equal(kind_of("fib", NFTA_FIB_RESULT, 4), MODEL_OPAQUE);
	assert_int_equal(kind_of("exthdr", NFTA_EXTHDR_OP, 5), MODEL_OPAQUE);
	/* What it cannot do without. */
	assert_int_equal(kind_of("meta", NFTA_META_KEY, 0), MODEL_OPAQUE);
	assert_int_equal(kind_of("cmp", NFTA_CMP_OP, 1), MODEL_OPAQUE);
}

static void rules_of_a_chain_that_was_not_listed_mean_a_change(void **state)
{
	struct model model = { 0 };
	struct gather state_of = { .model = &model };
	_Alignas(struct nlmsghdr) char buffer[1024];

	put_rule(buffer, "quota", NFTA_QUOTA_FLAGS, 1);
	assert_int_equal(
		gather_message(&state_of, (const struct nlmsghdr *)(void *)buffer),
		-EINTR);
	model_clear(&model);
}

/* A base chain for eth0 and for a device that is named as type says, with so many bytes. */
static struct model_device device_of(uint16_t type, const char *name, size_t bytes)
{
	struct model model = { 0 };
	struct gather state_of = { .model = &model };
	_Alignas(struct nlmsghdr) char buffer[1024];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nfgen = mnl_nlmsg_put_extra_header(header, sizeof(*nfgen));
	struct model_device device;
	struct nlattr *hook, *list;

	header->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN;
	nfgen->nfgen_family = NFPROTO_NETDEV;
	model_add_table(&model, NFPROTO_NETDEV, "t");
	mnl_attr_put_strz(header, NFTA_CHAIN_TABLE, "t");
	mnl_attr_put_strz(header, NFTA_CHAIN_NAME, "c");
	hook = mnl_attr_nest_start(header, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(header, NFTA_HOOK_HOOKNUM, 0);
	mnl_attr_put_u32(header, NFTA_HOOK_PRIORITY, 0);
	list = mnl_attr_nest_start(header, NFTA_HOOK_DEVS);
	mnl_attr_put_strz(header, NFTA_DEVICE_NAME, "eth0");
	mnl_attr_put(header, type, bytes, name);
	mnl_attr_nest_end(header, list);
	mnl_attr_nest_end(header, hook);
	assert_int_equal(gather_message(&state_of, header), 0);
	assert_int_equal(model.chains->devices, 2);
	assert_string_equal(model.chains->device[0].name, "eth0");
	assert_int_equal(model.chains->device[0].bytes, MODEL_DEVICE_BYTES);
	device = model.chains->device[1];
	model_clear(&model);
	return device;
}

static void devices_are_names_or_what_names_begin_with(void **state)
{
	static const char LONG[] = "longer-than-a-name";
	const uint16_t prefix = 2, unknown = 3;

	assert_int_equal(device_of(NFTA_DEVICE_NAME, "lan", 4).bytes, MODEL_DEVICE_BYTES);
	assert_int_equal(device_of(NFTA_DEVICE_NAME, "lan", 3).bytes, 3);
	assert_int_equal(device_of(prefix, "lan", 4).bytes, 3);
	assert_string_equal(device_of(prefix, "lan", 4).name, "lan");
	assert_int_equal(device_of(unknown, "lan", 4).bytes, 0);
	assert_int_equal(device_of(NFTA_DEVICE_NAME, LONG, sizeof(LONG)).bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recorded_ruleset_is_understood_to_the_last_attribute),
		cmocka_unit_test(chains_rules_and_policies_are_as_they_were_made),
		cmocka_unit_test(intervals_are_put_together),
		cmocka_unit_test(messages_that_are_cut_off_are_refused_or_harmless),
		cmocka_unit_test(what_is_not_known_is_kept_as_opaque),
		cmocka_unit_test(devices_are_names_or_what_names_begin_with),
		cmocka_unit_test(rules_of_a_chain_that_was_not_listed_mean_a_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/ruleset.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnftnl/expr.h>

#include <cmocka.h>

#include "rules/message.h"
#include "rules/plan.h"

/* Messages are built as ours are sent: what the kernel dumps has the same attributes. */
struct sample {
	_Alignas(struct nlmsghdr) char bytes[MESSAGE_BYTES_MAX];
	struct nlmsghdr *header;
};

/* Of single ports on every address, and on IPv4 addresses; of ranges. */
enum { IN_MAP = 0, OUT_MAP = 1, IN4_MAP = 2, RANGE_MAP = 6 };

static const struct service UDP_9000 = { .proto = IPPROTO_UDP,
					 .first_port = 9000,
					 .last_port = 9000 };

static void build(struct sample *sample, uint16_t message, uint8_t family,
		  const struct change *change)
{
	sample->header = nftnl_nlmsg_build_hdr(
		sample->bytes, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), family, 0,
		1);
	if (change)
		assert_int_equal(message_write(sample->header, change), 0);
}

static void build_rule(struct sample *sample, const char *table, const char *chain,
		       const char *const names[])
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	build(sample, NFT_MSG_NEWRULE, NFPROTO_INET, NULL);
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, table);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
	for (; *names; names++) {
		struct nftnl_expr *expr = nftnl_expr_alloc(*names);

		if (strcmp(*names, "counter") == 0) {
			nftnl_expr_set_u64(expr, NFTNL_EXPR_CTR_PACKETS, 3);
			nftnl_expr_set_u64(expr, NFTNL_EXPR_CTR_BYTES, 300);
		}
		nftnl_rule_add_expr(rule, expr);
	}
	nftnl_rule_nlmsg_build_payload(sample->header, rule);
	nftnl_rule_free(rule);
}

static const char *const NOTRACK[] = { "counter", "notrack", NULL };
static const char *const ONLY_COUNTER[] = { "counter", NULL };
static const char *const TWICE[] = { "counter", "notrack", "notrack", NULL };

static void our_table_is_known_by_its_tag(void **state)
{
	const struct change add = { .kind = CHANGE_ADD_TABLE };
	const struct change bare = { .kind = CHANGE_DELETE_TABLE };
	struct ruleset ruleset = { 0 };
	struct sample sample;

	build(&sample, NFT_MSG_NEWTABLE, NFPROTO_INET, &add);
	assert_int_equal(table_cb(sample.header, &ruleset), MNL_CB_OK);
	assert_true(ruleset.present && ruleset.ours);
	assert_false(ruleset.owned || ruleset.dormant);
	build(&sample, NFT_MSG_NEWTABLE, NFPROTO_INET, &bare);
	assert_int_equal(table_cb(sample.header, &ruleset), MNL_CB_OK);
	assert_true(ruleset.present);
	assert_false(ruleset.ours);
}

static void only_the_whole_tag_counts(void **state)
{
	const uint8_t size = sizeof(LAYOUT_TAG);
	uint8_t data[100] = { 1, 2, 0, 0, 0, size };

	memcpy(data + 6, LAYOUT_TAG, size);
	assert_true(ruleset_is_tagged(data, 6U + size));
	assert_true(ruleset_is_tagged(data + 4, 2U + size));
	assert_false(ruleset_is_tagged(data, 5U + size));
	assert_false(ruleset_is_tagged(data, 0));
	assert_false(ruleset_is_tagged(data, 1));
	assert_false(ruleset_is_tagged(data, 5));
	data[5] = 255;
	assert_false(ruleset_is_tagged(data, 6U + size));
	data[5] = size - 1;
	assert_false(ruleset_is_tagged(data, 6U + size));
	data[5] = size;
	data[8] ^= 1;
	assert_false(ruleset_is_tagged(data, 6U + size));
}

static void the_rules_of_a_service_make_its_entry(void **state)
{
	struct ruleset ruleset = { 0 };
	struct sample sample;

	build_rule(&sample, "ctkit", "in_udp_9000", NOTRACK);
	assert_int_equal(rule_cb(sample.header, &ruleset), MNL_CB_OK);
	build_rule(&sample, "ctkit", "out_udp_9000", ONLY_COUNTER);
	assert_int_equal(rule_cb(sample.header, &ruleset), MNL_CB_OK);
	assert_int_equal(ruleset.count, 1);
	assert_true(service_equal(&ruleset.services[0].service, &UDP_9000));
	assert_true(ruleset_whole(&ruleset.services[0], LAYOUT_IN));
	assert_false(ruleset_whole(&ruleset.services[0], LAYOUT_OUT));
	assert_int_equal(ruleset.services[0].sides[LAYOUT_IN].packets, 3);
	assert_int_equal(ruleset.services[0].sides[LAYOUT_IN].bytes, 300);
	assert_int_equal(ruleset.services[0].sides[LAYOUT_OUT].packets, 0);
	assert_int_equal(ruleset.services[0].sides[LAYOUT_OUT].rules, 1);
	build_rule(&sample, "ctkit", "out_udp_9000", TWICE);
	assert_int_equal(rule_cb(sample.header, &ruleset), MNL_CB_OK);
	assert_false(ruleset_whole(&ruleset.services[0], LAYOUT_OUT));
}

/* Gives the rules of service on these terms to the reader; the nth (from 1) is left out. */
static void read_rules_of(struct ruleset *ruleset, const struct service *service,
			  const struct extent *in, const struct extent *out,
			  unsigned left_out)
{
	const struct extent *const extents[] = { in, out };
	struct sample sample;
	unsigned n = 0;

	*ruleset = (struct ruleset){ 0 };
	for (int side = LAYOUT_IN; side < LAYOUT_SIDES; side++) {
		for (unsigned i = 0; i < untrack_count(extents[side], service, side);
		     i++) {
			const struct change change = {
				.kind = CHANGE_ADD_UNTRACK,
				.side = (enum layout_side)side,
				.service = *service,
				.untrack = untrack_rule(extents[side], service, side, i),
			};

			if (++n == left_out)
				continue;
			build(&sample, NFT_MSG_NEWRULE, NFPROTO_INET, &change);
			assert_int_equal(rule_cb(sample.header, ruleset), MNL_CB_OK);
		}
	}
}

static bool both_whole(const struct ruleset *ruleset)
{
	return ruleset->count == 1 && ruleset_whole(&ruleset->services[0], LAYOUT_IN) &&
	       ruleset_whole(&ruleset->services[0], LAYOUT_OUT);
}

static void a_share_is_whole_with_all_its_rules_alike(void **state)
{
	const struct extent share = { EXTENT_SHARE, .percent = 30, .seed = 5 };
	const struct extent other_seed = { EXTENT_SHARE, .percent = 30, .seed = 6 };
	const struct extent larger = { EXTENT_SHARE, .percent = 31, .seed = 5 };
	const struct extent all = { .kind = EXTENT_ALL }, none = { .kind = EXTENT_SHARE };
	static struct ruleset ruleset;

	read_rules_of(&ruleset, &UDP_9000, &share, &share, 0);
	assert_true(both_whole(&ruleset));
	assert_int_equal(ruleset_extent(&ruleset.services[0])->percent, 30);
	assert_int_equal(ruleset_extent(&ruleset.services[0])->seed, 5);
	for (unsigned left_out = 1; left_out <= 4; left_out++) {
		read_rules_of(&ruleset, &UDP_9000, &share, &share, left_out);
		assert_false(both_whole(&ruleset));
	}
	read_rules_of(&ruleset, &UDP_9000, &share, &other_seed, 0);
	assert_false(both_whole(&ruleset));
	read_rules_of(&ruleset, &UDP_9000, &share, &larger, 0);
	assert_false(both_whole(&ruleset));
	read_rules_of(&ruleset, &UDP_9000, &share, &all, 0);
	assert_false(both_whole(&ruleset));
	read_rules_of(&ruleset, &UDP_9000, &none, &none, 0);
	assert_false(both_whole(&ruleset));
}

static void a_budget_is_whole_with_its_replies_untracked(void **state)
{
	const struct extent budget = { EXTENT_BUDGET, .packets_per_s = 30 };
	static struct ruleset ruleset;

	read_rules_of(&ruleset, &UDP_9000, &budget, &budget, 0);
	assert_true(both_whole(&ruleset));
	assert_int_equal(ruleset_extent(&ruleset.services[0])->packets_per_s, 30);
	assert_int_equal(ruleset.services[0].sides[LAYOUT_OUT].extent.kind, EXTENT_ALL);
}

static void an_element_of_a_range_has_two_ends_and_a_holder(void **state)
{
	const struct service range = { .proto = IPPROTO_UDP,
				       .first_port = 10000,
				       .last_port = 20000 };
	struct change change = { .kind = CHANGE_ADD_LEASE,
				 .map = RANGE_MAP,
				 .service = range,
				 .holder = { "ctguard", 77 } };
	static struct ruleset ruleset;
	struct reading reading = { &ruleset, RANGE_MAP };
	struct sample sample;

	build(&sample, NFT_MSG_NEWSETELEM, NFPROTO_INET, &change);
	assert_int_equal(elements_cb(sample.header, &reading), MNL_CB_OK);
	assert_int_equal(ruleset.count, 1);
	assert_true(service_equal(&ruleset.services[0].service, &range));
	assert_true(holder_equal(&ruleset.services[0].holder, &change.holder));
	/* Without its end it is none. */
	change.map = IN_MAP;
	ruleset.count = 0;
	build(&sample, NFT_MSG_NEWSETELEM, NFPROTO_INET, &change);
	assert_int_equal(elements_cb(sample.header, &reading), MNL_CB_OK);
	assert_int_equal(ruleset.count, 0);
}

static void rules_of_others_are_passed_over(void **state)
{
	struct ruleset ruleset = { 0 };
	struct sample sample;

	build_rule(&sample, "filter", "in_udp_9000", NOTRACK);
	assert_int_equal(rule_cb(sample.header, &ruleset), MNL_CB_OK);
	build_rule(&sample, "ctkit", "input", NOTRACK);
	assert_int_equal(rule_cb(sample.header, &ruleset), MNL_CB_OK);
	build_rule(&sample, "ctkit", "in_udp_9000", NOTRACK);
	((struct nfgenmsg *)mnl_nlmsg_get_payload(sample.header))->nfgen_family =
		NFPROTO_IPV4;
	assert_int_equal(rule_cb(sample.header, &ruleset), MNL_CB_OK);
	assert_int_equal(ruleset.count, 0);
	assert_int_equal(ruleset.lookups, 0);
}

static void each_look_up_is_known_again(void **state)
{
	struct ruleset ruleset = { 0 };
	struct sample sample;

	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++) {
		const struct change change = { .kind = CHANGE_ADD_LOOKUP,
					       .hook = layout_lookup(i).hook,
					       .lookup = i };

		build(&sample, NFT_MSG_NEWRULE, NFPROTO_INET, &change);
		assert_int_equal(rule_cb(sample.header, &ruleset), MNL_CB_OK);
		assert_int_equal(ruleset.lookups, (2U << i) - 1);
	}
}

static void a_look_up_in_the_wrong_place_is_not_ours(void **state)
{
	struct ruleset ruleset = { 0 };
	struct sample sample;

	for (unsigned i = 0; i < LAYOUT_LOOKUPS; i++) {
		const struct change change = {
			.kind = CHANGE_ADD_LOOKUP,
			.hook = layout_lookup(i).hook == LAYOUT_OUTPUT ? LAYOUT_PREROUTING
								       : LAYOUT_OUTPUT,
			.lookup = i,
		};

		/* The two that differ only in their chain are each other's place. */
		if (!layout_lookup(i).source && layout_lookup(i).to == LAYOUT_LOCAL)
			continue;
		build(&sample, NFT_MSG_NEWRULE, NFPROTO_INET, &change);
		assert_int_equal(rule_cb(sample.header, &ruleset), MNL_CB_OK);
	}
	assert_int_equal(ruleset.lookups, 0);
}

static void the_shorter_of_two_leases_counts(void **state)
{
	struct change change = { .kind = CHANGE_ADD_LEASE,
				 .map = IN_MAP,
				 .service = UDP_9000,
				 .lease_ms = 30000 };
	struct ruleset ruleset = { 0 };
	struct reading reading = { &ruleset, IN_MAP };
	struct sample sample;

	build(&sample, NFT_MSG_NEWSETELEM, NFPROTO_INET, &change);
	assert_int_equal(elements_cb(sample.header, &reading), MNL_CB_OK);
	assert_int_equal(ruleset.services[0].lease_ms, 30000);
	change.side = LAYOUT_OUT;
	change.map = reading.map = OUT_MAP;
	change.lease_ms = 0;
	build(&sample, NFT_MSG_NEWSETELEM, NFPROTO_INET, &change);
	assert_int_equal(elements_cb(sample.header, &reading), MNL_CB_OK);
	assert_int_equal(ruleset.count, 1);
	assert_true(ruleset.services[0].leased);
	assert_true(ruleset.services[0].sides[LAYOUT_IN].lease);
	assert_true(ruleset.services[0].sides[LAYOUT_OUT].lease);
}

static void an_element_that_jumps_elsewhere_is_not_a_lease(void **state)
{
	const struct change change = { .kind = CHANGE_ADD_LEASE,
				       .map = IN_MAP,
				       .service = UDP_9000 };
	struct ruleset ruleset = { 0 };
	struct reading reading = { &ruleset, OUT_MAP };
	struct sample sample;

	build(&sample, NFT_MSG_NEWSETELEM, NFPROTO_INET, &change);
	assert_int_equal(elements_cb(sample.header, &reading), MNL_CB_OK);
	reading.map = IN4_MAP;
	assert_int_equal(elements_cb(sample.header, &reading), MNL_CB_OK);
	assert_int_equal(ruleset.count, 0);
}

static void more_services_than_fit_are_an_error(void **state)
{
	static struct ruleset ruleset;
	struct sample sample;
	char chain[40];

	ruleset.count = 0;
	for (int port = 1; port <= RULESET_SERVICES_MAX; port++) {
		snprintf(chain, sizeof(chain), "in_udp_%d", port);
		build_rule(&sample, "ctkit", chain, NOTRACK);
		assert_int_equal(rule_cb(sample.header, &ruleset), MNL_CB_OK);
	}
	build_rule(&sample, "ctkit", "in_tcp_1", NOTRACK);
	assert_int_equal(rule_cb(sample.header, &ruleset), MNL_CB_ERROR);
	assert_int_equal(errno, E2BIG);
	assert_int_equal(ruleset.count, RULESET_SERVICES_MAX);
}

/* Every length that a message can be cut to (all are padded to four), in a block of just that size. */
static void cut_and_feed(const struct sample *sample, mnl_cb_t cb,
			 struct ruleset *ruleset, void *data)
{
	for (uint32_t length = MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg);
	     length < sample->header->nlmsg_len; length += MNL_ALIGNTO) {
		struct nlmsghdr *cut = malloc(length);

		memcpy(cut, sample->bytes, length);
		cut->nlmsg_len = length;
		cb(cut, data);
		free(cut);
	}
	assert_true(ruleset->count <= 1);
}

static void cut_messages_are_survived(void **state)
{
	const struct change table = { .kind = CHANGE_ADD_TABLE };
	const struct change lookup = { .kind = CHANGE_ADD_LOOKUP, .lookup = 6 };
	const struct change lease = { .kind = CHANGE_ADD_LEASE,
				      .service = UDP_9000,
				      .lease_ms = 1,
				      .holder = { "ctguard", 77 } };
	const struct change share = { .kind = CHANGE_ADD_UNTRACK,
				      .service = UDP_9000,
				      .untrack = {
					      .extent = { EXTENT_SHARE, .percent = 5 },
					      .family = AF_INET6 } };
	struct ruleset ruleset = { 0 };
	struct reading reading = { &ruleset, IN_MAP };
	struct sample sample;

	build(&sample, NFT_MSG_NEWTABLE, NFPROTO_INET, &table);
	cut_and_feed(&sample, table_cb, &ruleset, &ruleset);
	assert_false(ruleset.ours);
	build(&sample, NFT_MSG_NEWRULE, NFPROTO_INET, &lookup);
	cut_and_feed(&sample, rule_cb, &ruleset, &ruleset);
	assert_int_equal(ruleset.lookups, 0);
	build_rule(&sample, "ctkit", "in_udp_9000", NOTRACK);
	cut_and_feed(&sample, rule_cb, &ruleset, &ruleset);
	build(&sample, NFT_MSG_NEWRULE, NFPROTO_INET, &share);
	cut_and_feed(&sample, rule_cb, &ruleset, &ruleset);
	build(&sample, NFT_MSG_NEWSETELEM, NFPROTO_INET, &lease);
	cut_and_feed(&sample, elements_cb, &ruleset, &reading);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_table_is_known_by_its_tag),
		cmocka_unit_test(only_the_whole_tag_counts),
		cmocka_unit_test(the_rules_of_a_service_make_its_entry),
		cmocka_unit_test(a_share_is_whole_with_all_its_rules_alike),
		cmocka_unit_test(a_budget_is_whole_with_its_replies_untracked),
		cmocka_unit_test(an_element_of_a_range_has_two_ends_and_a_holder),
		cmocka_unit_test(rules_of_others_are_passed_over),
		cmocka_unit_test(each_look_up_is_known_again),
		cmocka_unit_test(a_look_up_in_the_wrong_place_is_not_ours),
		cmocka_unit_test(the_shorter_of_two_leases_counts),
		cmocka_unit_test(an_element_that_jumps_elsewhere_is_not_a_lease),
		cmocka_unit_test(more_services_than_fit_are_an_error),
		cmocka_unit_test(cut_messages_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

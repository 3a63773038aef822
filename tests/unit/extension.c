// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/extension.c"
#include "rules/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <linux/netfilter/xt_CT.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_state.h>

#include <cmocka.h>

#include "rules/surroundings.h"

static const struct service TCP_80 = { .proto = IPPROTO_TCP,
				       .first_port = 80,
				       .last_port = 80 };
static const struct surroundings HOST;

/* A packet in front of one expression. */
struct scene {
	struct model model;
	struct model_rule rule;
	struct packet packet;
	struct world world;
	struct run run;
};

static int begin(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->packet =
		(struct packet){ .service = &TCP_80, .host = &HOST, .family = AF_INET };
	scene->world.budget = 1000000;
	scene->run.world = &scene->world;
	scene->run.model = &scene->model;
	scene->run.packet = &scene->packet;
	scene->run.rule = &scene->rule;
	scene->run.now.tracking = RUN_TRACKED;
	*state = scene;
	return 0;
}

static int end(void **state)
{
	struct scene *scene = *state;

	world_free(&scene->world);
	free(scene);
	return 0;
}

static enum model_verdict_code match_of(struct scene *scene, const char *name,
					uint32_t revision, const void *info, size_t bytes)
{
	const struct model_expr expr = { .kind = MODEL_MATCH,
					 .name = "match",
					 .object = name,
					 .number = { revision },
					 .value = { info, bytes } };

	return extension_match(&scene->run, &expr);
}

static bool is_match(struct scene *scene, const char *name, uint32_t revision,
		     const void *info, size_t bytes)
{
	unsigned choices = scene->world.choices;
	enum model_verdict_code code = match_of(scene, name, revision, info, bytes);

	/* Known for sure, and understood. */
	assert_int_equal(scene->world.choices, choices);
	assert_int_equal(scene->run.now.effects, 0);
	return code == MODEL_CONTINUE;
}

static bool state_matches(struct scene *scene, uint16_t states, bool invert)
{
	const struct xt_conntrack_mtinfo3 info = {
		.match_flags = XT_CONNTRACK_STATE,
		.invert_flags = invert ? XT_CONNTRACK_STATE : 0,
		.state_mask = states,
	};

	return is_match(scene, "conntrack", 3, &info, sizeof(info));
}

static void the_state_of_a_connection_is_matched_as_the_kernel_does(void **state)
{
	const uint16_t established = XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED);
	const uint16_t fresh = XT_CONNTRACK_STATE_BIT(IP_CT_NEW);
	struct scene *scene = *state;

	assert_true(state_matches(scene, fresh, false));
	assert_false(state_matches(scene, established, false));
	assert_true(state_matches(scene, established, true));
	scene->packet.kind = PACKET_REPLY;
	assert_true(state_matches(scene, established, false));
	scene->run.now.tracking = RUN_UNTRACKED;
	assert_true(state_matches(scene, XT_CONNTRACK_STATE_UNTRACKED, false));
	assert_false(state_matches(
		scene, fresh | established | XT_CONNTRACK_STATE_INVALID, false));
	scene->run.now.tracking = RUN_NONE;
	assert_true(state_matches(scene, XT_CONNTRACK_STATE_INVALID, false));
	assert_true(scene->run.now.asked);
}

static void all_revisions_of_conntrack_say_the_same(void **state)
{
	const struct xt_conntrack_mtinfo1 first = {
		.match_flags = XT_CONNTRACK_STATE,
		.state_mask = XT_CONNTRACK_STATE_BIT(IP_CT_NEW),
	};
	const struct xt_conntrack_mtinfo2 second = {
		.match_flags = XT_CONNTRACK_STATE,
		.state_mask = XT_CONNTRACK_STATE_BIT(IP_CT_NEW),
	};
	const struct xt_state_info old = { XT_STATE_BIT(IP_CT_NEW) };
	struct scene *scene = *state;

	assert_true(is_match(scene, "conntrack", 1, &first, sizeof(first)));
	assert_true(is_match(scene, "conntrack", 2, &second, sizeof(second)));
	assert_true(is_match(scene, "state", 0, &old, sizeof(old)));
	scene->packet.kind = PACKET_LATER;
	assert_false(is_match(scene, "conntrack", 1, &first, sizeof(first)));
	assert_false(is_match(scene, "conntrack", 2, &second, sizeof(second)));
	assert_false(is_match(scene, "state", 0, &old, sizeof(old)));
}

/* xt_conntrack.c: of a packet without a connection nothing but the state can match. */
static void without_a_connection_only_the_state_matches(void **state)
{
	struct xt_conntrack_mtinfo3 info = { .match_flags = XT_CONNTRACK_DIRECTION };
	const struct xt_connmark_mtinfo1 mark = { .mark = 1, .mask = 1, .invert = 1 };
	struct scene *scene = *state;

	bytes_put_known(scene->run.now.ct_mark, 4, NULL);
	assert_true(is_match(scene, "conntrack", 3, &info, sizeof(info)));
	assert_true(is_match(scene, "connmark", 1, &mark, sizeof(mark)));
	scene->run.now.tracking = RUN_UNTRACKED;
	assert_false(is_match(scene, "conntrack", 3, &info, sizeof(info)));
	assert_false(is_match(scene, "connmark", 1, &mark, sizeof(mark)));
}

static void ports_and_flags_are_read(void **state)
{
	struct xt_tcp tcp = { .spts = { 0, 65535 },
			      .dpts = { 80, 80 },
			      .flg_mask = 0x17,
			      .flg_cmp = 0x02 };
	struct xt_multiport_v1 ports = { .flags = XT_MULTIPORT_DESTINATION,
					 .count = 3,
					 .ports = { 22, 79, 81 },
					 .pflags = { 0, 1, 0 } };
	struct scene *scene = *state;

	assert_true(is_match(scene, "tcp", 0, &tcp, sizeof(tcp)));
	tcp.invflags = XT_TCP_INV_FLAGS;
	assert_false(is_match(scene, "tcp", 0, &tcp, sizeof(tcp)));
	scene->packet.kind = PACKET_LATER;
	assert_true(is_match(scene, "tcp", 0, &tcp, sizeof(tcp)));
	assert_true(is_match(scene, "multiport", 1, &ports, sizeof(ports)));
	ports.invert = 1;
	assert_false(is_match(scene, "multiport", 1, &ports, sizeof(ports)));
}

static void what_is_shorter_than_it_should_be_is_opaque(void **state)
{
	static const struct {
		const char *name;
		uint32_t revision;
		size_t bytes;
	} CASES[] = {
		{ "conntrack", 3, sizeof(struct xt_conntrack_mtinfo3) },
		{ "state", 0, sizeof(struct xt_state_info) },
		{ "tcp", 0, sizeof(struct xt_tcp) },
		{ "udp", 0, sizeof(struct xt_udp) },
		{ "multiport", 1, sizeof(struct xt_multiport_v1) },
		{ "mark", 1, sizeof(struct xt_mark_mtinfo1) },
		{ "connmark", 1, sizeof(struct xt_connmark_mtinfo1) },
		{ "iprange", 1, sizeof(struct xt_iprange_mtinfo) },
		{ "addrtype", 1, sizeof(struct xt_addrtype_info_v1) },
		{ "pkttype", 0, sizeof(struct xt_pkttype_info) },
		{ "nobody-knows", 0, 8 },
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		uint8_t *info = calloc(1, CASES[i].bytes);

		assert_non_null(info);
		scene->run.now.effects = 0;
		scene->rule.handle = i;
		scene->run.expr = (unsigned)i;
		match_of(scene, CASES[i].name, CASES[i].revision, info,
			 CASES[i].bytes - 1);
		assert_int_equal(scene->run.now.effects, 1);
		assert_int_equal(scene->run.effect[0].kind, RUN_OPAQUE);
		free(info);
	}
}

static void what_has_no_part_in_tracking_is_so_or_not_but_the_same_twice(void **state)
{
	const uint8_t info[16] = { 1 };
	struct scene *scene = *state;
	enum model_verdict_code first = match_of(scene, "owner", 1, info, sizeof(info));

	assert_int_equal(scene->world.choices, 1);
	scene->run.expr++;
	assert_int_equal(match_of(scene, "owner", 1, info, sizeof(info)), first);
	assert_int_equal(scene->world.choices, 1);
	assert_false(scene->run.now.asked);
	/* A limit is another question each time. */
	match_of(scene, "limit", 0, info, sizeof(info));
	scene->run.expr++;
	match_of(scene, "limit", 0, info, sizeof(info));
	assert_int_equal(scene->world.choices, 3);
}

static enum model_verdict_code target_of(struct scene *scene, const char *name,
					 uint32_t revision, const void *info,
					 size_t bytes)
{
	const struct model_expr expr = { .kind = MODEL_TARGET,
					 .name = "target",
					 .object = name,
					 .number = { revision },
					 .value = { info, bytes } };

	return target_evaluate(&scene->run, &expr);
}

static void a_mark_goes_from_the_connection_to_the_packet(void **state)
{
	const struct xt_connmark_tginfo1 set = { .ctmark = 5,
						 .ctmask = UINT32_MAX,
						 .mode = XT_CONNMARK_SET };
	const struct xt_connmark_tginfo1 restore = { .ctmask = UINT32_MAX,
						     .nfmask = UINT32_MAX,
						     .mode = XT_CONNMARK_RESTORE };
	struct scene *scene = *state;
	uint32_t mark = 0;

	bytes_put_known(scene->run.now.mark, 4, &mark);
	bytes_put_known(scene->run.now.ct_mark, 4, &mark);
	target_of(scene, "CONNMARK", 1, &set, sizeof(set));
	target_of(scene, "CONNMARK", 1, &restore, sizeof(restore));
	assert_true(bytes_known(&scene->world, scene->run.now.mark, 4, &mark));
	assert_int_equal(mark, 5);
	/* Untracked it stays as it is. */
	mark = 0;
	bytes_put_known(scene->run.now.mark, 4, &mark);
	scene->run.now.tracking = RUN_UNTRACKED;
	target_of(scene, "CONNMARK", 1, &restore, sizeof(restore));
	assert_true(bytes_known(&scene->world, scene->run.now.mark, 4, &mark));
	assert_int_equal(mark, 0);
}

static void put_mark(struct scene *scene, uint32_t mark)
{
	bytes_put_known(scene->run.now.mark, MARK_BYTES, &mark);
}

static bool is_marked(struct scene *scene, uint32_t mark)
{
	return bytes_equal(&scene->world, scene->run.now.mark, MARK_BYTES, &mark);
}

/* There need be no ipset here for that. */
static void a_mark_that_a_set_gives_is_any_but_the_same_twice(void **state)
{
	struct xt_set_info_target_v3 info = { .map_set = { .dim = 2 },
					      .flags = IPSET_FLAG_MAP_SKBPRIO };
	struct scene *scene = *state;

	put_mark(scene, 0);
	target_of(scene, "SET", 3, &info, sizeof(info));
	assert_true(is_marked(scene, 0));
	info.flags = IPSET_FLAG_MAP_SKBMARK;
	target_of(scene, "SET", 3, &info, sizeof(info));
	assert_int_equal(scene->world.choices, 0);
	assert_true(is_marked(scene, 7));
	assert_int_equal(scene->world.choices, 1);
	scene->packet.kind = PACKET_LATER;
	put_mark(scene, 0);
	target_of(scene, "SET", 3, &info, sizeof(info));
	assert_true(is_marked(scene, 7));
	assert_int_equal(scene->world.choices, 1);
	/* What the set is asked about may be another mark, or the other direction. */
	put_mark(scene, 1);
	target_of(scene, "SET", 3, &info, sizeof(info));
	is_marked(scene, 7);
	assert_int_equal(scene->world.choices, 2);
	scene->packet.kind = PACKET_REPLY;
	put_mark(scene, 0);
	target_of(scene, "SET", 3, &info, sizeof(info));
	is_marked(scene, 7);
	assert_int_equal(scene->world.choices, 3);
	assert_false(scene->run.now.asked);
	target_of(scene, "SET", 3, &info, sizeof(info) - 1);
	assert_true(scene->run.now.asked);
}

static void of_sets_of_addresses_the_mark_is_of_no_interest(void **state)
{
	struct xt_set_info_target_v1 info = { .add_set = { .dim = 1 } };
	struct scene *scene = *state;

	for (unsigned dim = 1; dim <= 2; dim++) {
		info.add_set.dim = (uint8_t)dim;
		scene->run.now.effects = 0;
		put_mark(scene, 0);
		target_of(scene, "SET", 1, &info, sizeof(info));
		put_mark(scene, 1);
		target_of(scene, "SET", 2, &info, sizeof(info));
		assert_int_equal(scene->run.effect[0].kind, RUN_SET_CHANGE);
		assert_int_equal(scene->run.effect[0].value == scene->run.effect[1].value,
				 dim == 1);
	}
}

static void a_set_that_may_have_marks_is_another_question_for_another(void **state)
{
	struct xt_set_info_match_v1 info = { .match_set = { .dim = 1 } };
	struct scene *scene = *state;

	for (unsigned dim = 1; dim <= 2; dim++) {
		info.match_set.dim = (uint8_t)dim;
		put_mark(scene, 0);
		match_of(scene, "set", 1, &info, sizeof(info));
		put_mark(scene, 1);
		match_of(scene, "set", 1, &info, sizeof(info));
		assert_int_equal(scene->world.choices, dim == 1 ? 1 : 3);
	}
}

static void ct_untracks_only_what_nobody_has_seen(void **state)
{
	const struct xt_ct_target_info_v1 info = { .flags = XT_CT_NOTRACK };
	struct scene *scene = *state;

	target_of(scene, "CT", 2, &info, sizeof(info));
	assert_int_equal(scene->run.now.tracking, RUN_TRACKED);
	scene->run.now.tracking = RUN_NONE;
	target_of(scene, "CT", 2, &info, sizeof(info));
	assert_int_equal(scene->run.now.tracking, RUN_UNTRACKED);
	assert_int_equal(scene->run.effect[0].kind, RUN_NOTRACK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_state_of_a_connection_is_matched_as_the_kernel_does, begin,
			end),
		cmocka_unit_test_setup_teardown(all_revisions_of_conntrack_say_the_same,
						begin, end),
		cmocka_unit_test_setup_teardown(
			without_a_connection_only_the_state_matches, begin, end),
		cmocka_unit_test_setup_teardown(ports_and_flags_are_read, begin, end),
		cmocka_unit_test_setup_teardown(
			what_is_shorter_than_it_should_be_is_opaque, begin, end),
		cmocka_unit_test_setup_teardown(
			what_has_no_part_in_tracking_is_so_or_not_but_the_same_twice,
			begin, end),
		cmocka_unit_test_setup_teardown(
			a_mark_goes_from_the_connection_to_the_packet, begin, end),
		cmocka_unit_test_setup_teardown(
			a_mark_that_a_set_gives_is_any_but_the_same_twice, begin, end),
		cmocka_unit_test_setup_teardown(
			of_sets_of_addresses_the_mark_is_of_no_interest, begin, end),
		cmocka_unit_test_setup_teardown(
			a_set_that_may_have_marks_is_another_question_for_another, begin,
			end),
		cmocka_unit_test_setup_teardown(ct_untracks_only_what_nobody_has_seen,
						begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/apply.c"

#include <libnftnl/gen.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/service.h"

/* A kernel to talk to in place of lib/nl.c: it has at most our empty table. */
struct nl {
	uint32_t sequence;
	uint32_t generation;
	unsigned restless; /* this many more readings of the generation find another */
	bool present;
	int answers[3];           /* to the next batches, then 0 */
	unsigned failing_message; /* that those are about; 0: the begin */
	unsigned reads;
	unsigned batches;
	unsigned messages; /* of the last batch, with its begin and end */
	unsigned acks;
	bool last_acked; /* the last before the end asks for an acknowledgement */
	uint32_t batch_generation;
	_Alignas(struct nlmsghdr) char request[NL_REQUEST_MAX];
};

static const struct service UDP_9000 = { .proto = IPPROTO_UDP,
					 .first_port = 9000,
					 .last_port = 9000 };

static const struct terms TERMS = { .lease_ms = 1000, .holder = { "ctguard", 7 } };

uint32_t nl_sequence(struct nl *nl)
{
	return ++nl->sequence;
}

struct nlmsghdr *nl_begin_nfnl(struct nl *nl, uint16_t type, uint16_t flags,
			       uint8_t family)
{
	memset(nl->request, 0, sizeof(nl->request));
	return nftnl_nlmsg_build_hdr(nl->request, type, family, flags, nl_sequence(nl));
}

static int answer_generation(struct nl *nl, mnl_cb_t cb, void *data)
{
	_Alignas(struct nlmsghdr) char bytes[256];
	struct nlmsghdr *header;

	if (nl->restless) {
		nl->restless--;
		nl->generation++;
	}
	header = nftnl_nlmsg_build_hdr(bytes, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN,
				       AF_UNSPEC, 0, 1);
	mnl_attr_put_u32(header, NFTA_GEN_ID, htonl(nl->generation));
	return cb(header, data) == MNL_CB_ERROR ? -errno : 0;
}

static int answer_table(const struct nl *nl, mnl_cb_t cb, void *data)
{
	const struct change ours = { .kind = CHANGE_ADD_TABLE };
	_Alignas(struct nlmsghdr) char bytes[MESSAGE_BYTES_MAX];
	struct nlmsghdr *header;

	if (!nl->present)
		return -ENOENT;
	header = nftnl_nlmsg_build_hdr(
		bytes, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE, NFPROTO_INET, 0, 1);
	assert_int_equal(message_write(header, &ours), 0);
	return cb(header, data) == MNL_CB_ERROR ? -errno : 0;
}

int nl_transact(struct nl *nl, mnl_cb_t cb, void *data)
{
	const struct nlmsghdr *request = (const struct nlmsghdr *)nl->request;

	nl->reads++;
	switch (request->nlmsg_type & 0xff) {
	case NFT_MSG_GETGEN: return answer_generation(nl, cb, data);
	case NFT_MSG_GETTABLE: return answer_table(nl, cb, data);
	default: return 0;
	}
}

static void look_at(struct nl *nl, const void *batch, size_t bytes)
{
	const struct nlmsghdr *header = batch;
	const struct nlattr *attr;
	int left = (int)bytes;

	mnl_attr_for_each(attr, header, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFNL_BATCH_GENID)
			nl->batch_generation = ntohl(mnl_attr_get_u32(attr));
	nl->messages = nl->acks = 0;
	for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
		nl->messages++;
		if (header->nlmsg_type == NFNL_MSG_BATCH_END)
			continue;
		nl->last_acked = header->nlmsg_flags & NLM_F_ACK;
		nl->acks += nl->last_acked;
	}
	assert_int_equal(left, 0);
}

int nl_batch(struct nl *nl, const void *batch, size_t bytes, uint32_t ack_seq,
	     uint32_t *failed_seq)
{
	const struct nlmsghdr *begin = batch;
	int err = 0;

	look_at(nl, batch, bytes);
	assert_int_equal(ack_seq, begin->nlmsg_seq + nl->messages - 2);
	*failed_seq = begin->nlmsg_seq + nl->failing_message;
	if (nl->batches < 3)
		err = nl->answers[nl->batches];
	nl->batches++;
	return err;
}

static void the_batch_is_for_the_generation_that_was_read(void **state)
{
	struct nl nl = { .generation = 70 };
	struct apply_why why;

	assert_int_equal(apply_add(&nl, &UDP_9000, &TERMS, &why), 0);
	assert_int_equal(nl.batches, 1);
	assert_int_equal(nl.batch_generation, 70);
	assert_int_equal(nl.acks, 1);
	assert_true(nl.last_acked);
}

static void what_changed_meanwhile_is_read_and_planned_again(void **state)
{
	struct nl nl = { .generation = 70, .answers = { -ERESTART, -ERESTART } };
	struct apply_why why;

	assert_int_equal(apply_add(&nl, &UDP_9000, &TERMS, &why), 0);
	assert_int_equal(nl.batches, 3);
	assert_true(nl.reads >= 6);
}

static void what_was_judged_is_not_planned_again(void **state)
{
	struct nl nl = { .generation = 70, .answers = { -ERESTART } };
	struct ruleset known = { .generation = 70 };
	struct apply_why why;

	assert_int_equal(apply_add_judged(&nl, &known, &UDP_9000, &TERMS, &why),
			 -ERESTART);
	assert_int_equal(nl.batches, 1);
	assert_int_equal(nl.batch_generation, 70);
	assert_int_equal(nl.reads, 0);
	assert_int_equal(known.generation, 0);
}

static void a_reading_that_was_overtaken_is_thrown_away(void **state)
{
	struct nl nl = { .generation = 70, .present = true, .restless = 4 };
	struct ruleset *ruleset = calloc(1, sizeof(*ruleset));

	assert_int_equal(ruleset_read(&nl, ruleset), 0);
	assert_int_equal(ruleset->generation, 74);
	nl.restless = UINT32_MAX;
	assert_int_equal(ruleset_read(&nl, ruleset), -EAGAIN);
	assert_int_equal(ruleset->generation, 0);
	free(ruleset);
}

static void endless_change_is_given_up(void **state)
{
	struct nl nl = { .generation = 70, .present = true, .restless = UINT32_MAX };
	struct apply_why why;

	assert_int_equal(apply_add(&nl, &UDP_9000, &TERMS, &why), -EAGAIN);
	assert_non_null(strstr(why.text, "kept changing"));
	assert_int_equal(nl.batches, 0);
}

static void what_is_known_is_not_read(void **state)
{
	struct ruleset known = { .generation = 70 };
	struct nl nl = { .generation = 70 };
	struct apply_why why;

	assert_int_equal(apply_add_known(&nl, &known, &UDP_9000, &TERMS, &why), 0);
	assert_int_equal(nl.reads, 0);
	assert_int_equal(known.generation, 71);
	assert_true(ruleset_find(&known, &UDP_9000)->active);
	assert_int_equal(apply_add_known(&nl, &known, &UDP_9000, &TERMS, &why), 0);
	assert_int_equal(nl.reads, 0);
	assert_int_equal(nl.batch_generation, 71);
	assert_int_equal(nl.messages, 8);
}

static void the_change_that_was_refused_is_named(void **state)
{
	struct nl nl = { .generation = 70, .answers = { -EBUSY }, .failing_message = 2 };
	struct ruleset known = { .generation = 70 };
	struct apply_why why;

	assert_int_equal(apply_add_known(&nl, &known, &UDP_9000, &TERMS, &why), -EBUSY);
	assert_non_null(strstr(why.text, "add map inet ctkit in_services "));
	assert_non_null(strstr(why.text, "busy"));
	assert_int_equal(known.generation, 0);
}

static void a_lost_answer_is_not_taken_for_success(void **state)
{
	static const int LOST[] = { -ENOBUFS, -ETIMEDOUT };
	struct apply_why why;

	for (int i = 0; i < 2; i++) {
		struct nl nl = { .generation = 70, .answers = { LOST[i] } };

		assert_int_equal(apply_add(&nl, &UDP_9000, &TERMS, &why), LOST[i]);
		assert_non_null(strstr(why.text, "is not as it was to be"));
		assert_int_equal(nl.batches, 1);
	}
}

static void nothing_to_do_sends_nothing(void **state)
{
	struct nl nl = { .generation = 70 };
	struct apply_why why;

	assert_int_equal(apply_flush(&nl, &why), 0);
	assert_int_equal(apply_delete(&nl, &UDP_9000, &why), -ENOENT);
	assert_int_equal(apply_refresh(&nl, &UDP_9000, 1, &TERMS, &why), -ENOENT);
	nl.present = true;
	assert_int_equal(apply_refresh(&nl, &UDP_9000, 0, &TERMS, &why), 0);
	assert_int_equal(nl.batches, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_batch_is_for_the_generation_that_was_read),
		cmocka_unit_test(what_changed_meanwhile_is_read_and_planned_again),
		cmocka_unit_test(what_was_judged_is_not_planned_again),
		cmocka_unit_test(a_reading_that_was_overtaken_is_thrown_away),
		cmocka_unit_test(endless_change_is_given_up),
		cmocka_unit_test(what_is_known_is_not_read),
		cmocka_unit_test(the_change_that_was_refused_is_named),
		cmocka_unit_test(a_lost_answer_is_not_taken_for_success),
		cmocka_unit_test(nothing_to_do_sends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Against dumps that are made by hand: what netlink does is in nl_transact() below. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "conntrack/flow.h"
#include "conntrack/sample.h"
#include "lib/nl.h"

enum { DUMP_BYTES = 1 << 14, REQUEST_BYTES = 256, ROUNDS = 20000 };

/* In place of a conversation: what was asked, and the dump that is the answer. */
struct nl {
	_Alignas(struct nlmsghdr) char request[REQUEST_BYTES];
	_Alignas(struct nlmsghdr) char dump[DUMP_BYTES];
	size_t bytes;
	int err; /* how it ends */
	bool left_early;
};

struct nlmsghdr *nl_begin_nfnl(struct nl *nl, uint16_t type, uint16_t flags,
			       uint8_t family)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(nl->request);
	struct nfgenmsg *nfgen = mnl_nlmsg_put_extra_header(header, sizeof(*nfgen));

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	nfgen->nfgen_family = family;
	return header;
}

/* The bytes are on the heap, so that the address sanitizer sees each that is too far. */
int nl_transact(struct nl *nl, mnl_cb_t cb, void *data)
{
	char *dump = malloc(nl->bytes + 1);

	assert_non_null(dump);
	memcpy(dump, nl->dump, nl->bytes);
	nl->left_early =
		cb && nl->bytes && mnl_cb_run(dump, nl->bytes, 0, 0, cb, data) == 0;
	free(dump);
	return nl->left_early ? 0 : nl->err;
}

static void put_tuple(struct nlmsghdr *message, uint16_t type, uint32_t src, uint32_t dst)
{
	struct nlattr *tuple = mnl_attr_nest_start(message, type);
	struct nlattr *nest = mnl_attr_nest_start(message, CTA_TUPLE_IP);

	mnl_attr_put_u32(message, CTA_IP_V4_SRC, htonl(src));
	mnl_attr_put_u32(message, CTA_IP_V4_DST, htonl(dst));
	mnl_attr_nest_end(message, nest);
	nest = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(message, CTA_PROTO_NUM, IPPROTO_UDP);
	mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(40000));
	mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(9000));
	mnl_attr_nest_end(message, nest);
	mnl_attr_nest_end(message, tuple);
}

/* Adds an entry to the dump; its id is how many bytes came before. */
static struct nlmsghdr *add_entry(struct nl *nl, uint32_t status, uint32_t timeout_s)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(nl->dump + nl->bytes);
	struct nfgenmsg *nfgen = mnl_nlmsg_put_extra_header(message, sizeof(*nfgen));

	message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	nfgen->nfgen_family = AF_INET;
	put_tuple(message, CTA_TUPLE_ORIG, 0x0a000001, 0x0a000002);
	put_tuple(message, CTA_TUPLE_REPLY, 0x0a000002, 0x0a000001);
	mnl_attr_put_u32(message, CTA_STATUS, htonl(status));
	mnl_attr_put_u32(message, CTA_TIMEOUT, htonl(timeout_s));
	mnl_attr_put_u32(message, CTA_ID, htonl((uint32_t)nl->bytes));
	nl->bytes += message->nlmsg_len;
	return message;
}

/* An entry that says nothing, not even of what family it is. */
static void add_malformed(struct nl *nl)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(nl->dump + nl->bytes);

	message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	nl->bytes += message->nlmsg_len;
}

static void add_entries(struct nl *nl, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		add_entry(nl, IPS_CONFIRMED, 30);
}

/* What the callback was given. */
struct seen {
	uint32_t flows;
	uint32_t last_id;
};

static void on_flow(const struct flow *flow, void *data)
{
	struct seen *seen = data;

	assert_true(flow->id == 0 || flow->id > seen->last_id);
	assert_int_equal(flow->orig.dst_port, 9000);
	seen->last_id = flow->id;
	seen->flows++;
}

static void on_any_flow(const struct flow *flow, void *data)
{
	((struct seen *)data)->flows++;
}

static struct sample sample_of(struct nl *nl, uint32_t max)
{
	struct seen seen = { 0 };
	struct sample sample;

	assert_int_equal(sample_take(nl, max, on_flow, &seen, &sample), 0);
	assert_int_equal(seen.flows, sample.flows);
	return sample;
}

static void it_asks_for_a_dump_of_both_families(void **state)
{
	struct nl nl = { 0 };
	const struct nlmsghdr *request = (const struct nlmsghdr *)nl.request;
	const struct nfgenmsg *nfgen = mnl_nlmsg_get_payload(request);

	assert_true(sample_of(&nl, 1).complete);
	assert_int_equal(request->nlmsg_type,
			 NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET);
	assert_int_equal(request->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
	assert_int_equal(nfgen->nfgen_family, AF_UNSPEC);
	assert_int_equal(mnl_nlmsg_get_payload_len(request), sizeof(*nfgen));
}

static void a_dump_is_left_at_the_bound_and_complete_only_below_it(void **state)
{
	struct nl nl = { 0 };

	add_entries(&nl, 10);
	for (uint32_t max = 1; max <= 12; max++) {
		struct sample sample = sample_of(&nl, max);

		assert_int_equal(sample.flows, max < 10 ? max : 10);
		assert_int_equal(sample.complete, max >= 10);
		assert_int_equal(nl.left_early, max < 10);
		assert_int_equal(sample.malformed, 0);
		assert_int_equal(sample.cut, 0);
	}
}

static void beyond_enough_it_goes_on_while_the_time_lasts(void **state)
{
	struct sample_size size = { .enough = 5, .most = 20, .budget_s = 0 };
	struct nl nl = { 0 };
	struct seen seen = { 0 };
	struct sample sample;

	add_entries(&nl, 30);
	assert_int_equal(sample_take_sized(&nl, &size, on_flow, &seen, &sample), 0);
	assert_int_equal(sample.flows, 5);
	size.budget_s = 3600;
	seen = (struct seen){ 0 };
	assert_int_equal(sample_take_sized(&nl, &size, on_flow, &seen, &sample), 0);
	assert_int_equal(sample.flows, 20);
	assert_false(sample.complete);
}

static void malformed_entries_are_counted_and_bounded_like_others(void **state)
{
	struct nl nl = { 0 };
	struct sample sample;

	add_malformed(&nl);
	add_entries(&nl, 2);
	for (int i = 0; i < 500; i++)
		add_malformed(&nl);
	sample = sample_of(&nl, 1000);
	assert_int_equal(sample.flows, 2);
	assert_int_equal(sample.malformed, 501);
	assert_true(sample.complete);
	sample = sample_of(&nl, 100);
	assert_int_equal(sample.flows, 2);
	assert_int_equal(sample.malformed, 98);
	assert_false(sample.complete);
}

static void who_is_about_to_expire_is_counted_but_in_hardware(void **state)
{
	struct nl nl = { 0 };

	add_entry(&nl, IPS_CONFIRMED, 0);
	add_entry(&nl, IPS_CONFIRMED | IPS_ASSURED, SAMPLE_EXPIRING_S - 1);
	add_entry(&nl, IPS_CONFIRMED, SAMPLE_EXPIRING_S);
	add_entry(&nl, IPS_CONFIRMED, UINT32_MAX);
	add_entry(&nl, IPS_CONFIRMED | IPS_OFFLOAD, 0);
	add_entry(&nl, IPS_CONFIRMED | IPS_HW_OFFLOAD, 0);
	assert_int_equal(sample_of(&nl, 100).expiring, 2);
}

static void a_dump_that_is_cut_short_is_what_was_read_so_far(void **state)
{
	static const int CUTS[] = { -EINTR, -ENOBUFS };

	for (size_t i = 0; i < sizeof(CUTS) / sizeof(CUTS[0]); i++) {
		struct nl nl = { .err = CUTS[i] };
		struct sample sample;

		add_entries(&nl, 7);
		sample = sample_of(&nl, 100);
		assert_int_equal(sample.flows, 7);
		assert_int_equal(sample.cut, CUTS[i]);
		assert_false(sample.complete);
		/* Left before that, it was not. */
		sample = sample_of(&nl, 3);
		assert_int_equal(sample.cut, 0);
		assert_false(sample.complete);
	}
}

static void an_error_leaves_the_sample_before_as_it_was(void **state)
{
	struct nl nl = { .err = -EPERM };
	struct sample sample = { .flows = 77 };
	struct seen seen = { 0 };

	add_entries(&nl, 3);
	assert_int_equal(sample_take(&nl, 100, on_flow, &seen, &sample), -EPERM);
	assert_int_equal(sample.flows, 77);
}

/* As if it were what one read had brought. */
static void a_dump_cut_off_anywhere_is_read_as_far_as_it_goes(void **state)
{
	struct nl nl = { 0 };
	size_t whole;

	add_entries(&nl, 2);
	whole = nl.bytes;
	for (size_t bytes = 0; bytes <= whole; bytes++) {
		struct sample sample;

		nl.bytes = bytes;
		sample = sample_of(&nl, 100);
		assert_int_equal(sample.malformed, 0);
		assert_int_equal(sample.flows, bytes == whole       ? 2
					       : bytes >= whole / 2 ? 1
								    : 0);
	}
}

/* The message ends there, and says so: its attributes do not. */
static void an_entry_cut_off_anywhere_is_a_flow_or_malformed(void **state)
{
	struct nl nl = { 0 };
	struct nlmsghdr *message = add_entry(&nl, IPS_CONFIRMED, 30);
	uint32_t whole = message->nlmsg_len, malformed = 0;

	for (uint32_t length = MNL_NLMSG_HDRLEN; length < whole; length++) {
		struct sample sample;

		message->nlmsg_len = length;
		nl.bytes = length;
		sample = sample_of(&nl, 100);
		assert_int_equal(sample.flows + sample.malformed, 1);
		assert_true(sample.complete);
		malformed += sample.malformed;
	}
	/* Both tuples must be there; the rest need not be. */
	assert_in_range(malformed, whole / 2, whole - 1);
}

/* In all but the headers, which are netlink's own. */
static void spoil(struct nl *nl, uint32_t entries)
{
	size_t each = nl->bytes / entries;

	for (int i = (int)(random() % 8); i >= 0; i--) {
		size_t at = (size_t)random() % (each - MNL_NLMSG_HDRLEN);

		nl->dump[(size_t)random() % entries * each + MNL_NLMSG_HDRLEN + at] =
			(char)random();
	}
}

static void hostile_entries_are_no_more_than_they_are(void **state)
{
	unsigned seed;

	assert_int_equal(getrandom(&seed, sizeof(seed), 0), sizeof(seed));
	print_message("seed %u\n", seed);
	srandom(seed);
	for (int round = 0; round < ROUNDS; round++) {
		struct nl nl = { 0 };
		struct seen seen = { 0 };
		struct sample sample;

		add_entries(&nl, 3);
		spoil(&nl, 3);
		assert_int_equal(sample_take(&nl, 100, on_any_flow, &seen, &sample), 0);
		assert_int_equal(seen.flows, sample.flows);
		assert_int_equal(sample.flows + sample.malformed, 3);
		assert_true(sample.complete);
	}
}

static void a_purge_selects_what_no_entry_is(void **state)
{
	struct nl nl = { 0 };
	const struct nlmsghdr *request = (const struct nlmsghdr *)nl.request;
	const struct nlattr *attr;
	int seen = 0;

	assert_int_equal(sample_purge(&nl), 0);
	assert_int_equal(request->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
	mnl_attr_for_each(attr, request, sizeof(struct nfgenmsg)) {
		uint16_t type = mnl_attr_get_type(attr);

		assert_true(type == CTA_STATUS || type == CTA_STATUS_MASK);
		assert_int_equal(ntohl(mnl_attr_get_u32(attr)), IPS_TEMPLATE);
		seen++;
	}
	assert_int_equal(seen, 2);
	nl.err = -EINTR;
	assert_int_equal(sample_purge(&nl), 0);
	nl.err = -ENOBUFS;
	assert_int_equal(sample_purge(&nl), 0);
	nl.err = -EPERM;
	assert_int_equal(sample_purge(&nl), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_asks_for_a_dump_of_both_families),
		cmocka_unit_test(a_dump_is_left_at_the_bound_and_complete_only_below_it),
		cmocka_unit_test(beyond_enough_it_goes_on_while_the_time_lasts),
		cmocka_unit_test(malformed_entries_are_counted_and_bounded_like_others),
		cmocka_unit_test(who_is_about_to_expire_is_counted_but_in_hardware),
		cmocka_unit_test(a_dump_that_is_cut_short_is_what_was_read_so_far),
		cmocka_unit_test(an_error_leaves_the_sample_before_as_it_was),
		cmocka_unit_test(a_dump_cut_off_anywhere_is_read_as_far_as_it_goes),
		cmocka_unit_test(an_entry_cut_off_anywhere_is_a_flow_or_malformed),
		cmocka_unit_test(hostile_entries_are_no_more_than_they_are),
		cmocka_unit_test(a_purge_selects_what_no_entry_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "lib/nl.h"
#include "rules/model.h"
#include "rules/snapshot.h"
#include "tests/unit/sandbox.h"

static struct nl *nl;

static int begin(void **state)
{
	sandbox_setup(state);
	return nl_open(&nl, NETLINK_NETFILTER);
}

static int end(void **state)
{
	nl_close(nl);
	return 0;
}

static int read_rules(uint64_t until_ns)
{
	struct model model = { 0 };
	int err = snapshot_read(nl, until_ns, &model);

	model_clear(&model);
	return err;
}

static void reading_ends_when_it_took_too_long(void **state)
{
	sandbox_needed(state);
	assert_int_equal(read_rules(1), 0);
	/* The kernel searches for each set. */
	sandbox_do("nft add table ip t");
	sandbox_do("nft add set ip t s '{ type mark; }'");
	assert_int_equal(read_rules(1), -ETIME);
	assert_int_equal(read_rules(0), 0);
	assert_int_equal(read_rules(clock_spent_ns() + 60 * (uint64_t)CLOCK_NS_PER_S), 0);
	sandbox_do("nft delete set ip t s");
	sandbox_do("for i in $(seq 100); do echo add chain ip t c$i; done | nft -f -");
	assert_int_equal(read_rules(1), -ETIME);
	assert_int_equal(read_rules(0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reading_ends_when_it_took_too_long, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

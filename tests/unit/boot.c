// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "guard/boot.c"

/* What reader makes of a line; UINT64_MAX: nothing. */
static uint64_t made_of(line_reader *reader, const char *line)
{
	char copy[LINE_BYTES];
	uint64_t value = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	return reader(strip(copy), &value) ? value : UINT64_MAX;
}

static void sysctl_files_are_read_as_sysctl_reads_them(void **state)
{
	assert_int_equal(made_of(read_sysctl, "net.netfilter.nf_conntrack_max = 1000\n"),
			 1000);
	assert_int_equal(made_of(read_sysctl, "-net/netfilter/nf_conntrack_max=1000"),
			 1000);
	assert_int_equal(made_of(read_sysctl, "net.nf_conntrack_max =\t7 "), 7);
	assert_int_equal(made_of(read_sysctl, "net.netfilter.nf_conntrack_buckets = 7"),
			 UINT64_MAX);
	assert_int_equal(made_of(read_sysctl, "net.nf_conntrack_max = many"), UINT64_MAX);
	assert_int_equal(made_of(read_sysctl, "net.nf_conntrack_max = 7 8"), UINT64_MAX);
	assert_int_equal(made_of(read_sysctl, "net.nf_conntrack_max"), UINT64_MAX);
	assert_int_equal(
		made_of(read_sysctl, "net.nf_conntrack_max = 99999999999999999999999"),
		UINT64_MAX);
	assert_int_equal(made_of(read_sysctl, ""), UINT64_MAX);
}

static void module_options_are_found_among_others(void **state)
{
	assert_int_equal(
		made_of(read_modprobe, "options nf_conntrack acct=1 hashsize=4096\n"),
		4096);
	assert_int_equal(made_of(read_modprobe, "options nf_conntrack_ftp hashsize=1"),
			 UINT64_MAX);
	assert_int_equal(made_of(read_modprobe, "install nf_conntrack hashsize=1"),
			 UINT64_MAX);
	assert_int_equal(made_of(read_modprobe, "options"), UINT64_MAX);
	assert_int_equal(made_of(read_modprobe, ""), UINT64_MAX);
}

static void a_module_is_known_by_its_whole_name(void **state)
{
	assert_int_equal(made_of(read_module, " nf_conntrack \n"), 1);
	assert_int_equal(made_of(read_module, "nf_conntrack_netlink"), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sysctl_files_are_read_as_sysctl_reads_them),
		cmocka_unit_test(module_options_are_found_among_others),
		cmocka_unit_test(a_module_is_known_by_its_whole_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

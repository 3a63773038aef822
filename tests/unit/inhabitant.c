// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <cmocka.h>

#include "conntrack/inhabitant.h"

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POD "pod7d2f3a52_91f9_4c70_8c37_5ad0c4ea1e7b"

struct example {
	const char *line;
	const char *name;
};

static void assert_names(const struct example *examples)
{
	for (; examples->line; examples++) {
		char name[INHABITANT_NAME_MAX];

		inhabitant_of_cgroup(examples->line, name);
		assert_string_equal(name, examples->name);
	}
}

static void containers_are_called_by_their_runtime_and_id(void **state)
{
	static const struct example EXAMPLES[] = {
		{ "0::/system.slice/docker-" ID ".scope\n", "docker-0123456789ab" },
		{ "1:name=systemd:/docker/" ID, "docker-0123456789ab" },
		{ "0::/machine.slice/libpod-" ID ".scope/container",
		  "libpod-0123456789ab" },
		{ "0::/kubepods.slice/kubepods-" POD ".slice/cri-containerd-" ID ".scope",
		  "cri-containerd-0123456789ab" },
		{ "0::/kubepods/burstable/" POD "/" ID, "container-0123456789ab" },
		{ "0::/user.slice/user-1000.slice/user@1000.service/user.slice/"
		  "libpod-" ID ".scope",
		  "libpod-0123456789ab" },
		{ "0::/lxc.payload.web/system.slice/nginx.service", "nginx.service" },
		{ "0::/lxc.payload.web/init.scope", "lxc-web" },
		{ "4:cpu:/lxc/web", "lxc-web" },
		{ "0::/machine.slice/machine-vm1.scope", "machine-vm1" },
		{ NULL, NULL },
	};

	assert_names(EXAMPLES);
}

static void services_are_called_by_their_unit(void **state)
{
	static const struct example EXAMPLES[] = {
		{ "0::/system.slice/nginx.service", "nginx.service" },
		{ "0::/system.slice/system-getty.slice/getty@tty1.service",
		  "getty@tty1.service" },
		{ "0::/system.slice/pool.service/child", "pool.service" },
		{ NULL, NULL },
	};

	assert_names(EXAMPLES);
}

static void sessions_and_what_is_no_cgroup_have_no_name(void **state)
{
	static const struct example EXAMPLES[] = {
		{ "0::/user.slice/user-1000.slice/session-3.scope", "" },
		{ "0::/user.slice/user-0.slice/user@0.service/init.scope", "" },
		{ "0::/init.scope", "" },
		{ "0::/", "" },
		{ "0::", "" },
		{ "0:", "" },
		{ "", "" },
		{ "0::/../..", "" },
		{ "0::////", "" },
		{ "0::/.service", "" },
		{ "0::/docker/0123456789", "" },
		{ NULL, NULL },
	};

	assert_names(EXAMPLES);
}

static void a_name_has_only_plain_characters(void **state)
{
	static const struct example EXAMPLES[] = {
		{ "0::/system.slice/\033[2J\x80 x.service", "?[2J??x.service" },
		{ NULL, NULL },
	};

	assert_names(EXAMPLES);
}

static void random_lines_make_names_that_fit(void **state)
{
	static const char *const PARTS[] = { "/",        "0::",     ".service",
					     ".scope",   "docker-", ID,
					     "lxc",      "\n",      ":",
					     "machine-", "\033",    "lxc.payload." };
	unsigned seed;

	assert_int_equal(getrandom(&seed, sizeof(seed), 0), sizeof(seed));
	print_message("seed %u\n", seed);
	srandom(seed);
	for (int round = 0; round < 20000; round++) {
		char line[1200] = "0::", name[INHABITANT_NAME_MAX];
		int parts = (int)(random() % 16);

		while (parts--)
			strcat(line, PARTS[random() % 12]);
		inhabitant_of_cgroup(line, name);
		assert_true(strnlen(name, sizeof(name)) < sizeof(name));
		for (const char *c = name; *c; c++)
			assert_true(isgraph((unsigned char)*c));
	}
}

static void what_shares_our_cgroup_is_called_by_its_process(void **state)
{
	char name[INHABITANT_NAME_MAX], wanted[INHABITANT_NAME_MAX];

	assert_int_equal(inhabitant_of_process(getpid(), name), strlen("inhabitant"));
	snprintf(wanted, sizeof(wanted), "inhabitant[%d]", (int)getpid());
	assert_string_equal(name, wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(containers_are_called_by_their_runtime_and_id),
		cmocka_unit_test(services_are_called_by_their_unit),
		cmocka_unit_test(sessions_and_what_is_no_cgroup_have_no_name),
		cmocka_unit_test(a_name_has_only_plain_characters),
		cmocka_unit_test(random_lines_make_names_that_fit),
		cmocka_unit_test(what_shares_our_cgroup_is_called_by_its_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

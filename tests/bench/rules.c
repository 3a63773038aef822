// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rules [ROUNDS]: what a change of table inet ctkit costs in an established process. Run it
 * in a network namespace of its own: it adds and deletes the table there.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/args.h"
#include "lib/clock.h"
#include "lib/nl.h"
#include "lib/service.h"
#include "rules/apply.h"
#include "rules/ruleset.h"
#include "rules/terms.h"

enum { OTHERS = 4, REFRESHED = 16, ROUNDS_MAX = 100000 };

static const struct terms TERMS = { .lease_ms = 30000 };

struct bench {
	struct nl *nl;
	struct ruleset known;
	struct service services[REFRESHED];
	uint64_t *times_ns;
	size_t rounds;
};

static void check(int err, const char *what, const struct apply_why *why)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s (%s)\n", what, why->text, strerror(-err));
	exit(1);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void report(struct bench *bench, const char *what)
{
	uint64_t *t = bench->times_ns;
	size_t n = bench->rounds;

	qsort(t, n, sizeof(*t), compare);
	printf("%-34s p50 %7.1f us  p99 %7.1f us  max %7.1f us\n", what,
	       (double)t[n / 2] / 1e3, (double)t[n * 99 / 100] / 1e3,
	       (double)t[n - 1] / 1e3);
}

static int add(struct bench *bench, struct apply_why *why)
{
	return apply_add(bench->nl, &bench->services[0], &TERMS, why);
}

static int add_known(struct bench *bench, struct apply_why *why)
{
	return apply_add_known(bench->nl, &bench->known, &bench->services[0], &TERMS,
			       why);
}

static int refresh_one(struct bench *bench, struct apply_why *why)
{
	return apply_refresh(bench->nl, bench->services, 1, &TERMS, why);
}

static int refresh_many(struct bench *bench, struct apply_why *why)
{
	return apply_refresh(bench->nl, bench->services, REFRESHED, &TERMS, why);
}

static int take_back(struct bench *bench, struct apply_why *why)
{
	return apply_delete(bench->nl, &bench->services[0], why);
}

static int read_all(struct bench *bench, struct apply_why *why)
{
	return ruleset_read(bench->nl, &bench->known);
}

/* Times act, with before (may be NULL) untimed in front of each. */
static void measure(struct bench *bench, const char *what,
		    int (*before)(struct bench *, struct apply_why *),
		    int (*act)(struct bench *, struct apply_why *))
{
	struct apply_why why = { "" };

	for (size_t i = 0; i < bench->rounds; i++) {
		uint64_t start;

		if (before)
			check(before(bench, &why), what, &why);
		start = clock_now_ns();
		check(act(bench, &why), what, &why);
		bench->times_ns[i] = clock_now_ns() - start;
	}
	report(bench, what);
}

/* Both are timed apart: a delete needs an add before it, and the other way round. */
static int delete_and_read(struct bench *bench, struct apply_why *why)
{
	int err = take_back(bench, why);

	return err ? err : read_all(bench, why);
}

static void run(struct bench *bench)
{
	struct apply_why why = { "" };

	for (unsigned i = 1; i <= OTHERS; i++)
		check(apply_add(bench->nl, &bench->services[i], &TERMS, &why), "add",
		      &why);
	check(add(bench, &why), "add", &why);
	measure(bench, "read the table", NULL, read_all);
	measure(bench, "add a new service", take_back, add);
	measure(bench, "add a new service, ruleset known", delete_and_read, add_known);
	measure(bench, "add a service that is there", NULL, add);
	measure(bench, "the same, ruleset known", NULL, add_known);
	measure(bench, "refresh 1 lease", NULL, refresh_one);
	for (unsigned i = 0; i < REFRESHED; i++)
		check(apply_add(bench->nl, &bench->services[i], &TERMS, &why), "add",
		      &why);
	measure(bench, "refresh 16 leases", NULL, refresh_many);
	measure(bench, "delete a service", add, take_back);
	check(apply_flush(bench->nl, &why), "flush", &why);
}

int main(int argc, char **argv)
{
	struct bench bench = { .rounds = 1000 };
	struct args_why why;
	uint64_t rounds;
	int err;

	if (argc > 1 && args_count(argv[1], 1, ROUNDS_MAX, &rounds, &why)) {
		fprintf(stderr, "%s\n", why.text);
		return 2;
	}
	if (argc > 1)
		bench.rounds = rounds;
	bench.times_ns = calloc(bench.rounds, sizeof(*bench.times_ns));
	err = bench.times_ns ? nl_open(&bench.nl, NETLINK_NETFILTER) : -ENOMEM;
	if (err) {
		fprintf(stderr, "%s\n", strerror(-err));
		return 3;
	}
	for (uint16_t i = 0; i < REFRESHED; i++)
		bench.services[i] = (struct service){ .proto = IPPROTO_UDP,
						      .first_port = (uint16_t)(9000 + i),
						      .last_port = (uint16_t)(9000 + i) };
	run(&bench);
	nl_close(bench.nl);
	free(bench.times_ns);
	return 0;
}

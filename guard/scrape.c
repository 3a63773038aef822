// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/scrape.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "conntrack/table.h"
#include "guard/gauges.h"
#include "guard/orders.h"
#include "guard/status.h"
#include "lib/args.h"
#include "lib/exporter.h"

struct scrape {
	struct exporter *exporter;
	const struct orders *orders;
	const struct deeds *deeds;
	struct nl *nl;
	bool counted;
	struct table_counters counters; /* the kernel's, at the last page: 32 bits each */
	uint64_t totals[TABLE_COUNTERS];
};

/* Keeps the last numbers if the kernel has no new ones. */
static void read_counters(struct scrape *scrape)
{
	struct table_counters now, gained;

	if (table_counters_get(scrape->nl, &now))
		return;
	gained = table_counters_delta(&scrape->counters, &now);
	for (size_t i = 0; i < TABLE_COUNTERS; i++)
		scrape->totals[i] += table_counter_value(&gained, &TABLE_COUNTER[i]);
	scrape->counters = now;
	scrape->counted = true;
}

static void render(void *data, struct text *text)
{
	struct scrape *scrape = data;
	const struct status status = orders_status(scrape->orders);
	struct gauges gauges = { .status = &status, .deeds = scrape->deeds };

	read_counters(scrape);
	if (scrape->counted)
		gauges.counters = scrape->totals;
	gauges_add(&gauges, text);
}

int scrape_open(struct scrape **out, const char *address, struct args_why *why)
{
	struct scrape *scrape = calloc(1, sizeof(*scrape));
	int err;

	if (!scrape)
		return -ENOMEM;
	err = exporter_open(&scrape->exporter, address, why);
	if (err) {
		free(scrape);
		return err;
	}
	*out = scrape;
	return 0;
}

void scrape_start(struct scrape *scrape, struct ev_loop *loop,
		  const struct orders *orders, const struct deeds *deeds, struct nl *nl)
{
	scrape->orders = orders;
	scrape->deeds = deeds;
	scrape->nl = nl;
	exporter_start(scrape->exporter, loop, render, scrape);
}

void scrape_close(struct scrape *scrape)
{
	if (!scrape)
		return;
	exporter_close(scrape->exporter);
	free(scrape);
}

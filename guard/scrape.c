// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/scrape.h"

#include <errno.h>
#include <stdlib.h>

#include "guard/dispatch.h"
#include "guard/gauges.h"
#include "guard/status.h"
#include "guard/ward.h"
#include "guard/wards.h"
#include "lib/args.h"
#include "lib/exporter.h"

struct scrape {
	struct exporter *exporter;
	const struct dispatch *dispatch;
};

static void render(void *data, struct text *text)
{
	const struct scrape *scrape = data;
	const struct wards *wards = scrape->dispatch->wards;
	struct status status;

	/* Metrics alone tell the kernel's counters, so these are read when somebody asks. */
	for (size_t i = 0; i < wards->count; i++)
		ward_read_totals(wards->list[i]);
	dispatch_status(scrape->dispatch, &status);
	gauges_add(&status, text);
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
		  const struct dispatch *dispatch)
{
	scrape->dispatch = dispatch;
	exporter_start(scrape->exporter, loop, render, scrape);
}

void scrape_close(struct scrape *scrape)
{
	if (!scrape)
		return;
	exporter_close(scrape->exporter);
	free(scrape);
}

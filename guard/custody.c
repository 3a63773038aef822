// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/custody.h"

#include <math.h>

#include "guard/lease.h"
#include "lib/clock.h"
#include "rules/ruleset.h"

/*
 * Scripts flush, and load what they want a moment later, perhaps flushing again: until then our
 * table is alone, and its deletion says nothing of what is meant.
 */
static const double FLUSH_SETTLES_S = 5;

/*
 * Where ours is the only table, a flush looks like its deletion. Who means that deletes again, within
 * this time, what was put back.
 */
static const double FLUSH_EXPECTED_S = 60;

enum custody_loss custody_judge(const struct custody_scene *scene)
{
	bool alone = scene->table_gone && scene->others_known && scene->others_same &&
		     scene->flushed_s > FLUSH_SETTLES_S;
	bool told_apart = scene->others_any || scene->flushed_s < FLUSH_EXPECTED_S;

	if (alone && told_apart)
		return CUSTODY_REMOVED;
	/* Whatever else happened: without a guard it would have ended by now. */
	if (scene->unrefreshed_s >= scene->lease_s)
		return CUSTODY_LAPSED;
	return scene->table_gone ? CUSTODY_FLUSHED : CUSTODY_CHANGED;
}

int custody_moved(const struct custody *custody, bool *out)
{
	uint32_t generation;
	int err;

	*out = false;
	if (!leases_any(custody->leases) || leases_rehearse(custody->leases))
		return 0;
	err = ruleset_generation(custody->nl, &generation);
	if (!err)
		*out = !custody->known || generation != custody->generation;
	return err;
}

/* Only what was there at one moment with our table counts. */
static int note_others(struct custody *custody)
{
	uint32_t seen = leases_generation(custody->leases), now = 0;
	struct tables others;
	int err;

	if (custody->known && custody->generation == seen)
		return 0;
	err = tables_read(custody->nl, &others);
	if (!err)
		err = ruleset_generation(custody->nl, &now);
	if (err || now != seen)
		return err;
	custody->known = true;
	custody->generation = seen;
	custody->others = others;
	return 0;
}

static void on_lost(size_t i, bool held, void *data)
{
	struct custody_report *report = data;

	report->held[report->count] = held;
	report->services[report->count++] = i;
}

/*
 * The other tables are read after it was seen that ours is gone: then a change that took
 * both cannot look as if it had taken one.
 */
static int judge(struct custody *custody, uint64_t now_ns, struct custody_report *report)
{
	struct custody_scene scene = {
		.table_gone = !leases_table_present(custody->leases),
		.others_known = custody->known,
		.others_any = custody->others.count > 0,
		.unrefreshed_s =
			clock_between_s(leases_refreshed_ns(custody->leases), now_ns),
		.flushed_s = custody->flushed_ns
				     ? clock_between_s(custody->flushed_ns, now_ns)
				     : INFINITY,
	};
	struct tables others;
	int err = tables_read(custody->nl, &others);

	scene.others_same = !err && tables_same(&others, &custody->others);
	for (size_t i = 0; i < report->count; i++) {
		/* A budget has no lease that could run out. */
		bool leased =
			leases_lost_percent(custody->leases, report->services[i]) > 0;

		scene.lease_s = leased ? custody->lease_s : INFINITY;
		report->loss[i] = custody_judge(&scene);
		if (report->loss[i] == CUSTODY_FLUSHED)
			custody->flushed_ns = now_ns;
	}
	custody->known = false;
	return err;
}

int custody_check(struct custody *custody, uint64_t now_ns, struct custody_report *out)
{
	struct custody_report report = { 0 };
	int err;

	*out = report;
	if (!leases_any(custody->leases) || leases_rehearse(custody->leases)) {
		custody->known = false;
		return 0;
	}
	err = leases_measure(custody->leases, now_ns, on_lost, &report);
	if (err)
		return err;
	err = report.count ? judge(custody, now_ns, &report) : note_others(custody);
	*out = report;
	return err;
}

int custody_begin(struct custody *custody)
{
	if (custody->known || !leases_any(custody->leases) ||
	    leases_rehearse(custody->leases))
		return 0;
	return note_others(custody);
}

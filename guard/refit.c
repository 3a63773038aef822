// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/refit.h"

#include <stdlib.h>

#include "guard/config.h"
#include "guard/lease.h"
#include "guard/lookout.h"
#include "guard/roll.h"
#include "guard/vetting.h"
#include "guard/ward.h"

struct config *refit_config(const struct ward *ward, const struct config *base)
{
	struct config *config = malloc(sizeof(*config));

	if (config) {
		*config = *base;
		roll_extend(ward->roll, ward->inode, config);
	}
	return config;
}

/* Whether both have the same services, in the same places. */
static bool is_same(const struct config *a, const struct config *b)
{
	bool same = a->count == b->count;

	/* Leases, lookout and vetting know a service by its number. */
	for (size_t i = 0; same && i < a->count; i++)
		same = service_equal(&a->services[i].service, &b->services[i].service) &&
		       a->services[i].registered == b->services[i].registered;
	return same;
}

/* Only whether somebody serves them is new. */
static void note_leaving(struct ward *ward, const struct config *wanted)
{
	for (size_t i = 0; i < wanted->count; i++) {
		ward->config->services[i].leaving = wanted->services[i].leaving;
		lookout_note_unsafe(ward->post.lookout, i,
				    !vetting_allows(ward->post.vetting, i));
	}
}

static int swap_in(struct ward *ward, struct text *why)
{
	struct ev_loop *loop = ward->rounds.loop;
	int err;

	/* Rules and leases stay meanwhile, and ward_swap() takes them over. */
	ward_stop(ward);
	err = ward_hand_over(ward, ward->base, why);
	if (!err)
		err = ward_prepare(ward, why);
	if (err)
		ward_forget(ward);
	else
		err = ward_swap(ward, why);
	ward_start(ward, loop);
	return err;
}

int refit_ward(struct ward *ward, struct text *why)
{
	struct config *wanted = refit_config(ward, ward->base);
	bool same = wanted && is_same(ward->config, wanted);

	if (same)
		note_leaving(ward, wanted);
	free(wanted);
	return same ? 0 : swap_in(ward, why);
}

bool refit_is_out(const struct ward *ward, const struct service *service)
{
	for (size_t i = 0; i < ward->config->count; i++)
		if (service_equal(service, &ward->config->services[i].service))
			return leases_engaged(ward->post.leases, i) ||
			       leases_bounded(ward->post.leases, i);
	return false;
}

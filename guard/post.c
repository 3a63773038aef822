// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/post.h"

#include "guard/config.h"
#include "guard/lease.h"
#include "guard/lookout.h"
#include "guard/policy.h"
#include "guard/remedy.h"
#include "guard/vetting.h"
#include "lib/text.h"

int post_open(struct post *post, const struct config *config, const struct legacy *legacy,
	      struct chores *chores, bool rehearse)
{
	struct post opened = { 0 };
	int err = vetting_open(&opened.vetting, config, legacy);

	if (!err)
		err = leases_open(&opened.leases, config, opened.vetting, rehearse);
	if (!err)
		err = lookout_open(&opened.lookout, config, opened.leases, chores,
				   rehearse);
	if (err)
		post_close(&opened);
	else
		*post = opened;
	return err;
}

void post_close(struct post *post)
{
	/* The last opened first: each borrows from those before. */
	lookout_close(post->lookout);
	leases_close(post->leases);
	vetting_close(post->vetting);
	*post = (struct post){ 0 };
}

/* Whether what the service has of rules may stay as it is. */
static bool stays(const struct post *post, const struct config *wanted,
		  const struct service *service, size_t i)
{
	bool bounded = leases_bounded(post->leases, i);

	if (!bounded && !leases_engaged(post->leases, i))
		return true;
	for (size_t j = 0; j < wanted->count; j++) {
		const struct config_service *next = &wanted->services[j];

		if (service_equal(service, &next->service))
			/* One of another rate is set over this one (leases_arm()). */
			return !bounded || next->budget_per_s > 0;
	}
	return false;
}

int post_hand_over(const struct post *post, const struct config *present,
		   const struct config *wanted, struct remedy *remedy, struct text *why)
{
	for (size_t i = 0; i < present->count; i++) {
		struct apply_why reason;
		int err;

		if (leases_held(post->leases, i) ||
		    stays(post, wanted, &present->services[i].service, i))
			continue;
		err = remedy_give_back(remedy, i, "because it is no longer allowed",
				       &reason);
		if (err) {
			/* What was given back before this one stays so. */
			text_add(why, "could not give %s back: %s",
				 lookout_view(post->lookout)->services[i].name,
				 reason.text);
			return err;
		}
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/admission.h"

#include <errno.h>
#include <stdbool.h>

#include "guard/config.h"
#include "guard/roll.h"
#include "lib/text.h"

/* Whether it fits beside the count that are there; *known: it is one of them. */
static int check_others(const struct roll_service *there, size_t count, uint64_t netns,
			const struct service *service, bool *known, struct text *why)
{
	char name[SERVICE_TEXT_MAX];

	for (size_t i = 0; i < count; i++) {
		if (there[i].netns != netns ||
		    !service_overlaps(&there[i].service, service))
			continue;
		*known = service_equal(&there[i].service, service);
		/* Several programs may serve the same: roll_service counts them. */
		if (*known)
			return 0;
		service_format(service, name);
		text_add(why, "%s overlaps what another program has registered", name);
		return -EINVAL;
	}
	*known = false;
	return 0;
}

struct enrolment admission_select(const struct config *config,
				  const struct roll_service *there, size_t count,
				  uid_t user, const struct enrolment *wanted,
				  json_t *refused)
{
	struct enrolment admitted = *wanted;
	size_t fresh = 0;

	admitted.count = 0;
	/* Those of wanted do not overlap each other: enrolment_parse() has seen to that. */
	for (size_t i = 0; i < wanted->count; i++) {
		const struct service *service = &wanted->services[i];
		struct text why = { 0 };
		char name[SERVICE_TEXT_MAX];
		bool known = false;
		int err = config_admits(config, service, user, &why);

		if (!err)
			err = check_others(there, count, wanted->netns, service, &known,
					   &why);
		/* What somebody holds already takes no other place in the roll. */
		if (!err && !known && count + fresh == ROLL_SERVICES_MAX) {
			text_add(&why, "more than %d services would be registered",
				 ROLL_SERVICES_MAX);
			err = -EINVAL;
		}
		service_format(service, name);
		if (err)
			json_array_append_new(refused,
					      json_pack("{s:s, s:s}", "service", name,
							"why", text_str(&why)));
		else
			admitted.services[admitted.count++] = *service;
		fresh += !err && !known;
		text_free(&why);
	}
	return admitted;
}

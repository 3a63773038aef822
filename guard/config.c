// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conntrack/place.h"
#include "lib/args.h"
#include "lib/text.h"
#include "rules/layout.h"
#include "rules/terms.h"

/* Shorter and a busy host could lose its rules between two refreshes. */
static const double LEASE_MIN_S = 3;
static const double DAY_S = 86400;

void config_init(struct config *config)
{
	*config = (struct config){
		.policy = { .engage_at = 0.8, .release_at = 0.5, .horizon_s = 10 },
		.lease_s = 30,
		.release_after_s = 30,
	};
}

/* Whether it means something is seen when it is opened. */
static int take_place(const char *value, char out[CONFIG_PLACE_MAX], struct args_why *why)
{
	size_t length = strlen(value);

	if (length >= CONFIG_PLACE_MAX) {
		snprintf(why->text, sizeof(why->text),
			 "\"%.40s...\" is longer than %d bytes", value,
			 CONFIG_PLACE_MAX - 1);
		return -EINVAL;
	}
	memcpy(out, value, length + 1);
	return 0;
}

/* Whether it is there is seen when the guard starts. */
static int take_netns(const char *value, char out[CONFIG_PLACE_MAX], struct args_why *why)
{
	struct place place;
	int err = place_parse(value, &place, why);

	return err ? err : take_place(value, out, why);
}

/* Of conntrack entries: the kernel's own type has 31 bits. */
static int take_limit(const char *value, uint32_t *out, struct args_why *why)
{
	uint64_t limit;
	int err = args_count(value, 1, INT32_MAX, &limit, why);

	if (!err)
		*out = (uint32_t)limit;
	return err;
}

int config_set(struct config *config, const char *name, const char *value,
	       struct text *why)
{
	struct args_why reason;
	int err = -ENOENT;

	if (strcmp(name, "engage-at") == 0)
		err = args_share(value, 0.01, 1, &config->policy.engage_at, &reason);
	else if (strcmp(name, "release-at") == 0)
		err = args_share(value, 0.001, 1, &config->policy.release_at, &reason);
	else if (strcmp(name, "horizon") == 0)
		err = args_duration(value, 0, DAY_S, &config->policy.horizon_s, &reason);
	else if (strcmp(name, "lease") == 0)
		err = args_duration(value, LEASE_MIN_S, DAY_S, &config->lease_s, &reason);
	else if (strcmp(name, "release-after") == 0)
		err = args_duration(value, 0, DAY_S, &config->release_after_s, &reason);
	else if (strcmp(name, "raise-limit-to") == 0)
		err = take_limit(value, &config->policy.raise_to, &reason);
	else if (strcmp(name, "metrics") == 0)
		err = take_place(value, config->metrics, &reason);
	else if (strcmp(name, "journal") == 0)
		err = take_place(value, config->journal, &reason);
	else if (strcmp(name, "control") == 0)
		err = take_place(value, config->control, &reason);
	else if (strcmp(name, "netns") == 0)
		err = take_netns(value, config->netns, &reason);
	if (err && err != -ENOENT)
		text_add(why, "%s: %s", name, reason.text);
	return err;
}

int config_add_service(struct config *config, const char *spec, struct text *why)
{
	struct config_service *row = &config->services[config->count];
	struct service service;
	struct args_why reason;
	const char *unfit;

	if (service_parse(spec, &service, &reason)) {
		text_add(why, "%s", reason.text);
		return -EINVAL;
	}
	unfit = layout_unfit(&service);
	if (unfit) {
		text_add(why, "service \"%s\" cannot be taken out: %s", spec, unfit);
		return -EINVAL;
	}
	for (size_t i = 0; i < config->count; i++) {
		if (service_overlaps(&service, &config->services[i].service)) {
			text_add(why, "service \"%s\" is given twice", spec);
			return -EINVAL;
		}
	}
	if (config->count == POLICY_SERVICES_MAX) {
		text_add(why, "service \"%s\": more than %d services", spec,
			 POLICY_SERVICES_MAX);
		return -EINVAL;
	}
	*row = (struct config_service){ .service = service };
	config->count++;
	return 0;
}

int config_set_patience(struct config_service *row, const char *value, struct text *why)
{
	struct args_why reason;
	int err = args_duration(value, 0, DAY_S, &row->release_after_s, &reason);

	row->patient = !err;
	if (err)
		text_add(why, "release-after: %s", reason.text);
	return err;
}

int config_set_budget(struct config_service *row, const char *value, struct text *why)
{
	struct extent extent = { .kind = EXTENT_BUDGET };
	struct args_why reason;
	uint64_t rate;
	const char *unfit;

	if (args_count(value, 1, EXTENT_RATE_MAX, &rate, &reason)) {
		text_add(why, "budget: %s", reason.text);
		return -EINVAL;
	}
	extent.packets_per_s = row->budget_per_s = (uint32_t)rate;
	unfit = extent_unfit(&extent, &row->service);
	if (unfit)
		text_add(why, "budget: %s", unfit);
	return unfit ? -EINVAL : 0;
}

bool config_is_everywhere(const struct config *config)
{
	return strcmp(config->netns, "all") == 0;
}

bool config_forces(const struct config *config, size_t i)
{
	return config->force || config->services[i].force;
}

double config_release_after_s(const struct config *config, size_t i)
{
	const struct config_service *row = &config->services[i];

	return row->patient ? row->release_after_s : config->release_after_s;
}

int config_add_never(struct config *config, const char *spec, struct text *why)
{
	struct args_why reason;

	if (config->never_count == CONFIG_NEVER_MAX) {
		text_add(why, "never: more than %d services", CONFIG_NEVER_MAX);
		return -EINVAL;
	}
	if (service_parse(spec, &config->never[config->never_count], &reason)) {
		text_add(why, "never: %s", reason.text);
		return -EINVAL;
	}
	config->never_count++;
	return 0;
}

int config_check(const struct config *config, struct text *why)
{
	char name[SERVICE_TEXT_MAX];

	if (config->count == 0) {
		text_add(why,
			 "no service may be taken out of tracking: give -s SERVICE, or "
			 "service \"...\" { } in the configuration");
		return -EINVAL;
	}
	if (config->policy.release_at >= config->policy.engage_at) {
		text_add(why, "release-at (%g%%) must be below engage-at (%g%%)",
			 100 * config->policy.release_at, 100 * config->policy.engage_at);
		return -EINVAL;
	}
	for (size_t i = 0; i < config->count; i++) {
		for (size_t j = 0; j < config->never_count; j++) {
			if (!service_overlaps(&config->services[i].service,
					      &config->never[j]))
				continue;
			service_format(&config->services[i].service, name);
			text_add(why, "service \"%s\" is allowed and also under never",
				 name);
			return -EINVAL;
		}
	}
	return 0;
}

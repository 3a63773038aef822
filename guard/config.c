// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/config.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "conntrack/place.h"
#include "lib/args.h"
#include "lib/exporter.h"
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
static int take_place_of(const char *value, size_t size, char *out, struct args_why *why)
{
	size_t length = strlen(value);

	if (length >= size) {
		snprintf(why->text, sizeof(why->text),
			 "\"%.40s...\" is longer than %zu bytes", value, size - 1);
		return -EINVAL;
	}
	memcpy(out, value, length + 1);
	return 0;
}

static int take_place(const char *value, char out[CONFIG_PLACE_MAX], struct args_why *why)
{
	return take_place_of(value, CONFIG_PLACE_MAX, out, why);
}

/* Longer ones the kernel has no room for (unix(7)). */
static int take_socket(const char *value, char out[CONFIG_PLACE_MAX],
		       struct args_why *why)
{
	return take_place_of(value, sizeof(((struct sockaddr_un *)NULL)->sun_path), out,
			     why);
}

/* Whether it can be had is seen when the guard starts; none is as if it were not given. */
static int take_address(const char *value, char out[CONFIG_PLACE_MAX],
			struct args_why *why)
{
	int err = value[0] ? exporter_check(value, why) : 0;

	return err ? err : take_place(value, out, why);
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
		err = take_address(value, config->metrics, &reason);
	else if (strcmp(name, "journal") == 0)
		err = take_place(value, config->journal, &reason);
	else if (strcmp(name, "control") == 0)
		err = take_socket(value, config->control, &reason);
	else if (strcmp(name, "netns") == 0)
		err = take_netns(value, config->netns, &reason);
	if (err && err != -ENOENT)
		text_add(why, "%s: %s", name, reason.text);
	return err;
}

/* Whether there is one already that has packets in common with it. */
static bool is_taken(const struct config *config, const struct service *service,
		     const char *spec, struct text *why)
{
	char name[SERVICE_TEXT_MAX];
	size_t i = 0;

	while (i < config->count &&
	       !service_overlaps(service, &config->services[i].service))
		i++;
	if (i == config->count)
		return false;
	service_format(&config->services[i].service, name);
	if (service_equal(service, &config->services[i].service))
		text_add(why, "service \"%s\" is given twice", spec);
	else
		text_add(why, "service \"%s\" overlaps %s", spec, name);
	return true;
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
	if (is_taken(config, &service, spec, why))
		return -EINVAL;
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

/* What a program registers is not whatever whoever said "force" had in mind. */
bool config_forces(const struct config *config, size_t i)
{
	const struct config_service *row = &config->services[i];

	return row->force || (config->force && !row->registered);
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

int config_add_admission(struct config *config, const char *spec, struct text *why)
{
	struct config_admission *row = &config->admissions[config->admission_count];
	struct args_why reason;
	struct service within;

	if (config->admission_count == CONFIG_ADMISSIONS_MAX) {
		text_add(why, "register: more than %d", CONFIG_ADMISSIONS_MAX);
		return -EINVAL;
	}
	if (service_parse(spec, &within, &reason)) {
		text_add(why, "register: %s", reason.text);
		return -EINVAL;
	}
	if (within.outbound) {
		text_add(why, "register: \"%s\" is not of this host", spec);
		return -EINVAL;
	}
	*row = (struct config_admission){ .within = within };
	config->admission_count++;
	return 0;
}

int config_admit_user(struct config_admission *admission, const char *name,
		      struct text *why)
{
	const struct passwd *entry = getpwnam(name);
	struct args_why reason;
	uint64_t number;

	if (admission->user_count == CONFIG_USERS_MAX) {
		text_add(why, "users: more than %d", CONFIG_USERS_MAX);
		return -EINVAL;
	}
	/* A number need be of nobody who is known here; (uid_t)-1 is no user (setresuid(2)). */
	if (entry) {
		number = entry->pw_uid;
	} else if (args_count(name, 0, UINT32_MAX - 1, &number, &reason)) {
		text_add(why, "users: there is no user \"%.60s\"", name);
		return -EINVAL;
	}
	admission->users[admission->user_count++] = (uid_t)number;
	return 0;
}

/* Whether it is of the ports and the address. */
static bool is_within(const struct service *service, const struct service *all)
{
	struct service narrow = *all;

	narrow.first_port = service->first_port;
	narrow.last_port = service->last_port;
	if (all->family == AF_UNSPEC) {
		narrow.family = service->family;
		narrow.addr = service->addr;
	}
	/* What else there is of it, protocol and direction, must be the same. */
	return service_equal(service, &narrow) &&
	       service->first_port >= all->first_port &&
	       service->last_port <= all->last_port;
}

static bool is_admitted(const struct config_admission *admission, uid_t user)
{
	if (admission->user_count == 0)
		return user == 0 || user == geteuid();
	for (size_t i = 0; i < admission->user_count; i++)
		if (admission->users[i] == user)
			return true;
	return false;
}

/* Whether it is, or overlaps, one that must not go; equal ones of the configuration are no hindrance. */
static const char *find_hindrance(const struct config *config,
				  const struct service *service)
{
	for (size_t i = 0; i < config->never_count; i++)
		if (service_overlaps(service, &config->never[i]))
			return "is under never";
	for (size_t i = 0; i < config->count; i++)
		if (service_overlaps(service, &config->services[i].service) &&
		    !service_equal(service, &config->services[i].service))
			return "overlaps a service that is configured";
	return layout_unfit(service) ? "cannot be taken out of tracking" : NULL;
}

int config_admits(const struct config *config, const struct service *service, uid_t user,
		  struct text *why)
{
	const char *hindrance = find_hindrance(config, service);
	char name[SERVICE_TEXT_MAX];
	bool within = false;

	service_format(service, name);
	if (hindrance) {
		text_add(why, "%s %s", name, hindrance);
		return -EINVAL;
	}
	for (size_t i = 0; i < config->admission_count; i++) {
		if (!is_within(service, &config->admissions[i].within))
			continue;
		within = true;
		if (is_admitted(&config->admissions[i], user))
			return 0;
	}
	/* That it may be, but not by this user, is the better reason. */
	if (within)
		text_add(why, "%s may not be registered by user %u", name,
			 (unsigned)user);
	else
		text_add(why,
			 "%s may not be registered: no \"register\" of the "
			 "guard's configuration allows it",
			 name);
	return -EINVAL;
}

int config_add_registered(struct config *config, const struct service *service,
			  bool leaving)
{
	if (config->count == POLICY_SERVICES_MAX || find_hindrance(config, service))
		return -EINVAL;
	for (size_t i = 0; i < config->count; i++)
		if (service_equal(service, &config->services[i].service))
			return -EINVAL;
	config->services[config->count++] = (struct config_service){
		.service = *service,
		.registered = true,
		.leaving = leaving,
	};
	return 0;
}

int config_check(const struct config *config, struct text *why)
{
	char name[SERVICE_TEXT_MAX];

	if (config->count == 0 && config->admission_count == 0) {
		text_add(why,
			 "no service may be taken out of tracking: give -s SERVICE, or "
			 "service \"...\" { } in the configuration");
		return -EINVAL;
	}
	/* Else what is given back would be taken out again at once. */
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

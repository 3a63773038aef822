/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_CONFIG_H
#define GUARD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "guard/policy.h"
#include "lib/service.h"

struct text;

enum { CONFIG_NEVER_MAX = 64, CONFIG_PLACE_MAX = 256 };
enum { CONFIG_ADMISSIONS_MAX = 16, CONFIG_USERS_MAX = 8 };

/* A service that the guard may take out of tracking. */
struct config_service {
	struct service service;
	bool patient; /* has a release_after_s of its own */
	double release_after_s;
	bool force; /* may go whatever the audit says */
	uint32_t
		budget_per_s; /* packets that are tracked, by the kernel's own limit; 0: all */
	bool registered;      /* by a program, not configured */
	bool leaving;         /* no program serves it any more: it may only come back */
};

/* Whose programs may register services of a range. */
struct config_admission {
	struct service within;
	size_t user_count; /* 0: root, and whoever the guard runs as */
	uid_t users[CONFIG_USERS_MAX];
};

/* Everything that can be configured; a plain value. */
struct config {
	struct policy_settings policy;
	double lease_s; /* rules vanish this long after the guard's last sign of life */
	double release_after_s; /* of services that do not say otherwise */
	bool force;             /* all of them may go whatever the audit says */
	/* Empty: none. */
	char metrics[CONFIG_PLACE_MAX]; /* ADDR:PORT to serve metrics at */
	char journal[CONFIG_PLACE_MAX]; /* file that keeps the events */
	char control[CONFIG_PLACE_MAX]; /* socket for orders */
	char netns[CONFIG_PLACE_MAX];   /* "all", or NAME|PATH|PID of one; else its own */
	size_t count;
	struct config_service services[POLICY_SERVICES_MAX];
	size_t never_count;
	struct service
		never[CONFIG_NEVER_MAX]; /* never taken out, whatever else is said */
	size_t admission_count;
	struct config_admission admissions[CONFIG_ADMISSIONS_MAX];
};

/* The defaults, and no service. */
void config_init(struct config *config);

/*
 * Adds a service. Returns 0; -EINVAL (does not parse, cannot be taken out, is there already
 * in part, or too many), with a sentence added to *why.
 */
int config_add_service(struct config *config, const char *spec, struct text *why);

/* Adds a service that is never taken out. Returns 0, or -EINVAL with a sentence added to *why. */
int config_add_never(struct config *config, const char *spec, struct text *why);

/* Adds services that may be registered. Returns 0, or -EINVAL with a sentence added to *why. */
int config_add_admission(struct config *config, const char *spec, struct text *why);

/* Adds a user, by name or number, who may. Returns 0, or -EINVAL with a sentence added to *why. */
int config_admit_user(struct config_admission *admission, const char *name,
		      struct text *why);

/*
 * Whether a program of user may register service. Returns 0, or -EINVAL with a sentence added to
 * *why: it is among the never, overlaps another one, or nobody allowed it.
 */
int config_admits(const struct config *config, const struct service *service, uid_t user,
		  struct text *why);

/*
 * Adds a service that is registered. Returns 0, or -EINVAL if it is there already, is never to
 * be taken out, or if there are too many.
 */
int config_add_registered(struct config *config, const struct service *service,
			  bool leaving);

/*
 * Sets "release-after" and "budget" of one service from text. Return 0; -EINVAL or -ERANGE
 * with a sentence added to *why.
 */
int config_set_patience(struct config_service *row, const char *value, struct text *why);
int config_set_budget(struct config_service *row, const char *value, struct text *why);

/* Whether it is for all network namespaces. */
bool config_is_everywhere(const struct config *config);

/* Whether service number i may be taken out whatever the audit says. */
bool config_forces(const struct config *config, size_t i);

/* How long service number i must have been calm: its own time, or that of all. */
double config_release_after_s(const struct config *config, size_t i);

/*
 * Whether what is configured makes sense together: at least one service, or that some may be registered, none of them
 * among the never, release_at below engage_at. Returns 0, or -EINVAL with a sentence in *why.
 */
int config_check(const struct config *config, struct text *why);

/*
 * Sets one of "engage-at", "release-at", "horizon", "lease", "release-after", "raise-limit-to", "metrics",
 * "journal", "control", "netns" from text.
 * Returns 0; -EINVAL or -ERANGE with a sentence in *why; -ENOENT for another name.
 */
int config_set(struct config *config, const char *name, const char *value,
	       struct text *why);

#endif

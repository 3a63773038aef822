/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_AUDIT_H
#define RULES_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/service.h"
#include "rules/finding.h"

struct model;
struct record;
struct surroundings;

/*
 * Would a packet of a service that is now tracked be treated differently if it were untracked? Pure:
 * every packet of the service's conversations is sent through the model twice, as it is and
 * with our NOTRACK, in every case that can be, and what comes of it is compared.
 */

enum audit_verdict { AUDIT_SAFE, AUDIT_UNSAFE, AUDIT_UNKNOWN };

enum { AUDIT_FINDINGS_MAX = 64 };

struct audit {
	struct service service;
	enum audit_verdict verdict;
	uint32_t generation; /* of the ruleset that was judged */
	bool truncated;      /* there were more findings */
	int unquoted; /* why there are no words of rules, as quote_open() returned it; 0: there are */
	size_t count;
	struct finding finding[AUDIT_FINDINGS_MAX]; /* the gravest first */
};

/* Who is told how each walk went, one after the other, if not NULL. */
struct audit_listener {
	struct record *record; /* to be used for every walk */
	void (*walked)(const struct packet *packet, const struct record *record,
		       void *data);
	void *data;
};

/*
 * Judges service by a complete model. The model's rules must outlive *out's use of them. listener
 * may be NULL. steps is how many rules may be evaluated in all: AUDIT_STEPS are less than a second.
 * Returns 0 or -ENOMEM; too many cases are no error but a finding.
 */
int audit_service(const struct model *model, const struct surroundings *host,
		  const struct service *service, uint64_t steps,
		  const struct audit_listener *listener, struct audit *out);

enum { AUDIT_STEPS = 4000000 };

/* Adds a finding, the gravest first. */
void audit_add(struct audit *audit, const struct finding *finding);

/* Adds a finding that no rule is to blame for; why and fix are copied. */
void audit_note(struct audit *audit, const char *code, enum finding_weight weight,
		enum finding_severity severity, const char *why, const char *fix);

/* "safe", "unsafe", "unknown". */
const char *audit_verdict_name(enum audit_verdict verdict);

/* The packet of a walk in words, such as "first request from another host, IPv4". */
void audit_packet_name(const struct packet *packet, char *text, size_t bytes);

#endif

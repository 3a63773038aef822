/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_ORDERS_H
#define GUARD_ORDERS_H

#include <jansson.h>

struct config;
struct journal;
struct leases;
struct lookout;
struct remedy;
struct vetting;

/*
 * Carries out what is ordered over the control socket in one network namespace. The pointers
 * are borrowed.
 */
struct orders {
	const struct config *config;
	struct journal *journal;
	struct lookout *lookout;
	struct leases *leases;
	struct remedy *remedy;
	struct vetting *vetting;
};

/*
 * Answers a request of somebody who may order: {"command":"pause"}, "resume", "release" with
 * "service" and perhaps "now":true. The answer has "ok", and "done" or "error", a sentence.
 */
json_t *orders_answer(struct orders *orders, const json_t *request);

#endif

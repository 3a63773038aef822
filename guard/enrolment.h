/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_ENROLMENT_H
#define GUARD_ENROLMENT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/service.h"

struct args_why;

enum { ENROLMENT_SERVICES_MAX = 64, ENROLMENT_NAME_MAX = 32 };

/* What a program says when it registers what it serves. */
struct enrolment {
	char program[ENROLMENT_NAME_MAX]; /* printable ASCII */
	uint64_t netns; /* inode of its network namespace: st_ino of /proc/self/ns/net */
	size_t count;
	struct service services[ENROLMENT_SERVICES_MAX]; /* that it says are fit */
};

/*
 * Reads {"command":"register","program":"ctserve","netns":4026531840,"services":["udp/9000"]}, which
 * may be anything. Returns 0, or -EINVAL with a sentence in *why. Pure.
 */
int enrolment_parse(const json_t *request, struct enrolment *out, struct args_why *why);

/* The services as a new array of texts. */
json_t *enrolment_names(const struct enrolment *enrolment);

/*
 * Reads a line that comes later, without its end: {"eperm":12}, so many sends that the kernel did not
 * permit since the last. Returns 0, or -EINVAL. Pure.
 */
int enrolment_parse_report(const char *line, size_t length, uint64_t *eperm);

#endif

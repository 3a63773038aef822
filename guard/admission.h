/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_ADMISSION_H
#define GUARD_ADMISSION_H

#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

#include "guard/enrolment.h"

struct config;
struct roll_service;

/*
 * Which services of wanted a program of user may register, when count are there already: the rest is
 * appended to the array refused, as objects with "service" and "why". Pure.
 */
struct enrolment admission_select(const struct config *config,
				  const struct roll_service *there, size_t count,
				  uid_t user, const struct enrolment *wanted,
				  json_t *refused);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_DOCTOR_H
#define GUARD_DOCTOR_H

struct diagnosis;
struct symptoms;

/* Adds what is wrong, what may become so, and what is good to know, the gravest first. Pure. */
void doctor_judge(const struct symptoms *symptoms, struct diagnosis *out);

#endif

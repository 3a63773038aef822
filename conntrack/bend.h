/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_BEND_H
#define CONNTRACK_BEND_H

struct forecast;

/* By how much the rate at which a table climbs grows, and how soon that dies away. */
struct bend {
	double now;     /* entries a second squared; 0: it does not, or not steadily */
	double rate;    /* entries per second: where the rate is, if it does */
	double fades_s; /* what it falls to a third in */
};

/* Over the last seconds of the long memory, falls left out. Pure. */
struct bend bend_of(const struct forecast *f);

#endif

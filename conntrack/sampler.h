/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_SAMPLER_H
#define CONNTRACK_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "conntrack/breakdown.h"
#include "conntrack/holders.h"
#include "conntrack/host.h"
#include "conntrack/lifetimes.h"
#include "conntrack/rollcall.h"
#include "conntrack/sample.h"
#include "conntrack/table.h"

struct nl;

/*
 * Samples one table, as often as it pays, and adds up what it sees. Zero-initialise before use,
 * but for the first members; evicted may change before each look. Readers may read all.
 */
struct sampler {
	uint32_t max;      /* flows of a sample at most; 0: as many as pay */
	uint64_t netns;    /* the namespace's number (lib/process.h); 0: not known */
	double part;       /* of the time that sampling may take: above 0, at most 1 */
	uint64_t evicted;  /* entries in all so far: they make room, so none is missed */
	uint64_t taken_ns; /* CLOCK_MONOTONIC; 0: never */
	double took_s;     /* the last */
	double cost_s;     /* CPU time that the next is expected to take */
	uint32_t counted;  /* entries that the kernel counted then */
	uint64_t evicted_then;
	uint64_t host_ns;               /* when listeners and addresses were read */
	double host_cost_s;             /* what that took */
	uint64_t fingerprint;           /* of the listeners */
	bool listeners_changed;         /* since the last sample */
	bool whole;                     /* all entries are wanted, not a sample */
	uint64_t interrupted, overruns; /* samples cut short (sample.h, cut) */
	struct sample sample;
	struct rollcall rollcall;
	struct lifetimes lifetimes;
	struct breakdown breakdown;
	struct holders holders;
	struct host host;
};

/*
 * Reads which sockets listen and which addresses are here, if that was long ago: a new listener makes
 * a new sample. diag and route as listeners_read() takes them.
 */
void sampler_see_host(struct sampler *sampler, struct nl *diag, struct nl *route,
		      uint64_t now_ns);

/*
 * Takes a sample if one is due, after what watch_read() says. Returns whether there is a new one that
 * was not cut short, which tells of lifetimes.
 */
bool sampler_look(struct sampler *sampler, struct nl *nl,
		  const struct table_usage *usage);

#endif

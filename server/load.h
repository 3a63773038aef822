/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_LOAD_H
#define SERVER_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "server/target.h"

struct log;

/* A sender that is this far behind its schedule is late, and says so. */
#define LOAD_LATE_NS (UINT64_C(10) * 1000000)

/* What the command line asks for: a plain value. Each mode reads the fields that it has. */
struct load {
	struct target target;
	bool has_source;
	struct source source;
	uint64_t count;       /* flows: new flows; hold: connections */
	uint64_t rate;        /* per second; echo: 0 is a closed loop */
	uint64_t window;      /* unanswered at a time; 0 is an open loop */
	uint64_t flows;       /* echo: sockets */
	uint64_t processes;   /* echo: 0 is as many as are worth it */
	uint64_t size_bytes;  /* echo: of a message, at least PROBE_BYTES */
	uint64_t duration_ns; /* flows: of sending; echo: of sending; hold: of holding */
	uint64_t wait_ns;     /* for an answer */
	unsigned lease_s;     /* hold, over UDP */
	const char *path_prefix;
	const struct log *log; /* progress and warnings */
};

/* What every mode reports besides its own counts. */
struct load_outcome {
	int stopped_by; /* the signal that ended the run early; 0: it ran to its end */
	bool cut_short; /* a time limit ended it before the count was reached */
	bool missing;   /* processes ended before their time, or had to be killed */
	uint64_t late;  /* sends more than LOAD_LATE_NS after their time */
	uint64_t max_late_ns;
};

#endif

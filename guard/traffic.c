// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/traffic.h"

#include <math.h>

#include "lib/clock.h"

void traffic_restart(struct traffic *traffic)
{
	traffic->measured_ns = 0;
	traffic->packets_per_s = INFINITY;
}

void traffic_measure(struct traffic *traffic, uint64_t now_ns, uint64_t packets)
{
	double elapsed_s = clock_between_s(traffic->measured_ns, now_ns);

	traffic->packets_per_s = INFINITY;
	if (traffic->measured_ns && elapsed_s > 0 && packets >= traffic->packets)
		traffic->packets_per_s = (double)(packets - traffic->packets) / elapsed_s;
	traffic->measured_ns = now_ns;
	traffic->packets = packets;
}

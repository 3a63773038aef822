// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/finding.h"

const char *finding_severity_name(enum finding_severity severity)
{
	switch (severity) {
	case FINDING_BLOCKER: return "blocker";
	case FINDING_WARNING: return "warning";
	default: return "info";
	}
}

const char *finding_direction(const struct finding *finding)
{
	bool loops = finding->way == PACKET_LOOPS;

	if (finding->error)
		return loops ? "icmp errors on loopback" : "icmp errors";
	if (finding->unasked)
		return "packets nobody asked for";
	if (finding->request)
		return loops ? "requests on loopback" : "requests";
	return loops ? "replies on loopback" : "replies";
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/budget.h"

#include <stdio.h>

#include "guard/config.h"
#include "lib/log.h"
#include "lib/text.h"

/* The kernel's default. */
enum { TIMEOUT_S = 30 };

/* The number in a file; unread where there is no such file, or no number in it */
static uint32_t read_number(const char *path, uint32_t unread)
{
	FILE *file = fopen(path, "re");
	unsigned value = unread;

	if (file && fscanf(file, "%10u", &value) != 1)
		value = unread;
	if (file)
		fclose(file);
	return value;
}

struct budget_reach budget_measure(const struct config *config)
{
	struct budget_reach reach = {
		.timeout_s = read_number(
			"/proc/sys/net/netfilter/nf_conntrack_udp_timeout", TIMEOUT_S),
		.limit = read_number("/proc/sys/net/netfilter/nf_conntrack_max", 0),
	};

	for (size_t i = 0; i < config->count; i++) {
		reach.per_s += config->services[i].budget_per_s;
		reach.count += config->services[i].budget_per_s > 0;
	}
	return reach;
}

double budget_entries(const struct budget_reach *reach)
{
	/* A budget lets a second's worth through in a burst (struct extent). */
	return reach->per_s * (reach->timeout_s + 1);
}

bool budget_exceeds(const struct budget_reach *reach)
{
	return reach->limit && budget_entries(reach) > reach->limit;
}

void budget_explain(const struct budget_reach *reach, struct text *text)
{
	text_add(text,
		 "%s %.0f packets/s be tracked, whose entries live %.0f s: %.0f can be "
		 "there at once, and the limit is %u",
		 reach->count > 1 ? "the budgets together let" : "the budget lets",
		 reach->per_s, reach->timeout_s, budget_entries(reach), reach->limit);
}

void budget_warn(const struct config *config, const struct log *log)
{
	const struct budget_reach reach = budget_measure(config);
	struct text text = { 0 };

	if (!budget_exceeds(&reach))
		return;
	budget_explain(&reach, &text);
	log_warn(log, "%s", text_str(&text));
	text_free(&text);
}

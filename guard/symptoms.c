// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/symptoms.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conntrack/host.h"
#include "conntrack/listeners.h"
#include "guard/boot.h"
#include "guard/config.h"
#include "guard/lock.h"
#include "lib/nl.h"
#include "lib/text.h"
#include "rules/audit.h"
#include "rules/judge.h"
#include "rules/quote.h"
#include "rules/report.h"
#include "rules/xtables.h"

/* net/netfilter/nf_conntrack_proto_{tcp,udp,icmp,icmpv6}.c, nf_conntrack_standalone.c */
static const struct symptoms_timeout TIMEOUTS[SYMPTOMS_TIMEOUTS] = {
	{ "nf_conntrack_generic_timeout", 600, 0 },
	{ "nf_conntrack_icmp_timeout", 30, 0 },
	{ "nf_conntrack_icmpv6_timeout", 30, 0 },
	{ "nf_conntrack_udp_timeout", 30, 0 },
	{ "nf_conntrack_udp_timeout_stream", 120, 0 },
	{ "nf_conntrack_tcp_timeout_syn_sent", 120, 0 },
	{ "nf_conntrack_tcp_timeout_syn_recv", 60, 0 },
	{ "nf_conntrack_tcp_timeout_established", 432000, 0 },
	{ "nf_conntrack_tcp_timeout_fin_wait", 120, 0 },
	{ "nf_conntrack_tcp_timeout_close_wait", 60, 0 },
	{ "nf_conntrack_tcp_timeout_time_wait", 120, 0 },
};

/* 0 where there is none, or it cannot be read. */
static uint64_t read_number(const char *path)
{
	unsigned long long value = 0;
	FILE *file = fopen(path, "re");

	if (file && fscanf(file, "%20llu", &value) != 1)
		value = 0;
	if (file)
		fclose(file);
	return value;
}

static void read_table(struct nl *nl, struct symptoms *out)
{
	char path[SYMPTOMS_TEXT_MAX];
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	out->table_err = table_usage_get(nl, &out->usage);
	if (out->table_err)
		return;
	/* The kernel has one hash table for all namespaces: told once, as memory is. */
	if (out->elsewhere || table_buckets_read(&out->buckets))
		out->buckets = 0;
	if (active_probe(nl, &out->active))
		out->active = ACTIVE_UNKNOWN;
	if (!out->elsewhere && pages > 0 && page > 0)
		out->memory_bytes = (uint64_t)pages * (uint64_t)page;
	for (size_t i = 0; i < SYMPTOMS_TIMEOUTS; i++) {
		out->timeouts[i] = TIMEOUTS[i];
		snprintf(path, sizeof(path), "/proc/sys/net/netfilter/%s",
			 TIMEOUTS[i].name);
		out->timeouts[i].now_s = (uint32_t)read_number(path);
	}
	/* The kernel shows it in the first network namespace alone. */
	out->first_netns = access("/proc/sys/net/nf_conntrack_max", F_OK) == 0;
}

/* What an expression needs connection tracking for; NULL: it does not. */
static const char *needs_tracking(const struct model_expr *expr)
{
	unsigned effects;

	switch (expr->kind) {
	case MODEL_CT:
	case MODEL_CONNLIMIT:
	case MODEL_NAT:
	case MODEL_MASQ:
	case MODEL_REDIR:
	case MODEL_SYNPROXY:
	case MODEL_FLOW_OFFLOAD: return expr->name;
	case MODEL_MATCH: effects = xtables_match_effects(expr->object); break;
	case MODEL_TARGET: effects = xtables_target_effects(expr->object); break;
	default: return NULL;
	}
	return (effects & (MODEL_ASKS_CT | MODEL_TRANSLATES)) ? expr->object : NULL;
}

/* What an expression untracks packets by; NULL: it does not. */
static const char *untracks(const struct model_expr *expr)
{
	if (expr->kind == MODEL_NOTRACK)
		return expr->name;
	if (expr->kind == MODEL_TARGET && expr->object &&
	    (strcmp(expr->object, "CT") == 0 || strcmp(expr->object, "NOTRACK") == 0))
		return expr->object;
	return NULL;
}

/* Names are anybody's, and cut so that both have room. */
static void add_place(struct symptoms_places *places, const char *what,
		      const struct model_chain *chain)
{
	if (places->count < SYMPTOMS_PLACES_MAX)
		snprintf(places->text[places->count], SYMPTOMS_TEXT_MAX,
			 "%.40s in table %s %.60s, chain %.60s", what,
			 model_family_name(chain->table->family), chain->table->name,
			 chain->name);
	places->count++;
}

/* The first rule of each chain that does it is enough. */
static void find_places(const struct model *model, struct symptoms_places *places,
			const char *(*does)(const struct model_expr *expr))
{
	for (const struct model_chain *chain = model->chains; chain;
	     chain = chain->next) {
		const char *what = NULL;

		for (const struct model_rule *rule = chain->rules; rule && !what;
		     rule = rule->next) {
			for (const struct model_expr *expr = rule->exprs; expr && !what;
			     expr = expr->next)
				what = does(expr);
		}
		if (what && !chain->table->ours)
			add_place(places, what, chain);
	}
}

/* What cannot be judged, for want of memory or of an answer, stays as not audited. */
static void audit_one(struct nl *nl, struct evidence *evidence, const struct quote *quote,
		      const struct service *service, struct symptoms_service *out)
{
	static const enum symptoms_verdict VERDICTS[] = {
		[AUDIT_SAFE] = SYMPTOMS_SAFE,
		[AUDIT_UNSAFE] = SYMPTOMS_UNSAFE,
		[AUDIT_UNKNOWN] = SYMPTOMS_UNKNOWN,
	};
	struct audit *audit = calloc(1, sizeof(*audit));
	struct text reason = { 0 };

	if (audit && judge_service(nl, evidence, service, NULL, audit) == 0) {
		if (quote)
			judge_word(quote, audit);
		report_reason(audit, &reason);
		if (audit->count && audit->finding[0].rule_text[0])
			text_add(&reason, ": %s", audit->finding[0].rule_text);
		out->verdict = VERDICTS[audit->verdict];
		snprintf(out->reason, sizeof(out->reason), "%s", text_str(&reason));
	}
	text_free(&reason);
	free(audit);
}

/* Whether it is in the list already, whole or as a part of a range. */
static bool is_listed(const struct symptoms *symptoms, const struct service *services,
		      const struct service *service)
{
	for (size_t i = 0; i < symptoms->service_count; i++) {
		if (service_overlaps(&services[i], service))
			return true;
	}
	return false;
}

struct listing {
	struct symptoms *out;
	struct service services[SYMPTOMS_SERVICES_MAX];
};

static void list_service(struct listing *listing, const struct service *service,
			 bool configured)
{
	struct symptoms *out = listing->out;

	if (is_listed(out, listing->services, service))
		return;
	if (out->service_count == SYMPTOMS_SERVICES_MAX) {
		out->listeners_left_out++;
		return;
	}
	listing->services[out->service_count] = *service;
	out->services[out->service_count].configured = configured;
	service_format(service, out->services[out->service_count++].name);
}

/* Whoever listens at a port, at any of this host's addresses: by port, as a guard would be told. */
static void list_listeners(const struct host *host, struct listing *listing)
{
	for (size_t i = 0; i < host->listeners; i++) {
		const struct host_listener *listener = &host->listener[i];
		const struct service service = {
			.proto = listener->proto,
			.first_port = listener->port,
			.last_port = listener->port,
		};

		/* Those at one address, such as 127.0.0.53, are seldom what fills a table. */
		if (listener->any && listener->port)
			list_service(listing, &service, false);
	}
	listing->out->listeners_left_out += host->left_out;
}

static void list_services(const struct config *config, struct listing *listing)
{
	struct host *host = calloc(1, sizeof(*host));
	struct nl *diag = NULL, *route = NULL;

	for (size_t i = 0; i < config->count; i++)
		list_service(listing, &config->services[i].service, true);
	if (host && nl_open(&diag, NETLINK_SOCK_DIAG) == 0 &&
	    nl_open(&route, NETLINK_ROUTE) == 0 && listeners_read(diag, route, host) == 0)
		list_listeners(host, listing);
	nl_close(diag);
	nl_close(route);
	free(host);
}

static void read_rules(struct nl *nl, const struct config *config, struct symptoms *out)
{
	struct listing listing = { .out = out };
	struct evidence evidence = { 0 };
	struct quote *quote = NULL;

	list_services(config, &listing);
	out->rules_err = evidence_read(nl, &evidence);
	/* The services are listed, then, as not audited. */
	if (out->rules_err)
		return;
	find_places(&evidence.model, &out->trackers, needs_tracking);
	find_places(&evidence.model, &out->untrackers, untracks);
	out->legacy = evidence.host.legacy4 || evidence.host.legacy6;
	out->legacy_hidden = evidence.host.legacy_hidden;
	/* Without words there are still handles. */
	if (quote_open(&quote))
		quote = NULL;
	for (size_t i = 0; i < out->service_count; i++)
		audit_one(nl, &evidence, quote, &listing.services[i], &out->services[i]);
	quote_close(quote);
	evidence_clear(&evidence);
}

static bool is_conntrackd(const char *pid)
{
	char path[SYMPTOMS_TEXT_MAX], name[32] = "";
	FILE *file;

	if (!isdigit((unsigned char)*pid))
		return false;
	/* comm has the first 15 bytes of the name, which is all of this one (TASK_COMM_LEN). */
	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	file = fopen(path, "re");
	if (file && !fgets(name, sizeof(name), file))
		name[0] = '\0';
	if (file)
		fclose(file);
	return strcmp(name, "conntrackd\n") == 0;
}

static void look_for_guard(struct symptoms *out)
{
	/* A rehearsal takes none, and is not seen. */
	int fd = lock_take();

	out->guard_runs = fd == -EADDRINUSE;
	if (fd >= 0)
		close(fd);
}

static void read_processes(struct symptoms *out)
{
	DIR *processes = opendir("/proc");
	const struct dirent *entry;

	while (processes && !out->conntrackd && (entry = readdir(processes)))
		out->conntrackd = is_conntrackd(entry->d_name);
	if (processes)
		closedir(processes);
}

void symptoms_read(const struct config *config, struct symptoms *out)
{
	struct nl *nl = NULL;

	out->budget = budget_measure(config);
	out->table_err = nl_open(&nl, NETLINK_NETFILTER);
	if (!out->table_err)
		read_table(nl, out);
	if (!out->table_err) {
		read_rules(nl, config, out);
		look_for_guard(out);
	}
	/* What is the host's is told once, in its own namespace. */
	if (!out->table_err && !out->elsewhere) {
		boot_read(out);
		read_processes(out);
	}
	nl_close(nl);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/doctor.h"

#include <string.h>

#include "guard/diagnosis.h"
#include "guard/symptoms.h"
#include "lib/text.h"

/* Bytes of an entry with accounting, labels or NAT (256 without), and of a bucket. */
enum { ENTRY_BYTES = 384, BUCKET_BYTES = 8 };

/* A full table may take this part of the memory. */
static const double MEMORY_PART = 0.25;

/* More entries than this to a bucket, and each look-up walks a list. */
static const double ENTRIES_PER_BUCKET = 4;

/* Shares of the limit that are trouble, or near it. */
static const double FULL = 0.8, FILLING = 0.5;

/* A timeout this many times its default, or this part of it. */
enum { FAR = 4 };

/* A limit below it is filled by one busy client; the memory that a larger one would not miss. */
enum { LIMIT_LOW = 32768 };
static const uint64_t MEMORY_AMPLE = 1ULL << 30;

static double mib(double bytes)
{
	return bytes / (1 << 20);
}

/* "a; b; c and 4 more". */
static void list_places(const struct symptoms_places *places, struct text *text)
{
	for (size_t i = 0; i < places->count && i < SYMPTOMS_PLACES_MAX; i++)
		text_add(text, "%s%s", i ? "; " : "", places->text[i]);
	if (places->count > SYMPTOMS_PLACES_MAX)
		text_add(text, " and %zu more", places->count - SYMPTOMS_PLACES_MAX);
}

static void judge_activity(const struct symptoms *symptoms, struct diagnosis *out)
{
	struct text places = { 0 };
	struct ailment *ailment;

	list_places(&symptoms->trackers, &places);
	/* The probe is a datagram of IPv4: rules that need tracking for IPv6 alone say more. */
	if (symptoms->active == ACTIVE_NO && !symptoms->trackers.count) {
		/* Of many, some are always idle. */
		ailment = diagnosis_add(
			out, symptoms->everywhere ? AILMENT_INFO : AILMENT_WARNING,
			"inactive", "connections are not tracked here");
		ailment_why(ailment, "no rule needs it, so the table stays empty and a "
				     "guard has nothing to do");
	} else if (symptoms->trackers.count) {
		diagnosis_add(out, AILMENT_INFO, "active",
			      "connections are tracked because of: %s",
			      text_str(&places));
	} else if (symptoms->active == ACTIVE_YES) {
		ailment =
			diagnosis_add(out, AILMENT_INFO, "active",
				      "connections are tracked, by no rule of nf_tables");
		ailment_why(ailment,
			    "iptables-legacy, IPVS, Open vSwitch or tc may have asked "
			    "for it%s",
			    symptoms->rules_err ? ", or a rule: the ruleset could not "
						  "be read"
						: "");
	}
	text_free(&places);
}

static void judge_fill(const struct symptoms *symptoms, struct diagnosis *out)
{
	const struct table_usage *usage = &symptoms->usage;
	double part = usage->limit ? (double)usage->entries / usage->limit : 0;
	struct ailment *ailment;

	if (part < FILLING) {
		diagnosis_add(out, AILMENT_INFO, "fill", "%u of %u entries (%.1f %%)",
			      usage->entries, usage->limit, 100 * part);
		return;
	}
	ailment = diagnosis_add(out, part < FULL ? AILMENT_WARNING : AILMENT_PROBLEM,
				"fill", "%u of %u entries (%.1f %%)", usage->entries,
				usage->limit, 100 * part);
	ailment_why(ailment, "a full table evicts other services' new flows in silence, "
			     "then drops every new flow");
	ailment_fix(ailment, "see who it is: ctwatch --once; keep it from filling: "
			     "ctguard run -s SERVICE");
}

static void judge_size(const struct symptoms *symptoms, struct diagnosis *out)
{
	uint32_t limit = symptoms->usage.limit, buckets = symptoms->buckets;
	double bytes = (double)limit * ENTRY_BYTES + (double)buckets * BUCKET_BYTES;
	struct ailment *ailment;

	if (buckets && limit > ENTRIES_PER_BUCKET * buckets) {
		ailment =
			diagnosis_add(out, AILMENT_WARNING, "buckets",
				      "%u entries may share %u buckets", limit, buckets);
		ailment_why(ailment,
			    "with %.0f entries to a bucket each packet walks a "
			    "list",
			    (double)limit / buckets);
		/*
		 * The kernel moves all entries to the new buckets at once
		 * (nf_conntrack_set_hashsize()).
		 */
		ailment_fix(ailment,
			    "echo %u > /sys/module/nf_conntrack/parameters/hashsize; and "
			    "\"options nf_conntrack hashsize=%u\" in /etc/modprobe.d",
			    limit, limit);
	}
	if (symptoms->memory_bytes &&
	    bytes > MEMORY_PART * (double)symptoms->memory_bytes) {
		ailment = diagnosis_add(out, AILMENT_WARNING, "memory",
					"a full table would take %.0f MiB of %.0f MiB",
					mib(bytes), mib((double)symptoms->memory_bytes));
		ailment_why(ailment, "it is the kernel's own memory: programs are ended "
				     "to make room for it");
		ailment_fix(ailment, "sysctl -w net.netfilter.nf_conntrack_max=%.0f",
			    MEMORY_PART * (double)symptoms->memory_bytes / ENTRY_BYTES);
	}
	if (limit && limit < LIMIT_LOW && symptoms->memory_bytes >= MEMORY_AMPLE) {
		ailment = diagnosis_add(out, AILMENT_WARNING, "limit-low",
					"no more than %u entries are allowed", limit);
		ailment_why(ailment,
			    "one busy client can fill them, and there is memory "
			    "for more: 262144 would take %d MiB",
			    262144 / 1024 * ENTRY_BYTES / 1024);
		ailment_fix(ailment,
			    "echo net.netfilter.nf_conntrack_max=262144 > "
			    "/etc/sysctl.d/90-conntrack.conf && sysctl --system");
	}
}

/* A kernel that nobody told otherwise has as many entries as buckets. */
static bool was_raised(const struct symptoms *symptoms)
{
	return symptoms->buckets && symptoms->usage.limit != symptoms->buckets;
}

static void judge_boot(const struct symptoms *symptoms, struct diagnosis *out)
{
	uint32_t limit = symptoms->usage.limit;
	const struct symptoms_setting *kept = &symptoms->kept_limit;
	struct ailment *ailment;

	/* Elsewhere the limit cannot be set: the files are about the first one. */
	if (!symptoms->first_netns)
		return;
	if (!kept->found && was_raised(symptoms)) {
		ailment =
			diagnosis_add(out, AILMENT_WARNING, "limit-lost",
				      "the limit of %u is set by no file: the next boot "
				      "may have another",
				      limit);
		ailment_why(ailment,
			    "without one it is as many as there are buckets, "
			    "%u now",
			    symptoms->buckets);
		ailment_fix(ailment,
			    "echo net.netfilter.nf_conntrack_max=%u > "
			    "/etc/sysctl.d/90-conntrack.conf",
			    limit);
	} else if (kept->found && kept->value != limit) {
		ailment = diagnosis_add(out, AILMENT_WARNING, "limit-differs",
					"the limit is %u, but %s sets %llu", limit,
					kept->file, (unsigned long long)kept->value);
		ailment_why(ailment, "after the next boot it is one or the other");
		ailment_fix(ailment, "sysctl --system, or correct the file");
	}
	if (kept->found && symptoms->module && !symptoms->kept_module.found) {
		ailment = diagnosis_add(out, AILMENT_WARNING, "sysctl-early",
					"%s may be read before nf_conntrack is loaded",
					kept->file);
		ailment_why(ailment,
			    "then it is skipped without a word, and the limit is "
			    "the kernel's own");
		ailment_fix(ailment,
			    "echo nf_conntrack > /etc/modules-load.d/conntrack.conf");
	}
}

static void judge_others(const struct symptoms *symptoms, struct diagnosis *out)
{
	struct text places = { 0 };
	struct ailment *ailment;

	list_places(&symptoms->untrackers, &places);
	if (symptoms->untrackers.count) {
		ailment = diagnosis_add(out, AILMENT_WARNING, "untracked-by-others",
					"other rules untrack too: %s", text_str(&places));
		ailment_why(ailment, "nobody takes them back when they are not needed "
				     "any more, and ctguard does not know them");
	}
	text_free(&places);
	if (symptoms->legacy) {
		ailment = diagnosis_add(
			out, AILMENT_WARNING, "legacy",
			"iptables-legacy has tables here that are not empty");
		ailment_why(ailment, "they cannot be judged, so whether a service can be "
				     "untracked safely is not known");
		ailment_fix(ailment, "iptables-legacy-save | iptables-nft-restore, then "
				     "empty the old tables (iptables-legacy -t TABLE -F "
				     "and -P CHAIN ACCEPT)");
	} else if (symptoms->legacy_hidden) {
		diagnosis_add(out, AILMENT_INFO, "legacy-hidden",
			      "whether iptables-legacy has tables here can only be seen "
			      "by root");
	}
	if (symptoms->conntrackd) {
		ailment = diagnosis_add(out, AILMENT_WARNING, "conntrackd",
					"conntrackd runs on this host");
		ailment_why(ailment,
			    "it may put back entries that are deleted here, from "
			    "another host");
	}
	if (symptoms->rules_err)
		diagnosis_add(out, AILMENT_WARNING, "rules-unread",
			      "the nft ruleset could not be read: %s",
			      strerror(-symptoms->rules_err));
}

static void judge_timeouts(const struct symptoms *symptoms, struct diagnosis *out)
{
	for (size_t i = 0; i < SYMPTOMS_TIMEOUTS; i++) {
		const struct symptoms_timeout *timeout = &symptoms->timeouts[i];
		struct ailment *ailment;

		/* This kernel has none of that name; or the timeouts were not read. */
		if (!timeout->now_s || !timeout->name)
			continue;
		if (timeout->now_s >= (uint64_t)FAR * timeout->usual_s) {
			ailment = diagnosis_add(out, AILMENT_WARNING, "timeout-long",
						"%s is %u s, the default is %u s",
						timeout->name, timeout->now_s,
						timeout->usual_s);
			ailment_why(ailment,
				    "entries of flows that are over stay so much "
				    "longer");
			ailment_fix(ailment, "sysctl -w net.netfilter.%s=%u",
				    timeout->name, timeout->usual_s);
		} else if ((uint64_t)timeout->now_s * FAR <= timeout->usual_s) {
			ailment = diagnosis_add(out, AILMENT_INFO, "timeout-short",
						"%s is %u s, the default is %u s",
						timeout->name, timeout->now_s,
						timeout->usual_s);
			ailment_why(ailment,
				    "a flow that pauses for longer is taken for a "
				    "new one");
		}
	}
}

static void judge_budget(const struct symptoms *symptoms, struct diagnosis *out)
{
	const struct budget_reach *reach = &symptoms->budget;
	struct text what = { 0 };
	struct ailment *ailment;

	if (!budget_exceeds(reach))
		return;
	budget_explain(reach, &what);
	ailment = diagnosis_add(out, AILMENT_WARNING, "budget-large", "%s",
				text_str(&what));
	ailment_why(ailment, "then the table fills all the same, and the guard takes no "
			     "other step against a service with a budget");
	/* budget_entries() turned round. */
	ailment_fix(ailment, "budgets of no more than %.0f packets/s in all",
		    reach->limit / (reach->timeout_s + 1));
	text_free(&what);
}

/* A guard of all takes it out where it may, and need not do so in each. */
static void judge_service(const struct symptoms_service *service, bool everywhere,
			  struct diagnosis *out)
{
	const char *role = service->configured ? "may be taken out" : "listens";
	enum ailment_severity grave = everywhere ? AILMENT_WARNING : AILMENT_PROBLEM;
	struct ailment *ailment;

	switch (service->verdict) {
	case SYMPTOMS_SAFE:
		diagnosis_add(out, AILMENT_INFO, "service-safe",
			      "%s %s, and can be untracked safely", service->name, role);
		return;
	case SYMPTOMS_UNSAFE:
		ailment = diagnosis_add(
			out, service->configured ? grave : AILMENT_INFO, "service-unsafe",
			"%s %s, and would break untracked", service->name, role);
		break;
	case SYMPTOMS_UNKNOWN:
		ailment = diagnosis_add(
			out, service->configured ? AILMENT_WARNING : AILMENT_INFO,
			"service-unknown",
			"%s %s; whether it would work untracked is not "
			"known",
			service->name, role);
		break;
	default:
		diagnosis_add(out, AILMENT_INFO, "service-unaudited",
			      "%s %s, and was not audited", service->name, role);
		return;
	}
	ailment_why(ailment, "%s", service->reason);
	ailment_fix(ailment, "ctrules audit %s", service->name);
}

static void judge_guard(const struct symptoms *symptoms, struct diagnosis *out)
{
	struct ailment *ailment;

	diagnosis_add(out, AILMENT_INFO, "guard", "%s",
		      symptoms->guard_runs ? "a ctguard guards this network namespace"
					   : "no ctguard guards this network namespace");
	if (symptoms->config_problem[0]) {
		ailment = diagnosis_add(out, AILMENT_PROBLEM, "config", "%s",
					symptoms->config_problem);
		ailment_why(ailment, "a guard does not start with it, or stays with the "
				     "one before");
		ailment_fix(ailment, "ctguard check-config -c FILE shows where");
	} else if (symptoms->config_asked) {
		diagnosis_add(out, AILMENT_INFO, "config", "the configuration is good");
	}
	for (size_t i = 0; i < symptoms->service_count; i++)
		judge_service(&symptoms->services[i], symptoms->everywhere, out);
	if (symptoms->listeners_left_out)
		diagnosis_add(out, AILMENT_INFO, "listeners",
			      "%zu listeners more were not audited",
			      symptoms->listeners_left_out);
}

/* What a guard of all is trusted with, and what cannot be seen without. */
static void judge_privileges(const struct symptoms *symptoms, struct diagnosis *out)
{
	struct ailment *ailment;

	/* One guard is one process: it is told once. */
	if (!symptoms->everywhere || symptoms->elsewhere)
		return;
	ailment = diagnosis_add(out, AILMENT_INFO, "capabilities",
				"a guard of all network namespaces keeps CAP_SYS_ADMIN, "
				"CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, as long as it "
				"runs");
	ailment_why(ailment, "whoever took it over would be as good as root; a guard of "
			     "one keeps CAP_NET_ADMIN alone");
	if (!symptoms->lacking[0])
		return;
	ailment = diagnosis_add(out, AILMENT_WARNING, "capabilities",
				"here it is not complete: there is no %s",
				symptoms->lacking);
	ailment_why(ailment,
		    "without CAP_SYS_ADMIN the others cannot be entered; without "
		    "CAP_SYS_PTRACE those without a name are not found; without "
		    "CAP_DAC_READ_SEARCH it is not seen whether there is "
		    "iptables-legacy, so that nothing is safe");
}

void doctor_judge(const struct symptoms *symptoms, struct diagnosis *out)
{
	judge_activity(symptoms, out);
	judge_fill(symptoms, out);
	judge_size(symptoms, out);
	judge_boot(symptoms, out);
	judge_others(symptoms, out);
	judge_timeouts(symptoms, out);
	judge_budget(symptoms, out);
	judge_guard(symptoms, out);
	judge_privileges(symptoms, out);
	diagnosis_sort(out);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/command.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/service.h"
#include "rules/finding.h"
#include "rules/model.h"

void command_append(char *text, const char *fmt, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + used, FINDING_TEXT_MAX - used, fmt, args);
	va_end(args);
}

static void put_ports(char *text, const struct service *service, char dash)
{
	command_append(text, "%u", service->first_port);
	if (service->last_port != service->first_port)
		command_append(text, "%c%u", dash, service->last_port);
}

void command_match(char *text, const struct service *service, bool request)
{
	char address[INET6_ADDRSTRLEN];

	if (service->family != AF_UNSPEC) {
		inet_ntop(service->family, &service->addr, address, sizeof(address));
		command_append(text, "%s %s %s ",
			       service->family == AF_INET ? "ip" : "ip6",
			       request ? "daddr" : "saddr", address);
	}
	command_append(text, "%s %s ", service_proto_name(service->proto),
		       request ? "dport" : "sport");
	put_ports(text, service, '-');
}

void command_options(char *text, const struct service *service, bool request)
{
	char address[INET6_ADDRSTRLEN];

	if (service->family != AF_UNSPEC) {
		inet_ntop(service->family, &service->addr, address, sizeof(address));
		command_append(text, "%s %s ", request ? "-d" : "-s", address);
	}
	command_append(text, "-p %s --%s ", service_proto_name(service->proto),
		       request ? "dport" : "sport");
	put_ports(text, service, ':');
}

/* What nft reads as a name (scanner.l): it has no quotes for others, and a shell may do what they say. */
static bool is_plain(const char *name)
{
	static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.-/";

	return name[0] && name[0] != '-' && !name[strspn(name, PLAIN)];
}

bool command_names(const struct model_chain *chain)
{
	return is_plain(chain->name) && is_plain(chain->table->name);
}

void command_insert(char *text, const struct finding *finding)
{
	const struct model_rule *rule = finding->rule;
	const struct model_table *table = rule->chain->table;

	if (!command_names(rule->chain))
		command_append(text,
			       "in front of the rule, whose table or chain no command "
			       "can name, put: ");
	else if (rule->compat)
		command_append(text, "%s -t %s -I %s %u ",
			       table->family == NFPROTO_IPV6 ? "ip6tables" : "iptables",
			       table->name, rule->chain->name, rule->number);
	else
		command_append(text, "nft insert rule %s %s %s handle %llu ",
			       model_family_name(table->family), table->name,
			       rule->chain->name, (unsigned long long)rule->handle);
}

void command_loopback(char *text, const struct finding *finding)
{
	if (finding->way != PACKET_LOOPS)
		return;
	if (finding->rule->compat)
		command_append(text, "%s lo ", finding->sent ? "-o" : "-i");
	else
		command_append(text, "%s lo ", finding->sent ? "oif" : "iif");
}

void command_words(char *text, const char *words)
{
	/*
	 * What a shell would take for its own. It may part words at spaces: nft joins its
	 * arguments.
	 */
	if (!words[strcspn(words, "\"&|;<>()$*?`\\!#~'")]) {
		command_append(text, "%s", words);
		return;
	}
	command_append(text, "'");
	for (const char *c = words; *c; c++) {
		if (*c == '\'')
			command_append(text, "'\\''");
		else
			command_append(text, "%c", *c);
	}
	command_append(text, "'");
}

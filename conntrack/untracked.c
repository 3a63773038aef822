// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/untracked.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "conntrack/nest.h"
#include "lib/args.h"
#include "lib/nl.h"

static const char TABLE[] = "ctkit";

/* How often a table that changes while it is read is read again. */
enum { READ_TRIES = 5 };

/* More than the table has; a map's name has at most 255 bytes (NFT_NAME_MAXLEN). */
enum { MAPS_MAX = 64, MAP_NAME_MAX = 64 };

/* What is read while a dump goes on. */
struct survey {
	struct untracked found;
	bool present;
	bool dormant; /* the table's chains are switched off */
	size_t maps;
	char map[MAPS_MAX][MAP_NAME_MAX];
};

/* The beginnings of chains' names: of local services and of remote ones. */
static const struct side {
	const char *prefix;
	const char *out; /* what a service's text begins with */
	bool answers;
} SIDES[] = {
	{ "in_", "", false },
	{ "out_", "", true },
	{ "to_remote_", "out:", false },
	{ "from_remote_", "out:", true },
};

enum { SIDE_COUNT = sizeof(SIDES) / sizeof(SIDES[0]) };

static const struct side *side_of(const char *chain)
{
	for (int i = 0; i < SIDE_COUNT; i++)
		if (strncmp(chain, SIDES[i].prefix, strlen(SIDES[i].prefix)) == 0)
			return &SIDES[i];
	return NULL;
}

/* "53", "192.0.2.1_53" or "2001-db8--1_53-60" as the end of a service's text. */
static void add_place(const char *place, char *text, size_t room)
{
	const char *port = strrchr(place, '_');
	int length = port ? (int)(port - place) : 0;
	bool v6 = memchr(place, '-', (size_t)length);

	if (!port) {
		snprintf(text, room, "%s", place);
		return;
	}
	snprintf(text, room, "%s%.*s%s:%s", v6 ? "[" : "", length, place, v6 ? "]" : "",
		 port + 1);
	/* As far as the address goes, which the bracket has moved by one. */
	for (int i = 0; v6 && i <= length && text[i]; i++)
		if (text[i] == '-')
			text[i] = ':';
}

/* The service that a chain is named after. False: it is none of these chains. */
static bool service_of(const char *chain, char name[SERVICE_TEXT_MAX], bool *answers)
{
	const struct side *side = side_of(chain);
	char text[2 * SERVICE_TEXT_MAX], place[SERVICE_TEXT_MAX];
	struct service service;
	struct args_why why;
	const char *rest;

	if (!side)
		return false;
	rest = chain + strlen(side->prefix);
	/* "tcp_" or "udp_", and a digit at least. */
	if (strlen(rest) < 5 || strlen(rest) >= SERVICE_TEXT_MAX || rest[3] != '_')
		return false;
	add_place(rest + 4, place, sizeof(place));
	snprintf(text, sizeof(text), "%s%.3s/%s", side->out, rest, place);
	if (service_parse(text, &service, &why) < 0)
		return false;
	service_format(&service, name);
	*answers = side->answers;
	return true;
}

/* The entry of a service, made if it is not there; NULL: there is no place. */
static struct untracked_service *entry_of(struct untracked *found, const char *name)
{
	struct untracked_service *entry;

	for (size_t i = 0; i < found->count; i++)
		if (strcmp(found->services[i].name, name) == 0)
			return &found->services[i];
	if (found->count == UNTRACKED_MAX) {
		/* Once for each rule and element: of how many services they are is not known. */
		found->left_out++;
		return NULL;
	}
	entry = &found->services[found->count++];
	*entry = (struct untracked_service){ 0 };
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	return entry;
}

static int table_cb(const struct nlmsghdr *header, void *data)
{
	struct survey *survey = data;
	uint64_t flags = 0;

	survey->present = true;
	survey->dormant = nest_number(nest_first(header, NFTA_TABLE_FLAGS), &flags) &&
			  flags & NFT_TABLE_F_DORMANT;
	return MNL_CB_OK;
}

/* Whether a message is about our table. Old kernels dump the rules and maps of all. */
static bool is_ours(const struct nlmsghdr *header, uint16_t table_type)
{
	const char *table = nest_string(nest_first(header, table_type));

	return table && strcmp(table, TABLE) == 0 && nest_family(header) == NFPROTO_INET;
}

/* What a rule that takes packets out counts. */
struct takes_out {
	bool does;
	uint64_t packets;
};

static void note_expr(const struct nlattr *expr, struct takes_out *out)
{
	const char *name = nest_string(nest_find(expr, NFTA_EXPR_NAME));
	const struct nlattr *data = nest_find(expr, NFTA_EXPR_DATA);

	if (name && strcmp(name, "notrack") == 0)
		out->does = true;
	else if (name && strcmp(name, "counter") == 0)
		(void)nest_number(nest_find(data, NFTA_COUNTER_PACKETS), &out->packets);
}

static int rule_cb(const struct nlmsghdr *header, void *data)
{
	const struct nlattr *exprs = nest_first(header, NFTA_RULE_EXPRESSIONS), *expr;
	const char *chain = nest_string(nest_first(header, NFTA_RULE_CHAIN));
	struct takes_out out = { 0 };
	struct untracked_service *entry;
	struct survey *survey = data;
	char name[SERVICE_TEXT_MAX];
	bool answers;

	if (!exprs || !chain || !is_ours(header, NFTA_RULE_TABLE))
		return MNL_CB_OK;
	mnl_attr_for_each_nested(expr, exprs) {
		note_expr(expr, &out);
	}
	if (!out.does || !service_of(chain, name, &answers))
		return MNL_CB_OK;
	entry = entry_of(&survey->found, name);
	if (!entry)
		return MNL_CB_OK;
	entry->ruled = entry->ruled || !answers;
	/* A chain may have several such rules: one for each family. */
	*(answers ? &entry->out_packets : &entry->in_packets) += out.packets;
	return MNL_CB_OK;
}

static int map_cb(const struct nlmsghdr *header, void *data)
{
	const char *name = nest_string(nest_first(header, NFTA_SET_NAME));
	struct survey *survey = data;
	uint64_t flags = 0;

	if (!name || !is_ours(header, NFTA_SET_TABLE) ||
	    !nest_number(nest_first(header, NFTA_SET_FLAGS), &flags) ||
	    !(flags & NFT_SET_MAP))
		return MNL_CB_OK;
	if (survey->maps < MAPS_MAX && strlen(name) < MAP_NAME_MAX)
		snprintf(survey->map[survey->maps++], MAP_NAME_MAX, "%s", name);
	return MNL_CB_OK;
}

static void note_elem(const struct nlattr *elem, struct untracked *found)
{
	const struct nlattr *verdict =
		nest_find(nest_find(elem, NFTA_SET_ELEM_DATA), NFTA_DATA_VERDICT);
	const char *chain = nest_string(nest_find(verdict, NFTA_VERDICT_CHAIN));
	struct untracked_service *entry;
	char name[SERVICE_TEXT_MAX];
	bool answers;

	if (!chain || !service_of(chain, name, &answers) || answers)
		return;
	entry = entry_of(found, name);
	if (!entry)
		return;
	entry->leased = true;
	/* In milliseconds; one without is for ever. */
	if (nest_number(nest_find(elem, NFTA_SET_ELEM_EXPIRATION), &entry->left_ms))
		entry->ends = true;
}

static int elements_cb(const struct nlmsghdr *header, void *data)
{
	const struct nlattr *elems = nest_first(header, NFTA_SET_ELEM_LIST_ELEMENTS);
	const struct nlattr *elem;
	struct survey *survey = data;

	if (!elems)
		return MNL_CB_OK;
	/* Of the one map that was asked for: no other's come. */
	mnl_attr_for_each_nested(elem, elems) {
		note_elem(elem, &survey->found);
	}
	return MNL_CB_OK;
}

/* All requests name the table; the kernel takes NFTA_*_TABLE for each of them as number 1. */
static struct nlmsghdr *begin(struct nl *nl, uint16_t message, uint16_t flags)
{
	struct nlmsghdr *header = nl_begin_nfnl(
		nl, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), flags, NFPROTO_INET);

	_Static_assert(NFTA_TABLE_NAME == 1 && NFTA_RULE_TABLE == 1 &&
			       NFTA_SET_TABLE == 1 && NFTA_SET_ELEM_LIST_TABLE == 1,
		       "the table's name has the same number everywhere");
	mnl_attr_put_strz(header, NFTA_TABLE_NAME, TABLE);
	return header;
}

static int read_once(struct nl *nl, struct survey *survey)
{
	int err;

	*survey = (struct survey){ 0 };
	begin(nl, NFT_MSG_GETTABLE, NLM_F_ACK);
	err = nl_transact(nl, table_cb, survey);
	if (err || !survey->present)
		return err;
	begin(nl, NFT_MSG_GETRULE, NLM_F_DUMP);
	err = nl_transact(nl, rule_cb, survey);
	if (!err) {
		begin(nl, NFT_MSG_GETSET, NLM_F_DUMP);
		err = nl_transact(nl, map_cb, survey);
	}
	for (size_t i = 0; i < survey->maps && !err; i++) {
		struct nlmsghdr *header = begin(nl, NFT_MSG_GETSETELEM, NLM_F_DUMP);

		mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, survey->map[i]);
		err = nl_transact(nl, elements_cb, survey);
	}
	return err;
}

/* What lapsed leases left behind, or nobody leads to, takes nothing out. */
static void keep_active(const struct survey *survey, struct untracked *out)
{
	struct untracked kept = { .left_out = survey->found.left_out };

	for (size_t i = 0; i < survey->found.count && !survey->dormant; i++)
		if (survey->found.services[i].leased && survey->found.services[i].ruled)
			kept.services[kept.count++] = survey->found.services[i];
	*out = kept;
}

int untracked_read(struct nl *nl, struct untracked *out)
{
	struct survey survey = { 0 };
	int err = -EINTR;

	for (int tries = 0; err == -EINTR && tries < READ_TRIES; tries++)
		err = read_once(nl, &survey);
	/* No such table; between two requests it may go, too. */
	if (err == -ENOENT)
		survey = (struct survey){ 0 };
	else if (err == -EINVAL || err == -EOPNOTSUPP)
		/* nfnetlink_rcv_msg() has EINVAL for a subsystem that the kernel is without. */
		return -EPROTONOSUPPORT;
	else if (err)
		return err == -EINTR ? -EAGAIN : err;
	keep_active(&survey, out);
	return 0;
}

void untracked_rate(const struct untracked *before, double seconds, struct untracked *now)
{
	for (size_t i = 0; i < now->count; i++) {
		struct untracked_service *new = &now->services[i];

		for (size_t j = 0; j < before->count && seconds > 0; j++) {
			const struct untracked_service *old = &before->services[j];

			/* Counters start over when chains are made anew. */
			if (strcmp(old->name, new->name) != 0 ||
			    old->in_packets > new->in_packets ||
			    old->out_packets > new->out_packets)
				continue;
			new->rated = true;
			new->in_rate =
				(double)(new->in_packets - old->in_packets) / seconds;
			new->out_rate =
				(double)(new->out_packets - old->out_packets) / seconds;
		}
	}
}

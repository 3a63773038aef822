// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/batch.h"

/* Before the headers of the kernel, which define the same otherwise. */
#include <netinet/in.h>

#include <errno.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/nl.h"
#include "rules/attrs.h"
#include "rules/copy.h"
#include "rules/model.h"
#include "rules/remake.h"
#include "rules/watch.h"

/*
 * What is sent at once: sockets take this much, and nf_tables looks at the whole ruleset for each batch. Halved
 * if it is too much for the socket, as it is for one that may not have a larger buffer.
 */
enum { BATCH_BYTES_MAX = 1 << 20, BATCH_BYTES_MIN = 1 << 17 };

/* What is refused beyond that is no exception any more. */
enum { REFUSED_MAX = COPY_MISSING_MAX };

struct batch {
	struct nl *nl;
	const struct watch *watch;
	size_t limit, count;     /* bytes */
	uint32_t first, last;    /* numbers of its messages */
	struct nlmsghdr *newest; /* NULL: it is empty */
	size_t refused;
	const struct nlmsghdr *refuse[REFUSED_MAX];
	_Alignas(struct nlmsghdr) uint8_t bytes[BATCH_BYTES_MAX];
};

/* Where in the copy a batch begins. */
struct place {
	int kind;
	size_t at;
};

static void put_end(struct batch *batch, uint16_t type)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(batch->bytes + batch->count);
	struct nfgenmsg *nfgen = mnl_nlmsg_put_extra_header(header, sizeof(*nfgen));

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST;
	header->nlmsg_seq = nl_sequence(batch->nl);
	nfgen->nfgen_family = AF_UNSPEC;
	nfgen->res_id = htons(NFNL_SUBSYS_NFTABLES);
	batch->count += header->nlmsg_len;
}

/* The next message of the copy; place is moved on. NULL: that was all. */
static const struct nlmsghdr *next(const struct copy *copy, struct place *place)
{
	const struct nlmsghdr *message = NULL;

	while (place->kind <= COPY_RULES && !message) {
		message = copy_next(copy, (enum copy_kind)place->kind, &place->at);
		if (!message)
			*place = (struct place){ place->kind + 1, 0 };
	}
	return message;
}

static bool is_refused(const struct batch *batch, const struct nlmsghdr *message)
{
	for (size_t i = 0; i < batch->refused; i++)
		if (batch->refuse[i] == message)
			return true;
	return false;
}

/* Puts in what fits, from place on, which is moved behind it. Returns 0, or -E2BIG for one that never fits. */
static int fill(struct batch *batch, const struct copy *copy, struct place *place)
{
	const size_t most = batch->limit - REMAKE_ROOM_BYTES;
	struct place here = *place;
	const struct nlmsghdr *message;

	batch->count = 0;
	batch->newest = NULL;
	put_end(batch, NFNL_MSG_BATCH_BEGIN);
	batch->first = nl_sequence(batch->nl);
	batch->last = batch->first;
	while ((message = next(copy, &here))) {
		size_t size;

		if (batch->count + message->nlmsg_len + REMAKE_ROOM_BYTES > most)
			return batch->newest ? 0 : -E2BIG;
		batch->last = nl_sequence(batch->nl);
		size = is_refused(batch, message)
			       ? 0
			       : remake_message(message, batch->last,
						watch_number(batch->watch, message),
						batch->bytes + batch->count,
						most - batch->count);
		if (size)
			batch->newest = (void *)(batch->bytes + batch->count);
		batch->count += NLMSG_ALIGN(size);
		*place = here;
	}
	*place = here;
	return 0;
}

/* The message that got that number, counted from place on. */
static const struct nlmsghdr *numbered(const struct batch *batch, const struct copy *copy,
				       struct place place, uint32_t sequence)
{
	const struct nlmsghdr *message = NULL;

	if (sequence <= batch->first || sequence > batch->last)
		return NULL;
	for (uint32_t i = batch->first; i < sequence; i++)
		message = next(copy, &place);
	return message;
}

/* What it is that the kernel refuses. */
static void name(const struct nlmsghdr *message, int err, struct copy_missing *missing)
{
	static const struct {
		const char *name;
		int table, own, handle; /* attributes */
	} KINDS[] = {
		[NFT_MSG_NEWTABLE] = { "table", NFTA_TABLE_NAME, 0, 0 },
		[NFT_MSG_NEWCHAIN] = { "chain", NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, 0 },
		[NFT_MSG_NEWRULE] = { "rule", NFTA_RULE_TABLE, NFTA_RULE_CHAIN,
				      NFTA_RULE_HANDLE },
		[NFT_MSG_NEWSET] = { "set", NFTA_SET_TABLE, NFTA_SET_NAME, 0 },
		[NFT_MSG_NEWSETELEM] = { "elements of", NFTA_SET_ELEM_LIST_TABLE,
					 NFTA_SET_ELEM_LIST_SET, 0 },
		[NFT_MSG_NEWOBJ] = { "object", NFTA_OBJ_TABLE, NFTA_OBJ_NAME, 0 },
		[NFT_MSG_NEWFLOWTABLE] = { "flowtable", NFTA_FLOWTABLE_TABLE,
					   NFTA_FLOWTABLE_NAME, 0 },
	};
	unsigned kind = message->nlmsg_type & 0xff;
	const char *table = NULL, *own = NULL;
	char handle[40] = "";
	struct attrs attrs;
	uint64_t number;

	if (kind >= sizeof(KINDS) / sizeof(KINDS[0]) || !KINDS[kind].name ||
	    !attrs_of_message(message, &attrs))
		return;
	table = attrs_string(attrs.at[KINDS[kind].table]);
	if (KINDS[kind].own)
		own = attrs_string(attrs.at[KINDS[kind].own]);
	if (KINDS[kind].handle && attrs_number(attrs.at[KINDS[kind].handle], &number))
		snprintf(handle, sizeof(handle), " handle %" PRIu64, number);
	copy_miss(missing, "%s %s %.24s%s%.32s%s: %s", KINDS[kind].name,
		  model_family_name(attrs_family(message)), table ? table : "?",
		  own ? " " : "", own ? own : "", handle, strerror(-err));
}

/* One batch from *place on, which is moved behind it; what is refused is left out of the next try. */
static int make_from(struct batch *batch, const struct copy *copy, struct place *place,
		     struct copy_missing *missing)
{
	struct place end;
	uint32_t failed = 0;
	int err;

	do {
		const struct nlmsghdr *message;

		end = *place;
		err = fill(batch, copy, &end);
		if (err || !batch->newest)
			break;
		batch->newest->nlmsg_flags |= NLM_F_ACK;
		put_end(batch, NFNL_MSG_BATCH_END);
		err = nl_batch(batch->nl, batch->bytes, batch->count,
			       batch->newest->nlmsg_seq, &failed);
		if (err == -EMSGSIZE && batch->limit > BATCH_BYTES_MIN) {
			batch->limit /= 2;
			continue;
		}
		message = err ? numbered(batch, copy, *place, failed) : NULL;
		if (!message || batch->refused == REFUSED_MAX)
			break;
		batch->refuse[batch->refused++] = message;
		name(message, err, missing);
	} while (err);
	*place = end;
	return err;
}

int batch_make(const struct copy *copy, const struct watch *watch,
	       struct copy_missing *missing)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	struct place place = { COPY_TABLES, 0 };
	int err = batch ? nl_open(&batch->nl, NETLINK_NETFILTER) : -ENOMEM;

	if (batch) {
		batch->limit = BATCH_BYTES_MAX;
		batch->watch = watch;
	}
	while (!err && place.kind <= COPY_RULES)
		err = make_from(batch, copy, &place, missing);
	if (batch)
		nl_close(batch->nl);
	free(batch);
	return err;
}

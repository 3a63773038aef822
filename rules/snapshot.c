// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/snapshot.h"

/* Before the headers of the kernel, which define the same otherwise. */
#include <netinet/in.h>

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/flowtable.h>
#include <libnftnl/object.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "lib/nl.h"
#include "rules/decode.h"
#include "rules/model.h"
#include "rules/ruleset.h"

enum { READ_TRIES = 20 };

/* What the callbacks of one reading share. */
struct reading {
	struct model *model;
	struct model_chain *chain; /* of the last rule */
	struct model_set *set;     /* whose elements are read */
};

static int fail(int err)
{
	errno = -err;
	return MNL_CB_ERROR;
}

/* What model_add_ functions return NULL for. */
static int no_place(const struct model *model)
{
	return model->rule_count == MODEL_RULES_MAX ||
			       model->elem_count == MODEL_ELEMS_MAX ||
			       model->chain_count == MODEL_CHAINS_MAX ||
			       model->set_count == MODEL_SETS_MAX ||
			       model->table_count == MODEL_TABLES_MAX ||
			       model->arena.used > ARENA_LIMIT / 2
		       ? -E2BIG
		       : -ENOMEM;
}

static int note_table(struct model *model, const struct nftnl_table *parsed)
{
	const char *name = nftnl_table_get_str(parsed, NFTNL_TABLE_NAME);
	uint32_t flags = nftnl_table_get_u32(parsed, NFTNL_TABLE_FLAGS);
	uint32_t bytes = 0;
	const void *userdata = nftnl_table_get_data(parsed, NFTNL_TABLE_USERDATA, &bytes);
	struct model_table *table;

	if (!name)
		return -EBADMSG;
	table = model_add_table(
		model, (uint8_t)nftnl_table_get_u32(parsed, NFTNL_TABLE_FAMILY), name);
	if (!table)
		return no_place(model);
	table->dormant = flags & NFT_TABLE_F_DORMANT;
	table->ours = table->family == NFPROTO_INET && strcmp(name, RULESET_TABLE) == 0 &&
		      userdata && ruleset_is_tagged(userdata, bytes);
	return 0;
}

static int table_cb(const struct nlmsghdr *header, void *data)
{
	const struct reading *reading = data;
	struct nftnl_table *parsed = nftnl_table_alloc();
	int err = parsed ? 0 : -ENOMEM;

	if (!err && nftnl_table_nlmsg_parse(header, parsed) < 0)
		err = -EBADMSG;
	if (!err)
		err = note_table(reading->model, parsed);
	if (parsed)
		nftnl_table_free(parsed);
	return err ? fail(err) : MNL_CB_OK;
}

static enum model_chain_type chain_type(const char *type)
{
	if (type && strcmp(type, "filter") == 0)
		return MODEL_TYPE_FILTER;
	if (type && strcmp(type, "nat") == 0)
		return MODEL_TYPE_NAT;
	return type && strcmp(type, "route") == 0 ? MODEL_TYPE_ROUTE : MODEL_TYPE_OTHER;
}

static int note_devices(struct model *model, const struct nftnl_chain *parsed,
			struct model_chain *chain)
{
	const char *single = nftnl_chain_get_str(parsed, NFTNL_CHAIN_DEV);
	const char *const *names = nftnl_chain_get(parsed, NFTNL_CHAIN_DEVICES);
	const char *one[] = { single, NULL };
	char(*device)[MODEL_DEVICE_BYTES];
	size_t count = 0;

	if (!names)
		names = one;
	while (names[count])
		count++;
	device = arena_take(&model->arena, count * sizeof(*device));
	if (!device)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		memcpy(device[i], names[i], strnlen(names[i], MODEL_DEVICE_BYTES - 1));
	chain->device = (const char(*)[MODEL_DEVICE_BYTES])device;
	chain->devices = count;
	return 0;
}

static int note_chain(struct model *model, const struct nftnl_chain *parsed)
{
	const char *name = nftnl_chain_get_str(parsed, NFTNL_CHAIN_NAME);
	const char *table_name = nftnl_chain_get_str(parsed, NFTNL_CHAIN_TABLE);
	uint8_t family = (uint8_t)nftnl_chain_get_u32(parsed, NFTNL_CHAIN_FAMILY);
	const struct model_table *table =
		table_name ? model_find_table(model, family, table_name) : NULL;
	struct model_chain *chain;

	/* A table that came after the tables were read: the generation will tell. */
	if (!name || !table)
		return -EINTR;
	chain = model_add_chain(model, table, name);
	if (!chain)
		return no_place(model);
	if (!nftnl_chain_is_set(parsed, NFTNL_CHAIN_HOOKNUM))
		return 0;
	chain->base = true;
	chain->type = chain_type(nftnl_chain_get_str(parsed, NFTNL_CHAIN_TYPE));
	chain->hook = nftnl_chain_get_u32(parsed, NFTNL_CHAIN_HOOKNUM);
	chain->priority = nftnl_chain_get_s32(parsed, NFTNL_CHAIN_PRIO);
	chain->drops = nftnl_chain_get_u32(parsed, NFTNL_CHAIN_POLICY) == NF_DROP;
	return note_devices(model, parsed, chain);
}

static int chain_cb(const struct nlmsghdr *header, void *data)
{
	const struct reading *reading = data;
	struct nftnl_chain *parsed = nftnl_chain_alloc();
	int err = parsed ? 0 : -ENOMEM;

	if (!err && nftnl_chain_nlmsg_parse(header, parsed) < 0)
		err = -EBADMSG;
	if (!err)
		err = note_chain(reading->model, parsed);
	if (parsed)
		nftnl_chain_free(parsed);
	return err ? fail(err) : MNL_CB_OK;
}

static int note_set(struct model *model, const struct nftnl_set *parsed)
{
	const char *name = nftnl_set_get_str(parsed, NFTNL_SET_NAME);
	const char *table_name = nftnl_set_get_str(parsed, NFTNL_SET_TABLE);
	uint8_t family = (uint8_t)nftnl_set_get_u32(parsed, NFTNL_SET_FAMILY);
	const struct model_table *table =
		table_name ? model_find_table(model, family, table_name) : NULL;
	struct model_set *set;

	if (!name || !table)
		return -EINTR;
	set = model_add_set(model, table, name);
	if (!set)
		return no_place(model);
	set->flags = nftnl_set_get_u32(parsed, NFTNL_SET_FLAGS);
	set->key_bytes = nftnl_set_get_u32(parsed, NFTNL_SET_KEY_LEN);
	return 0;
}

static int set_cb(const struct nlmsghdr *header, void *data)
{
	const struct reading *reading = data;
	struct nftnl_set *parsed = nftnl_set_alloc();
	int err = parsed ? 0 : -ENOMEM;

	if (!err && nftnl_set_nlmsg_parse(header, parsed) < 0)
		err = -EBADMSG;
	if (!err)
		err = note_set(reading->model, parsed);
	if (parsed)
		nftnl_set_free(parsed);
	return err ? fail(err) : MNL_CB_OK;
}

static int copy_data(struct model *model, struct nftnl_set_elem *parsed, uint16_t what,
		     struct model_data *out)
{
	uint32_t bytes = 0;
	const void *at = nftnl_set_elem_is_set(parsed, what)
				 ? nftnl_set_elem_get(parsed, what, &bytes)
				 : NULL;

	if (!at)
		return 0;
	out->at = arena_copy(&model->arena, at, bytes);
	out->bytes = bytes;
	return out->at ? 0 : -ENOMEM;
}

static int copy_name(struct model *model, struct nftnl_set_elem *parsed, uint16_t what,
		     const char **out)
{
	const char *name = nftnl_set_elem_is_set(parsed, what)
				   ? nftnl_set_elem_get_str(parsed, what)
				   : NULL;

	if (!name)
		return 0;
	*out = arena_copy(&model->arena, name, strlen(name));
	return *out ? 0 : -ENOMEM;
}

static int note_elem(struct nftnl_set_elem *parsed, void *data)
{
	const struct reading *reading = data;
	struct model *model = reading->model;
	struct model_raw *raw = model_add_elem(model, reading->set);
	uint32_t flags = nftnl_set_elem_is_set(parsed, NFTNL_SET_ELEM_FLAGS)
				 ? nftnl_set_elem_get_u32(parsed, NFTNL_SET_ELEM_FLAGS)
				 : 0;
	int err = raw ? 0 : no_place(model);

	if (err)
		return fail(err);
	raw->end = flags & NFT_SET_ELEM_INTERVAL_END;
	raw->rest = flags & NFT_SET_ELEM_CATCHALL;
	if (flags & ~(uint32_t)(NFT_SET_ELEM_INTERVAL_END | NFT_SET_ELEM_CATCHALL))
		reading->set->incomplete = true;
	err = copy_data(model, parsed, NFTNL_SET_ELEM_KEY, &raw->elem.key);
	if (!err)
		err = copy_data(model, parsed, NFTNL_SET_ELEM_KEY_END,
				&raw->elem.key_end);
	if (!err)
		err = copy_name(model, parsed, NFTNL_SET_ELEM_OBJREF, &raw->elem.object);
	if (!err && nftnl_set_elem_is_set(parsed, NFTNL_SET_ELEM_VERDICT)) {
		raw->elem.is_verdict = true;
		raw->elem.verdict.code = decode_verdict(
			nftnl_set_elem_get_u32(parsed, NFTNL_SET_ELEM_VERDICT));
		err = copy_name(model, parsed, NFTNL_SET_ELEM_CHAIN,
				&raw->elem.verdict.name);
	} else if (!err && reading->set->flags & NFT_SET_MAP && !raw->elem.object) {
		err = copy_data(model, parsed, NFTNL_SET_ELEM_DATA, &raw->elem.value);
	}
	if (!err && !raw->rest && !raw->elem.key.at)
		err = -EBADMSG;
	return err ? fail(err) : MNL_CB_OK;
}

static int elems_cb(const struct nlmsghdr *header, void *data)
{
	struct nftnl_set *parsed = nftnl_set_alloc();
	int err = parsed ? 0 : -ENOMEM;

	if (!err && nftnl_set_elems_nlmsg_parse(header, parsed) < 0)
		err = -EBADMSG;
	if (!err && nftnl_set_elem_foreach(parsed, note_elem, data) < 0)
		err = -errno;
	if (parsed)
		nftnl_set_free(parsed);
	return err ? fail(err) : MNL_CB_OK;
}

static int note_object(struct model *model, struct nftnl_obj *parsed)
{
	const char *name = nftnl_obj_get_str(parsed, NFTNL_OBJ_NAME);
	const char *table_name = nftnl_obj_get_str(parsed, NFTNL_OBJ_TABLE);
	uint8_t family = (uint8_t)nftnl_obj_get_u32(parsed, NFTNL_OBJ_FAMILY);
	const struct model_table *table =
		table_name ? model_find_table(model, family, table_name) : NULL;
	struct model_object *object;

	if (!name || !table)
		return -EINTR;
	object = model_add_object(model, table, name);
	if (!object)
		return no_place(model);
	object->type = nftnl_obj_get_u32(parsed, NFTNL_OBJ_TYPE);
	return 0;
}

static int object_cb(const struct nlmsghdr *header, void *data)
{
	const struct reading *reading = data;
	struct nftnl_obj *parsed = nftnl_obj_alloc();
	int err = parsed ? 0 : -ENOMEM;

	/* One of a type that libnftnl does not know is not there: what uses it cannot be judged. */
	if (!err && nftnl_obj_nlmsg_parse(header, parsed) == 0)
		err = note_object(reading->model, parsed);
	if (parsed)
		nftnl_obj_free(parsed);
	return err ? fail(err) : MNL_CB_OK;
}

static int flowtable_cb(const struct nlmsghdr *header, void *data)
{
	const struct reading *reading = data;

	reading->model->flowtables++;
	return MNL_CB_OK;
}

static struct model_chain *chain_of(const struct reading *reading, uint8_t family,
				    const char *table_name, const char *name)
{
	struct model_chain *chain = reading->chain;
	const struct model_table *table;

	/* Rules come chain by chain, in the order of the chains. */
	for (int i = 0; chain && i < 2; i++, chain = chain->next)
		if (chain->table->family == family && strcmp(chain->name, name) == 0 &&
		    strcmp(chain->table->name, table_name) == 0)
			return chain;
	table = model_find_table(reading->model, family, table_name);
	return table ? model_find_chain(reading->model, table, name) : NULL;
}

static int rule_attr_cb(const struct nlattr *attr, void *data)
{
	const struct nlattr **table = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= NFTA_RULE_MAX)
		table[type] = attr;
	return MNL_CB_OK;
}

static int rule_cb(const struct nlmsghdr *header, void *data)
{
	const struct nlattr *attrs[NFTA_RULE_MAX + 1] = { NULL };
	const struct nfgenmsg *nfgen = mnl_nlmsg_get_payload(header);
	struct reading *reading = data;
	struct model_rule *rule;
	int err;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*nfgen) ||
	    mnl_attr_parse(header, sizeof(*nfgen), rule_attr_cb, attrs) < MNL_CB_OK ||
	    !attrs[NFTA_RULE_TABLE] || !attrs[NFTA_RULE_CHAIN] ||
	    mnl_attr_validate(attrs[NFTA_RULE_TABLE], MNL_TYPE_NUL_STRING) < 0 ||
	    mnl_attr_validate(attrs[NFTA_RULE_CHAIN], MNL_TYPE_NUL_STRING) < 0 ||
	    !attrs[NFTA_RULE_HANDLE] ||
	    mnl_attr_validate(attrs[NFTA_RULE_HANDLE], MNL_TYPE_U64) < 0)
		return fail(-EBADMSG);
	reading->chain = chain_of(reading, nfgen->nfgen_family,
				  mnl_attr_get_str(attrs[NFTA_RULE_TABLE]),
				  mnl_attr_get_str(attrs[NFTA_RULE_CHAIN]));
	if (!reading->chain)
		return fail(-EINTR);
	rule = model_add_rule(reading->model, reading->chain,
			      be64toh(mnl_attr_get_u64(attrs[NFTA_RULE_HANDLE])));
	if (!rule)
		return fail(no_place(reading->model));
	err = attrs[NFTA_RULE_EXPRESSIONS]
		      ? decode_rule(reading->model, rule, attrs[NFTA_RULE_EXPRESSIONS])
		      : 0;
	return err ? fail(err) : MNL_CB_OK;
}

static int dump(struct nl *nl, uint16_t message, mnl_cb_t cb, struct reading *reading)
{
	nl_begin_nfnl(nl, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), NLM_F_DUMP,
		      NFPROTO_UNSPEC);
	return nl_transact(nl, cb, reading);
}

static int read_elements(struct nl *nl, struct reading *reading, struct model_set *set)
{
	struct nftnl_set *wanted = nftnl_set_alloc();
	struct nlmsghdr *header;

	if (!wanted)
		return -ENOMEM;
	reading->set = set;
	nftnl_set_set_str(wanted, NFTNL_SET_TABLE, set->table->name);
	nftnl_set_set_str(wanted, NFTNL_SET_NAME, set->name);
	header = nl_begin_nfnl(nl,
			       (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM),
			       NLM_F_DUMP, set->table->family);
	nftnl_set_elems_nlmsg_build_payload(header, wanted);
	nftnl_set_free(wanted);
	return nl_transact(nl, elems_cb, reading);
}

static int read_once(struct nl *nl, struct model *out)
{
	struct reading reading = { .model = out };
	uint32_t after = 0;
	int err = ruleset_generation(nl, &out->generation);

	if (!err)
		err = dump(nl, NFT_MSG_GETTABLE, table_cb, &reading);
	if (!err)
		err = dump(nl, NFT_MSG_GETCHAIN, chain_cb, &reading);
	if (!err)
		err = dump(nl, NFT_MSG_GETSET, set_cb, &reading);
	if (!err)
		err = dump(nl, NFT_MSG_GETOBJ, object_cb, &reading);
	if (!err)
		err = dump(nl, NFT_MSG_GETFLOWTABLE, flowtable_cb, &reading);
	if (!err)
		err = dump(nl, NFT_MSG_GETRULE, rule_cb, &reading);
	for (struct model_set *set = out->sets; set && !err; set = set->next)
		err = read_elements(nl, &reading, set);
	if (!err)
		err = ruleset_generation(nl, &after);
	/* A set that is gone by now: it changed meanwhile. */
	if (err == -ENOENT || (!err && after != out->generation))
		return -EINTR;
	return err ? err : model_complete(out);
}

int snapshot_read(struct nl *nl, struct model *out)
{
	int err = -EINTR;

	for (int tries = 0; err == -EINTR && tries < READ_TRIES; tries++) {
		model_clear(out);
		err = read_once(nl, out);
	}
	if (err)
		model_clear(out);
	return err == -EINTR ? -EAGAIN : err;
}

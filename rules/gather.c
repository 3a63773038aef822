// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/gather.h"

/* Before the headers of the kernel, which define the same otherwise. */
#include <netinet/in.h>

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "rules/attrs.h"
#include "rules/datum.h"
#include "rules/decode.h"
#include "rules/model.h"
#include "rules/ruleset.h"

/* Since 6.16: what the names of devices begin with. */
enum { DEVICE_PREFIX = 2 };

/* What a set could be when this was written. */
enum { SET_FLAGS = (NFT_SET_EXPR << 1) - 1 };

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

static int take_table(struct gather *gather, uint8_t family, const struct attrs *attrs)
{
	const char *name = attrs_string(attrs->at[NFTA_TABLE_NAME]);
	const struct nlattr *userdata = attrs->at[NFTA_TABLE_USERDATA];
	struct model_table *table;
	uint64_t flags = 0;

	if (!name)
		return -EBADMSG;
	attrs_number(attrs->at[NFTA_TABLE_FLAGS], &flags);
	table = model_add_table(gather->model, family, name);
	if (!table)
		return no_place(gather->model);
	table->dormant = flags & NFT_TABLE_F_DORMANT;
	table->ours = family == NFPROTO_INET && strcmp(name, RULESET_TABLE) == 0 &&
		      userdata &&
		      ruleset_is_tagged(mnl_attr_get_payload(userdata),
					mnl_attr_get_payload_len(userdata));
	return 0;
}

static enum model_chain_type chain_type(const char *type)
{
	if (type && strcmp(type, "filter") == 0)
		return MODEL_TYPE_FILTER;
	if (type && strcmp(type, "nat") == 0)
		return MODEL_TYPE_NAT;
	return type && strcmp(type, "route") == 0 ? MODEL_TYPE_ROUTE : MODEL_TYPE_OTHER;
}

/* 6.16 itself told a prefix from a name only by the zero byte that it lacks. */
static struct model_device read_device(const struct nlattr *attr)
{
	const size_t most = mnl_attr_get_payload_len(attr);
	const char *name = mnl_attr_get_payload(attr);
	const size_t length = strnlen(name, most);
	const uint16_t type = mnl_attr_get_type(attr);
	struct model_device device = { .bytes = 0 };

	if (length >= sizeof(device.name) ||
	    (type != NFTA_DEVICE_NAME && type != DEVICE_PREFIX))
		return device;
	memcpy(device.name, name, length);
	device.bytes =
		type == DEVICE_PREFIX || length == most ? length : sizeof(device.name);
	return device;
}

static size_t count_attrs(const struct nlattr *list)
{
	const struct nlattr *attr;
	size_t count = 0;

	mnl_attr_for_each_nested(attr, list) {
		count++;
	}
	return count;
}

/* One device, or a list of them. */
static int take_devices(struct model *model, const struct attrs *hook,
			struct model_chain *chain)
{
	const struct nlattr *list = hook->at[NFTA_HOOK_DEVS], *attr;
	const char *one = attrs_string(hook->at[NFTA_HOOK_DEV]);
	size_t count = list ? count_attrs(list) : one != NULL;
	struct model_device *device;

	if (!count)
		return 0;
	device = arena_take(&model->arena, count * sizeof(*device));
	if (!device)
		return -ENOMEM;
	chain->device = device;
	chain->devices = count;
	if (!list) {
		device->bytes = sizeof(device->name);
		memcpy(device->name, one, strnlen(one, sizeof(device->name) - 1));
		return 0;
	}
	mnl_attr_for_each_nested(attr, list) {
		*device++ = read_device(attr);
	}
	return 0;
}

static int take_hook(struct gather *gather, const struct attrs *attrs,
		     struct model_chain *chain)
{
	uint64_t number, priority, policy = NF_ACCEPT;
	struct attrs hook;

	if (!attrs_of_nest(attrs->at[NFTA_CHAIN_HOOK], &hook) ||
	    !attrs_number(hook.at[NFTA_HOOK_HOOKNUM], &number) ||
	    !attrs_number(hook.at[NFTA_HOOK_PRIORITY], &priority))
		return -EBADMSG;
	attrs_number(attrs->at[NFTA_CHAIN_POLICY], &policy);
	chain->base = true;
	chain->type = chain_type(attrs_string(attrs->at[NFTA_CHAIN_TYPE]));
	chain->hook = (uint32_t)number;
	/* Signed, in 32 bits; attributes are read without a sign. */
	chain->priority = (int32_t)(uint32_t)priority;
	chain->drops = policy == NF_DROP;
	return take_devices(gather->model, &hook, chain);
}

static int take_chain(struct gather *gather, uint8_t family, const struct attrs *attrs)
{
	const char *name = attrs_string(attrs->at[NFTA_CHAIN_NAME]);
	const char *table_name = attrs_string(attrs->at[NFTA_CHAIN_TABLE]);
	const struct model_table *table;
	struct model_chain *chain;

	if (!name || !table_name)
		return -EBADMSG;
	table = model_find_table(gather->model, family, table_name);
	if (!table)
		/* Made after the tables were dumped: all is read again. */
		return -EINTR;
	chain = model_add_chain(gather->model, table, name);
	if (!chain)
		return no_place(gather->model);
	return attrs->at[NFTA_CHAIN_HOOK] ? take_hook(gather, attrs, chain) : 0;
}

/* One expression, or a list of them. */
static int read_statements(struct model *model, struct model_set *set,
			   const struct nlattr *one, const struct nlattr *several)
{
	const struct nlattr *nest;
	int err = one ? decode_statement(model, one, &set->statements) : 0;

	if (err || !several)
		return err;
	mnl_attr_for_each_nested(nest, several) {
		err = decode_statement(model, nest, &set->statements);
		if (err)
			return err;
	}
	return 0;
}

static int take_statements(struct model *model, struct model_set *set,
			   const struct nlattr *one, const struct nlattr *several)
{
	int err = read_statements(model, set, one, several);

	/*
	 * What an element does with the packet and is not understood makes any look-up
	 * opaque.
	 */
	if (err != -EBADMSG)
		return err;
	set->incomplete = true;
	return 0;
}

static int take_set(struct gather *gather, uint8_t family, const struct attrs *attrs)
{
	const char *name = attrs_string(attrs->at[NFTA_SET_NAME]);
	const char *table_name = attrs_string(attrs->at[NFTA_SET_TABLE]);
	const struct model_table *table;
	struct model_set *set;
	uint64_t flags = 0, type = 0, bytes;

	if (!name || !table_name || !attrs_number(attrs->at[NFTA_SET_KEY_LEN], &bytes))
		return -EBADMSG;
	table = model_find_table(gather->model, family, table_name);
	if (!table)
		return -EINTR;
	set = model_add_set(gather->model, table, name);
	if (!set)
		return no_place(gather->model);
	attrs_number(attrs->at[NFTA_SET_FLAGS], &flags);
	set->flags = (uint32_t)flags;
	attrs_number(attrs->at[NFTA_SET_OBJ_TYPE], &type);
	set->object_type = (uint32_t)type;
	/* What a newer flag means for the elements nobody here knows. */
	set->incomplete = flags & ~(uint64_t)SET_FLAGS;
	set->key_bytes = (size_t)bytes;
	return take_statements(gather->model, set, attrs->at[NFTA_SET_EXPR],
			       attrs->at[NFTA_SET_EXPRESSIONS]);
}

static int take_object(struct gather *gather, uint8_t family, const struct attrs *attrs)
{
	const char *name = attrs_string(attrs->at[NFTA_OBJ_NAME]);
	const char *table_name = attrs_string(attrs->at[NFTA_OBJ_TABLE]);
	const struct model_table *table;
	struct model_object *object;
	uint64_t type;

	if (!name || !table_name || !attrs_number(attrs->at[NFTA_OBJ_TYPE], &type))
		return -EBADMSG;
	table = model_find_table(gather->model, family, table_name);
	if (!table)
		return -EINTR;
	object = model_add_object(gather->model, table, name);
	if (!object)
		return no_place(gather->model);
	object->type = (uint32_t)type;
	return 0;
}

/* A key is a value; in a map of verdicts the data is one. */
static int take_value(struct model *model, const struct nlattr *attr,
		      struct model_data *value, bool *is_verdict,
		      struct model_verdict *verdict)
{
	return attr ? datum_read(model, attr, value, is_verdict, verdict) : 0;
}

static int take_elem(struct gather *gather, const struct nlattr *nest)
{
	struct model_raw *raw = model_add_elem(gather->model, gather->set);
	struct model *model = gather->model;
	bool odd = false;
	const char *object;
	uint64_t flags = 0;
	struct attrs attrs;
	int err;

	if (!raw)
		return no_place(model);
	if (!attrs_of_nest(nest, &attrs))
		return -EBADMSG;
	attrs_number(attrs.at[NFTA_SET_ELEM_FLAGS], &flags);
	raw->end = flags & NFT_SET_ELEM_INTERVAL_END;
	raw->rest = flags & NFT_SET_ELEM_CATCHALL;
	/* What is not known may change what the element means. */
	if (attrs.strange ||
	    flags & ~(uint64_t)(NFT_SET_ELEM_INTERVAL_END | NFT_SET_ELEM_CATCHALL))
		gather->set->incomplete = true;
	if (attrs.at[NFTA_SET_ELEM_EXPIRATION])
		gather->set->expires = true;
	err = take_statements(model, gather->set, attrs.at[NFTA_SET_ELEM_EXPR],
			      attrs.at[NFTA_SET_ELEM_EXPRESSIONS]);
	if (!err)
		err = take_value(model, attrs.at[NFTA_SET_ELEM_KEY], &raw->elem.key, &odd,
				 &raw->elem.verdict);
	if (!err)
		err = take_value(model, attrs.at[NFTA_SET_ELEM_KEY_END],
				 &raw->elem.key_end, &odd, &raw->elem.verdict);
	if (!err)
		err = take_value(model, attrs.at[NFTA_SET_ELEM_DATA], &raw->elem.value,
				 &raw->elem.is_verdict, &raw->elem.verdict);
	object = attrs_string(attrs.at[NFTA_SET_ELEM_OBJREF]);
	if (!err && object) {
		raw->elem.object = arena_copy(&model->arena, object, strlen(object));
		err = raw->elem.object ? 0 : -ENOMEM;
	}
	/* Look-ups compare as many bytes as the set's keys have. */
	if (!err && !raw->rest &&
	    (odd || raw->elem.key.bytes != gather->set->key_bytes ||
	     (raw->elem.key_end.at && raw->elem.key_end.bytes != gather->set->key_bytes)))
		return -EBADMSG;
	return err;
}

static int find_set(struct gather *gather, uint8_t family, const char *table_name,
		    const char *name)
{
	const struct model_set *last = gather->set;
	const struct model_table *table;

	/* Elements come set by set, in the order of the sets. */
	if (last && last->table->family == family && strcmp(last->name, name) == 0 &&
	    strcmp(last->table->name, table_name) == 0)
		return 0;
	table = model_find_table(gather->model, family, table_name);
	gather->set = table ? model_find_set(gather->model, table, name) : NULL;
	return gather->set ? 0 : -EINTR;
}

static int take_elems(struct gather *gather, uint8_t family, const struct attrs *attrs)
{
	const char *name = attrs_string(attrs->at[NFTA_SET_ELEM_LIST_SET]);
	const char *table_name = attrs_string(attrs->at[NFTA_SET_ELEM_LIST_TABLE]);
	const struct nlattr *list = attrs->at[NFTA_SET_ELEM_LIST_ELEMENTS], *nest;
	int err;

	if (!name || !table_name)
		return -EBADMSG;
	err = find_set(gather, family, table_name, name);
	if (err || !list)
		return err;
	mnl_attr_for_each_nested(nest, list) {
		err = take_elem(gather, nest);
		if (err)
			return err;
	}
	return 0;
}

static struct model_chain *find_chain(const struct gather *gather, uint8_t family,
				      const char *table_name, const char *name)
{
	struct model_chain *chain = gather->chain;
	const struct model_table *table;

	/* Rules come chain by chain, in the order of the chains. */
	for (int i = 0; chain && i < 2; i++, chain = chain->next)
		if (chain->table->family == family && strcmp(chain->name, name) == 0 &&
		    strcmp(chain->table->name, table_name) == 0)
			return chain;
	table = model_find_table(gather->model, family, table_name);
	return table ? model_find_chain(gather->model, table, name) : NULL;
}

static int take_rule(struct gather *gather, uint8_t family, const struct attrs *attrs)
{
	const char *name = attrs_string(attrs->at[NFTA_RULE_CHAIN]);
	const char *table_name = attrs_string(attrs->at[NFTA_RULE_TABLE]);
	const struct nlattr *expressions = attrs->at[NFTA_RULE_EXPRESSIONS];
	struct model_rule *rule;
	uint64_t handle;

	if (!name || !table_name || !attrs_number(attrs->at[NFTA_RULE_HANDLE], &handle))
		return -EBADMSG;
	gather->chain = find_chain(gather, family, table_name, name);
	if (!gather->chain)
		return -EINTR;
	rule = model_add_rule(gather->model, gather->chain, handle);
	if (!rule)
		return no_place(gather->model);
	return expressions ? decode_rule(gather->model, rule, expressions) : 0;
}

int gather_message(struct gather *gather, const struct nlmsghdr *header)
{
	struct attrs attrs;
	uint8_t family;

	if (!attrs_of_message(header, &attrs))
		return -EBADMSG;
	family = attrs_family(header);
	switch (NFNL_MSG_TYPE(header->nlmsg_type)) {
	case NFT_MSG_NEWTABLE: return take_table(gather, family, &attrs);
	case NFT_MSG_NEWCHAIN: return take_chain(gather, family, &attrs);
	case NFT_MSG_NEWSET: return take_set(gather, family, &attrs);
	case NFT_MSG_NEWSETELEM: return take_elems(gather, family, &attrs);
	case NFT_MSG_NEWOBJ: return take_object(gather, family, &attrs);
	case NFT_MSG_NEWRULE: return take_rule(gather, family, &attrs);
	case NFT_MSG_NEWFLOWTABLE: gather->model->flowtables++; return 0;
	default: return -EBADMSG;
	}
}

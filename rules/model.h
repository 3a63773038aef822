/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_MODEL_H
#define RULES_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/arena.h"
#include "rules/ranges.h"

/*
 * The whole ruleset as plain data: what rules/snapshot.h reads and rules/audit.h judges.
 * Nothing is left out: an expression that rules/decode.h does not understand is there as
 * MODEL_OPAQUE. All of it lives in the model's arena.
 */

/* The register file: 64 bytes after the verdict, as struct nft_regs has them. */
enum { MODEL_REGISTER_BYTES = 64, MODEL_NO_REGISTER = 255, MODEL_VERDICT_REGISTER = 254 };

/* What the kernel calls its expressions, in the order of the names in decode.c. */
enum model_kind {
	MODEL_OPAQUE, /* not understood; name says what it is called */
	MODEL_BITWISE,
	MODEL_BYTEORDER,
	MODEL_CMP,
	MODEL_CONNLIMIT,
	MODEL_COUNTER,
	MODEL_CT,
	MODEL_DUP,
	MODEL_DYNSET,
	MODEL_EXTHDR,
	MODEL_FIB,
	MODEL_FLOW_OFFLOAD,
	MODEL_FWD,
	MODEL_HASH,
	MODEL_IMMEDIATE,
	MODEL_LAST,
	MODEL_LIMIT,
	MODEL_LOG,
	MODEL_LOOKUP,
	MODEL_MASQ,
	MODEL_MATCH,
	MODEL_META,
	MODEL_NAT,
	MODEL_NOTRACK,
	MODEL_NUMGEN,
	MODEL_OBJREF,
	MODEL_OSF,
	MODEL_PAYLOAD,
	MODEL_QUEUE,
	MODEL_QUOTA,
	MODEL_RANGE,
	MODEL_REDIR,
	MODEL_REJECT,
	MODEL_RT,
	MODEL_SOCKET,
	MODEL_SYNPROXY,
	MODEL_TARGET,
	MODEL_TPROXY,
	MODEL_TUNNEL,
	MODEL_XFRM,
};

/* Bytes of a value, a mask, or of what an xtables match keeps to itself. */
struct model_data {
	const uint8_t *at; /* NULL: not given */
	size_t bytes;
};

enum model_verdict_code {
	MODEL_CONTINUE,
	MODEL_ACCEPT,
	MODEL_DROP,
	MODEL_STOLEN, /* handled elsewhere: this packet goes no further here */
	MODEL_QUEUED,
	MODEL_JUMP,
	MODEL_GOTO,
	MODEL_RETURN,
	MODEL_BREAK,   /* the rule does not match */
	MODEL_REPEAT,  /* the base chain begins again */
	MODEL_STRANGE, /* a verdict that there was not when this was written */
};

struct model_verdict {
	enum model_verdict_code code;
	const char *name;          /* of the chain, for jump and goto */
	struct model_chain *chain; /* it; NULL if there is none */
};

enum { MODEL_NUMBERS = 6 };

/*
 * An expression of a rule. Which number and which value stand for what is said where its
 * attributes are listed, in decode.c.
 */
struct model_expr {
	enum model_kind kind;
	const char *name; /* its kind as the kernel calls it */
	uint8_t source;   /* the first byte of its register, or MODEL_NO_REGISTER */
	uint8_t source2;
	uint8_t to;    /* where its result goes */
	uint8_t given; /* which numbers were there, a bit each */
	uint32_t number[MODEL_NUMBERS];
	struct model_data value, value2;
	bool is_verdict; /* its value is a verdict */
	struct model_verdict verdict;
	const char *object; /* the set, object or flowtable, or the xtables extension */
	const struct model_set *set; /* the set; NULL if none, or not there */
	const struct model_object *named;
	bool shares;               /* a limit, with other expressions, or with itself */
	struct model_expr *nested; /* what a dynset does with the element */
	struct model_expr *next;
};

/* What can come of evaluating something, a bit each. */
enum model_effect {
	MODEL_DECIDES = 1 << 0, /* accepts, drops, rejects, jumps */
	MODEL_CHANGES =
		1 << 1, /* does something to the packet, a set or the connection */
	MODEL_TRANSLATES = 1 << 2,
	MODEL_REFUSES = 1 << 3, /* drops or rejects */
	MODEL_ASKS_CT = 1 << 4, /* depends on connection tracking */
};

struct model_rule {
	const struct model_chain *chain;
	uint64_t handle;
	unsigned number;  /* its place in the chain, from 1 on */
	unsigned effects; /* enum model_effect, with those of the chains it may go to */
	bool compat;      /* made by iptables-nft: it has xtables extensions */
	struct model_expr *exprs;
	struct model_rule *next;
};

enum model_chain_type {
	MODEL_TYPE_FILTER,
	MODEL_TYPE_NAT,
	MODEL_TYPE_ROUTE,
	MODEL_TYPE_OTHER,
};

enum { MODEL_DEVICE_BYTES = 16 };

/* Which devices a chain is for. */
struct model_device {
	char name[MODEL_DEVICE_BYTES]; /* a whole one, or what names begin with */
	size_t bytes;                  /* of it that count; 0: it is not understood */
};

struct model_chain {
	const struct model_table *table;
	const char *name;
	bool base;
	enum model_chain_type type;
	uint32_t hook; /* as the kernel numbers those of the family */
	int32_t priority;
	bool drops;     /* the policy */
	unsigned order; /* in which the kernel listed them */
	size_t devices;
	const struct model_device *device;
	unsigned effects; /* of all its rules */
	bool ours;        /* in our table, and one that we make */
	bool shared;      /* packets may come to it several times */
	const struct model_expr
		*caller; /* who was seen to lead to it; while it is made */
	struct model_rule *rules, *last;
	struct model_chain *next;
};

struct model_elem {
	struct model_data key, key_end; /* both ends included; key_end NULL: the same */
	struct model_data value;
	bool is_verdict;
	struct model_verdict verdict;
	const char *object;
	const struct model_object *named;
};

struct model_set {
	const struct model_table *table;
	const char *name;
	uint32_t flags;       /* NFT_SET_ */
	uint32_t object_type; /* NFT_OBJECT_ of what a map of objects leads to */
	size_t key_bytes;
	bool incomplete; /* not all elements are known */
	bool dynamic;    /* packets add elements, or delete them */
	bool expires;    /* elements end by themselves, or rules delete them */
	bool limits; /* finding an element uses up a limit, and several expressions ask */
	unsigned uses; /* expressions that ask it, or add to it */
	/* What is done with an element that is found, but for counters: that of any of them. */
	struct model_expr *statements;
	size_t count;
	struct model_elem *elems; /* intervals are put together; sorted by key */
	struct model_elem *rest;  /* the catch-all element, or NULL */
	struct ranges keys;       /* all keys as numbers, if one field has them all */
	struct model_raw *raw;    /* while it is read */
	struct model_set *next;
};

struct model_object {
	const struct model_table *table;
	const char *name;
	uint32_t type; /* NFT_OBJECT_ */
	bool limits;   /* it is a limit or a quota that several expressions use up */
	unsigned uses; /* expressions that name it, or ask a map that does */
	struct model_object *next;
};

struct model_table {
	uint8_t family; /* NFPROTO_ */
	const char *name;
	bool dormant;
	bool ours; /* table inet ctkit, with our tag */
	struct model_table *next;
};

struct model_name;

struct model {
	struct arena arena;
	uint32_t generation; /* of the ruleset when it was read */
	struct model_table *tables, *last_table;
	struct model_chain *chains, *last_chain;
	struct model_set *sets, *last_set;
	struct model_object *objects;
	size_t table_count, chain_count, rule_count, set_count, elem_count;
	unsigned flowtables;
	unsigned unread; /* messages that could not be read */
	bool marks_ct;   /* a rule sets the mark of connections */
	bool untracks;   /* a rule that is not ours untracks packets */
	bool zones;      /* a rule sets a zone */
	bool fills;      /* a rule adds to a set of ipset, or deletes */
	bool expects;    /* a rule gives connections a helper, or expects others */
	const struct model_rule *foreign; /* in a chain of ours, but none that we make */
	struct model_name *chain_names,
		*set_names; /* sorted; only while names are resolved */
};

/* More than rulesets that work have; beyond it reading fails with -E2BIG. */
enum {
	MODEL_TABLES_MAX = 4096,
	MODEL_CHAINS_MAX = 1 << 18,
	MODEL_RULES_MAX = 1 << 20,
	MODEL_SETS_MAX = 1 << 18,
	MODEL_ELEMS_MAX = 1 << 20,
};

/*
 * Adding to a model: each returns what was added, for the caller to fill in, or NULL when memory
 * ran out or it became too many. Names are copied.
 */
struct model_table *model_add_table(struct model *model, uint8_t family,
				    const char *name);
struct model_chain *model_add_chain(struct model *model, const struct model_table *table,
				    const char *name);
struct model_rule *model_add_rule(struct model *model, struct model_chain *chain,
				  uint64_t handle);
struct model_expr *model_add_expr(struct model *model, struct model_rule *rule);
struct model_set *model_add_set(struct model *model, const struct model_table *table,
				const char *name);
struct model_object *model_add_object(struct model *model,
				      const struct model_table *table, const char *name);

/*
 * An element as the kernel dumps it, before model_complete(): ends of intervals are elements of
 * their own.
 */
struct model_raw {
	struct model_elem elem;
	bool end;  /* the element is where an interval ends (not included) */
	bool rest; /* catch-all */
	struct model_raw *next;
};
struct model_raw *model_add_elem(struct model *model, struct model_set *set);

/* What the expression does with an element of a set that it finds, makes or changes; NULL: nothing. */
const struct model_expr *model_nested(const struct model_expr *expr);

/* Whether a base chain can have an effect at all. */
bool model_matters(const struct model_chain *chain);

/* What has that name, or NULL. */
struct model_table *model_find_table(const struct model *model, uint8_t family,
				     const char *name);
struct model_chain *model_find_chain(const struct model *model,
				     const struct model_table *table, const char *name);
struct model_set *model_find_set(const struct model *model,
				 const struct model_table *table, const char *name);

/*
 * To be called once, when everything is there: puts intervals together, resolves names, finds out
 * what rules can do. Returns 0 or -ENOMEM.
 */
int model_complete(struct model *model);

/* Frees what the model holds; it is as new. */
void model_clear(struct model *model);

/* "ip", "inet", ... */
const char *model_family_name(uint8_t family);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_RUN_H
#define RULES_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/bytes.h"
#include "rules/model.h"
#include "rules/packet.h"
#include "rules/world.h"

/*
 * One packet on its way through the rules, in one of two worlds: as it is now (tracked, as far as the
 * rules let it), or with our NOTRACK. Pure: what is not known is asked of the world.
 */

enum run_hook {
	RUN_INGRESS,
	RUN_PREROUTING,
	RUN_INPUT,
	RUN_OUTPUT,
	RUN_POSTROUTING,
	RUN_EGRESS
};

/* What conntrack made of the packet so far. */
enum run_tracking {
	RUN_NONE,     /* not seen, or an error about nothing that is known: "invalid" */
	RUN_TEMPLATE, /* a rule gave it a zone or the like before conntrack saw it */
	RUN_UNTRACKED,
	RUN_TRACKED,
};

/* What conntrack knows of the packets of a TCP connection that came before. */
enum run_past {
	RUN_SEEN,   /* what the rules let it see of them */
	RUN_UNSEEN, /* none, and it takes the connection up in its middle, as a new one */
	RUN_STRANGE, /* none, and it does not: the packet is invalid */
};

/* What rules do, beside letting packets through or not. */
enum run_effect_kind {
	RUN_DNAT,
	RUN_SNAT,
	RUN_MASQUERADE,
	RUN_REDIRECT,
	RUN_TPROXY,
	RUN_SYNPROXY,
	RUN_QUEUE,
	RUN_COPY,       /* dup, TEE */
	RUN_FORWARD,    /* fwd */
	RUN_REWRITE,    /* a field of a header */
	RUN_CLASSIFY,   /* priority and the like */
	RUN_SET_CHANGE, /* adds to a set, or deletes */
	RUN_USES_UP,    /* a limit that other rules ask, too */
	RUN_HELPER,
	RUN_TIMEOUT,
	RUN_EXPECT,
	RUN_CT_MARK,
	RUN_CT_OTHER, /* labels, events, security marks */
	RUN_ZONE,
	RUN_OFFLOAD,
	RUN_NOTRACK,
	RUN_OPAQUE, /* something that is not understood */
};

/* The detail of a translation: the port that it gives, 0 if none, and these. */
enum { RUN_ANY_PORT = 1 << 16, RUN_AWAY = 1 << 17 };

struct run_effect {
	enum run_effect_kind kind;
	const struct model_rule *rule;
	uint64_t detail; /* of two that are otherwise alike */
	uint64_t value;  /* stands for what it was done with; 0: nothing */
	bool of_any;     /* that says all: any rule that does it does the same */
};

/* How a rule went that asks connection tracking. */
struct run_answer {
	const struct model_rule *rule;
	const struct model_chain *base; /* where that was */
	bool matched;
};

struct run_write {
	uint32_t base;
	uint32_t offset;
	uint32_t count;
	struct byte bytes[16];
};

/* After which hooks a packet is routed. */
enum { RUN_ROUTED_IN, RUN_ROUTED_OUT, RUN_ROUTINGS };

enum run_fate {
	RUN_DELIVERED,
	RUN_DROPPED,
	RUN_FORBIDDEN, /* dropped where it was sent to this host: its sender is told EPERM */
	RUN_REJECTED,
	RUN_TAKEN
};

enum {
	RUN_EFFECTS_MAX = 64,
	RUN_ANSWERS_MAX = 256,
	RUN_WRITES_MAX = 8,
	RUN_DEPTH_MAX = 16
};

struct record;

/* All that a packet's way so far has left: going back to it is going on from there. */
struct run_state {
	size_t stop;   /* of the walk: which is next, or it is in */
	bool in_chain; /* it is in a chain, before rule (NULL: at the end of a chain) */
	const struct model_rule *rule;
	size_t depth;                                  /* of jumps */
	const struct model_rule *stack[RUN_DEPTH_MAX]; /* where they come back to */

	enum run_hook hook;
	enum run_tracking tracking;
	bool asked;   /* something depended on tracking */
	bool classed; /* a rule has set its priority or the like, or how it came */
	struct byte mark[4];
	struct byte routed[RUN_ROUTINGS][4]; /* the mark when it was routed */
	struct byte ct_mark[4];
	const struct model_rule *mark_rule; /* that set the mark last */
	size_t writes, effects, answers;

	enum run_fate fate;
	uint64_t told; /* of one that is rejected: stands for what its sender is told */
	const struct model_rule *decider; /* which rule decided that; NULL: a policy */
	const struct model_chain *base;   /* the base chain it is in, or was at the end */
};

/* A state to go back to: whatever is chosen from there on can be chosen otherwise. */
struct run_save {
	struct world_point point;
	struct run_state state;
};

enum { RUN_SAVES_MAX = 256 };

struct run {
	struct world *world;
	const struct model *model;
	const struct packet *packet;
	bool untrack; /* with our NOTRACK */
	enum run_past past;
	struct record *record; /* who wants to know how rules went; may be NULL */

	struct run_state now;
	const struct model_rule *rule; /* that is evaluated */
	bool rule_asked;               /* it depended on tracking */
	bool rejects;                  /* its verdict is to tell the sender */
	unsigned expr;                 /* the number of its expression */
	struct byte registers[MODEL_REGISTER_BYTES];
	struct run_write write[RUN_WRITES_MAX];
	struct run_effect effect[RUN_EFFECTS_MAX];
	struct run_answer answer[RUN_ANSWERS_MAX];

	size_t saves; /* the first is where it began */
	struct run_save save[RUN_SAVES_MAX];
};

/* Notes an effect of the rule that is evaluated. */
void run_note(struct run *run, enum run_effect_kind kind, uint64_t detail);

/*
 * The same of one that is done with what registers hold from source on; each packet fares alike
 * only if that is the same.
 */
void run_note_value(struct run *run, enum run_effect_kind kind, uint64_t detail,
		    size_t source, size_t count);

/*
 * The same of one that is done by somebody who looks at the packet's mark. Returns a number that
 * stands for the mark.
 */
uint64_t run_note_mark(struct run *run, enum run_effect_kind kind, uint64_t detail);

/*
 * The rule that is evaluated gives the packet a mark of which nothing is known but that the same id
 * and packet (enum packet_kind, or what the caller calls a group of these) have the same.
 */
void run_mark_anew(struct run *run, uint64_t id, uint32_t packet);

/* A number that stands for what they hold, and for nothing else if they hold the same symbols. */
uint64_t run_digest(const struct run *run, size_t source, size_t count);

/* That what is evaluated depends on connection tracking. */
void run_ask(struct run *run);

/* The state bit of the packet (NF_CT_STATE_BIT and the like, as nft_ct.c has them). */
uint32_t run_state(struct run *run);

/*
 * Whether a helper that read another conversation expected this one, as FTP's do: then its first packet
 * is related, not new. Only where rules, or the kernel, give connections helpers.
 */
bool run_is_expected(struct run *run);

/* Whether conntrack cannot know more of its connection than this packet. */
bool run_is_opening(const struct run *run);

/* Whether it is the first packet of a connection. */
bool run_is_first(struct run *run);

/* Whether the connection's direction is that of the packet's own. */
bool run_is_original(struct run *run);

/*
 * Whether the first packet of the conversation was tracked: only rules that untrack make it
 * a question, where the past was seen.
 */
bool run_was_tracked(struct run *run);

/* Whether to conntrack the server opened the connection: by a reply to what was not tracked. */
bool run_is_reversed(struct run *run);

/* Its interface where it is, by name or else by number: which of its symbols that is. */
enum packet_field run_interface(const struct run *run, bool in, bool name);

/* Whether the packet's source, or else its destination, is an address of this host. */
bool run_is_local(struct run *run, bool source);

/*
 * Whether NAT that gives a packet this destination (4 or 16 bytes) cannot have turned it to the
 * service.
 */
bool run_is_elsewhere(const struct run *run, const void *address);

/* Something that is so or not for this packet (flow: for all of the conversation). */
bool run_assume(struct run *run, uint32_t what, uint64_t detail);
bool run_assume_flow(struct run *run, uint32_t what, uint64_t detail);

/* A number that belongs to where in the rules the packet is. */
uint64_t run_place(const struct run *run);

/* The same of how it came there, too: what is drawn, or left of a limit, is another the next time. */
uint64_t run_visit(const struct run *run);

/* How often rules have changed its headers: what is in them then is another question. */
uint64_t run_rewritten(const struct run *run);

/* Loads bytes of the packet, as rules have rewritten it. */
void run_load(struct run *run, uint32_t base, uint32_t offset, size_t count,
	      struct byte *to);

#endif

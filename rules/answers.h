/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_ANSWERS_H
#define RULES_ANSWERS_H

#include <stdbool.h>

struct finding;
struct packet;
struct ranges;
struct run;
struct service;
struct surroundings;

/*
 * What of all that comes from an outbound service's port looks like an answer to this host, which is all that can
 * be told of an untracked packet. UDP: it goes to a port that the kernel gives to clients. TCP: it is no SYN
 * that could open a connection. Pure.
 */

/* "32768-60999", "{ 32768-39999, 50001-60999 }": these ports as nft says it. Adds to text. */
void answers_put_ports(const struct surroundings *host, char *text);

/*
 * "udp dport 32768-60999", "tcp flags & (syn|ack) != syn": what looks like an answer, or like none, in the words
 * of nft, and the same in options of iptables. Adds to text, of FINDING_TEXT_MAX bytes.
 */
void answers_match(const struct service *service, const struct surroundings *host,
		   bool alike, char *text);
void answers_options(const struct service *service, const struct surroundings *host,
		     bool alike, char *text);

/* Whether these words are short enough for a rule to paste. */
bool answers_fit(const struct service *service, const struct surroundings *host);

/*
 * What a rule has to ask besides to let in no more than what looks like an answer: finding->only and only_options, if
 * the finding is about answers. False if they do not fit.
 */
bool answers_narrow(const struct service *service, const struct surroundings *host,
		    struct finding *finding);

/*
 * The same of requests that get in only if others did before: no more than what cannot be the first. False if
 * nothing tells, as over UDP.
 */
bool answers_follow(const struct packet *packet, struct finding *finding);

/* "8080,32768-40000": ports as settings of the kernel have them. Adds to text. */
void answers_put_list(const struct ranges *ports, char *text);

/* Whether, in the case that is assumed, a packet that nobody asked for looks like an answer. */
bool answers_resemble(const struct run *run);

/* Whether, in that case, an answer goes to a port that the kernel gives to nobody. */
bool answers_go_beyond(const struct run *run);

#endif

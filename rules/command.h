/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_COMMAND_H
#define RULES_COMMAND_H

#include <stdbool.h>

struct finding;
struct model_chain;
struct service;

/*
 * Commands to paste into a shell, in the words of nft and iptables. Each adds to a text of
 * FINDING_TEXT_MAX bytes as much as there is room for. Pure.
 */

void command_append(char *text, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether commands can name the chain: the kernel takes any bytes as its name, and its table's. */
bool command_names(const struct model_chain *chain);

/*
 * "nft insert rule ...": puts a rule before the finding's, up to where its words begin. If its chain cannot be
 * named it is no command, but words.
 */
void command_insert(char *text, const struct finding *finding);

/* "ip daddr 192.0.2.1 udp dport 9000": requests to the service, or its replies, as nft says it. */
void command_match(char *text, const struct service *service, bool request);

/* The same for iptables. */
void command_options(char *text, const struct service *service, bool request);

/* "iif lo ", if the finding is about packets on loopback only: nobody else's are let in then. */
void command_loopback(char *text, const struct finding *finding);

/* Words of a rule, quoted if a shell would not pass them on as they are. */
void command_words(char *text, const char *words);

#endif

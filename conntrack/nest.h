/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_NEST_H
#define CONNTRACK_NEST_H

#include <stdbool.h>
#include <stdint.h>

struct nlattr;
struct nlmsghdr;

/*
 * Attributes of nf_tables messages, read without trust: libnftnl ends the process over one that is not as
 * it expects, and anybody may make rules and maps in a table. All take NULL for what is not there. Pure.
 */

/* The first attribute of a type behind a message's nfgenmsg, or NULL: also if that is cut off. */
const struct nlattr *nest_first(const struct nlmsghdr *message, uint16_t type);

/* The first of a type in another attribute, or NULL. */
const struct nlattr *nest_find(const struct nlattr *nest, uint16_t type);

/* The string in an attribute, that ends with a zero byte there; NULL: it is none. */
const char *nest_string(const struct nlattr *attr);

/* The big-endian number of 4 or 8 bytes in an attribute. Returns false, and leaves *out, if it is none. */
bool nest_number(const struct nlattr *attr, uint64_t *out);

/* The family of the rule, map or table that a message is about; NFPROTO_UNSPEC: it is cut off. */
uint8_t nest_family(const struct nlmsghdr *message);

#endif

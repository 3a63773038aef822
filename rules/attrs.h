/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_ATTRS_H
#define RULES_ATTRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

/*
 * The attributes of nf_tables messages, read without trust: libnftnl ends the process over one
 * that is not as it expects ("kernel ABI is broken"), and drops those that it does not know. Pure.
 */

enum { ATTRS_MAX = 32 };

/* Attributes by type; NULL where there is none. */
struct attrs {
	const struct nlattr *at[ATTRS_MAX];
	bool strange; /* there was one of a type that does not fit */
};

/* The attributes behind an nfgenmsg, or in another attribute. False if cut off or malformed. */
bool attrs_of_message(const struct nlmsghdr *header, struct attrs *out);
bool attrs_of_nest(const struct nlattr *nest, struct attrs *out);

/* The family of a message that attrs_of_message() has read. */
uint8_t attrs_family(const struct nlmsghdr *header);

/* A big-endian number, as wide as the attribute: 1, 2, 4 or 8 bytes. NULL attributes have none. */
bool attrs_number(const struct nlattr *attr, uint64_t *out);

/* A string that ends with a zero byte, in the message; NULL if there is none. */
const char *attrs_string(const struct nlattr *attr);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_BULLETIN_H
#define CONNTRACK_BULLETIN_H

struct spaces;
struct text;
struct watch_request;

/*
 * What is said of all tables at one time, as the command line asks for it: a report, lines, or
 * a JSON object in a line. Takes a reading of each and adds it to text, which may have run out of
 * memory then. Returns 0, or -errno if none can be read (-ESRCH: there is none).
 */
int bulletin_add(const struct watch_request *request, struct spaces *spaces,
		 struct text *text);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_REPORT_H
#define SERVER_REPORT_H

#include <stdbool.h>

struct echo_result;
struct flows_result;
struct hold_result;
struct load;

/*
 * The result of a run to stdout: a block of text, or one JSON object on a line. What a
 * reader of the numbers must know (a late sender, a run cut short) goes to the log as well.
 * Returns 0, or -errno if stdout did not take all of it; the log says so.
 */
int report_echo(const struct load *load, const struct echo_result *result, bool json);
int report_flows(const struct load *load, const struct flows_result *result, bool json);
int report_hold(const struct load *load, const struct hold_result *result, bool json);

#endif

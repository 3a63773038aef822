/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_STREAM_H
#define SERVER_STREAM_H

struct conn_ops;

/* TCP echo: sends back what it reads, and reads no more while that is blocked. */
const struct conn_ops *stream_echo(void);

/* TCP discard: reads and forgets. */
const struct conn_ops *stream_discard(void);

#endif

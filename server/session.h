/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include "server/conn.h"

/* HTTP on a connection: requests, each answered, until one of them asks for a feed. */
const struct conn_ops *session_http(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_PRIVILEGE_H
#define LIB_PRIVILEGE_H

/*
 * Gives up every capability of this process but CAP_NET_ADMIN, for good: netlink checks
 * the sender's capability at each message, so that one must stay while rules may
 * change. Does nothing to a process that has none. Returns 0 or -errno.
 */
int privilege_keep_net_admin(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_SEATS_H
#define SERVER_SEATS_H

/*
 * Numbers from 0 to below some limit, for those who come and go: each has one of his own
 * while he is there. Takes memory only for as many as there were at once. Opaque.
 */
struct seats;

/* Returns 0 or -ENOMEM. */
int seats_open(struct seats **out, unsigned limit);

/* Frees it; NULL is allowed. */
void seats_close(struct seats *seats);

/* Returns a number that nobody has, or -ENOSPC if all are taken. */
int seats_take(struct seats *seats);

/* Gives one back that was taken. */
void seats_give(struct seats *seats, int seat);

#endif

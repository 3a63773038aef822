/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_TERMINAL_H
#define CONNTRACK_TERMINAL_H

#include <stdbool.h>

struct canvas;

/*
 * The terminal on standard input and output while a canvas is shown on it. Opaque, one at a
 * time: curses keeps its state to itself.
 */
struct terminal;

/* Whether there is one that a canvas can be shown on. */
bool terminal_is_there(void);

/*
 * Takes the terminal. It is given back by terminal_close(), and when one of the signals comes
 * that end a program of its own fault. Colours unless NO_COLOR is set. Returns 0, -ENOTTY if
 * nothing is known about this kind of terminal, or -ENOMEM.
 */
int terminal_open(struct terminal **out);

/* NULL is allowed. */
void terminal_close(struct terminal *terminal);

/* Whether its locale (LC_CTYPE, which terminal_open() sets) is UTF-8. */
bool terminal_is_utf8(void);

/*
 * Makes canvas as large as the terminal is now, and has the next terminal_paint() write all of
 * it. Returns 0 or -ENOMEM.
 */
int terminal_fit(struct canvas *canvas);

/* Writes what changed. A terminal that takes nothing now (Ctrl-S) does not get this picture. */
void terminal_paint(const struct terminal *terminal, const struct canvas *canvas);

/* The next key that waits, a character or enum keys_code; -1: none waits. */
int terminal_key(void);

/* Whether input that is said to be there is the end of it: the terminal is gone. */
bool terminal_is_gone(void);

/* Gives the terminal back, stops the process as SIGTSTP does, and takes it again. */
void terminal_suspend(void);

/* Takes it again from whoever changed it while the process was stopped. */
void terminal_resume(void);

#endif

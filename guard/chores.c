// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/chores.h"

#include <errno.h>
#include <ev.h>
#include <linux/netlink.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "conntrack/addresses.h"
#include "conntrack/connections.h"
#include "conntrack/flow.h"
#include "conntrack/reclaim.h"
#include "conntrack/routes.h"
#include "conntrack/sample.h"
#include "lib/nl.h"
#include "rules/slice.h"
#include "rules/surroundings.h"
#include "rules/survey.h"
#include "rules/translated.h"

/*
 * For each service that there can be, one of each kind; a power of two, as the numbers of slots
 * wrap.
 */
enum { CHORES_MAX = 256 };

/* There may be a thread for each network namespace, and locked memory (--realtime) holds all of it. */
enum { STACK_BYTES = 256 << 10 };

/*
 * A ring: from told to next to do they are done and wait for the loop, from there on for the
 * thread. The lock is held for a copy, never while something is done.
 */
struct chores {
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t asked;
	struct chore ring[CHORES_MAX];
	unsigned told, next,
		end; /* count up without end; modulo CHORES_MAX in the ring */
	_Atomic uint32_t deleted; /* by the reclaim that is being done */
	atomic_bool stop;
	struct nl *nl, *route, *diag; /* the thread's */
	struct addresses local;
	struct ev_loop *loop;
	ev_async done;
	chores_done_cb *tell;
	void *data;
};

static struct chore *slot(struct chores *chores, unsigned number)
{
	return &chores->ring[number % CHORES_MAX];
}

/* The client's end: the other one than the service's, which it may have swapped mid-stream. */
static bool is_out(const struct flow *flow, const void *data)
{
	const struct chore *chore = data;
	bool usual = flow->orig.dst_port >= chore->service.first_port &&
		     flow->orig.dst_port <= chore->service.last_port;

	return slice_has(&chore->extent, flow->family,
			 usual ? &flow->orig.src : &flow->orig.dst,
			 usual ? flow->orig.src_port : flow->orig.dst_port);
}

static int reclaim(struct chores *chores, struct chore *chore)
{
	const struct reclaim order = {
		.service = &chore->service,
		.local = &chores->local,
		.chosen = is_out,
		.data = chore,
		.deleted = &chores->deleted,
		.stop = &chores->stop,
	};
	int unread, err;

	atomic_store(&chores->deleted, 0);
	/* An address may have come since they were read; what is known does for the others. */
	unread = routes_read_local(chores->route, &chores->local);
	err = reclaim_service(chores->nl, &order);
	chore->done = atomic_load(&chores->deleted);
	return err ? err : unread;
}

static int count_translated(struct chores *chores, struct chore *chore)
{
	struct surroundings host = { 0 };
	int err = survey_read(chores->route, NULL, &host);

	if (!err)
		err = translated_count(chores->nl, &host, &chore->service, 1,
				       &chore->done);
	surroundings_clear(&host);
	return err;
}

static void do_chore(struct chores *chores, struct chore *chore)
{
	switch (chore->kind) {
	case CHORE_RECLAIM: chore->err = reclaim(chores, chore); break;
	case CHORE_PURGE: chore->err = sample_purge(chores->nl); break;
	case CHORE_COUNT:
		chore->err = connections_count(chores->diag, &chore->service, chore->most,
					       &chore->done);
		break;
	case CHORE_TRANSLATED: chore->err = count_translated(chores, chore); break;
	}
}

static void *work(void *data)
{
	struct chores *chores = data;

	pthread_mutex_lock(&chores->lock);
	for (;;) {
		struct ev_loop *loop;
		struct chore chore;

		while (chores->next == chores->end && !atomic_load(&chores->stop))
			pthread_cond_wait(&chores->asked, &chores->lock);
		if (atomic_load(&chores->stop))
			break;
		chore = *slot(chores, chores->next);
		pthread_mutex_unlock(&chores->lock);
		do_chore(chores, &chore);
		pthread_mutex_lock(&chores->lock);
		*slot(chores, chores->next) = chore;
		chores->next++;
		/* It counts for the one that is next, which is another now (chores_leaving()). */
		atomic_store(&chores->deleted, 0);
		loop = chores->loop;
		/* The loop, once woken, must not have to wait until this thread runs again. */
		pthread_mutex_unlock(&chores->lock);
		if (loop)
			ev_async_send(loop, &chores->done);
		pthread_mutex_lock(&chores->lock);
	}
	pthread_mutex_unlock(&chores->lock);
	return NULL;
}

/* Signals are for the loop. */
static int start_thread(struct chores *chores)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	/* It keeps the network namespace of now, for the conversations that it opens itself. */
	err = -pthread_create(&chores->thread, &attr, work, chores);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	chores->started = !err;
	return err;
}

int chores_open(struct chores **out)
{
	struct chores *chores = calloc(1, sizeof(*chores));
	int err;

	if (!chores)
		return -ENOMEM;
	pthread_mutex_init(&chores->lock, NULL);
	pthread_cond_init(&chores->asked, NULL);
	err = nl_open(&chores->nl, NETLINK_NETFILTER);
	if (!err)
		err = nl_open(&chores->route, NETLINK_ROUTE);
	if (!err)
		err = nl_open(&chores->diag, NETLINK_SOCK_DIAG);
	if (!err)
		err = start_thread(chores);
	if (err) {
		chores_close(chores);
		return err;
	}
	*out = chores;
	return 0;
}

void chores_close(struct chores *chores)
{
	if (!chores)
		return;
	pthread_mutex_lock(&chores->lock);
	/* Under the lock, else the thread might miss the signal between its look and its wait. */
	atomic_store(&chores->stop, true);
	pthread_cond_signal(&chores->asked);
	pthread_mutex_unlock(&chores->lock);
	if (chores->started)
		/* Only a reclaim sees stop: what else is under way is waited for. */
		pthread_join(chores->thread, NULL);
	if (chores->loop)
		ev_async_stop(chores->loop, &chores->done);
	nl_close(chores->nl);
	nl_close(chores->route);
	nl_close(chores->diag);
	pthread_cond_destroy(&chores->asked);
	pthread_mutex_destroy(&chores->lock);
	free(chores);
}

static void on_done(struct ev_loop *loop, ev_async *watcher, int revents)
{
	struct chores *chores = watcher->data;

	for (;;) {
		struct chore chore;
		bool more;

		pthread_mutex_lock(&chores->lock);
		more = chores->told != chores->next;
		if (more)
			chore = *slot(chores, chores->told++);
		pthread_mutex_unlock(&chores->lock);
		if (!more)
			return;
		/* Without the lock, as that may take long, and the thread must go on. */
		chores->tell(&chore, chores->data);
	}
}

void chores_start(struct chores *chores, struct ev_loop *loop, chores_done_cb *done,
		  void *data)
{
	/* The thread has run since chores_open(). */
	pthread_mutex_lock(&chores->lock);
	chores->tell = done;
	chores->data = data;
	chores->loop = loop;
	ev_async_init(&chores->done, on_done);
	chores->done.data = chores;
	ev_async_start(loop, &chores->done);
	/* Some may be done already. */
	ev_async_send(loop, &chores->done);
	pthread_mutex_unlock(&chores->lock);
}

/* Whether it only tells something, and takes nothing out of the table. */
static bool is_look(const struct chore *chore)
{
	return chore->kind == CHORE_COUNT || chore->kind == CHORE_TRANSLATED;
}

/* Relief does not wait for what is only looked at; what is next may have been begun. */
static void put(struct chores *chores, const struct chore *chore)
{
	unsigned at = chores->end++;

	while (!is_look(chore) && at - chores->next > 1 &&
	       is_look(slot(chores, at - 1))) {
		*slot(chores, at) = *slot(chores, at - 1);
		at--;
	}
	*slot(chores, at) = *chore;
}

bool chores_ask(struct chores *chores, const struct chore *chore)
{
	bool room;

	pthread_mutex_lock(&chores->lock);
	room = chores->end - chores->told < CHORES_MAX;
	if (room) {
		put(chores, chore);
		pthread_cond_signal(&chores->asked);
	}
	pthread_mutex_unlock(&chores->lock);
	return room;
}

bool chores_waits(struct chores *chores, const struct chore *chore)
{
	bool found = false;

	pthread_mutex_lock(&chores->lock);
	for (unsigned i = chores->next; !found && i != chores->end; i++)
		/* What is next may have been begun. */
		found = i != chores->next && slot(chores, i)->kind == chore->kind &&
			service_equal(&slot(chores, i)->service, &chore->service);
	pthread_mutex_unlock(&chores->lock);
	return found;
}

bool chores_pending(struct chores *chores, enum chore_kind kind)
{
	bool found = false;

	pthread_mutex_lock(&chores->lock);
	for (unsigned i = chores->told; i != chores->end; i++)
		found = found || slot(chores, i)->kind == kind;
	pthread_mutex_unlock(&chores->lock);
	return found;
}

bool chores_walking(struct chores *chores)
{
	return chores_pending(chores, CHORE_RECLAIM) ||
	       chores_pending(chores, CHORE_PURGE) ||
	       chores_pending(chores, CHORE_TRANSLATED);
}

double chores_leaving(struct chores *chores)
{
	double leaving = 0;

	pthread_mutex_lock(&chores->lock);
	for (unsigned i = chores->next; i != chores->end; i++) {
		const struct chore *chore = slot(chores, i);
		double gone = i == chores->next ? atomic_load(&chores->deleted) : 0;

		if (chore->kind == CHORE_RECLAIM)
			leaving += fmax(0, chore->expected - gone);
	}
	pthread_mutex_unlock(&chores->lock);
	return leaving;
}

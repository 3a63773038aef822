// SPDX-License-Identifier: GPL-2.0-or-later
/* The thread and its queue. What it would do to the kernel is done by this file. */
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "guard/chores.c"

enum { TOLD_MAX = 2 * CHORES_MAX };

static struct {
	sem_t begun, go; /* a chore has been begun; it may be ended */
	bool free;       /* none waits for go */
	unsigned told_count;
	struct chore told[TOLD_MAX];
} world;

/* Deletes 300, and the rest when it may, unless it is stopped before. */
int reclaim_service(struct nl *nl, const struct reclaim *order)
{
	if (world.free)
		return 0;
	atomic_fetch_add(order->deleted, 300);
	sem_post(&world.begun);
	while (sem_trywait(&world.go)) {
		if (atomic_load(order->stop))
			return -ECANCELED;
	}
	atomic_fetch_add(order->deleted, 700);
	return 0;
}

int sample_purge(struct nl *nl)
{
	return -EINTR;
}

int connections_count(struct nl *diag, const struct service *service, uint32_t most,
		      uint32_t *out)
{
	*out = most / 2;
	return 0;
}

int routes_read_local(struct nl *nl, struct addresses *out)
{
	return world.free ? 0 : -EPERM;
}

/* Those that are told end the loop when there are so many. */
static void on_told(const struct chore *chore, void *data)
{
	const unsigned *wanted = data;

	world.told[world.told_count++] = *chore;
	if (world.told_count == *wanted)
		ev_break(ev_default_loop(EVFLAG_AUTO), EVBREAK_ALL);
}

static struct chores *start(unsigned *wanted)
{
	struct chores *chores;

	memset(&world, 0, sizeof(world));
	assert_int_equal(sem_init(&world.begun, 0, 0), 0);
	assert_int_equal(sem_init(&world.go, 0, 0), 0);
	assert_int_equal(chores_open(&chores), 0);
	chores_start(chores, ev_default_loop(EVFLAG_AUTO), on_told, wanted);
	return chores;
}

static unsigned count_done(struct chores *chores)
{
	unsigned done;

	pthread_mutex_lock(&chores->lock);
	done = chores->next;
	pthread_mutex_unlock(&chores->lock);
	return done;
}

static const struct chore RECLAIM = { .kind = CHORE_RECLAIM, .expected = 1000 };
static const struct chore PURGE = { .kind = CHORE_PURGE };
static const struct chore COUNT = { .kind = CHORE_COUNT, .most = 84 };

static void what_is_asked_for_is_done_in_order_and_told_in_the_loop(void **state)
{
	unsigned wanted = 3;
	struct chores *chores = start(&wanted);

	assert_true(chores_ask(chores, &COUNT));
	assert_true(chores_ask(chores, &PURGE));
	assert_true(chores_ask(chores, &RECLAIM));
	sem_post(&world.go);
	ev_run(ev_default_loop(EVFLAG_AUTO), 0);
	assert_int_equal(world.told_count, 3);
	assert_int_equal(world.told[0].kind, CHORE_COUNT);
	assert_int_equal(world.told[0].done, 42);
	assert_int_equal(world.told[0].err, 0);
	assert_int_equal(world.told[1].kind, CHORE_PURGE);
	assert_int_equal(world.told[1].err, -EINTR);
	/* That the addresses could not be read is told, what was deleted nevertheless, too. */
	assert_int_equal(world.told[2].kind, CHORE_RECLAIM);
	assert_int_equal(world.told[2].done, 1000);
	assert_int_equal(world.told[2].err, -EPERM);
	chores_close(chores);
}

static void relief_comes_before_looks_that_wait(void **state)
{
	const struct chore last = { .kind = CHORE_COUNT, .most = 2 };
	unsigned wanted = 5;
	struct chores *chores = start(&wanted);

	assert_true(chores_ask(chores, &RECLAIM));
	sem_wait(&world.begun);
	assert_true(chores_ask(chores, &COUNT));
	assert_true(chores_ask(chores, &last));
	assert_true(chores_ask(chores, &PURGE));
	assert_true(chores_ask(chores, &RECLAIM));
	sem_post(&world.go);
	sem_post(&world.go);
	ev_run(ev_default_loop(EVFLAG_AUTO), 0);
	assert_int_equal(world.told[0].kind, CHORE_RECLAIM);
	assert_int_equal(world.told[1].kind, CHORE_PURGE);
	assert_int_equal(world.told[2].kind, CHORE_RECLAIM);
	assert_int_equal(world.told[3].kind, CHORE_COUNT);
	assert_int_equal(world.told[3].done, 42);
	assert_int_equal(world.told[4].kind, CHORE_COUNT);
	chores_close(chores);
}

static void what_has_not_been_begun_waits(void **state)
{
	const struct chore other = {
		.kind = CHORE_COUNT, .service = { .proto = IPPROTO_TCP, .first_port = 1 }
	};
	unsigned wanted = 1;
	struct chores *chores = start(&wanted);

	assert_true(chores_ask(chores, &RECLAIM));
	sem_wait(&world.begun);
	assert_false(chores_waits(chores, &RECLAIM));
	assert_true(chores_ask(chores, &COUNT));
	assert_true(chores_waits(chores, &COUNT));
	assert_false(chores_waits(chores, &other));
	assert_false(chores_waits(chores, &PURGE));
	chores_close(chores);
}

static void what_is_being_deleted_is_leaving_until_it_is_gone(void **state)
{
	unsigned wanted = 2;
	struct chores *chores = start(&wanted);

	assert_float_equal(chores_leaving(chores), 0, 0);
	assert_true(chores_ask(chores, &RECLAIM));
	assert_true(chores_ask(chores, &RECLAIM));
	sem_wait(&world.begun);
	assert_float_equal(chores_leaving(chores), 700 + 1000, 0);
	assert_true(chores_pending(chores, CHORE_RECLAIM));
	assert_false(chores_pending(chores, CHORE_PURGE));
	sem_post(&world.go);
	sem_wait(&world.begun);
	assert_float_equal(chores_leaving(chores), 700, 0);
	sem_post(&world.go);
	while (count_done(chores) < 2)
		sched_yield();
	/* It is pending until it is told, for only then is known what it brought. */
	assert_true(chores_pending(chores, CHORE_RECLAIM));
	ev_run(ev_default_loop(EVFLAG_AUTO), 0);
	assert_false(chores_pending(chores, CHORE_RECLAIM));
	assert_float_equal(chores_leaving(chores), 0, 0);
	chores_close(chores);
}

static void too_many_are_refused_and_there_is_room_again_when_they_are_told(void **state)
{
	unsigned wanted = CHORES_MAX;
	struct chores *chores = start(&wanted);

	for (unsigned i = 0; i < CHORES_MAX; i++)
		assert_true(chores_ask(chores, &RECLAIM));
	assert_false(chores_ask(chores, &RECLAIM));
	sem_wait(&world.begun);
	world.free = true;
	sem_post(&world.go);
	ev_run(ev_default_loop(EVFLAG_AUTO), 0);
	assert_int_equal(world.told_count, CHORES_MAX);
	wanted = CHORES_MAX + 1;
	assert_true(chores_ask(chores, &COUNT));
	ev_run(ev_default_loop(EVFLAG_AUTO), 0);
	assert_int_equal(world.told[CHORES_MAX].kind, CHORE_COUNT);
	chores_close(chores);
}

static void the_end_does_not_wait_for_what_is_being_done(void **state)
{
	unsigned wanted = 1;
	struct chores *chores = start(&wanted);

	assert_true(chores_ask(chores, &RECLAIM));
	assert_true(chores_ask(chores, &PURGE));
	sem_wait(&world.begun);
	chores_close(chores);
	assert_int_equal(world.told_count, 0);
	chores_close(NULL);
}

static void what_was_done_before_there_was_a_loop_is_told_then(void **state)
{
	unsigned wanted = 1;
	struct chores *chores;

	memset(&world, 0, sizeof(world));
	assert_int_equal(chores_open(&chores), 0);
	assert_true(chores_ask(chores, &COUNT));
	while (count_done(chores) == 0)
		sched_yield();
	chores_start(chores, ev_default_loop(EVFLAG_AUTO), on_told, &wanted);
	ev_run(ev_default_loop(EVFLAG_AUTO), 0);
	assert_int_equal(world.told_count, 1);
	chores_close(chores);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked_for_is_done_in_order_and_told_in_the_loop),
		cmocka_unit_test(relief_comes_before_looks_that_wait),
		cmocka_unit_test(what_has_not_been_begun_waits),
		cmocka_unit_test(what_is_being_deleted_is_leaving_until_it_is_gone),
		cmocka_unit_test(
			too_many_are_refused_and_there_is_room_again_when_they_are_told),
		cmocka_unit_test(the_end_does_not_wait_for_what_is_being_done),
		cmocka_unit_test(what_was_done_before_there_was_a_loop_is_told_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/roll.h"

#include <errno.h>
#include <ev.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guard/admission.h"
#include "guard/config.h"
#include "guard/control.h"
#include "guard/enrolment.h"
#include "guard/notes.h"
#include "guard/turnstile.h"
#include "lib/args.h"
#include "lib/clock.h"
#include "lib/text.h"

enum { LINE_MAX_BYTES = 256, ANSWER_MAX_BYTES = 32 << 10 };

/* Changes of one moment are told together, and not more often than this. */
static const double CHANGE_S = 0.05, CHANGE_EVERY_S = 1;

/* A program that comes back within this time, as a new version does, finds all as it was. */
static const double REMEMBER_S = 30, FORGET_EVERY_S = 5;

/* That programs cannot send is written down this often, whichever it is then. */
static const double REFUSED_EVERY_S = 10;

/* A slot: free while io is not active. */
struct program {
	struct roll *roll;
	ev_io io;
	pid_t pid;
	uid_t uid;
	struct enrolment enrolment; /* only what was registered of it */
	uint64_t since_ns;
	uint64_t eperm;
	uint64_t eperm_told; /* in the journal */
	size_t received;
	char line[LINE_MAX_BYTES];
};

struct roll {
	const struct config *config;
	struct journal *journal;
	struct ev_loop *loop;
	struct roll_ears ears;
	ev_timer change, forget;
	uint64_t changed_ns; /* when that was told; 0: never */
	uint64_t eperm;
	uint64_t refused_ns; /* when that was written down; 0: never */
	struct turnstile turnstile;
	size_t count;
	struct roll_service services[ROLL_SERVICES_MAX];
	struct program programs[ROLL_PROGRAMS_MAX];
};

int roll_open(struct roll **out, const struct config *config, struct journal *journal)
{
	struct roll *roll = calloc(1, sizeof(*roll));

	if (!roll)
		return -ENOMEM;
	roll->config = config;
	roll->journal = journal;
	*out = roll;
	return 0;
}

static bool is_there(const struct program *program)
{
	return ev_is_active(&program->io);
}

static void plan_change(struct roll *roll)
{
	double since_s = clock_between_s(roll->changed_ns, clock_now_ns());

	if (ev_is_active(&roll->change))
		return;
	ev_timer_set(&roll->change, fmax(CHANGE_S, CHANGE_EVERY_S - since_s), 0);
	ev_timer_start(roll->loop, &roll->change);
}

static void on_change(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct roll *roll = timer->data;

	roll->changed_ns = clock_now_ns();
	roll->ears.changed(roll->ears.data);
}

static struct roll_service *find(struct roll *roll, uint64_t netns,
				 const struct service *service)
{
	for (size_t i = 0; i < roll->count; i++)
		if (roll->services[i].netns == netns &&
		    service_equal(&roll->services[i].service, service))
			return &roll->services[i];
	return NULL;
}

/* Forgets the services that nobody has held for a while, and that are not out. */
static void on_forget(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct roll *roll = timer->data;
	uint64_t now_ns = clock_now_ns();
	size_t kept = 0;

	notes_churn(roll->journal, "programs", &roll->turnstile);
	for (size_t i = 0; i < roll->count; i++) {
		const struct roll_service *service = &roll->services[i];

		if (service->holders > 0 ||
		    clock_between_s(service->left_ns, now_ns) < REMEMBER_S ||
		    roll->ears.busy(service, roll->ears.data))
			roll->services[kept++] = *service;
	}
	if (kept < roll->count)
		plan_change(roll);
	roll->count = kept;
}

void roll_start(struct roll *roll, struct ev_loop *loop, const struct roll_ears *ears)
{
	roll->loop = loop;
	roll->ears = *ears;
	ev_timer_init(&roll->change, on_change, 0, 0);
	ev_timer_init(&roll->forget, on_forget, FORGET_EVERY_S, FORGET_EVERY_S);
	roll->change.data = roll->forget.data = roll;
	ev_timer_start(loop, &roll->forget);
}

static void end(struct program *program)
{
	const struct enrolment *enrolment = &program->enrolment;
	struct roll *roll = program->roll;

	ev_io_stop(roll->loop, &program->io);
	close(program->io.fd);
	for (size_t i = 0; i < enrolment->count; i++) {
		struct roll_service *service =
			find(roll, enrolment->netns, &enrolment->services[i]);

		if (service && --service->holders == 0)
			service->left_ns = clock_now_ns();
	}
	if (turnstile_lets(&roll->turnstile, clock_now_ns()))
		notes_program(roll->journal, "leave", program->pid, enrolment);
	else
		roll->turnstile.went++;
	plan_change(roll);
}

/* A full table shows in many programs many times: told now and then, and all at once. */
static void note_eperm(struct program *program, uint64_t count)
{
	struct roll *roll = program->roll;
	uint64_t now_ns = clock_now_ns();

	program->eperm += count;
	roll->eperm += count;
	roll->ears.refused(program->enrolment.netns, roll->ears.data);
	if (clock_is_within(roll->refused_ns, now_ns, REFUSED_EVERY_S))
		return;
	notes_refused(roll->journal, &program->enrolment, program->pid,
		      program->eperm - program->eperm_told);
	roll->refused_ns = now_ns;
	program->eperm_told = program->eperm;
}

/* Takes whole lines. Returns -EINVAL for one that is none of ours. */
static int take_lines(struct program *program)
{
	const char *end_of_line;

	while ((end_of_line = memchr(program->line, '\n', program->received))) {
		size_t length = (size_t)(end_of_line - program->line);
		uint64_t count;

		if (enrolment_parse_report(program->line, length, &count))
			return -EINVAL;
		note_eperm(program, count);
		program->received -= length + 1;
		memmove(program->line, end_of_line + 1, program->received);
	}
	return program->received == sizeof(program->line) ? -EINVAL : 0;
}

static void on_program(struct ev_loop *loop, ev_io *io, int revents)
{
	struct program *program = io->data;
	ssize_t got = recv(io->fd, program->line + program->received,
			   sizeof(program->line) - program->received, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0) {
		program->received += (size_t)got;
		if (take_lines(program) == 0)
			return;
	}
	end(program);
}

/* A place for one more program of that user; NULL: there is none. */
static struct program *free_slot(struct roll *roll, uid_t uid)
{
	struct program *slot = NULL;
	unsigned of_user = 0;

	for (size_t i = 0; i < ROLL_PROGRAMS_MAX; i++) {
		struct program *program = &roll->programs[i];

		if (!is_there(program))
			slot = program;
		else
			of_user += program->uid == uid;
	}
	return of_user < ROLL_OF_USER_MAX ? slot : NULL;
}

static void hold(struct roll *roll, const struct enrolment *enrolment)
{
	for (size_t i = 0; i < enrolment->count; i++) {
		const struct service *service = &enrolment->services[i];
		struct roll_service *there = find(roll, enrolment->netns, service);

		if (!there) {
			there = &roll->services[roll->count++];
			*there = (struct roll_service){ .netns = enrolment->netns,
							.service = *service };
		}
		there->holders++;
	}
}

/* The answer is small, and the socket is new: what does not fit at once never will. */
static int send_answer(int fd, const struct enrolment *enrolment, json_t *refused)
{
	json_t *answer = json_pack("{s:b, s:o, s:O}", "ok", 1, "registered",
				   enrolment_names(enrolment), "refused", refused);
	char line[ANSWER_MAX_BYTES];
	size_t length = json_dumpb(answer, line, sizeof(line) - 1, JSON_COMPACT);

	json_decref(answer);
	if (length == 0 || length >= sizeof(line))
		return -ENOMEM;
	line[length++] = '\n';
	return send(fd, line, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void welcome(struct roll *roll, struct program *program, struct control_peer *peer,
		    const struct enrolment *enrolment)
{
	*program = (struct program){
		.roll = roll,
		.pid = peer->pid,
		.uid = peer->uid,
		.enrolment = *enrolment,
		.since_ns = clock_now_ns(),
	};
	peer->taken = true;
	ev_io_init(&program->io, on_program, peer->fd, EV_READ);
	program->io.data = program;
	ev_io_start(roll->loop, &program->io);
	hold(roll, enrolment);
	if (turnstile_lets(&roll->turnstile, clock_now_ns()))
		notes_program(roll->journal, "register", program->pid, enrolment);
	else
		roll->turnstile.came++;
	plan_change(roll);
}

static json_t *refusal(const char *error)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", error);
}

json_t *roll_register(struct roll *roll, struct control_peer *peer, const json_t *request)
{
	struct program *program = free_slot(roll, peer->uid);
	struct enrolment wanted, admitted;
	json_t *refused, *answer = NULL;
	struct args_why why;

	if (enrolment_parse(request, &wanted, &why))
		return refusal(why.text);
	if (!roll->ears.guards(wanted.netns, roll->ears.data))
		return refusal("register: that network namespace is not guarded");
	if (!program)
		return refusal("register: too many programs are registered");
	refused = json_array();
	admitted = admission_select(roll->config, roll->services, roll->count, peer->uid,
				    &wanted, refused);
	if (admitted.count == 0)
		/* Of a program that is refused as a whole, the reason of its first service. */
		answer = refusal(json_string_value(
			json_object_get(json_array_get(refused, 0), "why")));
	else if (send_answer(peer->fd, &admitted, refused))
		answer = refusal("register: the answer was not taken");
	else
		welcome(roll, program, peer, &admitted);
	json_decref(refused);
	return answer;
}

static bool is_admitted(const struct roll *roll, const struct program *program)
{
	struct text why = { 0 };
	bool all = true;

	for (size_t i = 0; i < program->enrolment.count; i++)
		all = all && config_admits(roll->config, &program->enrolment.services[i],
					   program->uid, &why) == 0;
	text_free(&why);
	return all;
}

/* One that may register less than it did comes again, and is told so then. */
void roll_review(struct roll *roll)
{
	for (size_t i = 0; i < ROLL_PROGRAMS_MAX; i++) {
		struct program *program = &roll->programs[i];

		if (is_there(program) && !is_admitted(roll, program))
			end(program);
	}
}

json_t *roll_json(const struct roll *roll)
{
	json_t *list = json_array();
	uint64_t now_ns = clock_now_ns();

	for (size_t i = 0; i < ROLL_PROGRAMS_MAX; i++) {
		const struct program *program = &roll->programs[i];

		if (!is_there(program))
			continue;
		json_array_append_new(
			list, json_pack("{s:s, s:I, s:I, s:I, s:f, s:o, s:I}", "program",
					program->enrolment.program, "pid",
					(json_int_t)program->pid, "uid",
					(json_int_t)program->uid, "netns",
					(json_int_t)program->enrolment.netns, "seconds",
					clock_between_s(program->since_ns, now_ns),
					"services", enrolment_names(&program->enrolment),
					"sends_eperm", (json_int_t)program->eperm));
	}
	return list;
}

size_t roll_programs(const struct roll *roll)
{
	size_t count = 0;

	for (size_t i = 0; i < ROLL_PROGRAMS_MAX; i++)
		count += is_there(&roll->programs[i]);
	return count;
}

void roll_extend(const struct roll *roll, uint64_t netns, struct config *config)
{
	for (size_t i = 0; i < roll->count; i++) {
		const struct roll_service *service = &roll->services[i];

		/* What is configured, too, is there already; what is not allowed any more is not added. */
		if (service->netns == netns)
			(void)config_add_registered(config, &service->service,
						    service->holders == 0);
	}
}

uint64_t roll_eperm(const struct roll *roll)
{
	return roll->eperm;
}

void roll_close(struct roll *roll)
{
	if (!roll)
		return;
	for (size_t i = 0; roll->loop && i < ROLL_PROGRAMS_MAX; i++) {
		if (!is_there(&roll->programs[i]))
			continue;
		ev_io_stop(roll->loop, &roll->programs[i].io);
		close(roll->programs[i].io.fd);
	}
	if (roll->loop) {
		ev_timer_stop(roll->loop, &roll->change);
		ev_timer_stop(roll->loop, &roll->forget);
	}
	free(roll);
}

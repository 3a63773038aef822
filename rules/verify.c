// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/text.h"
#include "rules/ruleset.h"

enum { LOOK_MS = 100 };

void verify_begin(struct verify *verify, const struct ruleset *ruleset,
		  const struct service *service, double within_s)
{
	const struct ruleset_service *entry = ruleset_find(ruleset, service);

	*verify = (struct verify){ .service = *service, .within_s = within_s };
	for (int side = LAYOUT_IN; entry && side < LAYOUT_SIDES; side++)
		verify->before[side] = entry->sides[side].packets;
}

void verify_look(struct verify *verify, const struct ruleset *ruleset, double elapsed_s)
{
	const struct ruleset_service *entry = ruleset_find(ruleset, &verify->service);
	bool all = true;

	verify->elapsed_s = elapsed_s;
	for (int side = LAYOUT_IN; entry && side < LAYOUT_SIDES; side++) {
		uint64_t packets = entry->sides[side].packets;

		/* Chains that somebody made anew meanwhile count from 0. */
		if (packets < verify->before[side])
			verify->before[side] = 0;
		verify->moved[side] = packets - verify->before[side];
		all = all && verify->moved[side];
	}
	if (!entry || !entry->active)
		verify->end = VERIFY_GONE;
	else if (all)
		verify->end = VERIFY_MOVED;
	else if (elapsed_s >= verify->within_s)
		verify->end = VERIFY_TIMEOUT;
}

/* Readable when the user or the system wants us to stop. */
static int open_stop(void)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &signals, NULL))
		return -errno;
	fd = signalfd(-1, &signals, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int verify_wait(struct verify *verify, struct nl *nl, struct ruleset *scratch,
		verify_cb *progress, void *data)
{
	struct pollfd stop = { .fd = open_stop(), .events = POLLIN };
	uint64_t start_ns = clock_now_ns();
	int err = stop.fd < 0 ? stop.fd : 0;

	while (!err && verify->end == VERIFY_WAITING) {
		err = ruleset_read(nl, scratch);
		if (err)
			break;
		verify_look(verify, scratch, clock_between_s(start_ns, clock_now_ns()));
		progress(verify, data);
		if (verify->end == VERIFY_WAITING && poll(&stop, 1, LOOK_MS) > 0)
			verify->end = VERIFY_STOPPED;
	}
	if (stop.fd >= 0)
		close(stop.fd);
	return err;
}

static const char *noun(uint64_t count)
{
	return count == 1 ? "packet" : "packets";
}

static void describe_sides(const struct verify *verify, struct text *text)
{
	uint64_t in = verify->moved[LAYOUT_IN], out = verify->moved[LAYOUT_OUT];
	double s = verify->elapsed_s;

	if (in && out)
		text_add(text,
			 "%" PRIu64 " %s to it and %" PRIu64
			 " from it were untracked in %.1fs",
			 in, noun(in), out, s);
	else if (in || out)
		text_add(text, "%" PRIu64 " %s %s it %s untracked in %.1fs, %s it",
			 in + out, noun(in + out), in ? "to" : "from",
			 in + out == 1 ? "was" : "were", s,
			 in ? "but none from" : "but none to");
	else
		text_add(text,
			 "no packet was untracked in %.1fs, neither to it nor from it",
			 s);
}

void verify_describe(const struct verify *verify, struct text *text)
{
	char name[SERVICE_TEXT_MAX];

	service_format(&verify->service, name);
	text_add(text, "%s: ", name);
	if (verify->end == VERIFY_STOPPED)
		text_add(text, "stopped: ");
	if (verify->end == VERIFY_GONE)
		text_add(text, "no longer out of tracking: ");
	describe_sides(verify, text);
	if (verify->end == VERIFY_TIMEOUT || verify->end == VERIFY_STOPPED)
		text_add(text, "; it stays out of tracking (ctrules delete %s)", name);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/duty.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/args.h"
#include "lib/log.h"
#include "lib/privilege.h"
#include "server/bequest.h"
#include "server/binding.h"
#include "server/board.h"
#include "server/publish.h"
#include "server/stats.h"

static int open_log(const struct duty *duty, const struct privilege_user *user,
		    struct args_why *why)
{
	int err = log_open(duty->log, duty->log_path);

	/* Better to go on with the file of before, as after SIGHUP, than not to go on. */
	if (err && duty->inheritance.replacing) {
		log_adopt(duty->log, duty->log_path);
		log_warn(
			duty->log,
			"cannot open the log %.100s again: %s; going on with the old one",
			duty->log_path, strerror(-err));
		return 0;
	}
	if (err) {
		snprintf(why->text, sizeof(why->text), "cannot write the log %.100s: %s",
			 duty->log_path, strerror(-err));
		return err;
	}
	/* Who serves must be able to open it again; a file that is not ours to give stays. */
	if (user && fchown(STDERR_FILENO, user->uid, user->gid) < 0)
		log_warn(duty->log, "cannot give the log to %s: %s", user->name,
			 strerror(errno));
	return 0;
}

int duty_open(struct duty *duty, struct args_why *why)
{
	struct privilege_user user;
	int err = 0;

	if (duty->user && (err = privilege_find_user(duty->user, &user, why)) < 0)
		return err == -ENOENT ? -EINVAL : err;
	/* Before the user changes: the port of the metrics may be a low one. */
	err = herald_open(&duty->herald, duty->log, duty->metrics, why);
	if (err)
		return err;
	if (duty->log_path)
		err = open_log(duty, duty->user ? &user : NULL, why);
	if (err || !duty->user)
		return err;
	err = privilege_become_user(&user);
	if (err)
		snprintf(why->text, sizeof(why->text), "cannot become %.60s: %s",
			 duty->user, strerror(-err));
	return err;
}

void duty_count(const struct duty *duty, struct stats *out)
{
	board_sum(duty->board, out);
	/* The sockets keep this count themselves, until they are closed. */
	out->value[STAT_UDP_OVERFLOWS] += binding_overflows(duty->bindings);
}

static void count(void *data, struct stats *out)
{
	duty_count(data, out);
}

static uint64_t count_eperm(void *data)
{
	struct stats stats;

	duty_count(data, &stats);
	return stats.value[STAT_SENDS_EPERM];
}

void duty_ready(struct duty *duty, struct ev_loop *loop)
{
	inheritance_retire(&duty->inheritance);
	inheritance_close(&duty->inheritance);
	herald_ready(&duty->herald, loop, duty->workers, count, duty);
	duty->guardian.log = duty->log;
	duty->guardian.eperm = count_eperm;
	duty->guardian.data = duty;
	guardian_start(&duty->guardian, loop);
}

/* Without a file the signal means that the terminal has gone, if there was one. */
bool duty_hangup(const struct duty *duty)
{
	int err;

	if (!duty->log_path)
		return isatty(STDERR_FILENO) || isatty(STDIN_FILENO);
	herald_reload(&duty->herald, false);
	err = log_reopen(duty->log);
	if (err)
		log_warn(duty->log,
			 "cannot open the log %s again: %s; going on with the "
			 "old one",
			 duty->log_path, strerror(-err));
	else
		log_info(duty->log, "log opened again");
	herald_reload(&duty->herald, true);
	return false;
}

void duty_replace(const struct duty *duty, const pid_t *workers, unsigned worker_count)
{
	int router[PUBLISH_HEIRLOOMS];
	struct bequest bequest = {
		.workers = workers,
		.worker_count = worker_count,
		.router = router,
	};
	int *sockets = binding_descriptors(duty->bindings, &bequest.socket_count);
	int err = -ENOMEM;

	log_info(duty->log, "running %s anew: it takes over the sockets", duty->argv[0]);
	herald_reload(&duty->herald, false);
	bequest.sockets = sockets;
	if (duty->publish)
		bequest.router_count = publish_heirlooms(duty->publish, router);
	if (sockets)
		err = bequest_leave(duty->argv, &bequest);
	free(sockets);
	log_warn(duty->log, "cannot run %s anew: %s; going on", duty->argv[0],
		 strerror(-err));
	herald_reload(&duty->herald, true);
}

void duty_stopping(struct duty *duty)
{
	guardian_stop(&duty->guardian);
	herald_stopping(&duty->herald);
	if (duty->publish)
		publish_refuse(duty->publish);
}

void duty_close(struct duty *duty)
{
	inheritance_close(&duty->inheritance);
	guardian_stop(&duty->guardian);
	herald_close(&duty->herald);
}

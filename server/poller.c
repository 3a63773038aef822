// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/poller.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"

static const uint64_t SIGNAL_KEY = UINT64_MAX;

struct poller {
	int epoll;
	int signals;
	int signal;
};

static int open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int poller_open(struct poller **out)
{
	struct poller *poller = calloc(1, sizeof(*poller));
	int err;

	if (!poller)
		return -ENOMEM;
	poller->signals = -1;
	poller->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (poller->epoll < 0) {
		err = -errno;
		goto fail;
	}
	poller->signals = open_signals();
	err = poller->signals < 0
		      ? poller->signals
		      : poller_add(poller, poller->signals, EPOLLIN, SIGNAL_KEY);
	if (err)
		goto fail;
	/* The default slack of 50 us would make every wait that much too long. */
	prctl(PR_SET_TIMERSLACK, 1);
	*out = poller;
	return 0;
fail:
	poller_close(poller);
	return err;
}

void poller_close(struct poller *poller)
{
	if (!poller)
		return;
	if (poller->signals >= 0)
		close(poller->signals);
	if (poller->epoll >= 0)
		close(poller->epoll);
	free(poller);
}

static int control(const struct poller *poller, int operation, int fd, uint32_t events,
		   uint64_t key)
{
	struct epoll_event event = { .events = events, .data.u64 = key };

	return epoll_ctl(poller->epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int poller_add(struct poller *poller, int fd, uint32_t events, uint64_t key)
{
	return control(poller, EPOLL_CTL_ADD, fd, events, key);
}

int poller_change(struct poller *poller, int fd, uint32_t events, uint64_t key)
{
	return control(poller, EPOLL_CTL_MOD, fd, events, key);
}

static void read_signal(struct poller *poller)
{
	struct signalfd_siginfo info;

	if (read(poller->signals, &info, sizeof(info)) == sizeof(info))
		poller->signal = (int)info.ssi_signo;
}

/* An epoll set can itself be polled: ppoll() has the resolution that epoll_wait() lacks. */
static void sleep_until(const struct poller *poller, uint64_t until_ns)
{
	struct pollfd any = { .fd = poller->epoll, .events = POLLIN };
	uint64_t now_ns = clock_now_ns();
	struct timespec left;

	if (until_ns <= now_ns)
		return;
	left.tv_sec = (time_t)((until_ns - now_ns) / CLOCK_NS_PER_S);
	left.tv_nsec = (long)((until_ns - now_ns) % CLOCK_NS_PER_S);
	/* Woken early or not: the caller looks at the clock anyway. */
	ppoll(&any, 1, &left, NULL);
}

int poller_wait(struct poller *poller, uint64_t until_ns, struct epoll_event *events,
		int max)
{
	int n, kept = 0;

	sleep_until(poller, until_ns);
	n = epoll_wait(poller->epoll, events, max, 0);
	for (int i = 0; i < n; i++) {
		if (events[i].data.u64 == SIGNAL_KEY)
			read_signal(poller);
		else
			events[kept++] = events[i];
	}
	return kept;
}

int poller_signal(const struct poller *poller)
{
	return poller->signal;
}

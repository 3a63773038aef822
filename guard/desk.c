// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/desk.h"

#include <errno.h>
#include <string.h>

#include "guard/config.h"
#include "guard/control.h"
#include "guard/dispatch.h"
#include "guard/scrape.h"
#include "guard/wiring.h"
#include "lib/args.h"
#include "lib/log.h"
#include "lib/text.h"

static int open_control(struct desk *desk, const char *path, bool rehearse,
			const struct log *log, struct text *why)
{
	struct text reason = { 0 };
	int err;

	if (!path[0] && rehearse)
		return 0;
	err = control_open(&desk->control, path[0] ? path : GUARD_CONTROL_PATH, &reason);
	if (err && path[0]) {
		text_add(why, "%s", text_str(&reason));
	} else if (err) {
		log_warn(log, "%s: guarding without (see --control)", text_str(&reason));
		err = 0;
	}
	text_free(&reason);
	return err;
}

static int open_scrape(const struct config *config, struct scrape **out, struct text *why)
{
	struct args_why reason;
	int err;

	if (!config->metrics[0])
		return 0;
	err = scrape_open(out, config->metrics, &reason);
	if (err)
		text_add(why, "metrics: %s", reason.text);
	return err;
}

int desk_open(struct desk *desk, const struct config *config, bool rehearse,
	      const struct log *log, struct text *why)
{
	int err = open_control(desk, config->control, rehearse, log, why);

	if (!err)
		err = open_scrape(config, &desk->scrape, why);
	/* Whatever it was, it is no answer of the kernel's about connections or rules. */
	return err ? -EADDRNOTAVAIL : 0;
}

static json_t *answer(void *data, const json_t *request, struct control_peer *peer)
{
	return dispatch_answer(data, request, peer);
}

static void start_scrape(struct desk *desk)
{
	if (desk->scrape)
		scrape_start(desk->scrape, desk->loop, desk->dispatch);
}

void desk_start(struct desk *desk, struct ev_loop *loop, struct dispatch *dispatch)
{
	desk->loop = loop;
	desk->dispatch = dispatch;
	if (desk->control)
		control_start(desk->control, loop, answer, dispatch);
	start_scrape(desk);
}

int desk_prepare(struct desk *desk, const struct config *present,
		 const struct config *wanted, struct text *why)
{
	/* Of a reload before this that did not come to desk_move(). */
	scrape_close(desk->next);
	desk->next = NULL;
	desk->moves = strcmp(present->metrics, wanted->metrics) != 0;
	return desk->moves ? open_scrape(wanted, &desk->next, why) : 0;
}

void desk_move(struct desk *desk)
{
	if (!desk->moves)
		return;
	scrape_close(desk->scrape);
	/* NULL where metrics are not wanted any more. */
	desk->scrape = desk->next;
	desk->next = NULL;
	desk->moves = false;
	start_scrape(desk);
}

void desk_close(struct desk *desk)
{
	control_close(desk->control);
	scrape_close(desk->scrape);
	scrape_close(desk->next);
	*desk = (struct desk){ 0 };
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/choice.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/complaint.h"
#include "guard/config.h"
#include "guard/order.h"
#include "guard/syntax.h"
#include "lib/text.h"

int choice_read(const struct order *order, const struct choice_ear *ear,
		struct config *config, struct text *why)
{
	int err = 0;

	config_init(config);
	if (order->config_path) {
		/*
		 * Who listens keeps the first error: that of an earlier reading must not stand
		 * in its way.
		 */
		*ear->complaint = (struct complaint){ 0 };
		err = syntax_read(config, order->config_path, ear->report);
		if (err == -EINVAL)
			complaint_tell(ear->complaint, order->config_path, why);
		else if (err)
			text_add(why, "cannot read \"%s\": %s", order->config_path,
				 strerror(-err));
	}
	for (size_t i = 0; !err && i < order->setting_count; i++)
		err = config_set(config, order->settings[i].name,
				 order->settings[i].value, why);
	if (!err && order->control_path)
		err = config_set(config, "control", order->control_path, why);
	if (!err && order->journal_path)
		err = config_set(config, "journal", order->journal_path, why);
	/* For a running guard it says of which of its namespaces an order is. */
	if (!err && order->netns && order->command <= ORDER_DOCTOR)
		err = config_set(config, "netns", order->netns, why);
	config->force = order->force;
	for (size_t i = 0; !err && i < order->service_count; i++)
		err = config_add_service(config, order->services[i], why);
	return err;
}

int choice_check(const struct order *order, const struct choice_ear *ear,
		 struct config *config, struct text *why)
{
	struct complaint together = { 0 };
	struct text reason = { 0 };
	int err = choice_read(order, ear, config, why);

	if (err)
		return err;
	/*
	 * It knows of no lines: of which one it speaks is looked for by the names in the
	 * sentence.
	 */
	err = config_check(config, &reason);
	if (err && order->config_path) {
		snprintf(together.sentence, sizeof(together.sentence), "%s",
			 text_str(&reason));
		complaint_tell(&together, order->config_path, why);
	} else if (err) {
		text_add(why, "%s", text_str(&reason));
	}
	text_free(&reason);
	return err;
}

int choice_again(const struct order *order, const struct choice_ear *ear,
		 struct config *config, struct text *why)
{
	struct stat status;

	if (stat(order->config_path, &status) == 0 && !S_ISREG(status.st_mode)) {
		text_add(why, "\"%s\" is no file that can be read again",
			 order->config_path);
		return -EINVAL;
	}
	return choice_check(order, ear, config, why);
}

bool choice_examine(const struct order *order, const struct choice_ear *ear,
		    struct config *config, char *problem, size_t size)
{
	struct order asked = *order;
	struct text why = { 0 };
	bool any;

	problem[0] = '\0';
	if (!asked.config_path && access(CHOICE_PATH, R_OK) == 0)
		asked.config_path = CHOICE_PATH;
	any = asked.config_path || asked.service_count || asked.setting_count;
	if (any && choice_check(&asked, ear, config, &why)) {
		config_init(config);
		/* Without the line of the file, and the carets, that follow. */
		snprintf(problem, size, "%.*s", (int)strcspn(text_str(&why), "\n"),
			 text_str(&why));
	}
	text_free(&why);
	return any;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/pulse.h"

#include "guard/policy.h"
#include "lib/clock.h"

int pulse_open(struct pulse *out, struct nl *nl)
{
	struct pulse pulse = { 0 };
	struct table_usage usage;
	int err = headcount_open(&pulse.headcount, nl);

	if (err)
		return err;
	err = pulse_count(&pulse, &usage);
	if (err) {
		pulse_close(&pulse);
		return err;
	}
	pulse_restart(&pulse, usage.entries);
	*out = pulse;
	return 0;
}

void pulse_close(struct pulse *pulse)
{
	headcount_close(&pulse->headcount);
}

int pulse_count(const struct pulse *pulse, struct table_usage *out)
{
	return headcount_read(&pulse->headcount, out);
}

int pulse_glance(const struct pulse *pulse, uint32_t *entries)
{
	return headcount_count(&pulse->headcount, entries);
}

void pulse_note(struct pulse *pulse, uint64_t now_ns, uint32_t entries)
{
	if (now_ns > pulse->counted_ns)
		pulse->climb = ((double)entries - pulse->entries) /
			       clock_between_s(pulse->counted_ns, now_ns);
	/* -EINVAL means that what is known still holds. */
	forecast_add(&pulse->forecast, now_ns, entries);
	surge_add(&pulse->surge, now_ns, entries);
	pulse->entries = entries;
	pulse->counted_ns = now_ns;
}

void pulse_restart(struct pulse *pulse, uint32_t entries)
{
	pulse->counted_ns = clock_now_ns();
	pulse->entries = entries;
	pulse->climb = 0;
	pulse->surge = (struct surge){ 0 };
	/* So that a rise is one from here on. */
	surge_add(&pulse->surge, pulse->counted_ns, entries);
	forecast_restart(&pulse->forecast, pulse->counted_ns, entries);
}

void pulse_tell(const struct pulse *pulse, const struct table_usage *usage,
		struct policy_view *view)
{
	view->entries = usage->entries;
	view->limit = usage->limit;
	view->climb = pulse->climb;
	view->surge = surge_rate(&pulse->surge, policy_surge_rise(usage->limit));
	view->slope = forecast_slope(&pulse->forecast);
	view->full_in_s = forecast_full_in(&pulse->forecast, usage->limit);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/forecast.h"

#include <errno.h>
#include <math.h>

#include "conntrack/bend.h"
#include "conntrack/trend.h"

/*
 * A step is long enough that scheduling does not show in its rate. The fast window
 * is long enough to leave out a jump and still have several steps; it sees a flood 100
 * to 140 ms after it began. The slow window gives the precise rate of a steady one.
 */
static const double STEP_S = 0.02;
static const double FAST_S = 0.135;
static const double SLOW_S = 1;

/*
 * Garbage collection comes at least every 60 s, and each time it may take everything back.
 * When the present climb needs longer than this, what the table gained on balance decides.
 */
static const double NEAR_S = 30;

/*
 * Of the steps in a window the two with the fastest climb and the one with the slowest are left out:
 * a burst may straddle two, garbage collection shows as one.
 */
enum { TRIM_HIGH = 2, TRIM_LOW = 1, TRIM_FROM = 6 };

/* Marks that a rate is averaged over while it changes by less than this part. */
enum { LASTING_MARKS = 10 };
static const double LASTING_PART = 0.25;

/* A table that had so many times more has lost what brought them. */
static const double GONE_TIMES = 8;

/* What a window gained, trimmed. */
struct climb {
	double seconds;
	double rise;
	double moves;  /* the sum of all rises and falls, untrimmed */
	size_t steps;  /* that it looked at */
	double count;  /* of them that are in seconds and rise */
	double spread; /* standard deviation of their rates */
};

double forecast_noise(double moves)
{
	return 16 + 4 * sqrt(moves);
}

static void push(struct forecast_step *ring, size_t length, size_t *next, size_t *count,
		 struct forecast_step step)
{
	ring[*next] = step;
	*next = (*next + 1) % length;
	if (*count < length)
		(*count)++;
}

/* The last but ago (0: the last). */
static const struct forecast_step *at(const struct forecast_step *ring, size_t length,
				      size_t next, size_t ago)
{
	return &ring[(next + length - 1 - ago) % length];
}

const struct forecast_step *forecast_mark(const struct forecast *f, size_t ago)
{
	return at(f->mark, FORECAST_MARKS, f->next_mark, ago);
}

void forecast_restart(struct forecast *f, uint64_t now_ns, uint32_t entries)
{
	*f = (struct forecast){
		.last_ns = now_ns,
		.level = entries,
		.step_ns = now_ns,
		.step_level = entries,
		.mark_ns = now_ns,
		.mark_most = entries,
		.mark_least = entries,
	};
}

bool forecast_ready(const struct forecast *f)
{
	return f->steps > 0;
}

static bool is_slower(const struct forecast_step *a, const struct forecast_step *b)
{
	return a->rise * b->seconds < b->rise * a->seconds;
}

static void swap(struct forecast_step *a, struct forecast_step *b)
{
	struct forecast_step keep = *a;

	*a = *b;
	*b = keep;
}

/* The slowest come first and the fastest last; to sort the others, too, would take most of a look. */
static void part_extremes(struct forecast_step *steps, size_t count)
{
	for (size_t k = 0; k < TRIM_LOW; k++) {
		for (size_t i = k + 1; i < count; i++) {
			if (is_slower(&steps[i], &steps[k]))
				swap(&steps[i], &steps[k]);
		}
	}
	for (size_t end = count; end > count - TRIM_HIGH; end--) {
		for (size_t i = TRIM_LOW; i < end; i++) {
			if (is_slower(&steps[end - 1], &steps[i]))
				swap(&steps[end - 1], &steps[i]);
		}
	}
}

static void add_up(const struct forecast_step *steps, size_t count, struct climb *climb)
{
	double sum = 0, squares = 0, n = (double)count;

	for (size_t i = 0; i < count; i++) {
		double rate = steps[i].rise / steps[i].seconds;

		climb->seconds += steps[i].seconds;
		climb->rise += steps[i].rise;
		sum += rate;
		squares += rate * rate;
	}
	climb->count = n;
	if (count > 1)
		climb->spread = sqrt(fmax(squares - sum * sum / n, 0) / (n - 1));
}

/* The steps that make up a window, or all there are, but for the newest; falls too, or not. */
static struct climb climb_over(const struct forecast *f, double window_s, size_t newest,
			       bool falls)
{
	struct forecast_step steps[FORECAST_STEPS] = { 0 };
	struct climb climb = { 0 };
	double seconds = 0;
	size_t count = 0;

	while (newest + climb.steps < f->steps && seconds < window_s) {
		const struct forecast_step *step =
			at(f->step, FORECAST_STEPS, f->next_step, newest + climb.steps);

		seconds += step->seconds;
		climb.steps++;
		if (step->fell && !falls)
			continue;
		climb.moves += fabs(step->rise);
		steps[count++] = *step;
	}
	if (count < TRIM_FROM) {
		add_up(steps, count, &climb);
		return climb;
	}
	part_extremes(steps, count);
	add_up(steps + TRIM_LOW, count - TRIM_LOW - TRIM_HIGH, &climb);
	return climb;
}

/* Its rate, 0 if chance alone may bring as much. */
static double rate_of(const struct climb *climb)
{
	return fabs(climb->rise) < forecast_noise(climb->moves)
		       ? 0
		       : climb->rise / climb->seconds;
}

/*
 * Whether the newest steps climb at another rate than those before: by more than chance, four
 * standard errors as restless as those were, and by a quarter at least.
 */
static bool contradicts(const struct climb *fast, const struct climb *past)
{
	double now = fast->rise / fast->seconds;
	double before = past->rise / past->seconds;
	double few = forecast_noise(fmax(fabs(before) * fast->seconds, fast->moves)) /
		     fast->seconds;
	double restless = 4 * past->spread / sqrt(fast->count);

	return fabs(now - before) >
	       fmax(fmax(few, restless), 0.25 * fmax(fabs(before), fabs(now)));
}

/* Rate by the fast window if that contradicts the slow one, which *contradicted says; else by that. */
static double rate_now(const struct forecast *f, bool falls, bool *contradicted)
{
	struct climb fast = climb_over(f, FAST_S, 0, falls);
	struct climb past = climb_over(f, SLOW_S - FAST_S, fast.steps, falls);
	struct climb slow = climb_over(f, SLOW_S, 0, falls);

	*contradicted = fast.seconds > 0 && past.seconds > 0 && contradicts(&fast, &past);
	if (slow.seconds <= 0)
		return 0;
	return *contradicted ? rate_of(&fast) : rate_of(&slow);
}

double forecast_slope(const struct forecast *f)
{
	bool contradicted;

	return rate_now(f, true, &contradicted);
}

/*
 * The mean rate of the last marks without a fall that have about the same, or rate without such.
 * Nothing is trimmed: of senders that send in bursts that would leave out too much. What the table
 * was when it had many times what it has now tells nothing.
 */
static double lasting_rate(const struct forecast *f, double rate)
{
	double seconds = 0, rise = 0;
	int alike = 0;

	for (size_t i = 0; i < f->marks && i < LASTING_MARKS; i++) {
		const struct forecast_step *mark = forecast_mark(f, i);
		double mean = seconds > 0 ? rise / seconds : mark->rise / mark->seconds;
		double chance = forecast_noise(fabs(mark->rise)) / mark->seconds;

		if (mark->most > GONE_TIMES * (f->level + forecast_noise(0)))
			break;
		if (mark->fell)
			continue;
		if (fabs(mark->rise / mark->seconds - mean) >
		    fmax(chance, LASTING_PART * fabs(mean)))
			break;
		seconds += mark->seconds;
		rise += mark->rise;
		alike++;
	}
	/* One alone may be one that a pause was in. */
	return alike > 1 ? rise / seconds : rate;
}

double forecast_fallen(const struct forecast *f)
{
	return f->fallen;
}

double forecast_fell_s(const struct forecast *f)
{
	return f->fell_ns ? (double)(f->last_ns - f->fell_ns) / 1e9 : INFINITY;
}

bool forecast_climb(const struct forecast *f, double *climb)
{
	struct climb all = climb_over(f, SLOW_S, 0, true);
	struct climb quiet = climb_over(f, SLOW_S, 0, false);
	struct bend bend = bend_of(f);
	bool contradicted;
	double rate;

	if (quiet.seconds <= 0 || quiet.seconds < all.seconds / 2)
		return false;
	rate = rate_now(f, false, &contradicted);
	if (!contradicted)
		rate = lasting_rate(f, rate);
	else if (rate < quiet.rise / quiet.seconds)
		rate = rate_of(&quiet);
	if (bend.now > 0 && fabs(bend.rate - rate) < LASTING_PART * rate)
		rate = bend.rate;
	*climb = rate;
	return true;
}

/* How fast it climbs, falls left out; 0 if that is not known. */
static double climb_now(const struct forecast *f)
{
	double climb = 0;

	forecast_climb(f, &climb);
	return fmax(0, climb);
}

/* In this step, which ends now, or just before. What came meanwhile, none can tell from the count. */
static void note_fall(struct forecast *f, const struct forecast_step *step, bool fell)
{
	if (!f->step_fell) {
		f->fell_from_ns = f->step_ns;
		f->fell_climb = climb_now(f);
	}
	f->fallen += f->fell_climb * step->seconds - step->rise;
	if (fell)
		f->fell_ns = f->last_ns;
}

/* Adds the step that ends now to the mark that is being made. */
static void add_to_mark(struct forecast *f, const struct forecast_step *step)
{
	struct forecast_step made = {
		.seconds = (double)(f->last_ns - f->mark_ns) / 1e9,
		.rise = f->mark_rise + step->rise,
		.fell = f->mark_fell || step->fell,
		.most = fmax(f->mark_most, f->level),
		.least = fmin(f->mark_least, f->level),
	};

	f->mark_rise = made.rise;
	f->mark_fell = made.fell;
	f->mark_most = made.most;
	f->mark_least = made.least;
	if (made.seconds < FORECAST_MARK_S)
		return;
	push(f->mark, FORECAST_MARKS, &f->next_mark, &f->marks, made);
	crests_add(&f->crests, made.seconds, made.most, made.least);
	f->mark_ns = f->last_ns;
	f->mark_rise = 0;
	f->mark_fell = false;
	f->mark_most = f->mark_least = f->level;
}

double forecast_note_walk(struct forecast *f, uint64_t now_ns, uint32_t entries)
{
	double gone = f->level - entries;

	if (f->last_ns == 0 || now_ns <= f->last_ns)
		return 0;
	gone += climb_now(f) * (double)(now_ns - f->last_ns) / 1e9;
	if (gone < forecast_noise(fmax(0, gone)))
		return 0;
	f->level -= gone;
	f->step_level -= gone;
	return gone;
}

int forecast_add(struct forecast *f, uint64_t now_ns, uint32_t entries)
{
	struct forecast_step step = { 0 };
	bool fell;

	if (f->last_ns == 0) {
		forecast_restart(f, now_ns, entries);
		return 0;
	}
	if (now_ns <= f->last_ns)
		return -EINVAL;
	f->last_ns = now_ns;
	f->level = entries;
	step.seconds = (double)(now_ns - f->step_ns) / 1e9;
	step.rise = f->level - f->step_level;
	if (step.seconds < STEP_S)
		return 0;
	fell = step.rise < -forecast_noise(-step.rise);
	step.fell = fell || f->step_fell;
	if (step.fell)
		note_fall(f, &step, fell);
	f->step_fell = fell;
	push(f->step, FORECAST_STEPS, &f->next_step, &f->steps, step);
	f->step_ns = now_ns;
	f->step_level = f->level;
	add_to_mark(f, &step);
	return 0;
}

double forecast_full_in(const struct forecast *f, uint32_t limit)
{
	double missing = limit - f->level;
	double slope, climb_s;
	struct trend trend;

	if (missing <= 0)
		return 0;
	slope = forecast_slope(f);
	climb_s = slope > 0 ? missing / slope : INFINITY;
	if (climb_s <= NEAR_S || !trend_of(f, &trend))
		return climb_s;
	return fmax(trend_full_in(&trend, missing, climb_s), NEAR_S);
}

bool forecast_settles_at(const struct forecast *f, double *entries)
{
	struct trend trend;

	if (!trend_of(f, &trend))
		return false;
	if (fabs(trend.newer) <= trend.noise && forecast_slope(f) == 0)
		*entries = f->level;
	else if (trend_slows(&trend))
		*entries = f->level + trend_rest(&trend);
	else
		return false;
	return true;
}

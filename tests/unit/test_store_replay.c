/* SPDX-License-Identifier: MIT */
/*
 * What an hour at 1 kHz of 64 threads costs, in bytes on disk and in memory,
 * by replay: 40 s of it here, or TARE_REPLAY_SECONDS.
 */
#include "one_process.h"
#include "store_fixture.h"

#include <math.h>
#include <sys/resource.h>
#include <time.h>

#define THREAD_NR 64
#define STACK_NR 2000 /* that are seen, of a tree of ten times as many */
#define START_NR 600  /* stacks of the imports, seen first and never again */

TestSuite(store_replay, .init = enter_folder, .fini = leave_folder,
	  .timeout = 1000);

struct replay {
	struct profile *p;
	uint32_t stacks[STACK_NR], starts[START_NR];
	double weight[STACK_NR]; /* cumulative, by Zipf's law */
	uint32_t now[THREAD_NR];
};

static void add_tree(struct replay *r)
{
	uint32_t file = profile_string(r->p, "a.py", 4);
	char name[32];

	for (uint32_t i = 0; i < 500; i++) {
		int size = snprintf(name, sizeof(name), "function_%u", i);
		uint32_t f = profile_function(
			r->p, profile_string(r->p, name, (size_t)size), file,
			i);

		profile_frame(r->p, f, i);
	}
	for (uint32_t i = 0; i < START_NR; i++)
		r->starts[i] = profile_node(r->p, i / 2, i % 500);
	while (r->p->nodes.nr < STACK_NR * 10)
		profile_node(r->p,
			     START_NR / 2 +
				     (uint32_t)lrand48() %
					     (r->p->nodes.nr - START_NR / 2),
			     (uint32_t)lrand48() % 500);
}

static void open_replay(struct replay *r)
{
	double sum = 0;

	memset(r, 0, sizeof(*r));
	srand48(64);
	r->p = one_process();
	add_tree(r);
	for (uint32_t i = 0; i < STACK_NR; i++) {
		r->stacks[i] = START_NR + (uint32_t)lrand48() %
						  (r->p->nodes.nr - START_NR);
		sum += 1.0 / (i + 1);
		r->weight[i] = sum;
	}
	for (uint32_t i = 0; i < THREAD_NR; i++)
		profile_add_thread(r->p, 0, (int32_t)i + 1, 0);
	r->p->threads.at[0].main = true;
}

static uint32_t any_stack(const struct replay *r)
{
	double at = drand48() * r->weight[STACK_NR - 1];
	uint32_t low = 0, high = STACK_NR - 1;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (r->weight[mid] < at)
			low = mid + 1;
		else
			high = mid;
	}
	return r->stacks[low];
}

/* One tick; `busy` threads of the 64 are somewhere else than before. */
static void tick(struct replay *r, uint32_t busy)
{
	uint64_t nr = r->p->tick_nr;

	profile_tick(r->p, r->p->now_ns + (uint64_t)(-1e6 * log(1 - drand48())),
		     0);
	if (nr < START_NR)
		r->now[0] = r->starts[nr];
	else if (busy == THREAD_NR)
		for (uint32_t i = 0; i < THREAD_NR; i++)
			r->now[i] = any_stack(r);
	else
		for (uint32_t i = 0; i < busy; i++)
			r->now[(uint32_t)lrand48() % THREAD_NR] = any_stack(r);
	for (uint32_t i = 0; i < THREAD_NR; i++)
		profile_sample(r->p, i, r->now[i], SAMPLE_COMPLETE,
			       STATE_ON_CPU);
}

static size_t map_size(const struct map *m)
{
	return m->cap * sizeof(*m->slots);
}

/* Bytes that `p` holds, so that the sanitizers' own do not count. */
static size_t memory(const struct profile *p)
{
	size_t size = p->text.cap + p->clock.cap +
		      p->strings.cap * sizeof(*p->strings.at) +
		      p->functions.cap * sizeof(*p->functions.at) +
		      p->frames.cap * sizeof(*p->frames.at) +
		      p->nodes.cap * sizeof(*p->nodes.at) +
		      p->counts.cap * sizeof(*p->counts.at) +
		      map_size(&p->string_ids) + map_size(&p->function_ids) +
		      map_size(&p->frame_ids) + map_size(&p->node_ids) +
		      map_size(&p->count_ids);

	for (uint32_t i = 0; i < p->threads.nr; i++)
		size += p->threads.at[i].track.runs.cap +
			p->threads.at[i].codes.cap * sizeof(uint32_t);
	return size;
}

static double seconds_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double file_size(const char *path)
{
	struct stat st;

	cr_assert_eq(stat(path, &st), 0);
	return (double)st.st_size;
}

/* What was measured of appends, one a second. */
struct costs {
	double cpu_s, worst_s;
	size_t most; /* bytes of memory held */
};

static void append(struct store *s, struct profile *p, struct costs *costs)
{
	double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	double wall = seconds_of(CLOCK_MONOTONIC);
	struct err err;

	if (costs->most < memory(p))
		costs->most = memory(p);
	ok(store_append(s, p, &err));
	wall = seconds_of(CLOCK_MONOTONIC) - wall;
	costs->cpu_s += seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	if (costs->worst_s < wall)
		costs->worst_s = wall;
}

/*
 * The size of an hour: what is there, and for the rest of the hour what each
 * second of the second half added.
 */
static double hour_size(int seconds, double half, double full, double end)
{
	double each = (full - half) / (seconds - seconds / 2);

	return seconds >= 3600 ? end : end + (3600 - seconds) * each;
}

static void replay(const char *what, uint32_t busy)
{
	const char *length = getenv("TARE_REPLAY_SECONDS");
	int seconds = length ? atoi(length) : 40;
	double half = 0, full, bytes, hour_samples;
	struct costs costs = { 0 };
	struct rusage usage;
	struct replay r;
	struct store *s;
	struct err err;

	open_replay(&r);
	sqlite3_memory_highwater(1);
	ok(store_create(&s, "a.tare", false, &err));
	for (int i = 0; i < seconds; i++) {
		if (i == seconds / 2)
			half = file_size("a.tare.part");
		for (int j = 0; j < 1000; j++)
			tick(&r, busy);
		append(s, r.p, &costs);
	}
	full = file_size("a.tare.part");
	r.p->wall_ns = r.p->now_ns;
	ok(store_commit(s, r.p, &err));
	store_close(s);
	hour_samples = 1000. * THREAD_NR * (seconds < 3600 ? 3600 : seconds);
	bytes = hour_size(seconds, half, full, file_size("a.tare")) /
		hour_samples;
	costs.most += (size_t)sqlite3_memory_highwater(0);
	getrusage(RUSAGE_SELF, &usage);
	fprintf(stderr,
		"# %s, %d s: an hour takes %.3f bytes a sample on disk; "
		"%.1f MB held, %.1f MB resident; an append %.2f ms of CPU, "
		"at worst %.1f ms of time\n",
		what, seconds, bytes, (double)costs.most / 1e6,
		(double)usage.ru_maxrss / 1e3, costs.cpu_s * 1000 / seconds,
		costs.worst_s * 1000);
	cr_assert_leq(bytes, 2, "%s: %g bytes a sample", what, bytes);
	cr_assert_leq(costs.most, 50000000, "%s: %zu bytes", what, costs.most);
	profile_free(r.p);
}

Test(store_replay, with_the_gil_a_few_threads_change_at_a_tick)
{
	replay("two of 64 threads change", 2);
}

Test(store_replay, with_every_thread_elsewhere_at_every_tick)
{
	replay("all of 64 threads change", THREAD_NR);
}

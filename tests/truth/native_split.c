/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's CPU clock says of a process, and what a stopped process
 * says of itself, as JSON for tests and experiments:
 *
 *   native_split sample PID SECONDS HZ [stack=BYTES] [chain] [kernel] [threads]
 *   native_split stop PID SECONDS HZ
 *
 * `sample` prints how often each native function ran, with its file and
 * class, the ends of the chains, what was lost and what it cost. `stop` stops
 * the process at random times and prints the instruction pointers as they
 * are, for somebody else to look up.
 */
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <time.h>

#include "native/native.h"
#include "os/clock.h"
#include "os/perf_clock.h"
#include "target/stop.h"

/* Rings are drained when they may be half full, but not all the time. */
#define DRAIN_NS (50 * CLOCK_MS_NS)
#define DRAIN_SHORTEST_NS CLOCK_MS_NS
#define FUNCTIONS_SHOWN 100000

struct tally {
	uint64_t *self;	 /* by function */
	uint64_t *under; /* samples with the function anywhere */
	uint32_t nr;
	uint64_t ends[CHAIN_STRANGE + 1];
	uint64_t depth;
	uint64_t loops; /* samples with a frame of the interpreter's loop */
	double drain_cpu_s, unwind_cpu_s;
	uint64_t drains;
	json_t *chains;
};

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void count(struct tally *t, uint64_t **counts, uint32_t function)
{
	if (function < FUNCTIONS_SHOWN)
		(*counts)[function]++;
	if (function >= t->nr)
		t->nr = function + 1;
}

static void count_chain(struct native *n, const struct perf_record *r,
			struct tally *t)
{
	static struct chain chain;
	bool loop = false;
	json_t *names = NULL;

	native_unwind(n, r, &chain);
	t->ends[chain.end]++;
	t->depth += chain.nr;
	if (json_array_size(t->chains) < 20)
		names = json_array();
	for (uint32_t i = 0; i < chain.nr; i++) {
		uint32_t f = native_locate(n, chain.addr[i]);
		const struct native_function *function = native_function(n, f);

		loop = loop || function->class == NATIVE_LOOP;
		if (names)
			json_array_append_new(
				names,
				json_sprintf(
					"%s:%s:%llx",
					native_module(n, function->module)
						->name,
					function->name,
					(unsigned long long)chain.addr[i]));
	}
	if (names)
		json_array_append_new(t->chains, names);
	t->loops += loop;
}

static void take(struct native *n, const struct perf_record *r, bool chains,
		 struct tally *t)
{
	if (r->kind != PERF_RECORD_KIND_SAMPLE) {
		native_note(n, r);
		return;
	}
	count(t, &t->self,
	      r->in_kernel ? native_kernel(n) : native_locate(n, r->ip));
	if (chains)
		count_chain(n, r, t);
}

static json_t *functions(const struct native *n, const struct tally *t)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < t->nr && i < FUNCTIONS_SHOWN; i++) {
		const struct native_function *f = native_function(n, i);
		const struct native_module *m = native_module(n, f->module);

		if (!t->self[i])
			continue;
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:I}", "name", f->name,
					"module", m->path, "class",
					native_class_text(f->class), "samples",
					(json_int_t)t->self[i]));
	}
	return list;
}

static void print_tally(const struct native *n, const struct perf_clock *c,
			struct tally *t)
{
	struct perf_clock_stats s;
	json_t *out;

	perf_clock_stats(c, &s);
	out = json_pack(
		"{s:o, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:b, s:b, s:f, s:f, "
		"s:I, s:[I,I,I,I,I], s:I, s:I, s:o}",
		"functions", functions(n, t), "samples", (json_int_t)s.samples,
		"lost", (json_int_t)s.lost, "damaged", (json_int_t)s.damaged,
		"throttled", (json_int_t)s.throttled, "period_ns",
		(json_int_t)s.period_ns, "events", (int)s.events, "rings",
		(int)s.rings, "kernel", (int)s.kernel, "follows",
		(int)s.follows, "drain_cpu_s", t->drain_cpu_s, "unwind_cpu_s",
		t->unwind_cpu_s, "drains", (json_int_t)t->drains, "ends",
		(json_int_t)t->ends[0], (json_int_t)t->ends[1],
		(json_int_t)t->ends[2], (json_int_t)t->ends[3],
		(json_int_t)t->ends[4], "depth", (json_int_t)t->depth, "loops",
		(json_int_t)t->loops, "chains", t->chains);
	json_dumpf(out, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(out);
}

static int drain(struct native *n, struct perf_clock *c, bool chains,
		 struct tally *t, struct err *err)
{
	struct perf_record r;
	double before = cpu_s();
	int rc = perf_clock_update(c, err);

	while (perf_clock_next(c, &r))
		take(n, &r, chains, t);
	t->drain_cpu_s += cpu_s() - before;
	t->drains++;
	return rc == ERR_GONE ? ERR_OK : rc;
}

static int sample(pid_t pid, double seconds, struct perf_clock_opts *opts,
		  struct err *err)
{
	bool chains = opts->chain || opts->stack_size;
	struct native_opts how = { .unwind = chains };
	struct tally t = { .chains = json_array() };
	struct perf_clock *c = NULL;
	struct native *n = NULL;
	uint64_t end, nap_ns = DRAIN_NS;
	int rc;

	t.self = calloc(FUNCTIONS_SHOWN, sizeof(*t.self));
	rc = native_open(&n, pid, &how, err);
	if (!rc)
		rc = perf_clock_open(&c, pid, opts, err);
	end = clock_now_ns() + (uint64_t)(seconds * 1e9);
	if (!rc)
		nap_ns = perf_clock_fills_ns(c) / 2;
	if (nap_ns > DRAIN_NS)
		nap_ns = DRAIN_NS;
	if (nap_ns < DRAIN_SHORTEST_NS)
		nap_ns = DRAIN_SHORTEST_NS;
	while (!rc && clock_now_ns() < end && !kill(pid, 0)) {
		clock_sleep(nap_ns);
		rc = drain(n, c, chains, &t, err);
	}
	if (!rc) {
		print_tally(n, c, &t);
		fprintf(stderr, "frame pointers: %d\n",
			how.unwind && native_keeps_pointers(n));
	}
	perf_clock_close(c);
	native_close(n);
	free(t.self);
	return rc;
}

/* ------------------------------------------------------------------- stop */

static void print_thread(pid_t tid)
{
#if defined(__x86_64__)
	struct user_regs_struct regs;

	if (!ptrace(PTRACE_GETREGS, tid, NULL, &regs))
		printf("%d %llx %lld\n", (int)tid, (unsigned long long)regs.rip,
		       (long long)regs.orig_rax);
#else
	(void)tid;
#endif
}

static void print_threads(pid_t pid)
{
	const struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			print_thread((pid_t)strtol(entry->d_name, NULL, 10));
	if (dir)
		closedir(dir);
}

static int stop(pid_t pid, double seconds, double hz, struct err *err)
{
	uint64_t end = clock_now_ns() + (uint64_t)(seconds * 1e9);
	struct stopper *s;
	int rc = stopper_open(&s, pid, err);

	srand48((long)clock_now_ns());
	while (!rc && clock_now_ns() < end) {
		clock_sleep((uint64_t)(-log(1 - drand48()) / hz * 1e9));
		rc = stopper_stop(s, err);
		print_threads(pid);
		stopper_resume(s);
	}
	stopper_close(s);
	return rc;
}

int main(int argc, char **argv)
{
	struct perf_clock_opts opts = { 0 };
	struct err err = { 0 };
	pid_t pid;
	int rc;

	if (argc < 5)
		return 2;
	pid = (pid_t)strtol(argv[2], NULL, 10);
	opts.rate_hz = strtod(argv[4], NULL);
	for (int i = 5; i < argc; i++) {
		if (!strncmp(argv[i], "stack=", 6))
			opts.stack_size =
				(uint32_t)strtoul(argv[i] + 6, NULL, 10);
		opts.chain |= !strcmp(argv[i], "chain");
		opts.kernel |= !strcmp(argv[i], "kernel");
		opts.by_thread |= !strcmp(argv[i], "threads");
	}
	if (!strcmp(argv[1], "stop"))
		rc = stop(pid, strtod(argv[3], NULL), opts.rate_hz, &err);
	else
		rc = sample(pid, strtod(argv[3], NULL), &opts, &err);
	if (rc)
		fprintf(stderr, "native_split: %s\n%s\n", err.msg, err.hint);
	return rc ? 1 : 0;
}

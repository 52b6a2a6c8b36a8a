/* SPDX-License-Identifier: MIT */
#include "sample/sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>

#include "os/clock.h"
#include "os/procfs.h"
#include "sample/look.h"
#include "target/stop.h"

/*
 * How often the list of threads is compared with what is there (most changes
 * are seen at once, see look.c), and the kernel asked.
 */
#define LIST_NS (20 * CLOCK_MS_NS)

/* The same while a thread is in it that has not begun. */
#define LIST_BEGIN_NS CLOCK_MS_NS
#define ACCOUNT_NS (100 * CLOCK_MS_NS)

/* Without a Python thread for this long, see what became of the target. */
#define ABSENCE_NS (20 * CLOCK_MS_NS)

/* Waiting for a Python to come up: from 1 ms, doubling, to this. */
#define PATIENCE_STEP_MAX_NS (20 * CLOCK_MS_NS)

/* A gap shorter than what going to sleep takes is waited for awake. */
#define SPIN_NS 15000u

/* The longest sleep, so that *stop is seen. */
#define NAP_NS (50 * CLOCK_MS_NS)

struct sampler {
	struct sample_opts opts;
	struct profile *profile;
	struct target *target;
	struct py_process process;
	struct roster roster;
	struct names *names;
	struct look look;
	struct stopper *stopper; /* NULL unless opts.exact */
	uint64_t origin_ns;	 /* time 0 of the profile */
	uint64_t due_ns;	 /* of the next tick */
	uint64_t listed_ns, accounted_ns;
	uint64_t alive_ns; /* when Python threads were last there */
};

static uint64_t profile_time(const struct sampler *s, uint64_t now_ns)
{
	return now_ns - s->origin_ns;
}

static bool is_stopped(const struct sample_opts *opts)
{
	return opts->stop && *opts->stop;
}

/* The gap to the next tick of a Poisson clock: exponential. */
static uint64_t draw_gap(struct sampler *s)
{
	return (uint64_t)(-log1p(-look_random(&s->look)) * 1e9 /
			  s->opts.rate_hz);
}

/* ---- opening ------------------------------------------------------------ */

static int wait_for_python(struct sampler *s, uint64_t patience_ns,
			   struct err *err)
{
	uint64_t end = clock_now_ns() + patience_ns;
	uint64_t step = CLOCK_MS_NS;
	int rc;

	for (;;) {
		pid_t pid = target_pid(s->target);
		char state = procfs_state(pid);

		if (!state || state == 'Z' || state == 'X')
			return err_set(err, ERR_GONE, "process %d has exited",
				       (int)pid);
		rc = py_process_open(&s->process, s->target, err);
		if (rc != ERR_NO || is_stopped(&s->opts) ||
		    clock_now_ns() >= end)
			return rc;
		clock_sleep(step);
		step = step * 2 < PATIENCE_STEP_MAX_NS ? step * 2
						       : PATIENCE_STEP_MAX_NS;
	}
}

static uint64_t seed(void)
{
	uint64_t value = 0;

	if (getrandom(&value, sizeof(value), 0) != sizeof(value))
		value = clock_now_ns();
	return value;
}

static void describe(struct sampler *s)
{
	char python[40];

	snprintf(python, sizeof(python), "CPython %s", s->process.version);
	profile_set_meta(s->profile, META_PYTHON, python);
	profile_set_meta(s->profile, META_EXECUTABLE, s->process.executable);
}

static int start(struct sampler *s, struct err *err)
{
	uint64_t now = clock_now_ns();

	describe(s);

	s->names = names_new(&s->process, s->profile);
	if (!s->names)
		return err_nomem(err);
	roster_init(&s->roster, &s->process, s->profile);
	look_init(&s->look, &s->process, s->profile, &s->roster, s->names,
		  s->opts.rate_hz, seed());
	/* A profile that goes on (the target became another program) keeps
	 * its time. */
	s->origin_ns = now - s->profile->wall_ns;
	s->due_ns = now + draw_gap(s);
	s->alive_ns = now;
	return ERR_OK;
}

int sampler_open(struct sampler **out, pid_t pid,
		 const struct sample_opts *opts, struct profile *p,
		 uint64_t patience_ns, struct err *err)
{
	struct sampler *s = calloc(1, sizeof(*s));
	int rc;

	*out = NULL;
	if (!s)
		return err_nomem(err);
	s->opts = *opts;
	s->profile = p;
	p->asked_hz = opts->rate_hz;
	rc = target_open(&s->target, pid, err);
	if (!rc)
		rc = wait_for_python(s, patience_ns, err);
	if (rc == ERR_NO) {
		err->code = rc = ERR_UNSUPPORTED;
		err_hint(err, "tare doctor %d   says what tare sees there",
			 (int)pid);
	}
	if (!rc)
		rc = start(s, err);
	if (!rc && opts->exact)
		rc = stopper_open(&s->stopper, pid, err);
	if (rc) {
		sampler_close(s);
		return rc;
	}
	*out = s;
	return ERR_OK;
}

/* ---- ticking ------------------------------------------------------------ */

static void refresh_list(struct sampler *s, uint64_t now, struct err *err)
{
	/* A list that changes while it is read is read again at the next
	 * tick; the threads known so far remain. */
	if (!roster_refresh(&s->roster, profile_time(s, now), err))
		s->look.list_changed = false;
	gil_find(&s->look.gil, &s->process);
	s->listed_ns = now;
}

static void keep_books(struct sampler *s, uint64_t now, struct err *err)
{
	uint64_t every = s->roster.all_begun ? LIST_NS : LIST_BEGIN_NS;

	if (s->look.list_changed || now - s->listed_ns >= every)
		refresh_list(s, now, err);
	if (now - s->accounted_ns >= ACCOUNT_NS) {
		roster_account(&s->roster, profile_time(s, now));
		s->accounted_ns = now;
	}
}

static int tick(struct sampler *s, uint64_t now, struct err *err)
{
	uint64_t at = profile_time(s, now);
	int rc = ERR_OK;

	profile_tick(s->profile, at);
	if (s->stopper)
		rc = stopper_stop(s->stopper, err);
	if (!rc)
		rc = look_at_all(&s->look, at, err);
	if (s->stopper)
		stopper_resume(s->stopper);
	return rc;
}

/*
 * Ticks that passed while we were busy did not happen: say so. How many they
 * were is known on average only; when the next one comes does not depend on
 * them, as the clock has no memory.
 */
static void schedule(struct sampler *s, uint64_t now)
{
	s->due_ns += draw_gap(s);
	if (s->due_ns >= now)
		return;
	s->profile->missed_nr += 1 + (uint64_t)((double)(now - s->due_ns) *
						s->opts.rate_hz / 1e9);
	s->due_ns = now + draw_gap(s);
}

static void nap_until(uint64_t at_ns)
{
	struct timespec at = { (time_t)(at_ns / CLOCK_SECOND_NS),
			       (long)(at_ns % CLOCK_SECOND_NS) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/*
 * For a while there was no Python thread where we look: the interpreter is
 * shutting down (SAMPLE_PAUSED: go on), the process has ended or become
 * another program.
 */
static enum sample_end what_became(struct sampler *s)
{
	struct py_process now;
	struct err err;
	int rc = py_process_open(&now, s->target, &err);

	if (rc == ERR_GONE)
		return SAMPLE_GONE;
	if (rc == ERR_OK && now.runtime_addr == s->process.runtime_addr &&
	    now.layout.version == s->process.layout.version)
		return SAMPLE_PAUSED;
	return SAMPLE_EXEC;
}

/* Does the target still have the Python we knew? SAMPLE_PAUSED: yes. */
static enum sample_end check_python(struct sampler *s, uint64_t now)
{
	if (s->roster.threads.nr && !s->look.list_changed) {
		s->alive_ns = now;
		return SAMPLE_PAUSED;
	}
	if (now - s->alive_ns < ABSENCE_NS)
		return SAMPLE_PAUSED;
	s->alive_ns = now;
	return what_became(s);
}

static void note_cost(struct sampler *s)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	s->profile->sampler_cpu_ns =
		(uint64_t)t.tv_sec * CLOCK_SECOND_NS + (uint64_t)t.tv_nsec;
}

static int run_to(struct sampler *s, uint64_t until_ns, enum sample_end *why,
		  struct err *err)
{
	uint64_t now = clock_now_ns();
	int rc = ERR_OK;

	*why = SAMPLE_PAUSED;
	while (now < until_ns) {
		uint64_t wake = s->due_ns < until_ns ? s->due_ns : until_ns;

		if (is_stopped(&s->opts)) {
			*why = SAMPLE_STOPPED;
			break;
		}
		if (wake > now) {
			if (wake > now + SPIN_NS)
				nap_until(wake < now + NAP_NS ? wake
							      : now + NAP_NS);
			now = clock_now_ns();
			if (now < s->due_ns)
				continue;
		}
		keep_books(s, now, err);
		rc = tick(s, now, err);
		if (rc == ERR_GONE) {
			*why = SAMPLE_GONE;
			return ERR_OK;
		}
		*why = check_python(s, now);
		if (rc || *why != SAMPLE_PAUSED)
			break;
		now = clock_now_ns();
		schedule(s, now);
	}
	return rc;
}

int sampler_run(struct sampler *s, uint64_t until_ns, enum sample_end *why,
		struct err *err)
{
	int rc = run_to(s, until_ns, why, err);

	s->profile->wall_ns = profile_time(s, clock_now_ns());
	/* The caller's turn (writing to disk) must not be taken from the
	 * target. */
	place_apart(&s->look.policy.place);
	note_cost(s);
	return rc;
}

int sampler_once(struct sampler *s, struct err *err)
{
	uint64_t now = clock_now_ns();
	int rc;

	refresh_list(s, now, err);
	rc = tick(s, now, err);
	s->profile->wall_ns = profile_time(s, clock_now_ns());
	place_apart(&s->look.policy.place);
	return rc;
}

int sampler_start_capture(struct sampler *s, struct err *err)
{
	struct py_process again;
	int rc = target_start_capture(s->target, err);

	/* So that the capture has how the interpreter is found, too. */
	return rc ? rc : py_process_open(&again, s->target, err);
}

int sampler_save_capture(struct sampler *s, const char *path, struct err *err)
{
	return target_save_snapshot(s->target, path, err);
}

void sampler_close(struct sampler *s)
{
	if (!s)
		return;
	if (s->names) {
		roster_release(&s->roster, profile_time(s, clock_now_ns()));
		look_release(&s->look);
		names_free(s->names);
	}
	stopper_close(s->stopper);
	target_close(s->target);
	free(s);
}

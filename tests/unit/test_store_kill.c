/* SPDX-License-Identifier: MIT */
/*
 * tare may be killed at any moment: what it had appended by then has to be
 * readable, whole, and nothing of it lost.
 */
#include "store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "profile/summary.h"

TestSuite(store_kill, .init = enter_folder, .fini = leave_folder);

/* New stacks all the time, so that many pages change in a transaction. */
static void grow(struct profile *p, uint32_t round)
{
	uint32_t file = profile_string(p, "a.py", 4), node = 0;
	char name[64];

	add_ticks(p, 50);
	for (uint32_t i = 0; i < 50; i++) {
		int size = snprintf(name, sizeof(name), "function_%u_%u", round,
				    i);
		uint32_t f = profile_function(
			p, profile_string(p, name, (size_t)size), file, i);

		node = profile_node(p, node, profile_frame(p, f, i));
		profile_tick(p, (p->tick_nr + 1) * 1000000, 0);
		profile_sample(p, 0, node, SAMPLE_COMPLETE, STATE_ON_CPU);
	}
	p->wall_ns = p->tick_nr * 1000000;
}

/* Append until killed, or commit after `append_nr`; *done counts ticks. */
static void write_until_killed(volatile uint64_t *done, uint32_t append_nr)
{
	struct profile *p = new_recording(1);
	struct store *s;
	struct err err;

	if (store_create(&s, "a.tare", false, &err))
		_exit(2);
	for (uint32_t i = 0; i < append_nr; i++) {
		grow(p, i);
		if (store_append(s, p, &err))
			_exit(3);
		*done = p->tick_nr;
	}
	_exit(store_commit(s, p, &err) ? 4 : 0);
}

static uint64_t look_nr(const struct profile *p, uint32_t thread)
{
	uint64_t nr = 0;

	for (int q = 0; q < SAMPLE_QUALITY_NR; q++)
		nr += p->threads.at[thread].looks[q];
	return nr;
}

/* Kill a writer after a while (< 0: never); how far it had got by its own word.
 */
static uint64_t kill_writer(uint32_t append_nr, long after_us)
{
	volatile uint64_t *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec pause = { after_us / 1000000,
				  after_us % 1000000 * 1000 };
	uint64_t ticks;
	int status;
	pid_t pid;

	cr_assert_neq((void *)done, MAP_FAILED);
	pid = fork();
	if (!pid)
		write_until_killed(done, append_nr);
	if (after_us >= 0) {
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) || !WEXITSTATUS(status), "%x", status);
	ticks = *done;
	munmap((void *)done, 4096);
	return ticks;
}

/* Nothing acknowledged is missing, and what is there fits together. */
static void check(const char *path, uint64_t ticks)
{
	struct profile *p;
	struct summary s;
	struct err err;

	ok(store_load(&p, path, &err));
	cr_assert_geq(p->tick_nr, ticks);
	if (p->threads.nr)
		cr_assert_eq(look_nr(p, 0), p->tick_nr);
	ok(summary_make(&s, p, &(struct summary_of){ 0 }, &err));
	summary_release(&s);
	profile_free(p);
}

static void clean(void)
{
	static const char *const names[] = { "a.tare", "a.tare.part",
					     "a.tare.part-journal" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(names[i]);
}

/* Killed while the tables were made: there is nothing, and it is told so. */
static void check_empty(void)
{
	struct profile *p;
	struct err err;
	int rc;

	if (!exists("a.tare.part"))
		return;
	rc = store_load(&p, "a.tare.part", &err);
	cr_assert_eq(rc, ERR_CORRUPT);
	cr_assert(strstr(err.msg, "empty"), "%s", err.msg);
}

/* What is left after a kill: 0 PATH, 1 nothing, 2 PATH.part. */
static int outcome(uint64_t ticks)
{
	struct profile *p;
	struct err err;

	if (exists("a.tare")) {
		check("a.tare", ticks);
		return 0;
	}
	if (!ticks &&
	    (!exists("a.tare.part") || store_load(&p, "a.tare.part", &err))) {
		check_empty();
		return 1;
	}
	if (!ticks)
		profile_free(p);
	check("a.tare.part", ticks);
	return 2;
}

/* How long a writer takes that nobody kills: machines differ by much. */
static long usual_us(void)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	kill_writer(8, -1);
	clock_gettime(CLOCK_MONOTONIC, &to);
	clean();
	return (to.tv_sec - from.tv_sec) * 1000000 +
	       (to.tv_nsec - from.tv_nsec) / 1000 + 1;
}

Test(store_kill, a_kill_at_any_moment_loses_nothing_that_was_appended,
     .timeout = 100)
{
	int outcomes[3] = { 0 };
	long usual = usual_us();

	srand48(99);
	for (int i = 0; i < 150; i++) {
		uint64_t ticks = kill_writer(100000, lrand48() % (4 * usual));

		outcomes[outcome(ticks)]++;
		clean();
	}
	cr_assert_eq(outcomes[0], 0);
	cr_assert_gt(outcomes[2], 40);
}

Test(store_kill, a_kill_around_the_commit_leaves_a_whole_file_or_a_part,
     .timeout = 100)
{
	int outcomes[3] = { 0 };
	long usual = usual_us();

	srand48(100);
	for (int i = 0; i < 150; i++) {
		uint64_t ticks = kill_writer(8, lrand48() % (2 * usual));

		outcomes[outcome(ticks)]++;
		clean();
	}
	cr_assert_gt(outcomes[0], 0);
	cr_assert_gt(outcomes[2], 0);
}

/*
 * A kill in the middle of a transaction leaves a journal with which the
 * changes are undone. The moment is too short to be hit by chance often
 * enough, so it is made: the file as SQLite has it on disk in a transaction
 * that does not fit its cache.
 */
Test(store_kill, a_transaction_cut_in_the_middle_is_undone)
{
	static const char half[] =
		"PRAGMA cache_size = 5; PRAGMA synchronous = OFF; BEGIN;"
		"UPDATE recording SET tick_nr = 1;"
		"UPDATE node SET frame = 0, parent = 0;"
		"WITH RECURSIVE c(i) AS (SELECT 1000000 UNION ALL "
		"SELECT i + 1 FROM c LIMIT 20000) INSERT INTO string SELECT "
		"i, 'x' || i FROM c; UPDATE string SET text = 'y' || id;";
	struct profile *p;
	struct store *s;
	struct err err;
	uint64_t ticks;
	int status;
	pid_t pid;

	p = new_recording(1);
	ok(store_create(&s, "a.tare", false, &err));
	for (uint32_t i = 0; i < 20; i++) {
		grow(p, i);
		ok(store_append(s, p, &err));
	}
	ticks = p->tick_nr;
	store_close(s);
	profile_free(p);
	pid = fork();
	if (!pid) {
		sqlite3 *db;

		if (sqlite3_open("a.tare.part", &db) ||
		    sqlite3_exec(db, half, NULL, NULL, NULL))
			_exit(1);
		raise(SIGKILL);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status));
	cr_assert(exists("a.tare.part-journal"));

	/* The next recording of that name moves both aside, together. */
	ok(store_create(&s, "a.tare", false, &err));
	cr_assert_str_eq(store_set_aside(s), "a.tare.part.1");
	cr_assert(exists("a.tare.part.1-journal"));
	store_discard(s);
	check("a.tare.part.1", ticks);
	cr_assert_not(exists("a.tare.part.1-journal"));
}

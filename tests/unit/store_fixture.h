/* SPDX-License-Identifier: MIT */
/* A folder to write in, and recordings to put there, for test_store_*.c. */
#ifndef TARE_TESTS_UNIT_STORE_FIXTURE_H
#define TARE_TESTS_UNIT_STORE_FIXTURE_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "one_process.h"
#include "store/store.h"

static char folder[256];
static char start_folder[512]; /* where the tests were started */

/* Make `folder` and go there. */
__attribute__((unused)) static void enter_folder(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/tare-store-XXXXXX",
		 tmp ? tmp : "/tmp");
	cr_assert(getcwd(start_folder, sizeof(start_folder)));
	cr_assert(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
}

__attribute__((unused)) static void leave_folder(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	cr_assert_eq(chdir("/"), 0);
	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(folder);
}

__attribute__((unused)) static bool exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

__attribute__((unused)) static void write_file(const char *path,
					       const void *data, size_t size)
{
	FILE *f = fopen(path, "we");

	cr_assert(f);
	cr_assert_eq(fwrite(data, 1, size, f), size);
	cr_assert_eq(fclose(f), 0);
}

__attribute__((unused)) static char *read_whole(const char *path, size_t *size)
{
	FILE *f = fopen(path, "re");
	struct stat st;
	char *data;

	cr_assert(f);
	cr_assert_eq(fstat(fileno(f), &st), 0);
	data = malloc((size_t)st.st_size + 1);
	cr_assert(data);
	*size = fread(data, 1, (size_t)st.st_size, f);
	fclose(f);
	return data;
}

/* Run SQL on a file, as a user with the sqlite3 program would. */
__attribute__((unused)) static void sql(const char *path, const char *text)
{
	sqlite3 *db;
	char *why = NULL;

	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, text, NULL, NULL, &why), SQLITE_OK,
		     "%s: %s", text, why);
	sqlite3_close(db);
}

/* Names and stacks: main -> work -> fib (recursive), and a waiting thread. */
__attribute__((unused)) static void add_stacks(struct profile *p,
					       uint32_t nodes[6])
{
	static const char *const names[] = { "main", "work", "fib", "wait" };
	uint32_t file = profile_string(p, "/home/u/a \"b\".py", 16);
	uint32_t frames[4];

	for (uint32_t i = 0; i < 4; i++) {
		uint32_t name = profile_string(p, names[i], strlen(names[i]));

		frames[i] = profile_frame(
			p, profile_function(p, name, file, i * 10 + 1),
			i * 10 + 2);
	}
	nodes[0] = 0;
	nodes[1] = profile_node(p, 0, frames[0]);
	nodes[2] = profile_node(p, nodes[1], frames[1]);
	nodes[3] = profile_node(p, nodes[2], frames[2]);
	nodes[4] = profile_node(p, nodes[3], frames[2]);
	nodes[5] = profile_node(p, 0, frames[3]);
}

/* Tasks that waited, were ready, and ran. */
__attribute__((unused)) static void add_awaits(struct profile *p,
					       const uint32_t nodes[6])
{
	static const enum await_kind kinds[] = { AWAIT_FUTURE, AWAIT_READY,
						 AWAIT_RUNNING };
	const uint32_t at[] = { nodes[5], nodes[3], 0 };
	struct awaits *a = &p->awaits;

	for (int i = 0; i < 3; i++) {
		uint32_t row = awaits_row(a, 0, at[i], kinds[i]);

		a->rows.at[row].us = (uint64_t)(i + 1) * 500000;
	}
	*awaits_process(a, 0) = (struct await_process){
		.count = { [AWAIT_READINGS] = 40,
			   [AWAIT_SEEN] = 3,
			   [AWAIT_MOST] = 2 },
		.squares = 0.25,
	};
}

/* `tick_nr` ticks of two threads; the second comes and goes. */
__attribute__((unused)) static void add_ticks(struct profile *p,
					      uint64_t tick_nr)
{
	uint32_t nodes[6];

	add_stacks(p, nodes);
	if (!p->threads.nr) {
		profile_add_thread(p, 0, 100, 0);
		profile_add_thread(p, 0, 101, 0);
		process_set(&p->figures, PROCESS_PEAK_BYTES, 1 << 20);
		process_set(&p->processes.at[0].figures, PROCESS_USER_NS, 7);
		p->processes.at[0].command = profile_string(p, "python a", 8);
		profile_native(p, 0, profile_string(p, "library", 7),
			       profile_string(p, "/a.so", 5), 0, 3);
		profile_native(p, 1, 0, 0, 0, 1);
		add_awaits(p, nodes);
		profile_merge(p, 0, nodes[4], MERGE_WHOLE, 3);
		profile_merge(p, 0, 0, MERGE_RAN_ON, 1);
		profile_merge(p, 1, nodes[5], MERGE_CUT, 2);
		p->threads.at[0].main = true;
		p->threads.at[1].name = profile_string(p, "helper", 6);
	}
	for (uint64_t i = 0; i < tick_nr; i++) {
		uint64_t tick = p->tick_nr;

		profile_tick(p, (tick + 1) * 1000000, 0);
		profile_sample(p, 0, nodes[tick / 3 % 5],
			       tick % 50 == 49 ? SAMPLE_SALVAGED
					       : SAMPLE_COMPLETE,
			       tick / 6 % 2 ? STATE_ON_CPU : STATE_GIL_WAIT);
		if (tick % 10 < 8)
			profile_sample(p, 1, nodes[5], SAMPLE_COMPLETE,
				       STATE_ON_CPU);
	}
	p->wall_ns = p->tick_nr * 1000000;
}

__attribute__((unused)) static struct profile *new_recording(uint64_t tick_nr)
{
	struct profile *p = one_process();

	cr_assert(p);
	p->asked_hz = 1000;
	profile_set_meta(p, META_COMMAND, "python a.py");
	add_ticks(p, tick_nr);
	process_set(&p->figures, PROCESS_USER_NS, 3);
	process_set(&p->figures, PROCESS_SYS_NS, 2);
	p->missed_nr = 1;
	p->sampler_cpu_ns = 4;
	p->threads.at[0].has_sched = true;
	p->threads.at[0].cpu_ns = 77;
	p->threads.at[0].run_queue_ns = 78;
	profile_add_source(p, p->functions.at[0].file, 2, "x = 1", 5);
	return p;
}

#define ok(call)                                                       \
	do {                                                           \
		int ok_rc = (call);                                    \
		cr_assert_eq(ok_rc, ERR_OK, "%s: %s", #call, err.msg); \
	} while (0)

/* Record `tick_nr` ticks to `path` in three appends. */
__attribute__((unused)) static void record(const char *path, uint64_t tick_nr)
{
	struct profile *p = new_recording(tick_nr / 2);
	struct store *s;
	struct err err;

	ok(store_create(&s, path, true, &err));
	ok(store_append(s, p, &err));
	add_ticks(p, tick_nr / 4);
	ok(store_append(s, p, &err));
	add_ticks(p, tick_nr - tick_nr / 2 - tick_nr / 4);
	ok(store_commit(s, p, &err));
	store_close(s);
	profile_free(p);
}

__attribute__((unused)) static const struct profile_count *find_count(
	const struct profile *p, const struct profile_count *like)
{
	for (uint32_t i = 0; i < p->counts.nr; i++)
		if (p->counts.at[i].thread == like->thread &&
		    p->counts.at[i].node == like->node &&
		    p->counts.at[i].quality == like->quality &&
		    p->counts.at[i].state == like->state)
			return &p->counts.at[i];
	return NULL;
}

__attribute__((unused)) static void check_same_figures(
	const struct process_figures *a, const struct process_figures *b)
{
	cr_assert_eq(a->known, b->known);
	cr_assert(!memcmp(a->value, b->value, sizeof(a->value)));
}

/* All that a reader can see is the same. */
__attribute__((unused)) static void assert_same(const struct profile *a,
						const struct profile *b)
{
	cr_assert_eq(a->strings.nr <= b->strings.nr, true);
	for (uint32_t i = 0; i < a->strings.nr; i++)
		cr_assert_str_eq(profile_text(a, i), profile_text(b, i));
	cr_assert_eq(a->functions.nr, b->functions.nr);
	cr_assert_eq(a->frames.nr, b->frames.nr);
	cr_assert_eq(a->nodes.nr, b->nodes.nr);
	cr_assert(!a->functions.nr ||
		  !memcmp(a->functions.at, b->functions.at,
			  a->functions.nr * sizeof(*a->functions.at)));
	cr_assert(!a->frames.nr ||
		  !memcmp(a->frames.at, b->frames.at,
			  a->frames.nr * sizeof(*a->frames.at)));
	cr_assert(!a->nodes.nr || !memcmp(a->nodes.at, b->nodes.at,
					  a->nodes.nr * sizeof(*a->nodes.at)));
	check_same_figures(&a->figures, &b->figures);
	cr_assert_eq(a->processes.nr, b->processes.nr);
	for (uint32_t i = 0; i < a->processes.nr; i++) {
		const struct profile_process *x = &a->processes.at[i];
		const struct profile_process *y = &b->processes.at[i];

		cr_assert_eq(x->pid, y->pid);
		cr_assert_eq(x->parent, y->parent);
		cr_assert_eq(x->command, y->command);
		cr_assert_eq(x->python, y->python);
		cr_assert_eq(x->trouble, y->trouble);
		cr_assert_eq(x->end, y->end);
		cr_assert_eq(x->start_ns, y->start_ns);
		cr_assert_eq(x->end_ns, y->end_ns);
		check_same_figures(&x->figures, &y->figures);
	}
	cr_assert_eq(a->threads.nr, b->threads.nr);
	for (uint32_t i = 0; i < a->threads.nr; i++) {
		const struct profile_thread *x = &a->threads.at[i];
		const struct profile_thread *y = &b->threads.at[i];

		cr_assert_eq(x->process, y->process);
		cr_assert_eq(x->tid, y->tid);
		cr_assert_eq(x->name, y->name);
		cr_assert_eq(x->main, y->main);
		cr_assert_eq(x->start_ns, y->start_ns);
		cr_assert_eq(x->end_ns, y->end_ns);
		cr_assert_eq(x->has_sched, y->has_sched);
		cr_assert_eq(x->cpu_ns, y->cpu_ns);
		cr_assert_eq(x->run_queue_ns, y->run_queue_ns);
		cr_assert(!memcmp(x->looks, y->looks, sizeof(x->looks)));
		cr_assert(!memcmp(x->state_ticks, y->state_ticks,
				  sizeof(x->state_ticks)));
	}
	cr_assert_eq(a->counts.nr, b->counts.nr);
	for (uint32_t i = 0; i < a->counts.nr; i++) {
		const struct profile_count *c = find_count(b, &a->counts.at[i]);

		cr_assert(c);
		cr_assert_eq(c->nr, a->counts.at[i].nr);
	}
	cr_assert_eq(a->native_lost, b->native_lost);
	cr_assert_eq(a->merges.nr, b->merges.nr);
	for (uint32_t i = 0; i < a->merges.nr; i++) {
		const struct profile_merge *x = &a->merges.at[i];
		const struct profile_merge *y = &b->merges.at[i];

		cr_assert_eq(x->thread, y->thread);
		cr_assert_eq(x->node, y->node);
		cr_assert_eq(x->outcome, y->outcome);
		cr_assert_eq(x->nr, y->nr);
	}
	cr_assert_eq(a->natives.nr, b->natives.nr);
	cr_assert(!a->natives.nr ||
		  !memcmp(a->natives.at, b->natives.at,
			  a->natives.nr * sizeof(*a->natives.at)));
	cr_assert_eq(a->awaits.rows.nr, b->awaits.rows.nr);
	for (uint32_t i = 0; i < a->awaits.rows.nr; i++) {
		const struct await_row *x = &a->awaits.rows.at[i];
		const struct await_row *y = &b->awaits.rows.at[i];

		cr_assert(x->process == y->process && x->node == y->node &&
			  x->kind == y->kind && x->us == y->us);
	}
	cr_assert_eq(a->awaits.processes.nr, b->awaits.processes.nr);
	for (uint32_t i = 0; i < a->awaits.processes.nr; i++) {
		const struct await_process *x = &a->awaits.processes.at[i];
		const struct await_process *y = &b->awaits.processes.at[i];

		cr_assert(!memcmp(x->count, y->count, sizeof(x->count)));
		cr_assert(x->process == y->process && x->squares == y->squares);
	}
	cr_assert_eq(a->sources.nr, b->sources.nr);
	for (uint32_t i = 0; i < a->sources.nr; i++) {
		cr_assert_eq(a->sources.at[i].file, b->sources.at[i].file);
		cr_assert_eq(a->sources.at[i].line, b->sources.at[i].line);
		cr_assert_eq(a->sources.at[i].text, b->sources.at[i].text);
	}
	for (uint32_t i = 0; i < a->meta.nr; i++)
		cr_assert_str_eq(
			profile_text(a, a->meta.at[i].value),
			profile_meta(b, profile_text(a, a->meta.at[i].key)));
	cr_assert_eq(a->asked_hz, b->asked_hz);
	cr_assert_eq(a->wall_ns, b->wall_ns);
	cr_assert_eq(a->tick_nr, b->tick_nr);
	cr_assert_eq(a->missed_nr, b->missed_nr);
	cr_assert_eq(a->sampler_cpu_ns, b->sampler_cpu_ns);
}

#endif

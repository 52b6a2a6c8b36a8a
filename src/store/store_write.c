/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profile/summary.h"
#include "profile/tally.h"
#include "store/store_file.h"
#include "store/store_sql.h"

enum statement {
	PUT_RECORDING,
	PUT_META,
	PUT_STRING,
	PUT_FUNCTION,
	PUT_FRAME,
	PUT_NODE,
	PUT_PROCESS,
	PUT_PROCESS_FIGURE,
	PUT_THREAD,
	PUT_NATIVE,
	PUT_AWAIT,
	PUT_AWAIT_PROCESS,
	PUT_MERGE_COUNT,
	PUT_SOURCE,
	PUT_CLOCK,
	PUT_TRACK,
	PUT_TRACK_CODE,
	PUT_STACK_COUNT,
	PUT_THREAD_COUNT,
	PUT_THREAD_STATE,
	PUT_FUNCTION_COUNT,
	PUT_LINE_COUNT,
	STATEMENT_NR
};

static const char *const statement_sql[STATEMENT_NR] = {
	[PUT_RECORDING] = "REPLACE INTO recording"
			  " VALUES (0, ?, ?, ?, ?, ?, ?, ?)",
	[PUT_META] = "REPLACE INTO meta VALUES (?, ?)",
	[PUT_STRING] = "INSERT INTO string VALUES (?, ?)",
	[PUT_FUNCTION] = "INSERT INTO function VALUES (?, ?, ?, ?, ?)",
	[PUT_FRAME] = "INSERT INTO frame VALUES (?, ?, ?)",
	[PUT_NODE] = "INSERT INTO node VALUES (?, ?, ?)",
	[PUT_PROCESS] = "REPLACE INTO process"
			" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[PUT_PROCESS_FIGURE] = "REPLACE INTO process_figure"
			       " VALUES (?1 * 32 + 32 + ?2, ?1, ?2, ?3)",
	[PUT_THREAD] = "REPLACE INTO thread"
		       " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[PUT_NATIVE] = "REPLACE INTO native VALUES (?, ?, ?, ?, ?, ?)",
	[PUT_AWAIT] = "REPLACE INTO await VALUES (?, ?, ?, ?, ?)",
	[PUT_AWAIT_PROCESS] = "REPLACE INTO await_process VALUES"
			      " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[PUT_MERGE_COUNT] = "REPLACE INTO merge_count VALUES (?, ?, ?, ?, ?)",
	[PUT_SOURCE] = "INSERT INTO source VALUES (?, ?, ?)",
	[PUT_CLOCK] = "INSERT INTO clock VALUES (?, ?, ?, ?)",
	[PUT_TRACK] = "INSERT INTO track VALUES (NULL, ?, ?, ?, ?)",
	[PUT_TRACK_CODE] = "INSERT INTO track_code VALUES (?, ?, ?, ?, ?)",
	[PUT_STACK_COUNT] = "INSERT INTO stack_count"
			    " VALUES (NULL, ?, ?, ?, ?, ?, ?)",
	[PUT_THREAD_COUNT] = "INSERT INTO thread_count"
			     " VALUES (?, ?, ?, ?, ?, ?, ?)",
	[PUT_THREAD_STATE] = "INSERT INTO thread_state"
			     " VALUES (?, ?, ?, ?, ?)",
	[PUT_FUNCTION_COUNT] = "INSERT INTO function_count"
			       " VALUES (?, ?, ?, ?, ?)",
	[PUT_LINE_COUNT] = "INSERT INTO line_count VALUES (?, ?, ?, ?, ?)",
};

/* How much of the profile is in the file. */
struct saved {
	uint32_t string_nr, function_nr, frame_nr, node_nr, count_nr;
	uint32_t source_nr;
};

struct store {
	struct store_file file;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_NR];
	struct saved saved;
	VEC(uint64_t) thread_digests; /* of the threads as they are saved */
	VEC(uint64_t) process_digests;
	VEC(uint64_t) await_us;	 /* of the rows as they are saved */
	VEC(uint64_t) merge_nrs; /* of the merged stacks as they are saved */
	bool whole;		 /* rollups are in; only the name is missing */
	bool published;
};

/*
 * synchronous=OFF: SQLite's fsync()s guard against a power cut, not against
 * the death of the process, after which the kernel still has every write, in
 * order. The rollback journal remains, so a kill in the middle of a
 * transaction is undone by the next reader. Measured with an append a second
 * of 64 threads (tests/unit/test_store_replay.c): see docs/format.md.
 *
 * locking_mode=EXCLUSIVE: the lock is what tells another tare that we are
 * alive, so it is kept between transactions. TRUNCATE: a kill between two
 * transactions leaves a journal of no bytes, and PATH.part needs nothing but
 * itself to be read (in WAL mode it would need PATH.part-wal).
 */
static const char pragmas[] = "PRAGMA page_size = 8192;"
			      "PRAGMA locking_mode = EXCLUSIVE;"
			      "PRAGMA journal_mode = TRUNCATE;"
			      "PRAGMA synchronous = OFF;"
			      "PRAGMA temp_store = MEMORY;"
			      "PRAGMA cache_size = -1024;";

static int sql_failed(struct store *s, int sqlite_rc, struct err *err)
{
	return store_write_failed(s->db, sqlite_rc, s->file.part, err);
}

static int execute(struct store *s, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? ERR_OK : sql_failed(s, rc, err);
}

/* Undo the transaction; SQLite may have done so itself. */
static void rollback(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

static int open_database(struct store *s, struct err *err)
{
	char *path = store_file_plain_path(s->file.part);
	int rc;

	if (!path)
		return err_nomem(err);
	rc = sqlite3_open_v2(path, &s->db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	free(path);
	if (rc != SQLITE_OK)
		return sql_failed(s, rc, err);
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	rc = execute(s, pragmas, err);
	if (!rc)
		rc = execute(s, "BEGIN EXCLUSIVE", err);
	if (!rc)
		rc = execute(s, store_schema, err);
	/* So that a kill from here on leaves a recording, of nothing yet. */
	if (!rc)
		rc = execute(s,
			     "INSERT INTO recording VALUES"
			     " (0, 0, 0, 0, 0, 0, 0, 0)",
			     err);
	if (!rc)
		rc = execute(s, "COMMIT", err);
	if (rc)
		rollback(s);
	return rc;
}

static int prepare(struct store *s, struct err *err)
{
	for (int i = 0; i < STATEMENT_NR; i++) {
		int rc = sqlite3_prepare_v3(s->db, statement_sql[i], -1,
					    SQLITE_PREPARE_PERSISTENT,
					    &s->statements[i], NULL);

		if (rc != SQLITE_OK)
			return sql_failed(s, rc, err);
	}
	return ERR_OK;
}

int store_create(struct store **out, const char *path, bool overwrite,
		 struct err *err)
{
	struct store *s = calloc(1, sizeof(*s));
	int rc;

	*out = NULL;
	if (!s)
		return err_nomem(err);
	rc = store_file_claim(&s->file, path, overwrite, err);
	if (rc)
		goto fail;
	rc = open_database(s, err);
	/* Until SQLite had its lock, another tare could take ours for dead. */
	if (!rc)
		rc = store_file_check(&s->file, err);
	if (!rc)
		rc = prepare(s, err);
	if (rc)
		goto fail;
	*out = s;
	return ERR_OK;
fail:
	store_discard(s);
	return rc;
}

const char *store_set_aside(const struct store *s)
{
	return s->file.aside;
}

static int step(struct store *s, enum statement which, struct err *err)
{
	sqlite3_stmt *statement = s->statements[which];
	int rc = sqlite3_step(statement);

	sqlite3_reset(statement);
	return rc == SQLITE_DONE ? ERR_OK : sql_failed(s, rc, err);
}

/* SQLite's integers are signed; what does not fit is not a real figure. */
static sqlite3_int64 integer(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (sqlite3_int64)value;
}

static int put_numbers(struct store *s, enum statement which,
		       const uint64_t *values, int nr, struct err *err)
{
	for (int i = 0; i < nr; i++)
		sqlite3_bind_int64(s->statements[which], i + 1,
				   integer(values[i]));
	return step(s, which, err);
}

#define NUMBERS(...)                                              \
	((const uint64_t[]){ __VA_ARGS__ }),                      \
		(int)(sizeof((const uint64_t[]){ __VA_ARGS__ }) / \
		      sizeof(uint64_t))

static int put_recording(struct store *s, const struct profile *p,
			 bool complete, struct err *err)
{
	sqlite3_stmt *statement = s->statements[PUT_RECORDING];
	const uint64_t figures[] = {
		p->wall_ns,	   p->tick_nr,	   p->missed_nr,
		p->sampler_cpu_ns, p->native_lost,
	};
	int nr = sizeof(figures) / sizeof(*figures);

	sqlite3_bind_int(statement, 1, complete);
	sqlite3_bind_double(statement, 2, p->asked_hz);
	for (int i = 0; i < nr; i++)
		sqlite3_bind_int64(statement, i + 3, integer(figures[i]));
	return step(s, PUT_RECORDING, err);
}

static int put_meta(struct store *s, const struct profile *p, struct err *err)
{
	sqlite3_stmt *statement = s->statements[PUT_META];

	for (uint32_t i = 0; i < p->meta.nr; i++) {
		const struct profile_meta *m = &p->meta.at[i];
		int rc;

		sqlite3_bind_text(statement, 1, profile_text(p, m->key), -1,
				  SQLITE_STATIC);
		sqlite3_bind_text(statement, 2, profile_text(p, m->value), -1,
				  SQLITE_STATIC);
		rc = step(s, PUT_META, err);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

static int put_strings(struct store *s, const struct profile *p,
		       struct err *err)
{
	sqlite3_stmt *statement = s->statements[PUT_STRING];
	int rc = ERR_OK;

	for (uint32_t i = s->saved.string_nr; !rc && i < p->strings.nr; i++) {
		sqlite3_bind_int64(statement, 1, i);
		sqlite3_bind_text(statement, 2, profile_text(p, i), -1,
				  SQLITE_STATIC);
		rc = step(s, PUT_STRING, err);
	}
	return rc;
}

/* Strings, functions, frames and nodes that are new. */
static int put_names(struct store *s, const struct profile *p, struct err *err)
{
	const struct saved *saved = &s->saved;
	int rc = put_strings(s, p, err);

	for (uint32_t i = saved->function_nr; !rc && i < p->functions.nr; i++) {
		const struct profile_function *f = &p->functions.at[i];

		rc = put_numbers(
			s, PUT_FUNCTION,
			NUMBERS(i, f->name, f->file, f->line, f->native), err);
	}
	for (uint32_t i = saved->frame_nr; !rc && i < p->frames.nr; i++) {
		const struct profile_frame *f = &p->frames.at[i];

		rc = put_numbers(s, PUT_FRAME, NUMBERS(i, f->function, f->line),
				 err);
	}
	for (uint32_t i = saved->node_nr; !rc && i < p->nodes.nr; i++) {
		const struct profile_node *n = &p->nodes.at[i];

		if (i)
			rc = put_numbers(s, PUT_NODE,
					 NUMBERS(i, n->parent, n->frame), err);
	}
	for (uint32_t i = saved->source_nr; !rc && i < p->sources.nr; i++) {
		const struct profile_source *l = &p->sources.at[i];

		rc = put_numbers(s, PUT_SOURCE,
				 NUMBERS(l->file, l->line, l->text), err);
	}
	return rc;
}

static int put_thread(struct store *s, const struct profile_thread *t,
		      uint32_t id, struct err *err)
{
	sqlite3_stmt *statement = s->statements[PUT_THREAD];

	sqlite3_bind_int64(statement, 1, id);
	sqlite3_bind_int64(statement, 2, t->process);
	sqlite3_bind_int64(statement, 3, t->tid);
	sqlite3_bind_int64(statement, 4, t->name);
	sqlite3_bind_int64(statement, 5, t->main);
	sqlite3_bind_int64(statement, 6, integer(t->start_ns));
	sqlite3_bind_int64(statement, 7, integer(t->end_ns));
	sqlite3_bind_null(statement, 8);
	sqlite3_bind_null(statement, 9);
	if (t->has_sched) {
		sqlite3_bind_int64(statement, 8, integer(t->cpu_ns));
		sqlite3_bind_int64(statement, 9, integer(t->run_queue_ns));
	}
	return step(s, PUT_THREAD, err);
}

static uint64_t digest(const uint64_t *fields, size_t nr)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < nr; i++)
		hash = map_hash(hash ^ fields[i]);
	return hash | 1; /* never 0, which is "not saved" */
}

static uint64_t thread_digest(const struct profile_thread *t)
{
	const uint64_t fields[] = {
		(uint64_t)t->process << 32 | (uint32_t)t->tid,
		(uint64_t)t->name << 2 | (uint64_t)t->main << 1 | t->has_sched,
		t->start_ns,
		t->end_ns,
		t->cpu_ns,
		t->run_queue_ns,
	};

	return digest(fields, sizeof(fields) / sizeof(*fields));
}

/*
 * Threads that are new or changed. A program may start threads by the ten
 * thousand, most of which are over: those cost nothing here.
 */
static int put_threads(struct store *s, const struct profile *p,
		       struct err *err)
{
	for (uint32_t i = 0; i < p->threads.nr; i++) {
		uint64_t now = thread_digest(&p->threads.at[i]);
		int rc;

		if (i == s->thread_digests.nr &&
		    !vec_push(&s->thread_digests, 0))
			return err_nomem(err);
		if (s->thread_digests.at[i] == now)
			continue;
		rc = put_thread(s, &p->threads.at[i], i, err);
		if (rc)
			return rc;
		s->thread_digests.at[i] = now;
	}
	return ERR_OK;
}

/* `process` is its number, or -1 for the job as a whole. */
static int put_figures(struct store *s, int64_t process,
		       const struct process_figures *f, struct err *err)
{
	sqlite3_stmt *statement = s->statements[PUT_PROCESS_FIGURE];
	int rc = ERR_OK;

	for (int i = 0; !rc && i < PROCESS_FIGURE_NR; i++) {
		if (!process_knows(f, (enum process_figure)i))
			continue;
		sqlite3_bind_int64(statement, 1, process);
		sqlite3_bind_int64(statement, 2, i);
		sqlite3_bind_int64(statement, 3, integer(f->value[i]));
		rc = step(s, PUT_PROCESS_FIGURE, err);
	}
	return rc;
}

static int put_process(struct store *s, const struct profile_process *process,
		       uint32_t id, struct err *err)
{
	sqlite3_stmt *statement = s->statements[PUT_PROCESS];
	int rc;

	sqlite3_bind_int64(statement, 1, id);
	sqlite3_bind_int64(statement, 2, process->pid);
	if (process->parent == PROCESS_NONE)
		sqlite3_bind_null(statement, 3);
	else
		sqlite3_bind_int64(statement, 3, process->parent);
	sqlite3_bind_int64(statement, 4, process->command);
	sqlite3_bind_int64(statement, 5, process->python);
	sqlite3_bind_int64(statement, 6, process->trouble);
	sqlite3_bind_int64(statement, 7, process->end);
	sqlite3_bind_int64(statement, 8, integer(process->start_ns));
	sqlite3_bind_int64(statement, 9, integer(process->end_ns));
	rc = step(s, PUT_PROCESS, err);
	return rc ? rc : put_figures(s, id, &process->figures, err);
}

static uint64_t process_digest(const struct profile_process *process)
{
	const struct process_figures *f = &process->figures;
	const uint64_t fields[] = {
		(uint64_t)process->command << 32 | process->python,
		(uint64_t)process->trouble << 32 | process->end,
		process->end_ns,
		digest(f->value, PROCESS_FIGURE_NR) ^ f->known,
	};

	return digest(fields, sizeof(fields) / sizeof(*fields));
}

static int put_processes(struct store *s, const struct profile *p,
			 struct err *err)
{
	for (uint32_t i = 0; i < p->processes.nr; i++) {
		uint64_t now = process_digest(&p->processes.at[i]);
		int rc;

		if (i == s->process_digests.nr &&
		    !vec_push(&s->process_digests, 0))
			return err_nomem(err);
		if (s->process_digests.at[i] == now)
			continue;
		rc = put_process(s, &p->processes.at[i], i, err);
		if (rc)
			return rc;
		s->process_digests.at[i] = now;
	}
	return put_figures(s, -1, &p->figures, err);
}

/* Few enough to be written anew each time. */
static int put_natives(struct store *s, const struct profile *p,
		       struct err *err)
{
	int rc = ERR_OK;

	for (uint32_t i = 0; !rc && i < p->natives.nr; i++) {
		const struct profile_native *n = &p->natives.at[i];

		rc = put_numbers(s, PUT_NATIVE,
				 NUMBERS(i, n->thread, n->kind, n->module,
					 n->symbol, n->nr),
				 err);
	}
	return rc;
}

/* Where nothing waits any more a row stays as it is. */
static int put_await_rows(struct store *s, const struct profile *p,
			  struct err *err)
{
	for (uint32_t i = 0; i < p->awaits.rows.nr; i++) {
		const struct await_row *r = &p->awaits.rows.at[i];
		int rc;

		if (i == s->await_us.nr && !vec_push(&s->await_us, UINT64_MAX))
			return err_nomem(err);
		if (s->await_us.at[i] == r->us)
			continue;
		rc = put_numbers(
			s, PUT_AWAIT,
			NUMBERS(i, r->process, r->node, r->kind, r->us), err);
		if (rc)
			return rc;
		s->await_us.at[i] = r->us;
	}
	return ERR_OK;
}

/* Those that are new or were seen again. */
static int put_merges(struct store *s, const struct profile *p, struct err *err)
{
	for (uint32_t i = 0; i < p->merges.nr; i++) {
		const struct profile_merge *m = &p->merges.at[i];
		int rc;

		if (i == s->merge_nrs.nr && !vec_push(&s->merge_nrs, 0))
			return err_nomem(err);
		if (s->merge_nrs.at[i] == m->nr)
			continue;
		rc = put_numbers(
			s, PUT_MERGE_COUNT,
			NUMBERS(i, m->thread, m->node, m->outcome, m->nr), err);
		if (rc)
			return rc;
		s->merge_nrs.at[i] = m->nr;
	}
	return ERR_OK;
}

static int put_awaits(struct store *s, const struct profile *p, struct err *err)
{
	sqlite3_stmt *statement = s->statements[PUT_AWAIT_PROCESS];
	int rc = put_await_rows(s, p, err);

	for (uint32_t i = 0; !rc && i < p->awaits.processes.nr; i++) {
		const struct await_process *of = &p->awaits.processes.at[i];

		sqlite3_bind_int64(statement, 1, of->process);
		for (int k = 0; k < AWAIT_COUNT_NR; k++)
			sqlite3_bind_int64(statement, 2 + k,
					   integer(of->count[k]));
		sqlite3_bind_double(statement, 2 + AWAIT_COUNT_NR, of->squares);
		rc = step(s, PUT_AWAIT_PROCESS, err);
	}
	return rc;
}

static int put_track(struct store *s, uint32_t thread, uint64_t first_tick,
		     uint64_t tick_nr, const struct buf *runs, struct err *err)
{
	sqlite3_stmt *statement = s->statements[PUT_TRACK];
	int rc;

	if (runs->failed)
		return ERR_OK; /* memory ran out: half a track is none */
	sqlite3_bind_blob64(statement, 4, runs->data, runs->size,
			    SQLITE_STATIC);
	rc = put_numbers(s, PUT_TRACK, NUMBERS(thread, first_tick, tick_nr),
			 err);
	/* The bytes do not live on: do not leave a pointer to them. */
	sqlite3_bind_null(statement, 4);
	return rc;
}

static int put_tracks(struct store *s, const struct profile *p, struct err *err)
{
	int rc = ERR_OK;

	for (uint32_t i = s->saved.count_nr; !rc && i < p->counts.nr; i++) {
		const struct profile_count *c = &p->counts.at[i];

		rc = put_numbers(
			s, PUT_TRACK_CODE,
			NUMBERS(i, c->thread, c->node, c->quality, c->state),
			err);
	}
	for (uint32_t i = 0; !rc && i < p->pieces.nr; i++) {
		const struct profile_piece *k = &p->pieces.at[i];

		rc = put_track(s, k->thread, k->first_tick, k->tick_nr,
			       &k->runs, err);
	}
	for (uint32_t i = 0; !rc && i < p->threads.nr; i++) {
		const struct profile_track *k = &p->threads.at[i].track;

		if (k->tick_nr)
			rc = put_track(s, i, k->first_tick, k->tick_nr,
				       &k->runs, err);
	}
	return rc;
}

static int put_clock(struct store *s, const struct profile *p, struct err *err)
{
	sqlite3_stmt *statement = s->statements[PUT_CLOCK];
	int rc;

	if (!p->clock.size || p->clock.failed)
		return ERR_OK;
	sqlite3_bind_blob64(statement, 4, p->clock.data, p->clock.size,
			    SQLITE_STATIC);
	rc = put_numbers(s, PUT_CLOCK,
			 NUMBERS(p->clock_first_tick,
				 p->tick_nr - p->clock_first_tick,
				 p->clock_base_us),
			 err);
	sqlite3_bind_null(statement, 4);
	return rc;
}

static int put_news(struct store *s, const struct profile *p, struct err *err)
{
	int rc = put_recording(s, p, false, err);

	if (!rc)
		rc = put_meta(s, p, err);
	if (!rc)
		rc = put_names(s, p, err);
	if (!rc)
		rc = put_processes(s, p, err);
	if (!rc)
		rc = put_threads(s, p, err);
	if (!rc)
		rc = put_natives(s, p, err);
	if (!rc)
		rc = put_awaits(s, p, err);
	if (!rc)
		rc = put_merges(s, p, err);
	if (!rc)
		rc = put_tracks(s, p, err);
	if (!rc)
		rc = put_clock(s, p, err);
	return rc;
}

int store_append(struct store *s, struct profile *p, struct err *err)
{
	int rc;

	profile_close_runs(p);
	rc = execute(s, "BEGIN", err);
	if (rc)
		return rc;
	rc = put_news(s, p, err);
	if (!rc)
		rc = execute(s, "COMMIT", err);
	if (rc) {
		rollback(s);
		s->thread_digests.nr = 0; /* they are not what is saved */
		s->process_digests.nr = 0;
		s->await_us.nr = 0;
		s->merge_nrs.nr = 0;
		return rc;
	}
	s->saved = (struct saved){
		.string_nr = p->strings.nr,
		.function_nr = p->functions.nr,
		.frame_nr = p->frames.nr,
		.node_nr = p->nodes.nr,
		.count_nr = p->counts.nr,
		.source_nr = p->sources.nr,
	};
	profile_drop_taken(p);
	return ERR_OK;
}

static int put_counts(struct store *s, const struct profile *p, struct err *err)
{
	int rc = ERR_OK;

	for (uint32_t i = 0; !rc && i < p->counts.nr; i++) {
		const struct profile_count *c = &p->counts.at[i];

		rc = put_numbers(s, PUT_STACK_COUNT,
				 NUMBERS(c->thread, c->node, c->quality,
					 c->state, c->nr, c->ticks),
				 err);
	}
	for (uint32_t i = 0; !rc && i < p->threads.nr; i++) {
		const uint64_t *looks = p->threads.at[i].looks;

		rc = put_numbers(
			s, PUT_THREAD_COUNT,
			NUMBERS(i, summary_thread_wall_ns(p, i),
				looks[SAMPLE_COMPLETE], looks[SAMPLE_SALVAGED],
				looks[SAMPLE_INCONSISTENT], looks[SAMPLE_LOST],
				looks[SAMPLE_NO_PYTHON]),
			err);
	}
	return rc;
}

static int put_table(struct store *s, enum statement which, uint32_t thread,
		     enum thread_state state, const struct tally_table *table,
		     struct err *err)
{
	int rc = ERR_OK;

	for (uint32_t i = 0; !rc && i < table->seen_nr; i++) {
		uint32_t id = table->seen[i];
		const struct tally_sum *sum = &table->sums[id];

		rc = put_numbers(
			s, which,
			NUMBERS(thread, state, id, sum->self_nr, sum->total_nr),
			err);
	}
	return rc;
}

/* Samples without a Python frame, in place of a function or frame: NULL. */
static int put_bare(struct store *s, enum statement which, uint32_t thread,
		    enum thread_state state, uint64_t nr, struct err *err)
{
	sqlite3_stmt *statement = s->statements[which];

	if (!nr)
		return ERR_OK;
	sqlite3_bind_int64(statement, 1, thread);
	sqlite3_bind_int64(statement, 2, state);
	sqlite3_bind_null(statement, 3);
	sqlite3_bind_int64(statement, 4, integer(nr));
	sqlite3_bind_int64(statement, 5, integer(nr));
	return step(s, which, err);
}

static int put_state_rollup(struct store *s, const struct profile *p,
			    uint32_t thread, enum thread_state state,
			    struct tally *t, struct err *err)
{
	const struct profile_thread *of = &p->threads.at[thread];
	int rc;

	for (uint32_t i = 0; i < of->codes.nr; i++) {
		const struct profile_count *c = &p->counts.at[of->codes.at[i]];

		if (c->quality == SAMPLE_COMPLETE && c->state == state)
			tally_add(t, c->node, c->ticks, 0);
	}
	tally_finish(t);
	rc = put_table(s, PUT_FUNCTION_COUNT, thread, state, &t->functions,
		       err);
	if (!rc)
		rc = put_table(s, PUT_LINE_COUNT, thread, state, &t->frames,
			       err);
	if (!rc)
		rc = put_bare(s, PUT_FUNCTION_COUNT, thread, state,
			      t->bare.self_nr, err);
	if (!rc)
		rc = put_bare(s, PUT_LINE_COUNT, thread, state, t->bare.self_nr,
			      err);
	tally_clear(t);
	return rc;
}

static int put_thread_rollup(struct store *s, const struct profile *p,
			     const struct summary_thread *thread,
			     struct tally *t, struct err *err)
{
	int rc = ERR_OK;

	for (int i = 0; !rc && i < STATE_NR; i++) {
		const struct summary_state *state = &thread->states[i];

		if (!state->complete && state->s <= 0)
			continue;
		sqlite3_bind_double(s->statements[PUT_THREAD_STATE], 5,
				    state->second_per_tick);
		rc = put_numbers(s, PUT_THREAD_STATE,
				 NUMBERS(thread->thread, (uint64_t)i,
					 (uint64_t)(state->s * 1e9 + 0.5),
					 state->ticks),
				 err);
		if (!rc && state->complete)
			rc = put_state_rollup(s, p, thread->thread,
					      (enum thread_state)i, t, err);
	}
	return rc;
}

static int put_rollups(struct store *s, const struct profile *p,
		       struct err *err)
{
	struct summary_thread *threads = summary_threads(p);
	struct tally t = { 0 };
	int rc;

	if (!threads)
		return err_nomem(err);
	rc = tally_init(&t, p, err);
	if (!rc)
		rc = put_counts(s, p, err);
	for (uint32_t i = 0; !rc && i < p->threads.nr; i++)
		rc = put_thread_rollup(s, p, &threads[i], &t, err);
	if (!rc)
		rc = put_recording(s, p, true, err);
	tally_release(&t);
	free(threads);
	return rc;
}

static int make_whole(struct store *s, struct profile *p, struct err *err)
{
	int rc;

	rc = store_append(s, p, err);
	if (!rc)
		rc = execute(s, "BEGIN", err);
	if (rc)
		return rc;
	rc = put_rollups(s, p, err);
	if (!rc)
		rc = execute(s, "COMMIT", err);
	if (rc)
		rollback(s);
	else
		s->whole = true;
	return rc;
}

int store_commit(struct store *s, struct profile *p, struct err *err)
{
	int rc;

	if (!s->whole) {
		rc = make_whole(s, p, err);
		if (rc)
			return rc;
	}
	rc = store_file_check(&s->file, err);
	if (rc)
		return rc;
	store_file_drop_journal(&s->file); /* no transaction follows */
	rc = store_file_publish(&s->file, err);
	if (!rc)
		s->published = true;
	return rc;
}

/* Is PATH.part ours, and locked by us? */
static bool is_held(const struct store *s)
{
	struct err ignored;

	return s->db && !s->published && s->file.fd >= 0 &&
	       !store_file_check(&s->file, &ignored);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (is_held(s))
		store_file_drop_journal(&s->file);
	for (int i = 0; i < STATEMENT_NR; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->db);
	vec_release(&s->thread_digests);
	vec_release(&s->process_digests);
	vec_release(&s->await_us);
	vec_release(&s->merge_nrs);
	store_file_release(&s->file);
	free(s);
}

void store_discard(struct store *s)
{
	if (s && !s->published) {
		if (is_held(s))
			store_file_drop_journal(&s->file);
		store_file_remove(&s->file);
	}
	store_close(s);
}

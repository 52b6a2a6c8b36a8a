/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_awaits.h"
#include "store/store_file.h"
#include "store/store_reader.h"
#include "store/store_sql.h"

#define NUMBER_MAX ((uint64_t)INT64_MAX)
#define U32_MAX ((uint64_t)UINT32_MAX)

/* tare writes a dozen; they are looked up one by one. */
#define META_NR_MAX 256

/* No text or blob that tare writes comes near (profile.c cuts its tracks). */
#define VALUE_SIZE_MAX (256 << 20)

/* The fixed part of an SQLite file: https://www.sqlite.org/fileformat2.html */
#define HEADER_SIZE 100
#define HEADER_WRITE_VERSION 18
#define HEADER_READ_VERSION 19
#define HEADER_USER_VERSION 60
#define HEADER_APPLICATION_ID 68

int store_reader_damaged(struct store_reader *r, const char *what)
{
	int rc = err_set(r->err, ERR_CORRUPT, "'%s' is damaged: %s", r->path,
			 what);

	err_hint(r->err, "record it again, or take it from a backup");
	return rc;
}

int store_reader_nomem(struct store_reader *r)
{
	return err_nomem(r->err);
}

bool store_reader_number(sqlite3_stmt *row, int column, uint64_t limit,
			 uint64_t *out)
{
	sqlite3_int64 value;

	if (sqlite3_column_type(row, column) != SQLITE_INTEGER)
		return false;
	value = sqlite3_column_int64(row, column);
	if (value < 0 || (uint64_t)value >= limit)
		return false;
	*out = (uint64_t)value;
	return true;
}

bool store_reader_u32(sqlite3_stmt *row, int column, uint64_t limit,
		      uint32_t *out)
{
	uint64_t value;

	if (!store_reader_number(row, column, limit < U32_MAX ? limit : U32_MAX,
				 &value))
		return false;
	*out = (uint32_t)value;
	return true;
}

bool store_reader_add_looks(struct store_reader *r, uint64_t nr)
{
	return !__builtin_add_overflow(r->look_nr, nr, &r->look_nr) &&
	       r->look_nr <= NUMBER_MAX;
}

static int sql_failed(struct store_reader *r, int sqlite_rc)
{
	return store_read_failed(r->db, sqlite_rc, r->path, r->err);
}

/* SQLite's own check of one table: pages, order of rows, types. */
static int check_table(struct store_reader *r, const char *table)
{
	sqlite3_stmt *row = NULL;
	char sql[64];
	int rc;

	snprintf(sql, sizeof(sql), "PRAGMA quick_check(%s)", table);
	rc = sqlite3_prepare_v2(r->db, sql, -1, &row, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(row);
	if (rc != SQLITE_ROW)
		rc = sql_failed(r, rc);
	else if (strcmp((const char *)sqlite3_column_text(row, 0), "ok"))
		rc = store_reader_damaged(
			r, (const char *)sqlite3_column_text(row, 0));
	else
		rc = ERR_OK;
	sqlite3_finalize(row);
	return rc;
}

int store_reader_each(struct store_reader *r, const char *table, const char *id,
		      store_row_fn *fn)
{
	sqlite3_int64 last = INT64_MIN, now;
	sqlite3_stmt *row = NULL;
	char sql[96];
	int step, rc;

	rc = check_table(r, table);
	if (rc)
		return rc;
	r->row_nr = 0;
	snprintf(sql, sizeof(sql), "SELECT %s, * FROM %s ORDER BY 1", id,
		 table);
	step = sqlite3_prepare_v2(r->db, sql, -1, &row, NULL);
	if (step == SQLITE_OK)
		step = sqlite3_step(row);
	while (!rc && step == SQLITE_ROW) {
		now = sqlite3_column_int64(row, 0);
		if (r->row_nr++ && now <= last)
			rc = store_reader_damaged(r, "rows out of order");
		else
			rc = fn(r, row);
		last = now;
		step = sqlite3_step(row);
	}
	if (!rc && step != SQLITE_DONE)
		rc = sql_failed(r, step);
	sqlite3_finalize(row);
	return rc;
}

/* Column 0 is the id that store_reader_each() asks for, so `*` begins at 1. */
static bool is_next_id(struct store_reader *r, sqlite3_stmt *row,
		       uint64_t first)
{
	return (uint64_t)sqlite3_column_int64(row, 1) == first + r->row_nr - 1;
}

/* A text without NUL inside, which is where C would cut it; else NULL. */
static const char *get_text(sqlite3_stmt *row, int column, size_t *size)
{
	const char *text;

	if (sqlite3_column_type(row, column) != SQLITE_TEXT)
		return NULL;
	text = (const char *)sqlite3_column_text(row, column);
	*size = (size_t)sqlite3_column_bytes(row, column);
	return text && strlen(text) == *size ? text : NULL;
}

static int read_recording(struct store_reader *r, sqlite3_stmt *row)
{
	struct profile *p = r->profile;
	uint64_t *const figures[] = {
		&p->wall_ns,	    &p->tick_nr,     &p->missed_nr,
		&p->sampler_cpu_ns, &p->native_lost,
	};
	uint64_t complete;

	if (!is_next_id(r, row, 0) ||
	    !store_reader_number(row, 2, 2, &complete) ||
	    sqlite3_column_type(row, 3) != SQLITE_FLOAT)
		return store_reader_damaged(r, "table 'recording'");
	r->complete = complete;
	p->asked_hz = sqlite3_column_double(row, 3);
	if (!(p->asked_hz >= 0 && p->asked_hz <= 1e9))
		return store_reader_damaged(r, "the rate");
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		if (!store_reader_number(row, (int)i + 4, NUMBER_MAX,
					 figures[i]))
			return store_reader_damaged(r, "table 'recording'");
	return ERR_OK;
}

static int read_meta(struct store_reader *r, sqlite3_stmt *row)
{
	size_t key_size, value_size;
	const char *key = get_text(row, 0, &key_size);
	const char *value = get_text(row, 1, &value_size);

	if (!key || !value)
		return store_reader_damaged(r, "table 'meta'");
	profile_set_meta(r->profile, key, value);
	return ERR_OK;
}

static int read_string(struct store_reader *r, sqlite3_stmt *row)
{
	size_t size;
	const char *text = get_text(row, 2, &size);
	uint32_t id;

	if (!text || !is_next_id(r, row, 0))
		return store_reader_damaged(r, "table 'string'");
	id = profile_string(r->profile, text, size);
	if (r->profile->failed)
		return store_reader_nomem(r);
	if (id != r->row_nr - 1)
		return store_reader_damaged(r, "a string is there twice");
	return ERR_OK;
}

static int read_function(struct store_reader *r, sqlite3_stmt *row)
{
	struct profile *p = r->profile;
	uint32_t name, file, line, native, id;

	if (!is_next_id(r, row, 0) ||
	    !store_reader_u32(row, 2, p->strings.nr, &name) ||
	    !store_reader_u32(row, 3, p->strings.nr, &file) ||
	    !store_reader_u32(row, 4, U32_MAX, &line) ||
	    !store_reader_u32(row, 5, 2, &native) || (native && line))
		return store_reader_damaged(r, "table 'function'");
	id = native ? profile_native_function(p, name, file)
		    : profile_function(p, name, file, line);
	if (p->failed)
		return store_reader_nomem(r);
	if (id != r->row_nr - 1)
		return store_reader_damaged(r, "a function is there twice");
	return ERR_OK;
}

static int read_frame(struct store_reader *r, sqlite3_stmt *row)
{
	struct profile *p = r->profile;
	uint32_t function, line, id;

	if (!is_next_id(r, row, 0) ||
	    !store_reader_u32(row, 2, p->functions.nr, &function) ||
	    !store_reader_u32(row, 3, U32_MAX, &line))
		return store_reader_damaged(r, "table 'frame'");
	id = profile_frame(p, function, line);
	if (p->failed)
		return store_reader_nomem(r);
	if (id != r->row_nr - 1)
		return store_reader_damaged(r, "a frame is there twice");
	return ERR_OK;
}

static int read_node(struct store_reader *r, sqlite3_stmt *row)
{
	struct profile *p = r->profile;
	uint32_t parent, frame, id;

	/* All nodes so far are those below this one: parent < id. */
	if (!is_next_id(r, row, 1) ||
	    !store_reader_u32(row, 2, p->nodes.nr, &parent) ||
	    !store_reader_u32(row, 3, p->frames.nr, &frame))
		return store_reader_damaged(r, "table 'node'");
	id = profile_node(p, parent, frame);
	if (p->failed)
		return store_reader_nomem(r);
	if (id != r->row_nr)
		return store_reader_damaged(r, "a node is there twice");
	return ERR_OK;
}

static int read_process(struct store_reader *r, sqlite3_stmt *row)
{
	struct profile *p = r->profile;
	struct profile_process *process;
	uint64_t pid, start, end;
	uint32_t parent = PROCESS_NONE, names[4];

	/* All processes so far are those before this one: parent < id. */
	if (!is_next_id(r, row, 0) ||
	    !store_reader_number(row, 2, (uint64_t)INT32_MAX + 1, &pid) ||
	    (sqlite3_column_type(row, 3) != SQLITE_NULL &&
	     !store_reader_u32(row, 3, p->processes.nr, &parent)) ||
	    !store_reader_number(row, 8, NUMBER_MAX, &start) ||
	    !store_reader_number(row, 9, NUMBER_MAX, &end) || start > end)
		return store_reader_damaged(r, "table 'process'");
	for (int i = 0; i < 4; i++)
		if (!store_reader_u32(row, 4 + i, p->strings.nr, &names[i]))
			return store_reader_damaged(r, "table 'process'");
	profile_add_process(p, (int32_t)pid, parent, start);
	if (p->failed)
		return store_reader_nomem(r);
	process = &p->processes.at[p->processes.nr - 1];
	process->command = names[0];
	process->python = names[1];
	process->trouble = names[2];
	process->end = names[3];
	process->end_ns = end;
	return ERR_OK;
}

static int read_process_figure(struct store_reader *r, sqlite3_stmt *row)
{
	struct profile *p = r->profile;
	struct process_figures *f = &p->figures;
	uint32_t process, figure;
	uint64_t value;

	if (!store_reader_u32(row, 3, PROCESS_FIGURE_NR, &figure) ||
	    !store_reader_number(row, 4, NUMBER_MAX, &value))
		return store_reader_damaged(r, "table 'process_figure'");
	if (sqlite3_column_int64(row, 2) != -1) {
		if (!store_reader_u32(row, 2, p->processes.nr, &process))
			return store_reader_damaged(r,
						    "table 'process_figure'");
		f = &p->processes.at[process].figures;
	}
	process_set(f, (enum process_figure)figure, value);
	return ERR_OK;
}

static int read_thread(struct store_reader *r, sqlite3_stmt *row)
{
	struct profile *p = r->profile;
	struct profile_thread *t;
	uint64_t tid, start, end, is_main;
	uint32_t process, name;

	if (!is_next_id(r, row, 0) ||
	    !store_reader_u32(row, 2, p->processes.nr, &process) ||
	    !store_reader_number(row, 3, (uint64_t)INT32_MAX + 1, &tid) ||
	    !store_reader_u32(row, 4, p->strings.nr, &name) ||
	    !store_reader_number(row, 5, 2, &is_main) ||
	    !store_reader_number(row, 6, NUMBER_MAX, &start) ||
	    !store_reader_number(row, 7, NUMBER_MAX, &end) || start > end)
		return store_reader_damaged(r, "table 'thread'");
	profile_add_thread(p, process, (int32_t)tid, start);
	if (p->failed)
		return store_reader_nomem(r);
	t = &p->threads.at[p->threads.nr - 1];
	t->name = name;
	t->main = is_main;
	t->end_ns = end;
	t->has_sched = sqlite3_column_type(row, 8) != SQLITE_NULL;
	if (t->has_sched &&
	    (!store_reader_number(row, 8, NUMBER_MAX, &t->cpu_ns) ||
	     !store_reader_number(row, 9, NUMBER_MAX, &t->run_queue_ns)))
		return store_reader_damaged(r, "table 'thread'");
	return ERR_OK;
}

static int read_native(struct store_reader *r, sqlite3_stmt *row)
{
	struct profile *p = r->profile;
	uint32_t thread, kind, module, symbol;
	uint64_t nr;

	if (!is_next_id(r, row, 0) ||
	    !store_reader_u32(row, 2, p->threads.nr, &thread) ||
	    !store_reader_u32(row, 3, p->strings.nr, &kind) ||
	    !store_reader_u32(row, 4, p->strings.nr, &module) ||
	    !store_reader_u32(row, 5, p->strings.nr, &symbol) ||
	    !store_reader_number(row, 6, NUMBER_MAX, &nr) ||
	    !store_reader_add_looks(r, nr))
		return store_reader_damaged(r, "table 'native'");
	profile_native(p, thread, kind, module, symbol, nr);
	return p->failed ? store_reader_nomem(r) : ERR_OK;
}

static int read_merge_count(struct store_reader *r, sqlite3_stmt *row)
{
	struct profile *p = r->profile;
	uint32_t thread, node, outcome, before = p->merges.nr;
	uint64_t nr;

	if (!is_next_id(r, row, 0) ||
	    !store_reader_u32(row, 2, p->threads.nr, &thread) ||
	    !store_reader_u32(row, 3, p->nodes.nr, &node) ||
	    !store_reader_u32(row, 4, MERGE_OUTCOME_NR, &outcome) ||
	    !store_reader_number(row, 5, NUMBER_MAX, &nr) ||
	    (node && outcome > MERGE_CUT) || !store_reader_add_looks(r, nr))
		return store_reader_damaged(r, "table 'merge_count'");
	profile_merge(p, thread, node, (enum merge_outcome)outcome, nr);
	if (p->failed)
		return store_reader_nomem(r);
	if (p->merges.nr == before)
		return store_reader_damaged(r, "a merged stack is there twice");
	return ERR_OK;
}

static int read_source(struct store_reader *r, sqlite3_stmt *row)
{
	struct profile *p = r->profile;
	uint32_t file, line, text;
	const char *s;

	if (!store_reader_u32(row, 1, p->strings.nr, &file) ||
	    !store_reader_u32(row, 2, U32_MAX, &line) ||
	    !store_reader_u32(row, 3, p->strings.nr, &text))
		return store_reader_damaged(r, "table 'source'");
	s = profile_text(p, text);
	profile_add_source(p, file, line, s, strlen(s));
	return p->failed ? store_reader_nomem(r) : ERR_OK;
}

static int read_stack_count(struct store_reader *r, sqlite3_stmt *row)
{
	struct profile *p = r->profile;
	uint32_t thread, node, quality, state, before = p->counts.nr;
	uint64_t nr, ticks;

	if (!store_reader_u32(row, 2, p->threads.nr, &thread) ||
	    !store_reader_u32(row, 3, p->nodes.nr, &node) ||
	    !store_reader_u32(row, 4, SAMPLE_QUALITY_NR, &quality) ||
	    !store_reader_u32(row, 5, STATE_NR, &state) ||
	    !store_reader_number(row, 6, NUMBER_MAX, &nr) ||
	    !store_reader_number(row, 7, NUMBER_MAX, &ticks) || ticks < nr ||
	    !store_reader_add_looks(r, ticks))
		return store_reader_damaged(r, "table 'stack_count'");
	if (!profile_add_count(p, thread, node, (enum sample_quality)quality,
			       (enum thread_state)state, nr))
		return store_reader_nomem(r);
	if (p->counts.nr == before)
		return store_reader_damaged(r, "a count is there twice");
	profile_add_missed(p, before, ticks - nr);
	return ERR_OK;
}

static int read_tables(struct store_reader *r)
{
	static const struct {
		const char *table, *id;
		store_row_fn *fn;
	} tables[] = {
		{ "string", "id", read_string },
		{ "function", "id", read_function },
		{ "frame", "id", read_frame },
		{ "node", "id", read_node },
		{ "process", "id", read_process },
		{ "process_figure", "id", read_process_figure },
		{ "thread", "id", read_thread },
		{ "native", "id", read_native },
		{ "await", "id", store_read_await },
		{ "await_process", "process", store_read_await_process },
		{ "merge_count", "id", read_merge_count },
		{ "source", "rowid", read_source },
	};
	int rc;

	rc = store_reader_each(r, "recording", "id", read_recording);
	if (!rc && r->row_nr != 1)
		rc = store_reader_damaged(r, "table 'recording'");
	for (size_t i = 0; !rc && i < sizeof(tables) / sizeof(*tables); i++)
		rc = store_reader_each(r, tables[i].table, tables[i].id,
				       tables[i].fn);
	return rc;
}

/* Apart from the others because its key is a text, not a number. */
static int read_meta_table(struct store_reader *r)
{
	static const char sql[] = "SELECT key, value FROM meta";
	sqlite3_stmt *row = NULL;
	int step, rc;

	rc = check_table(r, "meta");
	if (rc)
		return rc;
	r->row_nr = 0;
	step = sqlite3_prepare_v2(r->db, sql, -1, &row, NULL);
	if (step == SQLITE_OK)
		step = sqlite3_step(row);
	while (!rc && step == SQLITE_ROW) {
		rc = r->row_nr++ < META_NR_MAX
			     ? read_meta(r, row)
			     : store_reader_damaged(r, "table 'meta'");
		step = sqlite3_step(row);
	}
	if (!rc && step != SQLITE_DONE)
		rc = sql_failed(r, step);
	if (!rc && r->profile->failed)
		rc = store_reader_nomem(r);
	sqlite3_finalize(row);
	return rc;
}

static bool same_column(sqlite3_stmt *a, sqlite3_stmt *b, int column)
{
	const char *x = (const char *)sqlite3_column_text(a, column);
	const char *y = (const char *)sqlite3_column_text(b, column);

	return x && y && !strcmp(x, y);
}

static int compare_rows(struct store_reader *r, sqlite3_stmt *ours,
			sqlite3_stmt *theirs)
{
	int have, rc;

	for (;;) {
		rc = sqlite3_step(ours);
		have = sqlite3_step(theirs);
		if (have != SQLITE_ROW && have != SQLITE_DONE)
			return sql_failed(r, have);
		if (rc == SQLITE_DONE && have == SQLITE_DONE)
			return ERR_OK;
		if (rc != SQLITE_ROW && rc != SQLITE_DONE)
			return err_nomem(r->err);
		if (rc != have)
			break;
		for (int i = 0; i < 4; i++)
			if (!same_column(ours, theirs, i))
				goto differ;
	}
differ:
	rc = err_set(r->err, ERR_CORRUPT,
		     "'%s' has other tables, views or triggers than tare "
		     "writes",
		     r->path);
	err_hint(r->err, "keep your own tables in a file of their own "
			 "(ATTACH); record this one again");
	return rc;
}

/*
 * Everything in the schema has to be, word for word, what tare writes: then
 * no view, trigger, generated column or virtual table of somebody else's is
 * there to be run.
 */
static int check_schema(struct store_reader *r)
{
	static const char sql[] = "SELECT type, name, tbl_name, sql "
				  "FROM sqlite_schema ORDER BY name";
	sqlite3_stmt *ours = NULL, *theirs = NULL;
	sqlite3 *model = NULL;
	int rc;

	rc = sqlite3_open_v2(":memory:", &model,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(model, store_schema, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(model, sql, -1, &ours, NULL);
	if (rc != SQLITE_OK) {
		rc = err_set(r->err,
			     rc == SQLITE_NOMEM ? ERR_NOMEM : ERR_UNSUPPORTED,
			     "this SQLite cannot make tare's tables: %s",
			     sqlite3_errmsg(model));
		goto out;
	}
	rc = sqlite3_prepare_v2(r->db, sql, -1, &theirs, NULL);
	rc = rc == SQLITE_OK ? compare_rows(r, ours, theirs)
			     : sql_failed(r, rc);
out:
	sqlite3_finalize(ours);
	sqlite3_finalize(theirs);
	sqlite3_close(model);
	return rc;
}

static uint32_t big_endian(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

static int not_tare(struct store_reader *r, const char *why)
{
	int rc = err_set(r->err, ERR_CORRUPT, "'%s' is not a tare file%s",
			 r->path, why);

	err_hint(r->err, "a recording is made with: tare run SCRIPT");
	return rc;
}

static int check_header(struct store_reader *r, const uint8_t *header,
			size_t size)
{
	uint32_t version;
	int rc;

	if (!size) {
		rc = err_set(r->err, ERR_CORRUPT, "'%s' is empty", r->path);
		err_hint(r->err, "tare was killed before it had recorded "
				 "anything; remove it");
		return rc;
	}
	if (size < HEADER_SIZE || memcmp(header, "SQLite format 3", 16))
		return not_tare(r, "");
	if (big_endian(header + HEADER_APPLICATION_ID) != STORE_APPLICATION_ID)
		return not_tare(r, " but another SQLite database");
	version = big_endian(header + HEADER_USER_VERSION);
	if (version > STORE_VERSION) {
		rc = err_set(r->err, ERR_UNSUPPORTED,
			     "'%s' was made by a newer tare (format %u, this "
			     "one knows %d)",
			     r->path, version, STORE_VERSION);
		err_hint(r->err, "upgrade: pip install --upgrade tare");
		return rc;
	}
	if (version < STORE_VERSION) {
		rc = err_set(r->err, ERR_UNSUPPORTED,
			     "'%s' was made by an older tare (format %u, this "
			     "one knows %d)",
			     r->path, version, STORE_VERSION);
		err_hint(r->err, "record it again");
		return rc;
	}
	/* Its WAL would have to be written to be read. */
	if (header[HEADER_WRITE_VERSION] != 1 ||
	    header[HEADER_READ_VERSION] != 1) {
		rc = err_set(r->err, ERR_CORRUPT, "'%s' is in WAL mode",
			     r->path);
		err_hint(r->err, "sqlite3 '%s' 'PRAGMA journal_mode=DELETE'",
			 r->path);
		return rc;
	}
	return ERR_OK;
}

/* Say what the file is, before SQLite is let near it. */
static int check_file(struct store_reader *r)
{
	uint8_t header[HEADER_SIZE];
	struct stat st;
	ssize_t size;
	int fd, rc;

	fd = open(r->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		rc = err_sys(r->err, "cannot open '%s'", r->path);
		if (rc == ERR_SYS)
			err_hint(r->err, "look for recordings with: ls *.tare");
		return rc;
	}
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		rc = not_tare(r, ", not even a regular file");
		goto out;
	}
	size = pread(fd, header, sizeof(header), 0);
	rc = size < 0 ? err_sys(r->err, "cannot read '%s'", r->path)
		      : check_header(r, header, (size_t)size);
out:
	close(fd);
	return rc;
}

static int open_database(struct store_reader *r, int flags)
{
	char *path = store_file_plain_path(r->path);
	int rc;

	if (!path)
		return err_nomem(r->err);
	rc = sqlite3_open_v2(path, &r->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
	free(path);
	if (rc != SQLITE_OK)
		return sql_failed(r, rc);
	sqlite3_extended_result_codes(r->db, 1);
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(r->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_limit(r->db, SQLITE_LIMIT_LENGTH, VALUE_SIZE_MAX);
	sqlite3_limit(r->db, SQLITE_LIMIT_ATTACHED, 0);
	rc = sqlite3_exec(r->db,
			  "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0",
			  NULL, NULL, NULL);
	return rc == SQLITE_OK ? ERR_OK : sql_failed(r, rc);
}

/*
 * A journal may end in the name of a "super-journal", a file that SQLite
 * would read and remove. tare never writes one, so that name is an attack.
 */
static int check_journal(struct store_reader *r)
{
	static const uint8_t magic[8] = { 0xd9, 0xd5, 0x05, 0xf9,
					  0x20, 0xa1, 0x63, 0xd7 };
	char name[4096];
	uint8_t tail[8];
	struct stat st;
	int fd, rc = ERR_OK;

	if (snprintf(name, sizeof(name), "%s-journal", r->path) >=
	    (int)sizeof(name))
		return store_reader_damaged(r, "its path is too long");
	fd = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_sys(r->err, "cannot open '%s'", name);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    (st.st_size >= (off_t)sizeof(tail) &&
	     pread(fd, tail, sizeof(tail), st.st_size - (off_t)sizeof(tail)) !=
		     sizeof(tail)) ||
	    (st.st_size >= (off_t)sizeof(tail) &&
	     !memcmp(tail, magic, sizeof(tail))))
		rc = store_reader_damaged(r, "its journal is not tare's");
	close(fd);
	return rc;
}

/*
 * tare was killed in the middle of a transaction: what it had not finished is
 * undone, in place, as SQLite does for every reader that may write.
 */
static int undo_transaction(struct store_reader *r)
{
	struct err why;
	int rc;

	rc = check_journal(r);
	if (rc)
		return rc;
	sqlite3_close(r->db);
	r->db = NULL;
	rc = open_database(r, SQLITE_OPEN_READWRITE);
	if (!rc) {
		rc = sqlite3_exec(r->db, "SELECT 1 FROM sqlite_schema", NULL,
				  NULL, NULL);
		rc = rc == SQLITE_OK ? ERR_OK : sql_failed(r, rc);
	}
	if (rc) {
		why = *r->err;
		err_set(r->err, (enum err_code)rc,
			"'%s' was cut off in the middle of a write, which "
			"cannot be undone: %s",
			r->path, why.msg);
		err_hint(r->err,
			 "copy it and '%s-journal' to a directory of "
			 "your own and try there",
			 r->path);
		return rc;
	}
	sqlite3_close(r->db);
	r->db = NULL;
	/* If it was the first transaction, nothing is left now. */
	rc = check_file(r);
	return rc ? rc : open_database(r, SQLITE_OPEN_READONLY);
}

/* One read transaction over all, so that nothing changes under us. */
static int begin(struct store_reader *r)
{
	static const char sql[] = "BEGIN; SELECT 1 FROM sqlite_schema";
	int rc;

	rc = open_database(r, SQLITE_OPEN_READONLY);
	if (rc)
		return rc;
	rc = sqlite3_exec(r->db, sql, NULL, NULL, NULL);
	if (rc == SQLITE_READONLY_ROLLBACK) {
		rc = undo_transaction(r);
		if (rc)
			return rc;
		rc = sqlite3_exec(r->db, sql, NULL, NULL, NULL);
	}
	return rc == SQLITE_OK ? ERR_OK : sql_failed(r, rc);
}

/* SQLite would miss that the last page, if it is not read, is cut. */
static int check_size(struct store_reader *r)
{
	static const char sql[] = "SELECT page_count * page_size FROM "
				  "pragma_page_count, pragma_page_size";
	sqlite3_stmt *row = NULL;
	struct stat st;
	int rc;

	rc = sqlite3_prepare_v2(r->db, sql, -1, &row, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(row);
	if (rc != SQLITE_ROW)
		rc = sql_failed(r, rc);
	else if (stat(r->path, &st))
		rc = err_sys(r->err, "cannot read '%s'", r->path);
	else if (st.st_size < sqlite3_column_int64(row, 0))
		rc = store_reader_damaged(r, "its end is missing");
	else
		rc = ERR_OK;
	sqlite3_finalize(row);
	return rc;
}

static int read_all(struct store_reader *r)
{
	int rc;

	rc = check_file(r);
	if (!rc)
		rc = begin(r);
	if (!rc)
		rc = check_size(r);
	if (!rc)
		rc = check_schema(r);
	if (!rc)
		rc = read_tables(r);
	if (!rc)
		rc = read_meta_table(r);
	if (rc)
		return rc;
	if (r->complete)
		return store_reader_each(r, "stack_count", "id",
					 read_stack_count);
	return store_recover(r);
}

int store_load(struct profile **out, const char *path, struct err *err)
{
	struct store_reader r = { .path = path, .err = err };
	int rc;

	*out = NULL;
	r.profile = profile_new();
	if (!r.profile)
		return err_nomem(err);
	rc = read_all(&r);
	sqlite3_close(r.db);
	if (rc) {
		profile_free(r.profile);
		return rc;
	}
	*out = r.profile;
	return ERR_OK;
}

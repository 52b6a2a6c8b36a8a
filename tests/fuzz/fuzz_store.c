/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target for reading .tare files. The first byte says what the rest
 * is:
 *   0  a file as it is
 *   1  changes to a sound finished file: 4 bytes where, 1 byte what
 *   2  the same of an unfinished one, whose tracks are read
 *   3  a track: 1 byte codes, 2 bytes ticks, then the runs
 *   4  a value for a cell of a sound file: table, column, row, then a number
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined ... fuzz_store.c
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "profile/await_rows.h"
#include "profile/merged_rows.h"
#include "profile/summary.h"
#include "profile/track.h"
#include "store/store.h"

#define BASE_MAX (1 << 20)

static char path[256], work[280];
static uint8_t base[2][BASE_MAX];
static size_t base_size[2];

static void must(int failed, const char *what)
{
	if (failed) {
		fprintf(stderr, "fuzz_store: %s\n", what);
		abort();
	}
}

static void add_ticks(struct profile *p, uint32_t nr)
{
	uint32_t file = profile_string(p, "a.py", 4);
	uint32_t process = profile_add_process(p, 1, PROCESS_NONE, 0);
	uint32_t child = profile_add_process(p, 2, process, 0);
	uint32_t thread = profile_add_thread(p, process, 1, 0),
		 nodes[8] = { 0 };

	for (uint32_t i = 1; i < 8; i++) {
		char name = (char)('a' + i % 5);
		uint32_t f = profile_function(p, profile_string(p, &name, 1),
					      file, i);

		nodes[i] =
			profile_node(p, nodes[i / 2], profile_frame(p, f, i));
	}
	for (uint32_t i = 0; i < nr; i++) {
		profile_tick(p, i * 1000000ull, 0);
		if (i % 20 != 19)
			profile_sample(p, thread, nodes[i / 3 % 8],
				       (enum sample_quality)(i % 7 == 0),
				       (enum thread_state)(i % STATE_NR));
	}
	profile_merge(
		p, thread,
		profile_node(
			p, nodes[3],
			profile_frame(p, profile_native_function(p, file, file),
				      0)),
		MERGE_WHOLE, 5);
	profile_merge(p, thread, 0, MERGE_RAN_ON, 1);
	process_set(&p->processes.at[child].figures, PROCESS_USER_NS, 5);
	process_set(&p->figures, PROCESS_SYS_NS, 7);
	for (int i = 0; i < AWAIT_NR; i++) {
		uint32_t row = awaits_row(&p->awaits, child, nodes[i],
					  (enum await_kind)i);

		p->awaits.rows.at[row].us = 1000;
	}
	awaits_process(&p->awaits, child)->count[AWAIT_SEEN] = 3;
	profile_set_meta(p, META_COMMAND, "python a.py");
	profile_add_source(p, file, 1, "x", 1);
}

/* A sound file to start from, finished or not. */
static void make_base(int which)
{
	struct profile *p = profile_new();
	struct store *s;
	struct err err;
	FILE *f;

	must(!p, "no memory");
	add_ticks(p, 300);
	must(store_create(&s, path, true, &err), "cannot create");
	must(store_append(s, p, &err), "cannot append");
	if (!which)
		must(store_commit(s, p, &err), "cannot commit");
	store_close(s);
	profile_free(p);
	snprintf(work, sizeof(work), "%s%s", path, which ? ".part" : "");
	f = fopen(work, "re");
	must(!f, "cannot open");
	base_size[which] = fread(base[which], 1, BASE_MAX, f);
	fclose(f);
	unlink(work);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *tmp = getenv("TMPDIR");
	char folder[200];

	(void)argc;
	(void)argv;
	snprintf(folder, sizeof(folder), "%s/fuzz-store-XXXXXX",
		 tmp ? tmp : "/dev/shm");
	must(!mkdtemp(folder), "cannot make a folder");
	snprintf(path, sizeof(path), "%s/f.tare", folder);
	make_base(0);
	make_base(1);
	return 0;
}

static void load(const uint8_t *data, size_t size)
{
	struct merged_rows m;
	struct profile *p;
	struct await_rows rows;
	struct summary s;
	struct err err;
	FILE *f = fopen(path, "we");

	must(!f || fwrite(data, 1, size, f) != size || fclose(f),
	     "cannot write");
	if (store_load(&p, path, &err)) {
		must(!err.msg[0], "a failure without a message");
		return;
	}
	must(summary_make(&s, p, &(struct summary_of){ 0 }, &err),
	     "no summary");
	must(await_rows_make(&rows, p, &err), "no rows of tasks");
	for (uint32_t i = 0; i < rows.lines.nr; i++)
		must(!(rows.lines.at[i].share >= 0 &&
		       rows.lines.at[i].share <= 1.0001),
		     "a share out of range");
	await_rows_release(&rows);
	summary_release(&s);
	must(merged_rows_make(&m, p, &err), "no merged rows");
	merged_rows_release(&m);
	profile_free(p);
}

static void load_changed(int which, const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(base_size[which]);

	must(!copy, "no memory");
	memcpy(copy, base[which], base_size[which]);
	for (; size >= 5; data += 5, size -= 5) {
		uint32_t at;

		memcpy(&at, data, 4);
		copy[at % base_size[which]] = data[4];
	}
	load(copy, base_size[which]);
	free(copy);
}

static void load_track(const uint8_t *data, size_t size)
{
	struct track_iter it;
	struct track_run run;
	uint64_t seen = 0, ticks;

	if (size < 3)
		return;
	ticks = (uint64_t)data[1] << 8 | data[2];
	track_begin(&it, data + 3, size - 3, 0, ticks, data[0]);
	while (track_next(&it, &run) == TRACK_RUN) {
		must(run.code >= data[0] || !run.nr, "a run out of range");
		seen += run.nr;
	}
	must(seen > ticks, "more looks than ticks");
}

static const char *const cells[] = {
	"recording SET complete",
	"recording SET tick_nr",
	"recording SET asked_hz",
	"string SET text",
	"string SET id",
	"function SET name",
	"function SET file",
	"function SET line",
	"frame SET function",
	"frame SET line",
	"node SET parent",
	"node SET frame",
	"node SET id",
	"process SET pid",
	"process SET parent",
	"process SET command",
	"process SET end_ns",
	"process_figure SET process",
	"process_figure SET figure",
	"process_figure SET value",
	"thread SET process",
	"thread SET tid",
	"thread SET name",
	"thread SET start_ns",
	"thread SET end_ns",
	"thread SET cpu_ns",
	"source SET text",
	"function SET native",
	"merge_count SET thread",
	"merge_count SET node",
	"merge_count SET outcome",
	"merge_count SET nr",
	"track_code SET thread",
	"track_code SET node",
	"track_code SET quality",
	"track_code SET state",
	"track SET first_tick",
	"track SET tick_nr",
	"track SET runs",
	"clock SET first_tick",
	"clock SET gaps",
	"clock SET base_us",
	"await SET process",
	"await SET node",
	"await SET kind",
	"await SET us",
	"await SET id",
	"await_process SET process",
	"await_process SET readings",
	"await_process SET tasks_at_once",
	"await_process SET squares",
	"stack_count SET thread",
	"stack_count SET node",
	"stack_count SET quality",
	"stack_count SET state",
	"stack_count SET nr",
	"meta SET value",
};

static void load_cell(const uint8_t *data, size_t size)
{
	static uint8_t changed[BASE_MAX];
	sqlite3_int64 value = 0;
	char sql[128];
	sqlite3 *db;
	FILE *f;

	if (size < 4)
		return;
	memcpy(&value, data + 3, size - 3 < 8 ? size - 3 : 8);
	f = fopen(path, "we");
	must(!f || !fwrite(base[data[2] & 1], base_size[data[2] & 1], 1, f) ||
		     fclose(f),
	     "cannot write");
	must(sqlite3_open(path, &db), "cannot open");
	snprintf(sql, sizeof(sql), "UPDATE OR IGNORE %s = %lld LIMIT 1",
		 cells[data[0] % (sizeof(cells) / sizeof(*cells))],
		 (long long)value);
	if (data[2] & 2 || sqlite3_exec(db, sql, NULL, NULL, NULL)) {
		*strstr(sql, " LIMIT") = '\0'; /* not every build has LIMIT */
		sqlite3_exec(db, sql, NULL, NULL, NULL);
	}
	sqlite3_close(db);
	f = fopen(path, "re");
	must(!f, "cannot open");
	size = fread(changed, 1, sizeof(changed), f);
	fclose(f);
	load(changed, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	switch (data[0]) {
	case 0:
		load(data + 1, size - 1);
		break;
	case 1:
	case 2:
		load_changed(data[0] - 1, data + 1, size - 1);
		break;
	case 3:
		load_track(data + 1, size - 1);
		break;
	case 4:
		load_cell(data + 1, size - 1);
		break;
	default:
		return -1; /* nothing of it is worth keeping */
	}
	return 0;
}

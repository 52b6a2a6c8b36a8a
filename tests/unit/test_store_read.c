/* SPDX-License-Identifier: MIT */
#include "store_fixture.h"

#include "profile/summary.h"

TestSuite(store_read, .init = enter_folder, .fini = leave_folder);

static void refused(const char *path, enum err_code code, const char *word)
{
	struct profile *p;
	struct err err = { 0 };
	int rc = store_load(&p, path, &err);

	cr_assert_eq(rc, (int)code, "%s: %d, not %d: %s", path, rc, code,
		     err.msg);
	cr_assert_null(p);
	cr_assert(strstr(err.msg, word), "no '%s' in: %s", word, err.msg);
	cr_assert(strstr(err.msg, path), "%s", err.msg);
	cr_assert(err.hint[0], "no hint: %s", err.msg);
}

Test(store_read, what_is_not_a_tare_file_is_told_so)
{
	char zeros[8192] = { 0 };

	refused("none.tare", ERR_SYS, "No such file");
	write_file("a", "", 0);
	refused("a", ERR_CORRUPT, "empty");
	write_file("a", "print('hello')\n", 15);
	refused("a", ERR_CORRUPT, "not a tare file");
	write_file("a", zeros, sizeof(zeros));
	refused("a", ERR_CORRUPT, "not a tare file");
	refused(".", ERR_CORRUPT, "not even a regular file");
	refused("/dev/null", ERR_CORRUPT, "not even a regular file");
	sql("other.db", "CREATE TABLE t(a)");
	refused("other.db", ERR_CORRUPT, "another SQLite database");
}

Test(store_read, what_another_tare_made_is_told_so)
{
	record("a.tare", 100);
	sql("a.tare", "PRAGMA user_version = 4");
	refused("a.tare", ERR_UNSUPPORTED, "newer tare");
	sql("a.tare", "PRAGMA user_version = 2");
	refused("a.tare", ERR_UNSUPPORTED, "older tare");
}

Test(store_read, every_cut_is_noticed)
{
	size_t size, cut;
	char *data;

	record("a.tare", 3000);
	data = read_whole("a.tare", &size);
	for (cut = 1; cut < size; cut += cut < 2000 ? 99 : 1777) {
		struct profile *p = NULL;
		struct err err;

		write_file("cut", data, cut);
		cr_assert_neq(store_load(&p, "cut", &err), ERR_OK, "%zu", cut);
		cr_assert_null(p);
		cr_assert(err.hint[0], "%s", err.msg);
	}
	free(data);
}

/* Each of these would run something of the file's own, or could. */
static const char *const intruders[] = {
	"CREATE TABLE mine(a)",
	"CREATE INDEX i ON node(parent)",
	"CREATE TRIGGER t AFTER INSERT ON node BEGIN DELETE FROM node; END",
	"CREATE VIEW v AS SELECT 1",
	"ANALYZE",
	"DROP VIEW line_time",
	("DROP TABLE node; CREATE VIEW node AS WITH RECURSIVE c(i) AS "
	 "(SELECT 1 UNION ALL SELECT i + 1 FROM c) "
	 "SELECT i AS id, 0 AS parent, 0 AS frame FROM c"),
	("DROP TABLE node; CREATE TABLE node (id INTEGER PRIMARY KEY, "
	 "parent INTEGER NOT NULL, frame INTEGER AS (hex(zeroblob(1e8))))"),
	("DROP TABLE string; CREATE TABLE string (id INTEGER PRIMARY KEY, "
	 "text TEXT NOT NULL)"),
	"CREATE VIRTUAL TABLE f USING fts5(a)",
};

Test(store_read, tables_views_and_triggers_of_others_are_refused)
{
	for (size_t i = 0; i < sizeof(intruders) / sizeof(*intruders); i++) {
		record("a.tare", 50);
		sql("a.tare", intruders[i]);
		refused("a.tare", ERR_CORRUPT, "other tables, views");
	}
}

/* Values that the tables allow and that make no sense. */
static const char *const bad_values[] = {
	"DELETE FROM recording",
	"UPDATE recording SET asked_hz = -1",
	"UPDATE recording SET asked_hz = 9e999",
	"UPDATE recording SET tick_nr = -1",
	"UPDATE recording SET wall_ns = -9223372036854775808",
	"UPDATE recording SET complete = 2",
	"UPDATE string SET text = CAST(x'610062' AS TEXT) WHERE id = 2",
	"UPDATE string SET text = 'main' WHERE id = 1",
	"UPDATE string SET id = -1 WHERE id = 0",
	"UPDATE string SET id = 1000000 WHERE id = 3",
	"DELETE FROM string WHERE id = 2",
	"UPDATE function SET name = 1000",
	"UPDATE function SET file = -1",
	"UPDATE function SET line = 4294967296",
	"UPDATE function SET name = 1, file = 1, line = 1",
	"UPDATE frame SET function = 4",
	"UPDATE frame SET line = -1",
	"UPDATE frame SET function = 0, line = 0",
	"UPDATE node SET parent = 2 WHERE id = 2",
	"UPDATE node SET parent = 3 WHERE id = 2",
	"UPDATE node SET parent = -1 WHERE id = 2",
	"UPDATE node SET frame = 4",
	"UPDATE node SET parent = 0, frame = 0",
	"INSERT INTO node VALUES (0, 0, 0)",
	"UPDATE process SET pid = -1",
	"UPDATE process SET parent = 0",
	"UPDATE process SET command = 1000000",
	"UPDATE process SET start_ns = end_ns + 1",
	"UPDATE process_figure SET process = 7",
	"UPDATE process_figure SET figure = 21",
	"UPDATE process_figure SET value = -1",
	"UPDATE thread SET process = 1",
	"UPDATE thread SET tid = 2147483648",
	"UPDATE thread SET name = 1000000",
	"UPDATE thread SET main = 7",
	"UPDATE thread SET start_ns = end_ns + 1",
	"UPDATE thread SET cpu_ns = -5",
	"UPDATE thread SET cpu_ns = 5, run_queue_ns = NULL",
	"UPDATE native SET thread = 9",
	"UPDATE native SET kind = 100000",
	"UPDATE native SET nr = -1",
	"UPDATE await SET process = 1",
	"UPDATE await SET node = 6 WHERE id = 1",
	"UPDATE await SET node = 3, kind = 2 WHERE id = 0",
	"UPDATE await SET kind = 6 WHERE id = 1",
	"UPDATE await SET us = -1 WHERE id = 1",
	"UPDATE await SET us = 6000000000000000000",
	"UPDATE await SET id = 7 WHERE id = 1",
	"UPDATE await_process SET process = 1",
	"UPDATE await_process SET readings = -1",
	"UPDATE await_process SET tasks_seen = 9000000000000000000, "
	"tasks_at_once = 9000000000000000000",
	"UPDATE await_process SET squares = -1",
	"UPDATE await_process SET squares = 9e999",
	"UPDATE function SET native = 2",
	"UPDATE function SET native = 1 WHERE line > 0",
	"UPDATE merge_count SET thread = 9",
	"UPDATE merge_count SET node = 100000",
	"UPDATE merge_count SET outcome = 6",
	"UPDATE merge_count SET outcome = 2",
	"UPDATE merge_count SET nr = -1",
	"UPDATE merge_count SET node = 1, outcome = 0, thread = 0",
	"UPDATE source SET file = 100000",
	"UPDATE source SET text = -1",
	"UPDATE stack_count SET thread = 2",
	"UPDATE stack_count SET node = 6",
	"UPDATE stack_count SET quality = 5",
	"UPDATE stack_count SET state = 17",
	"UPDATE stack_count SET ticks = nr - 1",
	"UPDATE stack_count SET nr = -1",
	"UPDATE stack_count SET nr = 9223372036854775807",
	"UPDATE stack_count SET thread = 0, node = 0, quality = 0, state = 0",
	("WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c "
	 "LIMIT 500) INSERT INTO meta SELECT 'k' || i, 'v' FROM c"),
	"UPDATE meta SET value = CAST(x'00' AS TEXT)",
};

/* The same for what is read only where nobody finished the file. */
static const char *const bad_tracks[] = {
	"UPDATE track_code SET thread = 9",
	"UPDATE track_code SET node = 9",
	"UPDATE track_code SET quality = 5",
	"UPDATE track_code SET state = 17",
	"UPDATE track_code SET id = 77 WHERE id = 1",
	"UPDATE track_code SET thread = 0, node = 0, quality = 0, state = 0",
	"DELETE FROM track_code WHERE id = 4",
	"UPDATE track SET thread = 9",
	"UPDATE track SET first_tick = -1",
	"UPDATE track SET first_tick = 9223372036854775807",
	"UPDATE track SET tick_nr = tick_nr + 1",
	"UPDATE track SET tick_nr = 9223372036854775807",
	"UPDATE track SET first_tick = 0",
	"UPDATE track SET runs = x''",
	"UPDATE track SET runs = x'ffffffffffffffffffffffff'",
	"UPDATE track SET runs = zeroblob(1000000)",
	"UPDATE clock SET base_us = -1",
	"UPDATE clock SET base_us = 9223372036854775807",
	"UPDATE clock SET tick_nr = tick_nr - 1",
	"UPDATE clock SET gaps = zeroblob(100000)",
	"UPDATE recording SET tick_nr = 10",
};

Test(store_read, values_that_make_no_sense_are_refused)
{
	for (size_t i = 0; i < sizeof(bad_values) / sizeof(*bad_values); i++) {
		record("a.tare", 200);
		sql("a.tare", bad_values[i]);
		refused("a.tare", ERR_CORRUPT, "damaged");
	}
}

Test(store_read, tracks_that_make_no_sense_are_refused)
{
	static const char unfinish[] = "UPDATE recording SET complete = 0";
	struct profile *p;
	struct err err;

	record("a.tare", 200);
	sql("a.tare", unfinish);
	ok(store_load(&p, "a.tare", &err));
	profile_free(p);
	for (size_t i = 0; i < sizeof(bad_tracks) / sizeof(*bad_tracks); i++) {
		record("a.tare", 200);
		sql("a.tare", unfinish);
		sql("a.tare", bad_tracks[i]);
		refused("a.tare", ERR_CORRUPT, "damaged");
	}
}

/* Rollups made anew are those that were written. */
Test(store_read, tracks_give_the_counts_that_the_file_has)
{
	struct profile *p, *q;
	struct err err;

	record("a.tare", 5000);
	ok(store_load(&p, "a.tare", &err));
	sql("a.tare", "UPDATE recording SET complete = 0;"
		      "DELETE FROM stack_count; DELETE FROM thread_count;"
		      "DELETE FROM function_count; DELETE FROM line_count");
	ok(store_load(&q, "a.tare", &err));
	assert_same(p, q);
	profile_free(p);
	profile_free(q);
}

Test(store_read, a_file_in_wal_mode_is_not_touched)
{
	record("a.tare", 50);
	sql("a.tare", "PRAGMA journal_mode = WAL");
	refused("a.tare", ERR_CORRUPT, "WAL");
	cr_assert_not(exists("a.tare-wal"));
	cr_assert_not(exists("a.tare-shm"));
}

/* SQLite would read, and in the end remove, the file that is named there. */
Test(store_read, a_journal_that_names_another_file_is_refused)
{
	static const uint8_t head[] = { 0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1,
					0x63, 0xd7, 0,	  0,	0,    0,
					0,    0,    0,	  1,	0,    0,
					0,    8,    0,	  0,	2,    0,
					0,    0,    0x10, 0 };
	static const char victim[] = "victim";
	uint8_t journal[512 + 64] = { 0 };
	uint8_t *at = journal + 512;
	uint32_t sum = 0;

	record("a.tare", 50);
	write_file(victim, "thesis", 6);
	memcpy(journal, head, sizeof(head));
	at[3] = 1; /* a page number, as the format has it */
	memcpy(at + 4, victim, 6);
	for (int i = 0; i < 6; i++)
		sum += (uint8_t)victim[i];
	at[13] = 6;
	at[17] = (uint8_t)(sum & 0xff);
	at[16] = (uint8_t)(sum >> 8);
	memcpy(at + 18, head, 8);
	write_file("a.tare-journal", journal, 512 + 26);
	refused("a.tare", ERR_CORRUPT, "journal");
	cr_assert(exists(victim));
}

Test(store_read, reading_changes_nothing)
{
	struct profile *p;
	struct err err;
	size_t before, after;
	char *a, *b;

	record("a.tare", 500);
	a = read_whole("a.tare", &before);
	cr_assert_eq(chmod("a.tare", 0444), 0);
	ok(store_load(&p, "a.tare", &err));
	profile_free(p);
	b = read_whole("a.tare", &after);
	cr_assert(before == after && !memcmp(a, b, before));
	cr_assert_not(exists("a.tare-journal"));
	free(a);
	free(b);
}

/* Load whatever the bytes are; use what was loaded. */
static bool survive(const char *path)
{
	struct profile *p;
	struct summary s;
	struct err err;

	if (store_load(&p, path, &err)) {
		cr_assert(err.msg[0]);
		return false;
	}
	ok(summary_make(&s, p, &(struct summary_of){ 0 }, &err));
	summary_release(&s);
	profile_free(p);
	return true;
}

static void mutate(const char *path, int rounds)
{
	size_t size;
	char *data = read_whole(path, &size);
	int loaded = 0;

	for (int i = 0; i < rounds; i++) {
		char *copy = malloc(size);
		int changes = 1 + (int)(lrand48() % 8);

		memcpy(copy, data, size);
		for (int j = 0; j < changes; j++) {
			size_t at = (size_t)lrand48() % size;

			if (i % 2)
				copy[at] ^= (char)(1 << lrand48() % 8);
			else
				copy[at] = (char)lrand48();
		}
		write_file("mutant", copy, size);
		loaded += survive("mutant");
		free(copy);
	}
	free(data);
	/* Many bytes are unused or text, so some pass; not all, though. */
	cr_assert(loaded < rounds);
}

Test(store_read, a_thousand_damaged_files_are_survived)
{
	srand48(1);
	record("a.tare", 300);
	mutate("a.tare", 500);
	sql("a.tare", "UPDATE recording SET complete = 0");
	mutate("a.tare", 500);
}

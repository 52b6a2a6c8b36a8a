/* SPDX-License-Identifier: MIT */
#include "store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "profile/summary.h"

TestSuite(store_write, .init = enter_folder, .fini = leave_folder);

Test(store_write, a_recording_comes_back_as_it_was)
{
	struct profile *p = new_recording(1000), *q;
	struct store *s;
	struct err err;

	ok(store_create(&s, "a.tare", false, &err));
	cr_assert_null(store_set_aside(s));
	for (int i = 0; i < 10; i++) {
		ok(store_append(s, p, &err));
		cr_assert_eq(p->clock.size, 0);
		add_ticks(p, 123);
		cr_assert_not(exists("a.tare"));
		cr_assert(exists("a.tare.part"));
	}
	ok(store_commit(s, p, &err));
	store_close(s);
	cr_assert(exists("a.tare"));
	cr_assert_not(exists("a.tare.part"));
	cr_assert_not(exists("a.tare.part-journal"));
	ok(store_load(&q, "a.tare", &err));
	assert_same(p, q);
	cr_assert_str_eq(profile_meta(q, META_UNFINISHED), "");
	profile_free(p);
	profile_free(q);
}

Test(store_write, a_recording_of_nothing_comes_back)
{
	struct profile *p = profile_new(), *q;
	struct store *s;
	struct err err;

	ok(store_create(&s, "a.tare", false, &err));
	ok(store_commit(s, p, &err));
	store_close(s);
	ok(store_load(&q, "a.tare", &err));
	assert_same(p, q);
	profile_free(p);
	profile_free(q);
	store_close(NULL);
	store_discard(NULL);
}

Test(store_write, an_unfinished_one_is_counted_from_its_tracks)
{
	struct profile *p = new_recording(1000), *q;
	struct store *s;
	struct err err;

	ok(store_create(&s, "a.tare", false, &err));
	ok(store_append(s, p, &err));
	add_ticks(p, 500);
	p->wall_ns = 0; /* whoever dies does not say how long it took */
	ok(store_append(s, p, &err));
	store_close(s);
	cr_assert_not(exists("a.tare"));
	ok(store_load(&q, "a.tare.part", &err));
	cr_assert_str_eq(profile_meta(q, META_UNFINISHED), "1");
	cr_assert_eq(q->wall_ns, 1500 * 1000000ull);
	p->wall_ns = q->wall_ns;
	assert_same(p, q);
	profile_free(p);
	profile_free(q);
}

Test(store_write, what_is_there_is_not_overwritten_unasked)
{
	struct store *s;
	struct err err;
	size_t size;
	char *data;

	write_file("a.tare", "mine", 4);
	cr_assert_eq(store_create(&s, "a.tare", false, &err), ERR_EXISTS);
	cr_assert_null(s);
	cr_assert(strstr(err.msg, "a.tare"));
	cr_assert(err.hint[0]);
	cr_assert_not(exists("a.tare.part"));
	data = read_whole("a.tare", &size);
	cr_assert_eq(size, 4);
	free(data);
	record("a.tare", 10); /* asks to overwrite */
	cr_assert_not(exists("a.tare.part"));
}

Test(store_write, a_file_that_appears_meanwhile_is_not_overwritten)
{
	struct profile *p = new_recording(100), *q;
	struct store *s;
	struct err err;
	size_t size;
	char *data;

	ok(store_create(&s, "a.tare", false, &err));
	write_file("a.tare", "mine", 4);
	cr_assert_eq(store_commit(s, p, &err), ERR_EXISTS);
	cr_assert(strstr(err.hint, "a.tare.part"));
	cr_assert_eq(store_commit(s, p, &err), ERR_EXISTS);
	data = read_whole("a.tare", &size);
	cr_assert_eq(size, 4);
	free(data);
	unlink("a.tare");
	ok(store_commit(s, p, &err));
	store_close(s);
	ok(store_load(&q, "a.tare", &err));
	assert_same(p, q);
	profile_free(p);
	profile_free(q);
}

Test(store_write, two_writers_of_one_name_do_not_meet)
{
	struct store *s, *other;
	struct err err;
	pid_t pid;
	int status;

	ok(store_create(&s, "a.tare", false, &err));
	pid = fork();
	if (!pid) {
		int rc = store_create(&other, "a.tare", false, &err);

		_exit(rc == ERR_EXISTS && strstr(err.msg, "another tare") &&
				      err.hint[0]
			      ? 0
			      : 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && !WEXITSTATUS(status));
	cr_assert(exists("a.tare.part"));
	cr_assert_not(exists("a.tare.part.1"));
	store_discard(s);
	cr_assert_not(exists("a.tare.part"));
	cr_assert_not(exists("a.tare.part-journal"));
}

/* Start a writer that is killed after an append. */
static void leave_part(uint64_t tick_nr)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct profile *p = new_recording(tick_nr);
		struct store *s;
		struct err err;

		if (store_create(&s, "a.tare", false, &err) ||
		    store_append(s, p, &err))
			_exit(1);
		raise(SIGKILL);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status));
}

Test(store_write, what_dead_tares_left_is_kept_beside)
{
	struct profile *p;
	struct store *s;
	struct err err;

	for (uint64_t i = 1; i <= 3; i++)
		leave_part(i * 100);
	ok(store_create(&s, "a.tare", false, &err));
	cr_assert_str_eq(store_set_aside(s), "a.tare.part.3");
	store_discard(s);
	for (uint64_t i = 1; i <= 3; i++) {
		char name[32];

		snprintf(name, sizeof(name), "a.tare.part.%d", (int)i);
		ok(store_load(&p, name, &err));
		cr_assert_eq(p->tick_nr, i * 100);
		profile_free(p);
	}
}

Test(store_write, a_part_that_was_taken_away_is_not_published_as_ours)
{
	struct profile *p = new_recording(10);
	struct store *s;
	struct err err;

	ok(store_create(&s, "a.tare", false, &err));
	cr_assert_eq(rename("a.tare.part", "moved"), 0);
	write_file("a.tare.part", "not ours", 8);
	cr_assert_eq(store_commit(s, p, &err), ERR_EXISTS);
	cr_assert_not(exists("a.tare"));
	store_discard(s);
	cr_assert(exists("a.tare.part"));
	profile_free(p);
}

Test(store_write, places_where_nothing_can_be_written_are_named)
{
	struct store *s;
	struct err err;

	cr_assert_eq(store_create(&s, "no/such/a.tare", false, &err), ERR_SYS);
	cr_assert(strstr(err.msg, "no/such/a.tare"));
	cr_assert(strstr(err.hint, "-o"));
	cr_assert_eq(mkdir("d.tare", 0777), 0);
	cr_assert_eq(store_create(&s, "d.tare", false, &err), ERR_EXISTS);
	cr_assert_eq(store_create(&s, "d.tare", true, &err), ERR_EXISTS);
	cr_assert(strstr(err.msg, "not a regular file"));
	rmdir("d.tare");
	cr_assert_eq(mkdir("d.tare.part", 0777), 0);
	cr_assert_eq(store_create(&s, "d.tare", false, &err), ERR_EXISTS);
	rmdir("d.tare.part");
	cr_assert_neq(store_create(&s, "/proc/a.tare", false, &err), ERR_OK);
	cr_assert(err.hint[0]);
}

/* Names that SQLite would take for something else. */
Test(store_write, any_name_is_a_file_name)
{
	static const char *const names[] = { ":memory:", "file:a?mode=ro", "-o",
					     "%s",	 "a b'c\".tare",   "" };

	for (int i = 0; names[i][0]; i++) {
		struct profile *p;
		struct err err;

		record(names[i], 20);
		cr_assert(exists(names[i]), "%s", names[i]);
		ok(store_load(&p, names[i], &err));
		profile_free(p);
	}
}

/* RLIMIT_FSIZE stands in for a full disk: write() fails in the middle. */
Test(store_write, a_full_disk_is_told_and_what_was_written_stays)
{
	struct profile *p = new_recording(2000), *q, *before;
	struct rlimit limit = { 300000, RLIM_INFINITY }, full;
	struct store *s;
	struct err err;
	uint64_t ticks = 0;
	int rc = ERR_OK;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &full);
	limit.rlim_max = full.rlim_max;
	ok(store_create(&s, "a.tare", false, &err));
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 1000 && !rc; i++) {
		rc = store_append(s, p, &err);
		if (!rc)
			ticks = p->tick_nr;
		add_ticks(p, 2000);
	}
	cr_assert_eq(rc, ERR_SYS);
	cr_assert(strstr(err.msg, "a.tare.part"));
	cr_assert(strstr(err.hint, "make room"), "%s / %s", err.msg, err.hint);
	cr_assert_gt(ticks, 0);
	/* It fails again and again, and changes nothing. */
	cr_assert_eq(store_append(s, p, &err), ERR_SYS);
	cr_assert_eq(store_commit(s, p, &err), ERR_SYS);
	cr_assert_not(exists("a.tare"));
	setrlimit(RLIMIT_FSIZE, &full);

	/* There is room again: nothing of what came meanwhile is missing. */
	ok(store_commit(s, p, &err));
	store_close(s);
	ok(store_load(&q, "a.tare", &err));
	assert_same(p, q);
	before = q;
	cr_assert_gt(before->tick_nr, ticks);
	profile_free(p);
	profile_free(q);
}

/* Rows of a query of two numbers, as a user would see them. */
struct rows {
	int nr;
	double first[64], second[64];
	char text[64][64];
};

static int collect(void *out, int nr, char **values, char **names)
{
	struct rows *rows = out;

	(void)names;
	cr_assert_eq(nr, 3);
	cr_assert_lt(rows->nr, 64);
	snprintf(rows->text[rows->nr], sizeof(rows->text[0]), "%s",
		 values[0] ? values[0] : "");
	rows->first[rows->nr] = values[1] ? atof(values[1]) : -1;
	rows->second[rows->nr] = values[2] ? atof(values[2]) : -1;
	rows->nr++;
	return 0;
}

static void query(const char *text, struct rows *rows)
{
	sqlite3 *db;
	char *why = NULL;

	rows->nr = 0;
	cr_assert_eq(sqlite3_open_v2("a.tare", &db, SQLITE_OPEN_READONLY, NULL),
		     SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, text, collect, rows, &why), SQLITE_OK,
		     "%s", why);
	sqlite3_close(db);
}

Test(store_write, the_views_say_what_the_summary_says)
{
	struct profile *p;
	struct summary s;
	struct rows rows;
	struct err err;
	int nr = 0;

	record("a.tare", 1000);
	ok(store_load(&p, "a.tare", &err));
	ok(summary_make(&s, p, &(struct summary_of){ 0 }, &err));
	query("SELECT function, self_s, total_s FROM function_time", &rows);
	cr_assert_eq(rows.nr, (int)s.function_nr);
	cr_assert_eq(rows.nr, 5); /* main work fib wait, and no Python */
	for (int i = 0; i < rows.nr; i++)
		for (uint32_t j = 0; j < s.function_nr; j++) {
			uint32_t f = s.functions[j].function;
			const char *name =
				f == SUMMARY_NO_PYTHON
					? "(no Python frame)"
					: profile_text(p,
						       p->functions.at[f].name);

			if (strcmp(name, rows.text[i]))
				continue;
			cr_assert_float_eq(rows.first[i], s.functions[j].self.s,
					   1e-9);
			cr_assert_float_eq(rows.second[i],
					   s.functions[j].total.s, 1e-9);
			nr++;
		}
	cr_assert_eq(nr, 5);
	summary_release(&s);
	profile_free(p);
}

/* From `begin` to the `end` after it, in docs/format.md. */
static void documented(char *out, size_t size, const char *begin,
		       const char *end)
{
	const char *root = getenv("TARE_SOURCE_ROOT");
	char path[600], *text, *from, *to;
	size_t nr;

	snprintf(path, sizeof(path), "%s/docs/format.md",
		 root ? root : start_folder);
	text = read_whole(path, &nr);
	text[nr] = '\0';
	from = strstr(text, begin);
	cr_assert(from, "'%s' is not in docs/format.md", begin);
	to = strstr(from, end);
	cr_assert(to && (size_t)(to - from) < size);
	snprintf(out, size, "%.*s", (int)(to - from), from);
	free(text);
}

Test(store_write, the_documented_query_gives_the_top_ten_lines)
{
	char doc[2000], text[2200];
	struct profile *p;
	struct summary s;
	struct rows rows;
	struct err err;

	record("a.tare", 1000);
	ok(store_load(&p, "a.tare", &err));
	ok(summary_make(&s, p, &(struct summary_of){ 0 }, &err));
	documented(doc, sizeof(doc), "SELECT * FROM line_time", "'");
	snprintf(text, sizeof(text),
		 "SELECT function || ':' || line, self_s, total_s FROM (%s)",
		 doc);
	query(text, &rows);
	cr_assert_eq(rows.nr, (int)s.line_nr);
	for (int i = 0; i < rows.nr; i++) {
		cr_assert_float_eq(rows.first[i], s.lines[i].self.s, 1e-9);
		if (i)
			cr_assert_leq(rows.first[i], rows.first[i - 1]);
	}
	cr_assert_str_eq(rows.text[0], "wait:32");
	summary_release(&s);
	profile_free(p);
}

Test(store_write, the_other_documented_queries_work_too)
{
	char doc[2000], text[2200];
	struct rows rows;

	record("a.tare", 1000);
	documented(doc, sizeof(doc), "SELECT * FROM function_time", ";");
	snprintf(text, sizeof(text),
		 "SELECT function, self_s, total_s FROM (%s)", doc);
	query(text, &rows);
	cr_assert_eq(rows.nr, 5);
	documented(doc, sizeof(doc), "SELECT * FROM thread_time", ";");
	snprintf(text, sizeof(text), "SELECT name, wall_s, complete FROM (%s)",
		 doc);
	query(text, &rows);
	cr_assert_eq(rows.nr, 2);
	cr_assert_str_eq(rows.text[1], "helper");
	cr_assert_float_eq(rows.first[1], 1, 0.01);
	cr_assert_eq(rows.second[1], 800);
	documented(doc, sizeof(doc), "SELECT file, line, function, self_s",
		   ";");
	snprintf(text, sizeof(text), "SELECT function, self_s, line FROM (%s)",
		 doc);
	query(text, &rows);
	cr_assert_eq(rows.nr, 4); /* all but the helper's `wait` */
	documented(doc, sizeof(doc), "WITH RECURSIVE", ";\n");
	snprintf(text, sizeof(text), "SELECT stack, nr, 0 FROM (%s)", doc);
	query(text, &rows);
	cr_assert_eq(rows.nr, 5);
	cr_assert_str_eq(rows.text[0], "wait:32");
	cr_assert_eq(rows.first[0], 800);
	for (int i = 0; i < rows.nr; i++)
		if (strlen(rows.text[i]) > 25)
			cr_assert_str_eq(rows.text[i],
					 "main:2;work:12;fib:22;fib:22");
	documented(doc, sizeof(doc), "WITH RECURSIVE up", ";\n");
	snprintf(text, sizeof(text), "SELECT native, nr, line FROM (%s)", doc);
	query(text, &rows);
	cr_assert_eq(rows.nr, 0); /* no native code in these stacks */
}

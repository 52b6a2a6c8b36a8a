/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>

#include "export/export.h"
#include "sketch.h"

static json_t *parse(const struct profile *p)
{
	struct buf out = { 0 };
	json_error_t error;
	json_t *report;
	struct err err;

	cr_assert_eq(export_json(&out, p, &err), ERR_OK);
	cr_assert_eq(out.data[out.size - 1], '\n');
	report = json_loadb(out.data, out.size, JSON_REJECT_DUPLICATES, &error);
	cr_assert(report, "line %d: %s", error.line, error.text);
	buf_release(&out);
	return report;
}

/* The value at "key.0.key", which must be there. */
static json_t *at(json_t *value, const char *path)
{
	char *copy = strdup(path), *rest = copy, *step;

	while ((step = strsep(&rest, ".")))
		value = json_is_array(value)
				? json_array_get(value, (size_t)atoi(step))
				: json_object_get(value, step);
	cr_assert(value, "no '%s'", path);
	free(copy);
	return value;
}

static double number_at(json_t *value, const char *path)
{
	value = at(value, path);
	cr_assert(json_is_number(value), "'%s' is no number", path);
	return json_number_value(value);
}

static void check_text(json_t *value, const char *path, const char *want)
{
	const char *got = json_string_value(at(value, path));

	cr_assert(got, "'%s' is no text", path);
	cr_expect_str_eq(got, want);
}

static void check_near(double got, double want)
{
	cr_expect_float_eq(got, want, 1e-9, "%.12f is not %.12f", got, want);
}

static struct profile *two_threads(void)
{
	struct profile *p = sketch_new(2000);
	uint32_t a, b;

	profile_set_meta(p, META_COMMAND, "python3 -m pool");
	profile_set_meta(p, META_CPU_NR, "2");
	profile_set_meta(p, META_LOAD, "0.25");
	profile_set_meta(p, META_EXPECT, "crunch=37%\nnothing=3%\nnonsense");
	process_set(&p->figures, PROCESS_USER_NS, 1950 * MS);
	process_set(&p->figures, PROCESS_SYS_NS, 50 * MS);
	p->sampler_cpu_ns = 40 * MS;
	a = sketch_thread(p, 107, "worker");
	b = sketch_thread(p, 100, "python3");
	sketch_books(p, a, 1970 * MS, 30 * MS);
	sketch_looks(p, a, "run@/p/a.py:1:2;crunch@/p/a.py:4:6",
		     SAMPLE_COMPLETE, 1480);
	sketch_looks(p, a, "", SAMPLE_COMPLETE, 520);
	sketch_looks(p, a, "run@/p/a.py:1:2", SAMPLE_SALVAGED, 4);
	sketch_looks(p, a, "run@/p/a.py:1:2", SAMPLE_INCONSISTENT, 3);
	sketch_looks(p, b, "wait@/p/b.py:1:7", SAMPLE_COMPLETE, 2000);
	sketch_looks(p, b, "", SAMPLE_LOST, 2);
	sketch_source(p, "/p/a.py", 6, "    x += 1");
	return p;
}

Test(export_json, the_schema_and_the_recording_are_named)
{
	struct profile *p = two_threads();
	json_t *report = parse(p);

	check_text(report, "schema", "tare.report/1");
	check_text(report, "meta.command", "python3 -m pool");
	cr_expect(json_is_null(at(report, "meta.exit")));
	check_near(number_at(report, "meta.cpus"), 2);
	check_near(number_at(report, "meta.load"), 0.25);
	json_decref(report);
	profile_free(p);
}

/* net + tare + not weighed = gross, on the clock of the ledger. */
static void check_closes(json_t *ledger, const char *clock)
{
	double sum = 0, gross = number_at(ledger, clock);
	json_t *entry;
	size_t i;

	cr_expect(json_is_null(at(ledger, "net")));
	check_text(ledger, "why", "not estimated yet");
	json_array_foreach(at(ledger, "tare"), i, entry) sum +=
		number_at(entry, "seconds");
	json_array_foreach(at(ledger, "not_weighed"), i, entry)
	{
		sum += number_at(entry, "seconds");
		cr_expect(*json_string_value(at(entry, "reason")));
	}
	check_near(sum, gross);
}

Test(export_json, every_ledger_closes)
{
	struct profile *p = two_threads();
	json_t *report = parse(p), *ledger;
	size_t i;

	check_closes(report, "gross.wall_s");
	json_array_foreach(at(report, "ledgers"), i, ledger) check_closes(
		ledger, !strcmp(json_string_value(at(ledger, "clock")), "cpu")
				? "gross.cpu_s"
				: "gross.wall_s");
	cr_expect_eq(i, 4);
	json_decref(report);
	profile_free(p);
}

Test(export_json, the_ledgers_are_of_job_process_and_threads)
{
	struct profile *p = two_threads();
	json_t *report = parse(p);

	/* The main thread's, though it is not the first of the profile. */
	check_near(number_at(report, "gross.wall_s"), 2);
	cr_expect(json_is_null(at(report, "gross.cpu_s")));
	check_text(report, "ledgers.0.scope", "job");
	check_text(report, "ledgers.0.name", "python3 -m pool");
	cr_expect(json_is_null(at(report, "ledgers.0.pid")));
	check_near(number_at(report, "ledgers.0.gross.cpu_s"), 2);
	check_text(report, "ledgers.1.scope", "process");
	check_near(number_at(report, "ledgers.1.pid"), 100);
	check_near(number_at(report, "ledgers.1.gross.cpu_s"), 1.97);
	check_text(report, "ledgers.2.scope", "thread");
	check_text(report, "ledgers.2.clock", "wall");
	check_text(report, "ledgers.2.name", "worker");
	check_near(number_at(report, "ledgers.2.tid"), 107);
	check_near(number_at(report, "ledgers.2.gross.cpu_s"), 1.97);
	cr_expect(json_is_null(at(report, "ledgers.3.gross.cpu_s")));
	json_decref(report);
	profile_free(p);
}

static void check_states(json_t *thread)
{
	const char *key;
	json_t *value;
	double sum = 0;
	int nr = 0;

	json_object_foreach(at(thread, "states"), key, value)
	{
		nr++;
		if (json_is_null(value))
			continue;
		cr_expect_geq(json_number_value(value), 0);
		sum += json_number_value(value);
	}
	cr_expect_eq(nr, 8);
	check_near(sum, number_at(thread, "wall_s"));
}

Test(export_json, the_states_of_a_thread_sum_to_its_wall_time)
{
	struct profile *p = two_threads();
	json_t *report = parse(p);

	check_states(at(report, "threads.0"));
	check_states(at(report, "threads.1"));
	check_near(number_at(report, "threads.0.states.on_cpu"), 1.97);
	check_near(number_at(report, "threads.0.states.run_queue"), 0.03);
	check_near(number_at(report, "threads.0.states.other"), 0);
	/* Of the other the kernel says nothing: its looks alone count. */
	check_near(number_at(report, "threads.1.states.on_cpu"), 2);
	cr_expect(json_is_true(at(report, "threads.1.main")));
	json_decref(report);
	profile_free(p);
}

/* The kernel's books are read a moment before or after the looks. */
Test(export_json, states_sum_to_wall_when_the_books_say_more)
{
	struct profile *p = two_threads();
	json_t *report;

	sketch_books(p, 0, 1990 * MS, 40 * MS);
	sketch_books(p, 1, 2100 * MS, 5000 * MS);
	report = parse(p);
	check_states(at(report, "threads.0"));
	check_near(number_at(report, "threads.0.states.run_queue"), 0.01);
	check_states(at(report, "threads.1"));
	check_near(number_at(report, "threads.1.states.on_cpu"), 2);
	json_decref(report);
	profile_free(p);
}

Test(export_json, functions_have_seconds_shares_and_intervals)
{
	struct profile *p = two_threads();
	json_t *report = parse(p), *f;
	double sum = 0;
	size_t i;

	f = at(report, "functions.1");
	check_text(f, "function", "crunch");
	check_text(f, "file", "/p/a.py");
	check_near(number_at(f, "line"), 4);
	check_near(number_at(f, "self_s"), 1.48);
	check_near(number_at(f, "total_s"), 1.48);
	check_near(number_at(f, "self_share"), 0.37);
	check_near(number_at(f, "self_samples"), 1480);
	cr_expect_lt(number_at(f, "interval.0"), 1.48);
	cr_expect_gt(number_at(f, "interval.1"), 1.48);
	cr_expect_lt(number_at(f, "share_interval.0"), 0.37);
	cr_expect_gt(number_at(f, "share_interval.1"), 0.37);
	cr_expect(json_is_null(at(f, "net_s")));
	check_text(f, "why_no_net", "not estimated yet");
	cr_expect(json_is_null(at(f, "ceiling")));
	json_array_foreach(at(report, "functions"), i, f) sum +=
		number_at(f, "self_s");
	check_near(sum, number_at(report, "basis.thread_s"));
	json_decref(report);
	profile_free(p);
}

Test(export_json, time_without_python_is_a_row_without_a_file)
{
	struct profile *p = two_threads();
	json_t *report = parse(p), *f = at(report, "functions.2");

	check_text(f, "function", "(no Python frame)");
	cr_expect(json_is_null(at(f, "file")));
	cr_expect(json_is_null(at(f, "line")));
	check_near(number_at(f, "self_s"), 0.52);
	json_decref(report);
	profile_free(p);
}

Test(export_json, lines_have_their_source_where_it_is_known)
{
	struct profile *p = two_threads();
	json_t *report = parse(p);

	check_text(report, "lines.1.function", "crunch");
	check_near(number_at(report, "lines.1.line"), 6);
	check_text(report, "lines.1.source", "    x += 1");
	cr_expect(json_is_null(at(report, "lines.0.source")));
	json_decref(report);
	profile_free(p);
}

Test(export_json, the_looks_are_accounted_for)
{
	struct profile *p = two_threads();
	json_t *report = parse(p), *s = at(report, "sampling");

	check_near(number_at(s, "asked_hz"), 1000);
	check_near(number_at(s, "delivered_hz"), 1000);
	check_near(number_at(s, "taken"), 4009);
	check_near(number_at(s, "complete"), 4000);
	check_near(number_at(s, "salvaged"), 4);
	check_near(number_at(s, "inconsistent"), 3);
	check_near(number_at(s, "lost"), 2);
	check_near(number_at(s, "sampler_cpu_s"), 0.04);
	json_decref(report);
	profile_free(p);
}

Test(export_json, hypotheses_are_answered)
{
	struct profile *p = two_threads();
	json_t *report = parse(p);

	check_text(report, "expect.0.text", "crunch=37%");
	check_text(report, "expect.0.verdict", "supported");
	check_near(number_at(report, "expect.0.expected.0"), 0.32);
	check_near(number_at(report, "expect.0.expected.1"), 0.42);
	check_near(number_at(report, "expect.0.total_share"), 0.37);
	check_text(report, "expect.1.verdict", "cannot tell");
	cr_expect(json_is_null(at(report, "expect.1.total_share")));
	check_text(report, "expect.2.verdict", "cannot tell");
	cr_expect(json_is_null(at(report, "expect.2.expected")));
	json_decref(report);
	profile_free(p);
}

Test(export_json, warnings_have_a_key_a_reason_and_a_remedy)
{
	struct profile *p = sketch_new(30);
	json_t *report = parse(p);

	check_text(report, "warnings.0.key", "no_samples");
	check_text(report, "warnings.1.key", "short_run");
	cr_expect(*json_string_value(at(report, "warnings.0.reason")));
	cr_expect(*json_string_value(at(report, "warnings.0.remedy")));
	cr_expect_eq(json_array_size(at(report, "functions")), 0);
	check_closes(report, "gross.wall_s");
	json_decref(report);
	profile_free(p);
}

/* JSON is UTF-8, what Python calls a file need not be. */
Test(export_json, text_that_is_not_utf8_is_mended)
{
	struct profile *p = sketch_new(2000);
	uint32_t t = sketch_thread(p, 100, "\xff\033\"");
	json_t *report;

	sketch_looks(p, t, "f\xc0\xaf@/a\xed\xb2\x80.py:1:2", SAMPLE_COMPLETE,
		     10);
	report = parse(p);
	check_text(report, "threads.0.name", "\xef\xbf\xbd\033\"");
	check_text(report, "functions.0.function", "f\xef\xbf\xbd\xef\xbf\xbd");
	check_text(report, "functions.0.file",
		   "/a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.py");
	json_decref(report);
	profile_free(p);
}

/* Several processes in one profile: each has its own ledger. */
Test(export_json, each_process_has_a_ledger)
{
	struct profile *p = sketch_new(1000);
	uint32_t a = sketch_thread(p, 100, "a"), b = sketch_thread(p, 200, "b");
	json_t *report;

	p->threads.at[b].process = profile_add_process(p, 200, 0, 0);
	sketch_books(p, a, 300 * MS, 0);
	sketch_books(p, b, 500 * MS, 0);
	sketch_looks(p, a, "f@a.py:1:1", SAMPLE_COMPLETE, 1000);
	sketch_looks(p, b, "f@a.py:1:1", SAMPLE_COMPLETE, 1000);
	report = parse(p);
	check_near(number_at(report, "ledgers.1.pid"), 100);
	check_near(number_at(report, "ledgers.1.gross.cpu_s"), 0.3);
	check_near(number_at(report, "ledgers.2.pid"), 200);
	check_near(number_at(report, "ledgers.2.gross.cpu_s"), 0.5);
	check_near(number_at(report, "ledgers.0.gross.cpu_s"), 0.8);
	check_near(number_at(report, "processes.1.parent"), 100);
	cr_expect(json_is_null(at(report, "processes.0.parent")));
	json_decref(report);
	profile_free(p);
}

Test(export_json, tasks_are_told_by_line)
{
	struct profile *p = sketch_new(2000);
	json_t *report;

	sketch_thread(p, 100, "a");
	sketch_await(p, "f@a.py:1:3;get@/lib/python3.13/q.py:1:7", AWAIT_FUTURE,
		     6000);
	sketch_await(p, "f@a.py:1:3", AWAIT_READY, 1000);
	sketch_await(p, "", AWAIT_RUNNING, 1000);
	sketch_await(p, "", AWAIT_UNKNOWN, 2000);
	sketch_readings(p, 50, 4);
	report = parse(p);
	cr_assert_eq(json_array_size(at(report, "awaits")), 1);
	check_near(number_at(report, "awaits.0.line"), 3);
	check_near(number_at(report, "awaits.0.seconds"), 7);
	check_near(number_at(report, "awaits.0.ready_s"), 1);
	check_near(number_at(report, "awaits.0.waiting_s"), 6);
	check_near(number_at(report, "awaits.0.share"), 7.0 / 8);
	check_near(number_at(report, "awaits.0.innermost.line"), 7);
	check_near(number_at(report, "tasks.seconds"), 10);
	check_near(number_at(report, "tasks.unknown_s"), 2);
	check_near(number_at(report, "tasks.tasks_seen"), 4);
	check_near(number_at(report, "tasks.effective_readings"), 50);
	json_decref(report);
	profile_free(p);
}

Test(export_json, without_tasks_there_are_none)
{
	struct profile *p = two_threads();
	json_t *report = parse(p);

	cr_expect_eq(json_array_size(at(report, "awaits")), 0);
	cr_expect(json_is_null(at(report, "tasks")));
	json_decref(report);
	profile_free(p);
}

static void check_documented(json_t *value, const char *manual)
{
	const char *key;
	json_t *inner;
	size_t i;

	json_array_foreach(value, i, inner) check_documented(inner, manual);
	json_object_foreach(value, key, inner)
	{
		char quoted[64];

		snprintf(quoted, sizeof(quoted), "`%s`", key);
		cr_expect(strstr(manual, quoted), "docs/json.md lacks %s",
			  quoted);
		check_documented(inner, manual);
	}
}

Test(export_json, every_key_is_in_the_manual)
{
	const char *root = getenv("TARE_SOURCE_ROOT");
	struct profile *p = two_threads();
	static char manual[65536];
	char path[4096];
	json_t *report;
	FILE *file;

	cr_assert(root, "TARE_SOURCE_ROOT is not set");
	snprintf(path, sizeof(path), "%s/docs/json.md", root);
	file = fopen(path, "re");
	cr_assert(file, "no '%s'", path);
	cr_assert_gt(fread(manual, 1, sizeof(manual) - 1, file), 0);
	fclose(file);
	/* Something to be warned of, so that each key appears. */
	sketch_await(p, "f@a.py:1:1", AWAIT_FUTURE, 10);
	sketch_readings(p, 4, 1);
	profile_set_meta(p, META_LOAD, "99");
	report = parse(p);
	cr_assert_gt(json_array_size(at(report, "warnings")), 0);
	check_documented(report, manual);
	json_decref(report);
	profile_free(p);
}

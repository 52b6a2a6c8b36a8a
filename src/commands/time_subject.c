/* SPDX-License-Identifier: MIT */
#include "commands/time_subject.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/shell_word.h"
#include "commands/python_find.h"
#include "timing/expression.h"

static int add_subject(struct time_job *job, char *text, enum timing_gc gc,
		       struct time_subject subject, struct err *err)
{
	struct timing_subject one = { .text = text, .gc = gc };
	uint32_t nr = job->timing.subjects.nr;

	if (!text || !vec_push(&job->timing.subjects, one)) {
		free(text);
		return err_nomem(err);
	}
	job->subjects[nr] = subject;
	return ERR_OK;
}

static int add_contest(struct time_job *job, uint32_t a, uint32_t b,
		       struct err *err)
{
	struct timing_contest one = { .a = a, .b = b };

	return vec_push(&job->timing.contests, one) ? ERR_OK : err_nomem(err);
}

/* ------------------------------------------------------------- commands */

static int check_program(const char *name, struct err *err)
{
	char path[4096];

	if (!name) {
		err_set(err, ERR_USAGE, "a command is missing beside a '--'");
		err_hint(err, "tare time -- COMMAND -- COMMAND");
		return err->code;
	}
	if (program_find(name, path, sizeof(path)))
		return ERR_OK;
	if (strchr(name, '/') && access(name, F_OK) == 0) {
		err_set(err, ERR_NOT_EXECUTABLE, "cannot execute '%s'", name);
		err_hint(err, "ls -ld %s", name);
		return err->code;
	}
	err_set(err, ERR_NOT_FOUND, "no program '%s'%s", name,
		strchr(name, '/') ? "" : " on PATH");
	if (access(name, F_OK) == 0)
		err_hint(err, "tare time -- ./%s", name);
	else
		err_hint(err, "command -v %s", name);
	return err->code;
}

static int add_command(struct time_job *job, char **argv, struct err *err)
{
	struct time_subject subject = { .argv = argv };
	struct buf text = { 0 };
	int rc;

	rc = check_program(argv[0], err);
	if (rc != ERR_OK)
		return rc;
	shell_words_add(&text, argv);
	if (text.failed) {
		buf_release(&text);
		return err_nomem(err);
	}
	return add_subject(job, text.data, TIMING_GC_NONE, subject, err);
}

static int init_commands(struct time_job *job, const struct opt_rest *words,
			 struct err *err)
{
	char **first = words->argv;
	int rc = ERR_OK;

	for (int i = 0; i <= words->argc && rc == ERR_OK; i++) {
		char *word = words->argv[i];

		if (word && strcmp(word, "--") != 0)
			continue;
		if (job->timing.subjects.nr == 2) {
			err_set(err, ERR_USAGE,
				"two commands are compared, "
				"not three");
			err_hint(err, "sh -c '...' for a command with '--' "
				      "in it");
			return err->code;
		}
		words->argv[i] = NULL;
		rc = add_command(job, first, err);
		first = words->argv + i + 1;
		if (!word)
			break;
	}
	if (rc == ERR_OK && job->timing.subjects.nr == 2)
		rc = add_contest(job, 0, 1, err);
	return rc;
}

/* ---------------------------------------------------------- expressions */

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), end_size = strlen(end);

	return size > end_size && strcmp(text + size - end_size, end) == 0;
}

static int check_expressions(const struct opt_rest *words, struct err *err)
{
	char path[4096];
	const char *first = words->argv[0];

	if (words->argc > 2) {
		err_set(err, ERR_USAGE, "two expressions are compared, not %d",
			words->argc);
		if (program_find(first, path, sizeof(path)))
			err_hint(err, "tare time -- %s %s ...", first,
				 words->argv[1]);
		return err->code;
	}
	if (ends_with(first, ".py") && access(first, F_OK) == 0) {
		err_set(err, ERR_USAGE, "'%s' is a script, not an expression",
			first);
		err_hint(err, "tare time -- python3 %s", first);
		return err->code;
	}
	return ERR_OK;
}

static int add_expression(struct time_job *job, const char *code,
			  struct err *err)
{
	struct time_subject subject = { .code = code };
	int rc;

	rc = add_subject(job, strdup(code), TIMING_GC_OFF, subject, err);
	if (rc == ERR_OK)
		rc = add_subject(job, strdup(code), TIMING_GC_ON, subject, err);
	return rc;
}

static int init_expressions(struct time_job *job, const struct opt_rest *words,
			    struct err *err)
{
	int rc;

	job->timing.expressions = true;
	rc = check_expressions(words, err);
	if (rc == ERR_OK)
		rc = python_find(job->opts->python, job->python,
				 sizeof(job->python), err);
	for (int i = 0; i < words->argc && rc == ERR_OK; i++)
		rc = add_expression(job, words->argv[i], err);
	if (rc != ERR_OK)
		return rc;
	if (words->argc == 1)
		return add_contest(job, 0, 1, err);
	rc = add_contest(job, 0, 2, err);
	return rc == ERR_OK ? add_contest(job, 1, 3, err) : rc;
}

/* ------------------------------------------------------------------ job */

static int check_opts(const struct time_opts *opts, bool dashes,
		      struct err *err)
{
	if (opts->run_given && !opts->run_nr)
		return err_set(err, ERR_USAGE, "no runs, no figures");
	if (opts->json && opts->markdown)
		return err_set(err, ERR_USAGE,
			       "--json or --markdown, not both");
	if (dashes && (opts->setup || opts->python))
		return err_set(err, ERR_USAGE, "--%s is for expressions",
			       opts->setup ? "setup" : "python");
	if (!dashes && (opts->prepare || opts->input))
		return err_set(err, ERR_USAGE, "--%s is for commands",
			       opts->prepare ? "prepare" : "input");
	return ERR_OK;
}

int time_job_init(struct time_job *job, const struct time_opts *opts,
		  const struct opt_rest *words, struct err *err)
{
	int rc;

	memset(job, 0, sizeof(*job));
	job->opts = opts;
	if (words->dashes && words->before) {
		err_set(err, ERR_USAGE,
			"commands or expressions, not both: '%s' stands "
			"before the '--'",
			words->argv[0]);
		return err->code;
	}
	if (!words->argc) {
		err_set(err, ERR_USAGE, "nothing to time");
		err_hint(err, "tare time -- sleep 0.1");
		return err->code;
	}
	rc = check_opts(opts, words->dashes, err);
	if (rc != ERR_OK)
		return rc;
	rc = words->dashes ? init_commands(job, words, err)
			   : init_expressions(job, words, err);
	job->transparent = rc == ERR_OK && words->dashes &&
			   !job->timing.contests.nr && opts->run_nr == 1;
	return rc;
}

static int run_prepare(struct time_job *job, bool *stopped, struct err *err)
{
	char *argv[] = { (char *)"sh", (char *)"-c",
			 (char *)(uintptr_t)job->opts->prepare, NULL };
	struct once_opts once = {
		.argv = argv, .kept_fd = -1, .record_fd = -1, .stop = job->stop
	};
	int rc = once_run(&once, &job->result, err);

	*stopped = job->result.stopped;
	if (rc != ERR_OK || *stopped)
		return rc;
	if (job->result.run.killed || job->result.run.code) {
		err_set(err, ERR_SYS, "--prepare failed (%s%d)%s%.300s",
			job->result.run.killed ? "signal " : "status ",
			job->result.run.code, job->result.said.size ? ": " : "",
			buf_str(&job->result.said));
		err_hint(err, "sh -c '%s'", job->opts->prepare);
	}
	return err->code;
}

static int run_expression(struct time_job *job, uint32_t i,
			  const struct once_opts *once, struct err *err)
{
	struct timing_subject *s = &job->timing.subjects.at[i];
	struct expression e = {
		.python = job->python,
		.setup = job->opts->setup ? job->opts->setup : "",
		.code = job->subjects[i].code,
		.gc = s->gc == TIMING_GC_ON,
		.loop_nr = s->loop_nr,
	};

	/* Both states of the collector with batches of the same size. */
	if (!e.loop_nr && e.gc)
		e.loop_nr = job->timing.subjects.at[i - 1].loop_nr;
	return expression_run(&e, once, &job->result, job->timing.python,
			      sizeof(job->timing.python), &s->loop_nr, err);
}

int time_job_run(void *arg, uint32_t subject, struct timing_run *out,
		 bool *stopped, struct err *err)
{
	struct time_job *job = arg;
	struct once_opts once = {
		.argv = job->subjects[subject].argv,
		.input = job->opts->input,
		.show_output = job->opts->show_output,
		.transparent = job->transparent,
		.kept_fd = -1,
		.record_fd = -1,
		.stop = job->stop,
	};
	int rc = ERR_OK;

	job->latest = subject;
	*stopped = false;
	if (job->opts->prepare)
		rc = run_prepare(job, stopped, err);
	if (rc != ERR_OK || *stopped)
		return rc;
	if (job->subjects[subject].code)
		rc = run_expression(job, subject, &once, err);
	else
		rc = once_run(&once, &job->result, err);
	*out = job->result.run;
	*stopped = job->result.stopped;
	return rc;
}

void time_job_release(struct time_job *job)
{
	timing_release(&job->timing);
	once_release(&job->result);
}

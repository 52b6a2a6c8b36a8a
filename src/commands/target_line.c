/* SPDX-License-Identifier: MIT */
#include "commands/target_line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"
#include "commands/python_find.h"
#include "os/child.h"

static bool add(struct target_line *line, const char *word)
{
	return vec_push(line, (char *)(uintptr_t)word);
}

/* A program given where a script belongs is the commonest slip. */
static int check_script(const char *verb, const char *path, struct err *err)
{
	char program[4096], magic[4] = "";
	struct stat st;
	int fd;

	if (strcmp(path, "-") == 0)
		return ERR_OK;
	if (stat(path, &st) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return ERR_OK; /* Python says it better */
		err_set(err, ERR_NOT_FOUND, "no file '%s'", path);
		if (program_find(path, program, sizeof(program)))
			err_hint(err, "tare %s -- %s ...", verb, path);
		else
			err_hint(err, "ls *.py");
		return err->code;
	}
	if (!S_ISREG(st.st_mode))
		return ERR_OK;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ERR_OK;
	if (read(fd, magic, sizeof(magic)) == sizeof(magic) &&
	    memcmp(magic, "\177ELF", 4) == 0) {
		err_set(err, ERR_USAGE, "'%s' is a program, not a script",
			path);
		err_hint(err, "tare %s -- %s%s ...", verb,
			 strchr(path, '/') ? "" : "./", path);
	}
	close(fd);
	return err->code;
}

/* A script, or nothing at all: the interpreter is still to be found. */
static int check_words(const char *verb, const struct target_choice *opts,
		       const struct opt_rest *words, struct err *err)
{
	if (opts->module || opts->code)
		return ERR_OK;
	if (!words->argc) {
		err_set(err, ERR_USAGE, "nothing to run");
		err_hint(err, "tare %s script.py", verb);
		return err->code;
	}
	return words->dashes ? ERR_OK : check_script(verb, words->argv[0], err);
}

/* Begin with the interpreter and what it is told to run, if that is not the
 * first word of the target itself. */
static int add_python(const struct target_choice *opts,
		      struct target_line *line, struct err *err)
{
	bool ok;
	int rc;

	rc = python_find(opts->python, line->python, sizeof(line->python), err);
	if (rc != ERR_OK)
		return rc;
	ok = add(line, line->python);
	if (opts->module)
		ok = ok && add(line, "-m") && add(line, opts->module);
	else if (opts->code)
		ok = ok && add(line, "-c") && add(line, opts->code);
	return ok ? ERR_OK : err_nomem(err);
}

int target_line_make(struct target_line *line, const char *verb,
		     const struct target_choice *choice,
		     const struct opt_rest *words, struct err *err)
{
	int rc;

	line->verb = verb;
	rc = check_words(verb, choice, words, err);
	if (rc == ERR_OK && (choice->module || choice->code || !words->dashes))
		rc = add_python(choice, line, err);
	if (rc != ERR_OK)
		return rc;
	line->name = choice->module ? choice->module
		     : choice->code ? "code"
				    : words->argv[0];
	for (int i = 0; i < words->argc; i++)
		if (!add(line, words->argv[i]))
			return err_nomem(err);
	return add(line, NULL) ? ERR_OK : err_nomem(err);
}

/* What to type when a program cannot be started. */
void target_line_improve(const struct target_line *line, struct err *err)
{
	if (err->code != ERR_NOT_FOUND || err->hint[0])
		return;
	if (!strchr(line->at[0], '/') && access(line->at[0], F_OK) == 0)
		err_hint(err, "tare %s -- ./%s ...", line->verb, line->at[0]);
	else if (strchr(line->at[0], '/'))
		err_hint(err, "ls -l %s", line->at[0]);
	else
		err_hint(err, "command -v %s", line->at[0]);
}

void target_line_release(struct target_line *line)
{
	vec_release(line);
}

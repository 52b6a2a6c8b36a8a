/* SPDX-License-Identifier: MIT */
#include "commands/output_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "os/file.h"

#define STEM_MAX 100

int output_name_expand(struct buf *out, const char *pattern, int pid,
		       struct err *err)
{
	struct utsname host;

	for (const char *at = pattern; *at; at++) {
		if (*at != '%') {
			buf_add_char(out, *at);
			continue;
		}
		switch (*++at) {
		case '%':
			buf_add_char(out, '%');
			break;
		case 'p':
			buf_printf(out, "%d", pid);
			break;
		case 'h':
			buf_add_str(out,
				    uname(&host) == 0 ? host.nodename : "host");
			break;
		default:
			err_set(err, ERR_USAGE, "no such %% in '%s'", pattern);
			err_hint(err, "-o %s",
				 "NAME with %p (process), %h (host) or %%");
			return err->code;
		}
	}
	if (out->size == 0)
		return err_set(err, ERR_USAGE, "-o needs a file name");
	return out->failed ? err_nomem(err) : ERR_OK;
}

static void add_stem(struct buf *out, const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *stem = slash && slash[1] ? slash + 1 : program;
	size_t size = strlen(stem);

	if (size > 3 && strcmp(stem + size - 3, ".py") == 0)
		size -= 3;
	/* "." (a package in this directory), "-" (stdin), "dir/" */
	if (strspn(stem, ".-") == size || strchr(stem, '/')) {
		buf_add_str(out, "python");
		return;
	}
	if (stem[0] == '-' || stem[0] == '.') {
		stem++;
		size--;
	}
	buf_add(out, stem, size < STEM_MAX ? size : STEM_MAX);
}

static bool is_free(const char *name)
{
	struct buf part = { 0 };
	bool is;

	buf_printf(&part, "%s.part", name);
	is = !file_exists(name) && !file_exists(buf_str(&part));
	buf_release(&part);
	return is;
}

void output_name_default(struct buf *out, const char *program, int pid)
{
	size_t begin = out->size;

	/* Process numbers come round again; a thousand times is enough. */
	for (int i = 1; i < 1000; i++) {
		if (out->data)
			out->data[out->size = begin] = '\0';
		add_stem(out, program);
		buf_printf(out, ".%d", pid);
		if (i > 1)
			buf_printf(out, "-%d", i);
		buf_add_str(out, ".tare");
		if (out->failed || is_free(out->data + begin))
			return;
	}
}

int output_name_log(struct buf *out, const char *program, struct err *err)
{
	int fd = -1;

	errno = EEXIST;
	for (int i = 1; i < 1000 && fd < 0 && errno == EEXIST; i++) {
		buf_clear(out);
		add_stem(out, program);
		if (i > 1)
			buf_printf(out, "-%d", i);
		buf_add_str(out, ".out");
		fd = open(buf_str(out),
			  O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC,
			  0666);
	}
	if (fd < 0)
		err_sys(err, "cannot make '%s'", buf_str(out));
	return fd;
}

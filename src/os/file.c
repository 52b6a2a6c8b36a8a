/* SPDX-License-Identifier: MIT */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void file_fill_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* The wrong way round, so that using it still fails. */
		int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		/* The lowest free number is this one. */
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null", flags | O_CLOEXEC);
	}
}

/* Maps, directories of threads, what is written. */
#define RESERVED 32

bool file_may_keep(int fd)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) ||
	       (rlim_t)fd + RESERVED < limit.rlim_cur;
}

int file_write(int fd, const char *name, const void *data, size_t size,
	       enum file_outcome *outcome, struct err *err)
{
	const char *at = data;

	*outcome = FILE_WRITTEN;
	while (size) {
		ssize_t nr = write(fd, at, size);

		if (nr >= 0) {
			at += nr;
			size -= (size_t)nr;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN) {
			/* Somebody made the pipe non-blocking for us too. */
			struct pollfd pfd = { .fd = fd, .events = POLLOUT };

			poll(&pfd, 1, -1);
			continue;
		}
		if (errno == EPIPE)
			*outcome = FILE_PIPE_CLOSED;
		return err_sys(err, "cannot write %s", name);
	}
	return ERR_OK;
}

bool file_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static int refuse_existing(const char *path, struct err *err)
{
	err_set(err, ERR_EXISTS, "'%s' is there already", path);
	err_hint(err, "another name after -o, or -f to replace it");
	return err->code;
}

/* Move `part` to `path`; never over an existing file unless `overwrite`. */
static int put_in_place(const char *part, const char *path, bool overwrite,
			struct err *err)
{
	if (!overwrite) {
		if (syscall(SYS_renameat2, AT_FDCWD, part, AT_FDCWD, path,
			    1u /* RENAME_NOREPLACE */) == 0)
			return ERR_OK;
		if (errno == EEXIST)
			return refuse_existing(path, err);
		/* File systems without that flag: a hard link refuses too. */
		if (errno == EINVAL && link(part, path) == 0) {
			unlink(part);
			return ERR_OK;
		}
		if (errno == EEXIST)
			return refuse_existing(path, err);
		if (file_exists(path))
			return refuse_existing(path, err);
	}
	if (rename(part, path) < 0)
		return err_sys(err, "cannot write '%s'", path);
	return ERR_OK;
}

static int write_named(int fd, const char *path, const void *data, size_t size,
		       struct err *err)
{
	enum file_outcome outcome;
	char quoted[sizeof(err->msg)];

	snprintf(quoted, sizeof(quoted), "'%s'", path);
	return file_write(fd, quoted, data, size, &outcome, err);
}

static int save_part(const char *part, const char *path, const void *data,
		     size_t size, struct err *err)
{
	int fd, rc;

	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY,
		  0666);
	if (fd < 0 && errno == EEXIST) {
		err_set(err, ERR_EXISTS, "'%s' is in the way", part);
		err_hint(err, "rm %s", part);
		return err->code;
	}
	if (fd < 0)
		return err_sys(err, "cannot write '%s'", path);
	rc = write_named(fd, path, data, size, err);
	if (rc == ERR_OK && fsync(fd) < 0)
		rc = err_sys(err, "cannot write '%s'", path);
	if (close(fd) < 0 && rc == ERR_OK)
		rc = err_sys(err, "cannot write '%s'", path);
	if (rc != ERR_OK)
		unlink(part);
	return rc;
}

static int save_in_place(const char *path, const void *data, size_t size,
			 struct err *err)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	int rc;

	if (fd < 0)
		return err_sys(err, "cannot write '%s'", path);
	rc = write_named(fd, path, data, size, err);
	if (close(fd) < 0 && rc == ERR_OK)
		rc = err_sys(err, "cannot write '%s'", path);
	return rc;
}

int file_save(const char *path, bool overwrite, const void *data, size_t size,
	      struct err *err)
{
	struct stat st;
	char *part;
	int rc;

	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return err_set(err, ERR_USAGE, "'%s' is a directory",
				       path);
		if (!S_ISREG(st.st_mode))
			return save_in_place(path, data, size, err);
		if (!overwrite)
			return refuse_existing(path, err);
	}
	if (asprintf(&part, "%s.part", path) < 0)
		return err_nomem(err);
	rc = save_part(part, path, data, size, err);
	if (rc == ERR_OK) {
		rc = put_in_place(part, path, overwrite, err);
		if (rc != ERR_OK)
			unlink(part);
	}
	free(part);
	return rc;
}

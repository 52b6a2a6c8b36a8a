/* SPDX-License-Identifier: MIT */
#include "store/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where SQLite locks: "the lock-byte page" of its file format. */
#define LOCK_FIRST 0x40000000
#define LOCK_SIZE 512

/* As many unfinished recordings of one name are kept. */
#define ASIDE_NR 1000

__attribute__((format(printf, 1, 2))) static char *text(const char *fmt, ...)
{
	va_list args;
	char *out;
	int len;

	va_start(args, fmt);
	len = vasprintf(&out, fmt, args);
	va_end(args);
	return len < 0 ? NULL : out;
}

char *store_file_plain_path(const char *path)
{
	return text("%s%s", path[0] == '/' ? "" : "./", path);
}

static int hint_place(struct err *err, int rc)
{
	err_hint(err, "'-o FILE' writes the recording to another place");
	return rc;
}

static int check_path(const struct store_file *f, struct err *err)
{
	struct stat st;
	int rc;

	if (lstat(f->path, &st)) {
		if (errno == ENOENT)
			return ERR_OK;
		return hint_place(err,
				  err_sys(err, "cannot write '%s'", f->path));
	}
	if (!f->overwrite) {
		rc = err_set(err, ERR_EXISTS, "'%s' exists", f->path);
		err_hint(err, "'-o FILE' writes to another file, "
			      "'--force' replaces this one");
		return rc;
	}
	/* rename() would replace a device or a link by a file. */
	if (!S_ISREG(st.st_mode))
		return hint_place(err, err_set(err, ERR_EXISTS,
					       "'%s' is not a regular file",
					       f->path));
	return ERR_OK;
}

/* The process that has `fd` locked; 0: nobody, -1: cannot be told who. */
static pid_t lock_owner(int fd)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = LOCK_FIRST,
		.l_len = LOCK_SIZE,
	};

	/* The OFD form sees this process's own locks too. */
	if (fcntl(fd, F_OFD_GETLK, &lock) && fcntl(fd, F_GETLK, &lock))
		return 0;
	if (lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid > 0 ? lock.l_pid : -1;
}

static int check_dead(const struct store_file *f, struct err *err)
{
	struct stat st;
	pid_t owner;
	int fd, rc = ERR_OK;

	fd = open(f->part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return ERR_OK; /* it has just become PATH */
	if (fd < 0)
		return hint_place(err,
				  err_sys(err, "cannot open '%s'", f->part));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		rc = hint_place(err,
				err_set(err, ERR_EXISTS,
					"'%s' is not a regular file", f->part));
		goto out;
	}
	owner = lock_owner(fd);
	if (owner) {
		rc = err_set(err, ERR_EXISTS, "another tare is writing '%s'%s",
			     f->path,
			     owner > 0 ? "" : " (on another machine?)");
		if (owner > 0)
			err_set(err, ERR_EXISTS,
				"another tare (process %d) is writing '%s'",
				(int)owner, f->path);
		hint_place(err, rc);
	}
out:
	close(fd);
	return rc;
}

/* 0, or -1 with errno: EEXIST when `to` is there. Never replaces. */
static int rename_new(const char *from, const char *to)
{
	int fd;

	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
		return -1;
	if (!link(from, to))
		return unlink(from);
	if (errno == EEXIST)
		return -1;
	/* Neither (FAT, some network file systems): take the name first, and
	 * then replace nothing but our own empty file. */
	fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return -1;
	close(fd);
	return rename(from, to);
}

/* The journal belongs to the database by its name, so it goes along. */
static int move_journal(const struct store_file *f, struct err *err)
{
	char *from = text("%s-journal", f->part);
	char *to = text("%s-journal", f->aside);
	int rc = ERR_OK;

	if (!from || !to)
		rc = err_nomem(err);
	else if (rename(from, to) && errno != ENOENT)
		rc = err_sys(err, "cannot rename '%s'", from);
	free(from);
	free(to);
	return rc;
}

/* PATH.part is of a tare that was killed: keep it under another name. */
static int set_aside(struct store_file *f, struct err *err)
{
	int rc;

	for (int i = 1; i <= ASIDE_NR; i++) {
		free(f->aside);
		f->aside = text("%s.%d", f->part, i);
		if (!f->aside)
			return err_nomem(err);
		if (!rename_new(f->part, f->aside))
			return move_journal(f, err);
		if (errno == ENOENT) {
			free(f->aside);
			f->aside = NULL;
			return ERR_OK; /* gone meanwhile */
		}
		if (errno != EEXIST) {
			rc = err_sys(err, "cannot rename '%s'", f->part);
			return hint_place(err, rc);
		}
	}
	rc = err_set(err, ERR_EXISTS, "%d unfinished recordings '%s.*' exist",
		     ASIDE_NR, f->part);
	err_hint(err, "remove those that are not needed");
	return rc;
}

int store_file_claim(struct store_file *f, const char *path, bool overwrite,
		     struct err *err)
{
	int rc;

	memset(f, 0, sizeof(*f));
	f->fd = -1;
	f->overwrite = overwrite;
	f->path = strdup(path);
	f->part = f->path ? text("%s.part", path) : NULL;
	if (!f->part)
		return err_nomem(err);
	rc = check_path(f, err);
	/* More than once only while others claim and finish meanwhile. */
	for (int i = 0; !rc && i < 10; i++) {
		f->fd = open(f->part,
			     O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			     0666);
		if (f->fd >= 0)
			return ERR_OK;
		if (errno != EEXIST)
			return hint_place(
				err,
				err_sys(err, "cannot create '%s'", f->part));
		rc = check_dead(f, err);
		if (!rc)
			rc = set_aside(f, err);
	}
	if (!rc)
		rc = hint_place(err,
				err_set(err, ERR_EXISTS,
					"others keep creating '%s'", f->part));
	return rc;
}

int store_file_check(const struct store_file *f, struct err *err)
{
	struct stat ours, there;
	int rc;

	if (!fstat(f->fd, &ours) && !lstat(f->part, &there) &&
	    ours.st_dev == there.st_dev && ours.st_ino == there.st_ino)
		return ERR_OK;
	rc = err_set(err, ERR_EXISTS, "'%s' was moved or replaced", f->part);
	err_hint(err, "the recording is where it was moved to");
	return rc;
}

static int sync_directory(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *dir =
		slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd, rc = ERR_OK;

	if (!dir)
		return err_nomem(err);
	/* A directory that may be written but not read cannot be synced. */
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		if (fsync(fd) && errno != EINVAL && errno != ENOTSUP)
			rc = err_sys(err, "cannot sync '%s'", dir);
		close(fd);
	}
	free(dir);
	return rc;
}

int store_file_publish(struct store_file *f, struct err *err)
{
	bool is_there;
	int failed, rc;

	rc = store_file_check(f, err);
	if (rc)
		return rc;
	if (fsync(f->fd) && errno != EINVAL && errno != ENOTSUP) {
		rc = err_sys(err, "cannot write '%s' to disk", f->part);
		return hint_place(err, rc);
	}
	failed = f->overwrite ? rename(f->part, f->path)
			      : rename_new(f->part, f->path);
	if (failed) {
		is_there = errno == EEXIST;
		rc = err_sys(err, "cannot rename '%s' to '%s'", f->part,
			     f->path);
		if (is_there)
			rc = err_set(err, ERR_EXISTS,
				     "'%s' appeared while recording", f->path);
		err_hint(err,
			 "the recording is whole; name it: "
			 "mv -n '%s' FILE",
			 f->part);
		return rc;
	}
	return sync_directory(f->path, err);
}

void store_file_drop_journal(const struct store_file *f)
{
	char *name = text("%s-journal", f->part);
	struct stat st;

	if (name && !lstat(name, &st) && S_ISREG(st.st_mode) && !st.st_size)
		unlink(name);
	free(name);
}

void store_file_remove(struct store_file *f)
{
	struct err ignored;

	if (f->fd >= 0 && !store_file_check(f, &ignored))
		unlink(f->part);
}

void store_file_release(struct store_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f->part);
	free(f->aside);
	memset(f, 0, sizeof(*f));
	f->fd = -1;
}

/* SPDX-License-Identifier: MIT */
/* Writing what is finished, and reading files one does not trust. */
#ifndef TARE_OS_FILE_H
#define TARE_OS_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Give descriptors 0 to 2 to /dev/null where they are closed, so that no file
 * that tare opens can become the target's stdout. Writing to them still fails,
 * and the target finds them closed, as it would without tare.
 */
void file_fill_standard(void);

/*
 * May `fd`, of which there is one for each thread, stay open? Not where it is
 * among the last ones that the limit of open files allows: those are for what
 * has to be opened.
 */
bool file_may_keep(int fd);

enum file_outcome {
	FILE_WRITTEN,
	FILE_PIPE_CLOSED, /* nobody reads any more (EPIPE) */
};

/* Write all of it to `fd`, called `name` in messages. */
int file_write(int fd, const char *name, const void *data, size_t size,
	       enum file_outcome *outcome, struct err *err);

/*
 * Write a file that is whole or absent: `PATH.part` first, then renamed. What
 * is no regular file (/dev/null, a pipe) is written in place. ERR_EXISTS when
 * it is there and not `overwrite`.
 */
int file_save(const char *path, bool overwrite, const void *data, size_t size,
	      struct err *err);

bool file_exists(const char *path);

/* A directory to look paths up in, as another process sees them. */
struct file_root {
	int fd;	      /* of its root directory, O_PATH; -1: our own */
	unsigned uid; /* files are opened with this user's rights */
	unsigned gid;
	char directory[4096]; /* where relative paths begin; "" not known */
};

/*
 * The root of process `pid`, as it is now; it stays usable when the process
 * is gone. Where nothing may be known of it, our own root with no directory.
 */
void file_root_open(struct file_root *root, int pid);
void file_root_close(struct file_root *root);

/*
 * Open `path` under `root` for reading, with the rights of its user; -1 when
 * that cannot be done. It may be anything, but opening does not hang on a
 * pipe.
 */
int file_root_open_file(const struct file_root *root, const char *path);

/* The time that a file was last changed, as since 1970. */
struct file_text {
	struct buf text;
	long long changed_ns;
};

/*
 * Read the regular file `path` under `root`, at most `size_max` bytes; false
 * when there is none, it is larger, or `root`'s user may not read it. Does
 * not hang on a pipe. `out` is the caller's to buf_release().
 */
bool file_root_read(const struct file_root *root, const char *path,
		    size_t size_max, struct file_text *out);

#endif

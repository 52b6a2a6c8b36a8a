/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/file.h"
#include "os/procfs.h"

/* The second of the four numbers of "Uid:" or "Gid:", the effective one. */
static unsigned read_effective(int pid, const char *key, unsigned otherwise)
{
	unsigned real, effective;
	char text[128];

	if (!procfs_read_status(pid, key, text, sizeof(text)) ||
	    sscanf(text, "%u %u", &real, &effective) != 2)
		return otherwise;
	return effective;
}

/*
 * The kernel says where `directory` is in our tree; a process in a chroot
 * means what is below its own root.
 */
static void take_root_off(char *directory, const char *top)
{
	size_t size = strlen(top);

	if (strcmp(top, "/") == 0 || strncmp(directory, top, size) != 0)
		return;
	if (directory[size] == '/')
		memmove(directory, directory + size,
			strlen(directory + size) + 1);
	else if (!directory[size])
		memcpy(directory, "/", sizeof("/"));
}

void file_root_open(struct file_root *root, int pid)
{
	char path[64], top[4096];

	memset(root, 0, sizeof(*root));
	procfs_read_link(pid, "cwd", root->directory, sizeof(root->directory));
	if (procfs_read_link(pid, "root", top, sizeof(top)))
		take_root_off(root->directory, top);
	root->uid = read_effective(pid, "Uid", geteuid());
	root->gid = read_effective(pid, "Gid", getegid());
	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	root->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void file_root_close(struct file_root *root)
{
	if (root->fd >= 0)
		close(root->fd);
	root->fd = -1;
}

static int open_under(const struct file_root *root, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	struct stat ours, theirs;
	int fd;

	if (root->fd < 0)
		return open(path, (int)how.flags);
	fd = (int)syscall(SYS_openat2, root->fd, path, &how, sizeof(how));
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
		return fd;
	/* Before Linux 5.6, or under a filter that does not know the call:
	 * a link inside another root could lead out of it, so only our own. */
	if (stat("/", &ours) == 0 && fstat(root->fd, &theirs) == 0 &&
	    ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
		return open(path, (int)how.flags);
	return -1;
}

/*
 * With the rights of the process that named the file: tare may run as root
 * beside a program that is not, and that program chooses the names. Setting
 * the file-system user away from 0 also takes CAP_DAC_OVERRIDE's effect.
 */
static int open_as(const struct file_root *root, const char *path)
{
	bool change = geteuid() == 0 && root->uid != 0;
	int fd;

	if (change) {
		setfsgid(root->gid);
		setfsuid(root->uid);
	}
	fd = open_under(root, path);
	if (change) {
		int saved = errno;

		setfsuid(geteuid());
		setfsgid(getegid());
		errno = saved;
	}
	return fd;
}

int file_root_open_file(const struct file_root *root, const char *path)
{
	char *whole = NULL;
	int fd;

	if (path[0] != '/') {
		if (!root->directory[0] ||
		    asprintf(&whole, "%s/%s", root->directory, path) < 0)
			return -1;
		path = whole;
	}
	fd = open_as(root, path);
	free(whole);
	return fd;
}

static bool read_whole(int fd, size_t size_max, struct file_text *out)
{
	struct stat st;
	ssize_t nr;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (unsigned long long)st.st_size > size_max)
		return false;
	out->changed_ns = (long long)st.st_mtim.tv_sec * 1000000000ll +
			  st.st_mtim.tv_nsec;
	/* A file that grows while it is read is cut at the limit. */
	while (out->text.size <= size_max) {
		if (!buf_reserve(&out->text, 65536))
			return false;
		nr = read(fd, out->text.data + out->text.size, 65536);
		if (nr < 0 && errno == EINTR)
			continue;
		if (nr < 0)
			return false;
		if (nr == 0)
			return true;
		out->text.size += (size_t)nr;
		out->text.data[out->text.size] = '\0';
	}
	return false;
}

bool file_root_read(const struct file_root *root, const char *path,
		    size_t size_max, struct file_text *out)
{
	bool ok;
	int fd;

	memset(out, 0, sizeof(*out));
	fd = file_root_open_file(root, path);
	if (fd < 0)
		return false;
	ok = read_whole(fd, size_max, out);
	close(fd);
	if (!ok)
		buf_release(&out->text);
	return ok;
}

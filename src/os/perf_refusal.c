/* SPDX-License-Identifier: MIT */
#include "os/perf_refusal.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/procfs.h"

#define PARANOID_FILE "/proc/sys/kernel/perf_event_paranoid"

/* Above this, Debian, Ubuntu and Android refuse unprivileged users all
 * events; the kernel as released knows nothing beyond 2. */
#define PARANOID_ALLOWS 2

static bool is_refused(const struct perf_facts *f)
{
	return f->error == EACCES || f->error == EPERM;
}

static bool kernel_lacks(const struct perf_facts *f)
{
	return f->error == ENOSYS || !f->has_perf;
}

static bool is_gone(const struct perf_facts *f)
{
	return f->error == ESRCH;
}

static bool files_used_up(const struct perf_facts *f)
{
	return f->error == EMFILE || f->error == ENFILE;
}

static bool paranoid_forbids(const struct perf_facts *f)
{
	return is_refused(f) && !f->own && f->paranoid > PARANOID_ALLOWS;
}

static bool filter_forbids(const struct perf_facts *f)
{
	return is_refused(f) && !f->own;
}

static bool clock_unknown(const struct perf_facts *f)
{
	return f->error == ENOENT || f->error == EOPNOTSUPP ||
	       f->error == EINVAL;
}

/* The first that holds is the reason. */
static const struct reason {
	bool (*holds)(const struct perf_facts *f);
	enum err_code code;
	const char *message, *hint;
} reasons[] = {
	{ is_gone, ERR_GONE, "the process has exited", "" },
	{ files_used_up, ERR_SYS,
	  "too many open files for an event on each thread",
	  "ulimit -n 65536   and try again" },
	{ kernel_lacks, ERR_UNSUPPORTED,
	  "this kernel has no perf events, so native code cannot be seen",
	  "a sandbox such as gVisor, or a kernel without CONFIG_PERF_EVENTS" },
	{ paranoid_forbids, ERR_PERM,
	  "kernel.perf_event_paranoid forbids perf events to users",
	  "sudo sysctl kernel.perf_event_paranoid=2   or run tare as root" },
	{ filter_forbids, ERR_PERM,
	  "a filter of system calls (seccomp) forbids perf events here",
	  "in a container: --cap-add PERFMON, or a seccomp profile that "
	  "allows perf_event_open" },
	{ is_refused, ERR_PERM, "the process is not yours to look at",
	  "run tare as its user or as root" },
	{ clock_unknown, ERR_UNSUPPORTED,
	  "this kernel does not offer the software CPU clock", "" },
};

int perf_refusal_explain(struct err *err, pid_t pid,
			 const struct perf_facts *facts)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		const struct reason *r = &reasons[i];

		if (!r->holds(facts))
			continue;
		err_set(err, r->code,
			"cannot see the native code of process %d: %s",
			(int)pid, r->message);
		err_hint(err, "%s", r->hint);
		return err->code;
	}
	errno = facts->error;
	return err_sys(err, "cannot see the native code of process %d",
		       (int)pid);
}

static bool may_open_own(void)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.disabled = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1,
			      PERF_FLAG_FD_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int perf_refusal(struct err *err, pid_t pid, int error)
{
	struct perf_facts facts = { .error = error };
	char text[32];

	facts.has_perf =
		procfs_read_file(PARANOID_FILE, text, sizeof(text)) > 0;
	if (facts.has_perf)
		facts.paranoid = (int)strtol(text, NULL, 10);
	facts.own = may_open_own();
	return perf_refusal_explain(err, pid, &facts);
}

int perf_refusal_memory(struct err *err, int error)
{
	errno = error;
	err_sys(err, "cannot map memory for perf events");
	if (err->code == ERR_PERM)
		err_hint(err, "another profiler of yours has locked it all: "
			      "raise kernel.perf_event_mlock_kb or ulimit -l");
	return err->code;
}

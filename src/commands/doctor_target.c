/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/attachment.h"
#include "commands/doctor.h"
#include "commands/python_find.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/procfs.h"

#define PATIENCE_NS (10 * CLOCK_SECOND_NS)

/*
 * Open a sampler on `pid` and look once. The detail says what was seen:
 * "CPython 3.13.0, 2 threads, 5 frames".
 */
static void look(struct checks *list, const char *name, pid_t pid,
		 uint64_t patience_ns)
{
	struct sample_opts sampling = { .rate_hz = 1000 };
	struct profile *p = profile_new();
	struct sampler *s = NULL;
	struct err err = { 0 };
	uint32_t frame_nr = 0;
	int rc;

	if (!p)
		return;
	rc = sampler_open(&s, pid, &sampling, p, patience_ns, &err);
	if (rc == ERR_OK)
		rc = sampler_once(s, &err);
	sampler_close(s);
	for (uint32_t i = 0; i < p->counts.nr; i++)
		for (uint32_t n = p->counts.at[i].node; n;
		     n = p->nodes.at[n].parent)
			frame_nr++;
	if (rc != ERR_OK)
		check_add(list, name, CHECK_NO, err.hint, "%s", err.msg);
	else
		check_add(list, name, CHECK_OK, NULL,
			  "%s%s%u thread%s, %u frame%s read",
			  profile_meta(p, META_PYTHON),
			  *profile_meta(p, META_PYTHON) ? ", " : "",
			  p->threads.nr, p->threads.nr == 1 ? "" : "s",
			  frame_nr, frame_nr == 1 ? "" : "s");
	profile_free(p);
}

/* What a script of ours says about itself, in one line. */
static bool ask_version(char *python, char *out, size_t size)
{
	static char code[] = "import platform as p, sys; print(sys.executable, "
			     "p.python_implementation(), p.python_version())";
	char option[] = "-c";
	char *argv[] = { python, option, code, NULL };

	if (program_ask(argv, out, size) != 0)
		return false;
	out[strcspn(out, "\n")] = '\0';
	return true;
}

void doctor_check_python(struct checks *list)
{
	static char code[] = "import time; time.sleep(30)";
	char option[] = "-c", python[4096], version[4200];
	char *argv[] = { python, option, code, NULL };
	struct child_held held = { 0 };
	struct child_end end;
	struct err err = { 0 };

	if (python_find(NULL, python, sizeof(python), &err) != ERR_OK) {
		check_add(list, "python", CHECK_WARNING, err.hint, "%s",
			  err.msg);
		return;
	}
	if (!ask_version(python, version, sizeof(version))) {
		check_add(list, "python", CHECK_NO,
			  "tare run --python /path/to/python ...",
			  "'%s' does not work", python);
		return;
	}
	check_add(list, "python", CHECK_OK, NULL, "%.250s", version);
	if (child_hold(&held, argv, &err) != ERR_OK ||
	    child_release(&held, &err) != ERR_OK) {
		check_add(list, "a look at it", CHECK_NO, err.hint, "%s",
			  err.msg);
		return;
	}
	look(list, "a look at it", held.pid, PATIENCE_NS);
	kill(held.pid, SIGKILL);
	child_reap(held.pid, &end, &err);
}

static void check_user(struct checks *list, pid_t pid)
{
	unsigned real, effective;
	char text[128];

	if (!procfs_read_status(pid, "Uid", text, sizeof(text)) ||
	    sscanf(text, "%u %u", &real, &effective) != 2)
		return;
	if (geteuid() == 0)
		check_add(list, "its user", CHECK_OK, NULL,
			  "%u, and you are root", effective);
	else if (real == geteuid() && effective == geteuid())
		check_add(list, "its user", CHECK_OK, NULL, "%u, as you",
			  effective);
	else
		check_add(list, "its user", CHECK_NO, "sudo tare doctor PID",
			  "%u, and you are %u", effective, (unsigned)geteuid());
}

void doctor_check_process(struct checks *list, pid_t pid)
{
	char path[4096], ours[64], theirs[64];
	struct err err = { 0 };

	if (attachment_check(pid, &err) != ERR_OK) {
		check_add(list, "process", CHECK_NO, err.hint, "%s", err.msg);
		return;
	}
	if (!procfs_read_link(pid, "exe", path, sizeof(path)))
		snprintf(path, sizeof(path), "(may not be known)");
	check_add(list, "process", CHECK_OK, NULL, "%d, %.200s", (int)pid,
		  path);
	check_user(list, pid);
	if (procfs_read_link(getpid(), "ns/pid", ours, sizeof(ours)) &&
	    procfs_read_link(pid, "ns/pid", theirs, sizeof(theirs)) &&
	    strcmp(ours, theirs) != 0)
		check_add(list, "its container", CHECK_OK, NULL,
			  "another PID namespace than tare's");
	if (procfs_read_link(pid, "root", path, sizeof(path)) &&
	    strcmp(path, "/") != 0)
		check_add(list, "its root", CHECK_OK, NULL, "%.250s", path);
	look(list, "a look at it", pid, CLOCK_SECOND_NS);
}

/* SPDX-License-Identifier: MIT */
#include "commands/attachment.h"

#include <stdlib.h>
#include <unistd.h>

#include "os/child.h"
#include "os/clock.h"
#include "os/procfs.h"

/* A Python that is just starting needs some 20 ms; a loaded machine more. */
#define PATIENCE_NS CLOCK_SECOND_NS

int attachment_check(pid_t pid, struct err *err)
{
	char text[64];

	if (pid == getpid()) {
		err_set(err, ERR_USAGE, "process %d is tare itself", (int)pid);
	} else if (!procfs_state(pid)) {
		err_set(err, ERR_NOT_FOUND, "no process %d", (int)pid);
	} else if (procfs_read_status(pid, "Tgid", text, sizeof(text)) &&
		   strtol(text, NULL, 10) != (long)pid) {
		err_set(err, ERR_USAGE, "%d is a thread of process %s",
			(int)pid, text);
		err_hint(err, "the same with %s", text);
		return err->code;
	} else if (pid_ended(pid)) {
		err_set(err, ERR_NOT_FOUND, "process %d has ended", (int)pid);
	} else {
		return ERR_OK;
	}
	err_hint(err, "pgrep -a python");
	return err->code;
}

int attachment_open(struct sampler **out, pid_t pid,
		    const struct sample_opts *opts, struct profile *p,
		    struct err *err)
{
	int rc;

	*out = NULL;
	rc = sampler_open(out, pid, opts, p, PATIENCE_NS, err);
	if (rc != ERR_OK && !err->hint[0])
		err_hint(err, "tare doctor %d", (int)pid);
	return rc;
}

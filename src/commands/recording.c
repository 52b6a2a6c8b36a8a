/* SPDX-License-Identifier: MIT */
#include "commands/recording.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/shell_word.h"
#include "commands/output_name.h"
#include "commands/show.h"
#include "commands/source_lines.h"
#include "cpython/process.h"
#include "export/export.h"
#include "os/clock.h"
#include "os/procfs.h"
#include "profile/expect.h"
#include "target/target.h"

#define TURN_NS (250 * CLOCK_MS_NS)
/* Until a Python was seen: it may be over soon. */
#define FIRST_NS (5 * CLOCK_MS_NS)
#define STORE_NS (2 * CLOCK_SECOND_NS)

/* A directory that is not there is a slip of the hand; better said now than
 * after an hour of work. */
static int check_directory(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *directory;
	struct stat st;
	int rc = ERR_OK;

	if (!slash || slash == path)
		return ERR_OK;
	directory = strndup(path, (size_t)(slash - path));
	if (!directory)
		return err_nomem(err);
	if (stat(directory, &st) < 0 && errno == ENOENT) {
		rc = err_set(err, ERR_USAGE, "no directory '%s'", directory);
		err_hint(err, "mkdir -p %s", directory);
	}
	free(directory);
	return rc;
}

static int check_output(const struct recording_opts *opts, struct err *err)
{
	struct buf name = { 0 };
	struct stat st;
	int rc;

	rc = output_name_expand(&name, opts->output, 0, err);
	if (rc == ERR_OK)
		rc = check_directory(name.data, err);
	if (rc == ERR_OK && stat(name.data, &st) == 0 && S_ISDIR(st.st_mode)) {
		rc = err_set(err, ERR_USAGE, "'%s' is a directory", name.data);
		err_hint(err, "-o %s/NAME.tare", name.data);
	}
	buf_release(&name);
	return rc;
}

int recording_check(const struct recording_opts *opts, struct err *err)
{
	struct expect_claim claim;
	int rc;

	if (opts->rate_hz != 0 && (opts->rate_hz < RECORDING_RATE_MIN_HZ ||
				   opts->rate_hz > RECORDING_RATE_MAX_HZ)) {
		err_set(err, ERR_USAGE,
			"a rate of %g Hz cannot be kept: %g to %g can",
			opts->rate_hz, RECORDING_RATE_MIN_HZ,
			RECORDING_RATE_MAX_HZ);
		err_hint(err, "--rate %s", opts->rate_hz < 1 ? "1" : "10kHz");
		return err->code;
	}
	if (opts->native && opts->no_native) {
		err_set(err, ERR_USAGE,
			"--native and --no-native exclude each other");
		err_hint(err, "leave out one of them");
		return err->code;
	}
	for (uint32_t i = 0; i < opts->expect.nr; i++) {
		rc = expect_parse(opts->expect.at[i], &claim, err);
		if (rc != ERR_OK)
			return rc;
	}
	return opts->output ? check_output(opts, err) : ERR_OK;
}

int recording_init(struct recording *r, const struct recording_opts *opts,
		   struct err *err)
{
	memset(r, 0, sizeof(*r));
	r->root.fd = -1;
	r->root.uid = geteuid();
	r->root.gid = getegid();
	r->sampling.rate_hz =
		opts->rate_hz != 0 ? opts->rate_hz : RECORDING_RATE_HZ;
	r->sampling.exact = opts->exact;
	r->sampling.children = !opts->alone;
	r->sampling.no_native = opts->no_native;
	r->sampling.awaits = true;
	r->sampling.native = opts->native;
	r->begin_ns = clock_now_ns();
	r->source_since_ns = clock_realtime_ns();
	r->profile = profile_new();
	return r->profile ? ERR_OK : err_nomem(err);
}

void recording_release(struct recording *r)
{
	store_close(r->store);
	perf_counters_close(r->counters);
	profile_free(r->profile);
	file_root_close(&r->root);
	free(r->path);
	memset(r, 0, sizeof(*r));
	r->root.fd = -1;
}

int recording_create(struct recording *r, const struct recording_opts *opts,
		     const char *program, pid_t pid, struct err *err)
{
	struct buf name = { 0 };
	int rc = ERR_OK;

	if (opts->output)
		rc = output_name_expand(&name, opts->output, (int)pid, err);
	else
		output_name_default(&name, program, (int)pid);
	if (rc != ERR_OK || name.failed) {
		buf_release(&name);
		return rc != ERR_OK ? rc : err_nomem(err);
	}
	r->path = name.data;
	rc = store_create(&r->store, r->path, opts->force, err);
	if (rc == ERR_OK || rc == ERR_EXISTS || rc == ERR_USAGE)
		return rc;
	r->store = NULL;
	r->store_trouble = *err;
	return ERR_OK;
}

static void set_machine(struct profile *p)
{
	char start[CLOCK_UTC_SIZE], text[32];
	struct utsname host;
	double load;

	if (uname(&host) == 0) {
		struct buf kernel = { 0 };

		buf_printf(&kernel, "%s %s %s", host.sysname, host.release,
			   host.machine);
		profile_set_meta(p, META_HOST, host.nodename);
		profile_set_meta(p, META_KERNEL, buf_str(&kernel));
		buf_release(&kernel);
	}
	clock_utc_text(start);
	profile_set_meta(p, META_START_UTC, start);
	profile_set_meta(p, META_TARE, TARE_VERSION);
	if (getloadavg(&load, 1) == 1) {
		snprintf(text, sizeof(text), "%.2f", load);
		profile_set_meta(p, META_LOAD, text);
	}
}

void recording_set_command(struct profile *p, char *const *words)
{
	struct buf text = { 0 };

	shell_words_add(&text, words);
	profile_set_meta(p, META_COMMAND, buf_str(&text));
	buf_release(&text);
}

void recording_read_command(struct profile *p, pid_t pid)
{
	struct buf line = { 0 };

	procfs_add_command(pid, &line);
	if (line.size)
		profile_set_meta(p, META_COMMAND, buf_str(&line));
	buf_release(&line);
}

static void set_expect(struct profile *p, const struct opt_list *expect)
{
	struct buf lines = { 0 };

	for (uint32_t i = 0; i < expect->nr; i++) {
		if (i)
			buf_add_char(&lines, '\n');
		buf_add_str(&lines, expect->at[i]);
	}
	if (lines.size)
		profile_set_meta(p, META_EXPECT, buf_str(&lines));
	buf_release(&lines);
}

void recording_describe(struct recording *r, const char *mode,
			const struct opt_list *expect)
{
	struct profile *p = r->profile;

	profile_set_meta(p, META_MODE, mode);
	set_expect(p, expect);
	set_machine(p);
	p->asked_hz = r->sampling.rate_hz;
	if (getcwd(r->root.directory, sizeof(r->root.directory)))
		profile_set_meta(p, META_DIRECTORY, r->root.directory);
	else
		r->root.directory[0] = '\0';
}

/* Was there a Python in any of the processes? */
static bool any_python(const struct profile *p)
{
	for (uint32_t i = 0; i < p->processes.nr; i++)
		if (*profile_text(p, p->processes.at[i].python))
			return true;
	return false;
}

/* What is only known of a target that runs its Python. */
static void note_target(struct recording *r, pid_t pid)
{
	struct profile *p = r->profile;
	struct file_root root;
	char path[4096], text[32];
	cpu_set_t cpus;

	if (r->seen || !any_python(p))
		return;
	r->seen = true;
	file_root_open(&root, pid);
	if (root.fd >= 0 && root.directory[0]) {
		r->root = root;
		profile_set_meta(p, META_DIRECTORY, root.directory);
	} else {
		file_root_close(&root);
	}
	if (!*profile_meta(p, META_EXECUTABLE) &&
	    procfs_read_link(pid, "exe", path, sizeof(path)))
		profile_set_meta(p, META_EXECUTABLE, path);
	if (procfs_read_link(pid, "root", path, sizeof(path)) &&
	    strcmp(path, "/") != 0)
		profile_set_meta(p, META_ROOT, path);
	if (sched_getaffinity(pid, sizeof(cpus), &cpus) == 0) {
		snprintf(text, sizeof(text), "%d", CPU_COUNT(&cpus));
		profile_set_meta(p, META_CPU_NR, text);
	}
}

/*
 * Hand over what was gained. A failure is kept, not final: what could not be
 * written stays in the profile and goes with the next attempt, which succeeds
 * if somebody made room on the disk meanwhile.
 */
static void append(struct recording *r)
{
	struct err err = { 0 };

	if (r->store && store_append(r->store, r->profile, &err) != ERR_OK &&
	    r->store_trouble.code == ERR_OK)
		r->store_trouble = err;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

enum recording_end recording_sample(
	struct recording *r, pid_t pid, struct sampler *s, uint64_t until_ns,
	void (*turn)(struct recording *r, void *arg), void *arg)
{
	static const enum recording_end ends[] = {
		[SAMPLE_STOPPED] = RECORDING_STOPPED,
		[SAMPLE_GONE] = RECORDING_GONE,
	};
	uint64_t store_ns = clock_now_ns() + STORE_NS;
	enum recording_end end = RECORDING_TIME;
	struct err trouble = { 0 };
	enum sample_end why;

	for (;;) {
		uint64_t now = clock_now_ns();

		if (now >= until_ns)
			break;
		if (sampler_run(s,
				sooner(until_ns,
				       now + (r->seen ? TURN_NS : FIRST_NS)),
				&why, &trouble) != ERR_OK) {
			r->sampling_trouble = trouble;
			end = RECORDING_FAILED;
			break;
		}
		note_target(r, pid);
		if (why != SAMPLE_PAUSED) {
			end = ends[why];
			break;
		}
		if (turn)
			turn(r, arg);
		if (clock_now_ns() >= store_ns) {
			append(r);
			store_ns = clock_now_ns() + STORE_NS;
		}
	}
	if (sampler_trouble(s)->code != ERR_OK)
		r->sampling_trouble = *sampler_trouble(s);
	sampler_close(s);
	return end;
}

void recording_follow(struct recording *r, pid_t pid)
{
	struct err trouble = { 0 };
	struct sampler *s;

	r->sampling.fresh = true;
	if (sampler_open(&s, pid, &r->sampling, r->profile, 0, &trouble) !=
	    ERR_OK) {
		r->sampling_trouble = trouble;
		return;
	}
	recording_sample(r, pid, s, UINT64_MAX, NULL, NULL);
}

void recording_count(struct recording *r, pid_t pid)
{
	r->counters = counters_open(pid);
}

static uint64_t minus(uint64_t all, uint64_t part)
{
	return all > part ? all - part : 0;
}

static void note_job(struct process_figures *job, const struct cost *cost)
{
	process_set(job, PROCESS_USER_NS, cost->user_ns);
	process_set(job, PROCESS_SYS_NS, cost->sys_ns);
	process_set(job, PROCESS_MINOR_FAULTS, cost->minor_faults);
	process_set(job, PROCESS_MAJOR_FAULTS, cost->major_faults);
	process_set(job, PROCESS_VOLUNTARY, cost->voluntary);
	process_set(job, PROCESS_INVOLUNTARY, cost->involuntary);
	if (cost->peak_bytes > cost->floor_bytes)
		process_set(job, PROCESS_PEAK_BYTES, cost->peak_bytes);
	if (!cost->io_known)
		return;
	process_set(job, PROCESS_READ_BYTES, cost->read_bytes);
	process_set(job, PROCESS_WRITTEN_BYTES, cost->written_bytes);
	process_set(job, PROCESS_DISK_READ_BYTES, cost->disk_read_bytes);
	process_set(job, PROCESS_DISK_WRITTEN_BYTES, cost->disk_written_bytes);
}

void recording_note_cost(struct recording *r, const struct cost *cost)
{
	struct process_figures *first;

	note_job(&r->profile->figures, cost);
	if (!r->profile->processes.nr)
		return;
	first = &r->profile->processes.at[0].figures;
	process_set(first, PROCESS_USER_NS,
		    minus(cost->user_ns, cost->children_user_ns));
	process_set(first, PROCESS_SYS_NS,
		    minus(cost->sys_ns, cost->children_sys_ns));
}

void recording_finish(struct recording *r)
{
	struct profile *p = r->profile;
	struct err err = { 0 };

	counters_read(r->counters, &p->figures);
	if (!any_python(p)) {
		p->tick_nr = 0;
		store_discard(r->store);
		r->store = NULL;
		free(r->path);
		r->path = NULL;
		return;
	}
	if (!p->wall_ns)
		p->wall_ns = clock_now_ns() - r->begin_ns;
	source_lines_add(p, &r->root, r->source_since_ns);
	if (!r->store) {
		free(r->path);
		r->path = NULL;
		return;
	}
	if (store_commit(r->store, p, &err) == ERR_OK) {
		/* Whatever failed before has been made good for. */
		r->store_trouble.code = ERR_OK;
	} else {
		r->store_trouble = err;
		free(r->path);
		r->path = NULL;
	}
	store_close(r->store);
	r->store = NULL;
}

static void note(enum err_code code, const char *what, const char *hint,
		 const struct err *because)
{
	struct err err;

	err_set(&err, code, "%s: %s", what, because->msg);
	if (because->hint[0] || hint)
		err_hint(&err, "%s", because->hint[0] ? because->hint : hint);
	show_note(&err);
}

static void show_notes(const struct recording *r)
{
	if (r->sampling_trouble.code != ERR_OK)
		note(r->sampling_trouble.code,
		     r->seen ? "sampling ended early" : "nothing was recorded",
		     NULL, &r->sampling_trouble);
	if (r->store_trouble.code != ERR_OK)
		note(r->store_trouble.code, "no file was written",
		     "-o /tmp/%h.%p.tare", &r->store_trouble);
}

void recording_show(struct recording *r, const struct invocation *inv,
		    const struct recording_show *show)
{
	struct render_opts opts;
	struct buf out = { 0 };
	struct err err = { 0 };
	int rc = ERR_OK;

	show_notes(r);
	if (!r->profile->tick_nr || show->quiet)
		return;
	show_render_opts(inv, STDERR_FILENO, &opts);
	opts.path = r->path;
	if (show->json)
		rc = export_json(&out, r->profile, &err);
	else if (!show->no_report)
		rc = render_report(&out, r->profile, &opts, &err);
	else if (r->path)
		buf_printf(&out, "tare report %s\n", r->path);
	if (rc == ERR_OK && !out.failed)
		show_stderr(&out);
	else
		show_error(&err);
	buf_release(&out);
}

/* SPDX-License-Identifier: MIT */
#include "commands/top_picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/attachment.h"
#include "commands/recording.h"
#include "os/clock.h"
#include "os/procfs.h"

/* Not looked at for so long: it is gone, whoever has its number now. */
#define GONE_NS (2 * CLOCK_SECOND_NS)

static int begin_profile(struct top_watch *w, bool patience, struct err *err)
{
	int rc;

	w->profile = profile_new();
	if (!w->profile)
		return err_nomem(err);
	rc = patience ? attachment_open(&w->sampler, w->pid, &w->sampling,
					w->profile, err)
		      : sampler_open(&w->sampler, w->pid, &w->sampling,
				     w->profile, 0, err);
	if (rc)
		return rc;
	return window_init(&w->window, w->profile, w->window_ns, err);
}

static void note_directory(struct top_watch *w)
{
	char path[4096];

	if (procfs_read_link(w->pid, "cwd", path, sizeof(path)))
		profile_set_meta(w->profile, META_DIRECTORY, path);
}

int top_watch_begin(struct top_watch *w, char *const *words, bool patience,
		    struct err *err)
{
	int rc;

	w->begin_ns = clock_now_ns();
	rc = begin_profile(w, patience, err);
	if (rc)
		return rc;
	if (words)
		recording_set_command(w->profile, words);
	else
		recording_read_command(w->profile, w->pid);
	note_directory(w);
	return ERR_OK;
}

void top_watch_end(struct top_watch *w)
{
	sampler_close(w->sampler);
	w->sampler = NULL;
	window_release(&w->window);
	profile_free(w->profile);
	w->profile = NULL;
}

static int begin_anew(struct top_watch *w, struct err *err)
{
	struct top_watch old = *w;
	int rc;

	w->sampler = NULL;
	w->profile = NULL;
	memset(&w->window, 0, sizeof(w->window));
	w->sampling.fresh = false;
	rc = begin_profile(w, false, err);
	if (rc) {
		top_watch_end(w);
		w->profile = old.profile;
		w->window = old.window;
		w->sampler = old.sampler;
		return rc;
	}
	profile_set_meta(w->profile, META_COMMAND,
			 profile_meta(old.profile, META_COMMAND));
	note_directory(w);
	w->forgot = true;
	top_watch_end(&old);
	return ERR_OK;
}

int top_watch_step(struct top_watch *w, struct err *err)
{
	if (w->sampler && window_weight(w->profile) > TOP_WEIGHT_MAX)
		return begin_anew(w, err);
	if (w->sampler)
		sampler_account(w->sampler);
	profile_drop_taken(w->profile);
	return window_step(&w->window, w->profile, err);
}

/* ---- pictures ----------------------------------------------------------- */

static void ask_kernel(struct top_process *out, const struct profile *p,
		       uint32_t process)
{
	const struct profile_process *of = &p->processes.at[process];
	char text[32];

	if (of->end || p->wall_ns > of->end_ns + GONE_NS)
		return;
	out->state = procfs_state(of->pid);
	if (out->state &&
	    procfs_read_status(of->pid, "VmRSS", text, sizeof(text)))
		out->memory_bytes = strtoull(text, NULL, 10) * 1024;
}

static const char *note_of(const struct top_watch *w,
			   const struct top_choice *c)
{
	const struct err *trouble =
		w->sampler ? sampler_trouble(w->sampler) : NULL;

	if (c->paused)
		return "held: space goes on";
	if (trouble && trouble->code != ERR_OK)
		return trouble->msg;
	if (!*profile_meta(w->profile, META_PYTHON))
		return "no Python was seen in it so far";
	if (w->forgot && c->all)
		return "began anew when memory was used up: not all since the "
		       "start";
	return "";
}

static int sum_up(struct top_picture *pic, const struct top_choice *c,
		  struct err *err)
{
	struct summary_of of = { .scope = SUMMARY_ALL };
	int rc;

	if (c->thread < pic->view.threads.nr) {
		of.scope = SUMMARY_THREAD;
		of.thread = c->thread;
	}
	if (c->cpu_only)
		of.states = STATES_RUNNING;
	rc = summary_make(&pic->summary, &pic->view, &of, err);
	if (rc)
		return rc;
	return breakdown_make(&pic->breakdown, &pic->view, &pic->summary, err);
}

int top_picture_make(struct top_picture *pic, const struct top_watch *w,
		     const struct top_choice *choice, bool processes,
		     struct err *err)
{
	const struct profile *p = w->profile;
	int rc;

	memset(pic, 0, sizeof(*pic));
	rc = window_view(&pic->view, &w->window, p, choice->all, err);
	if (rc)
		return rc;
	rc = sum_up(pic, choice, err);
	pic->processes =
		calloc((size_t)p->processes.nr + 1, sizeof(*pic->processes));
	if (rc || !pic->processes) {
		top_picture_release(pic);
		return rc ? rc : err_nomem(err);
	}
	for (uint32_t i = 0; processes && i < p->processes.nr; i++)
		ask_kernel(&pic->processes[i], p, i);
	pic->data = (struct top_data){
		.profile = p,
		.window = &w->window,
		.view = &pic->view,
		.summary = &pic->summary,
		.breakdown = &pic->breakdown,
		.processes = pic->processes,
		.pid = (int)w->pid,
		.watched_ns = clock_now_ns() - w->begin_ns,
		.note = note_of(w, choice),
	};
	return ERR_OK;
}

void top_picture_release(struct top_picture *pic)
{
	window_view_release(&pic->view);
	summary_release(&pic->summary);
	breakdown_release(&pic->breakdown);
	free(pic->processes);
	memset(pic, 0, sizeof(*pic));
}

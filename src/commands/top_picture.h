/* SPDX-License-Identifier: MIT */
/* What `tare top` watches, and one picture of it: all that a screen shows. */
#ifndef TARE_COMMANDS_TOP_PICTURE_H
#define TARE_COMMANDS_TOP_PICTURE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "profile/window.h"
#include "render/top.h"
#include "sample/sample.h"

/*
 * What is kept of a long run is bounded: when it weighs more than this, all
 * is forgotten and counting begins anew. That is some million stacks.
 */
#define TOP_WEIGHT_MAX (192u << 20)

struct top_watch {
	pid_t pid;
	struct sample_opts sampling;
	struct profile *profile;
	struct sampler *sampler; /* NULL: it is over */
	struct window window;
	uint64_t window_ns;
	uint64_t begin_ns; /* when tare came, whatever was forgotten since */
	bool forgot;	   /* counting began anew, by itself */
};

/*
 * Begin to watch w->pid with w->sampling; the command line is `words`, or read
 * from the process where that is NULL. `patience`: fail unless a Python is
 * there. top_watch_end() it in any case.
 */
int top_watch_begin(struct top_watch *w, char *const *words, bool patience,
		    struct err *err);
void top_watch_end(struct top_watch *w);

/* Move the window on to now, and forget what is needed no more. */
int top_watch_step(struct top_watch *w, struct err *err);

struct top_picture {
	struct profile view;
	struct summary summary;
	struct breakdown breakdown;
	struct top_process *processes;
	struct top_data data;
};

/* Zeroed storage becomes a picture, good until `w` is used again. */
int top_picture_make(struct top_picture *pic, const struct top_watch *w,
		     const struct top_choice *choice, bool processes,
		     struct err *err);
void top_picture_release(struct top_picture *pic);

#endif

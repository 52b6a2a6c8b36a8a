/* SPDX-License-Identifier: MIT */
/*
 * The screens of `tare top`, as text: one line for each row of the terminal,
 * with the SGR sequences of render/page.h where colour is asked for. Nothing
 * here knows a terminal; the same tables make the snapshot that is printed
 * where there is none.
 */
#ifndef TARE_RENDER_TOP_H
#define TARE_RENDER_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "profile/breakdown.h"
#include "profile/profile.h"
#include "profile/summary.h"
#include "profile/window.h"

enum top_view {
	TOP_FUNCTIONS,
	TOP_LINES,
	TOP_THREADS,
	TOP_PROCESSES,
	TOP_VIEW_NR
};

/* Each view has so many orders; top_order_name() says which. */
#define TOP_ORDER_NR 3

#define TOP_ALL_THREADS UINT32_MAX

/* What the user wants to see. The functions below keep it within bounds. */
struct top_choice {
	enum top_view view;
	unsigned order[TOP_VIEW_NR];
	uint32_t first[TOP_VIEW_NR]; /* row at the top of the table */
	uint32_t thread;	     /* follow this one, or TOP_ALL_THREADS */
	uint32_t selected;	     /* row of the threads, from 0 */
	bool all;		     /* since the start, not the window */
	bool cpu_only;		     /* leave waiting out of the shares */
	bool paused;
	bool help;
};

/* What the kernel says of a process now; by index in profile.processes. */
struct top_process {
	char state; /* as in /proc/PID/stat; 0: it is gone */
	uint64_t memory_bytes;
};

/* What is shown. Nothing is owned. */
struct top_data {
	const struct profile *profile; /* the growing one */
	const struct window *window;
	const struct profile *view; /* window_view() of these */
	const struct summary *summary;
	const struct breakdown *breakdown;
	const struct top_process *processes;
	int pid;
	uint64_t watched_ns; /* since tare came */
	const char *note;    /* of the moment, or "" */
};

/* "self", "total", "name", ... */
const char *top_order_name(enum top_view view, unsigned order);

/* A key of `tare top --sort` and of JSON: its number, or TOP_ORDER_NR. */
unsigned top_order_find(enum top_view view, const char *name);

/*
 * Append `height` lines, the last without a line end, of `width` columns at
 * most. ERR_NOMEM is the only failure.
 */
int top_screen(struct buf *out, const struct top_data *d,
	       struct top_choice *choice, unsigned width, unsigned height,
	       struct err *err);

/* Append all views one after the other, `limit` rows of each. */
int top_snapshot(struct buf *out, const struct top_data *d,
		 const struct top_choice *choice, unsigned width, bool colour,
		 unsigned limit, struct err *err);

/* The threads that were seen, in the order of the choice; the caller frees. */
struct top_threads {
	uint32_t *at; /* index in profile.threads */
	uint32_t nr;
};
int top_list_threads(struct top_threads *out, const struct top_data *d,
		     unsigned order, struct err *err);

/* Share of the ticks at which a process's GIL was held; -1: not known. */
double top_gil_share(const struct profile *view, uint32_t process);

/* The same for one thread that held it. */
double top_gil_share_of(const struct profile *view, uint32_t thread);

/* CPU time of a process in the view. */
uint64_t top_cpu_ns(const struct profile *view, uint32_t process);

/* Threads of a process that were seen in the view. */
uint32_t top_thread_nr(const struct profile *view, uint32_t process);

/* The first process that has a Python, or the first; 0 without any. */
uint32_t top_python_process(const struct profile *view);

/* The frame in which a thread was last seen; UINT32_MAX: none. */
uint32_t top_frame_now(const struct top_data *d, uint32_t thread);

#endif

/* SPDX-License-Identifier: MIT */
/* The live view: sample, draw, listen to keys. */
#ifndef TARE_COMMANDS_TOP_LIVE_H
#define TARE_COMMANDS_TOP_LIVE_H

#include "commands/top_picture.h"

enum top_end {
	TOP_QUIT,    /* the user has seen enough */
	TOP_STOPPED, /* a signal said so */
	TOP_GONE,    /* the process is over */
};

/*
 * Show `w` on the terminal `fd` until one of the ends; `choice` is where to
 * begin, and where it ended. The terminal is as it was when this returns.
 */
int top_live(struct top_watch *w, struct top_choice *choice, int fd,
	     bool colour, uint64_t interval_ns, enum top_end *end,
	     struct err *err);

#endif

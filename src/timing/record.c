/* SPDX-License-Identifier: MIT */
#include "timing/record.h"

#include <stdio.h>
#include <string.h>

#include "profile/spread.h"

#define BATCHES_MOST 100
#define LOOPS_MOST 1000000000000ull
/* A day: nobody waits longer, and sums stay far from overflow. */
#define TIME_MOST_NS 86400000000000ull

struct reader {
	const char *at;
	double wall[BATCHES_MOST], cpu[BATCHES_MOST];
	uint32_t batch_nr;
	uint64_t loop_nr;
	double collections;
	double empty_s;
};

/* One decimal number of at most `most`, after a blank. */
static bool number(struct reader *r, uint64_t most, uint64_t *value)
{
	const char *at = r->at;

	*value = 0;
	if (*at++ != ' ' || *at < '0' || *at > '9')
		return false;
	for (; *at >= '0' && *at <= '9'; at++) {
		*value = *value * 10 + (uint64_t)(*at - '0');
		if (*value > most)
			return false;
	}
	r->at = at;
	return true;
}

static bool word(struct reader *r, const char *text)
{
	size_t size = strlen(text);

	if (strncmp(r->at, text, size) != 0)
		return false;
	r->at += size;
	return true;
}

static bool python_line(struct reader *r, char *python, size_t size)
{
	size_t len;

	if (!word(r, "python "))
		return false;
	len = strcspn(r->at, "\n");
	if (!len || len >= size || r->at[len] != '\n')
		return false;
	for (size_t i = 0; i < len; i++)
		if (r->at[i] < 0x20 || r->at[i] > 0x7e)
			return false;
	memcpy(python, r->at, len);
	python[len] = '\0';
	r->at += len + 1;
	return true;
}

static bool batch_line(struct reader *r)
{
	uint64_t wall, cpu, collections;

	if (r->batch_nr == BATCHES_MOST || !number(r, TIME_MOST_NS, &wall) ||
	    !number(r, TIME_MOST_NS, &cpu) ||
	    !number(r, UINT32_MAX, &collections) || !word(r, "\n") || !wall)
		return false;
	r->wall[r->batch_nr] = (double)wall / 1e9 / (double)r->loop_nr;
	r->cpu[r->batch_nr] = (double)cpu / 1e9 / (double)r->loop_nr;
	r->collections += (double)collections / (double)r->loop_nr;
	r->batch_nr++;
	return true;
}

static bool whole(struct reader *r, char *python, size_t size)
{
	uint64_t empty, turns;

	if (!word(r, "tare.expression 1\n") || !python_line(r, python, size))
		return false;
	if (!word(r, "loops") || !number(r, LOOPS_MOST, &r->loop_nr) ||
	    !r->loop_nr || !word(r, "\n"))
		return false;
	while (word(r, "batch"))
		if (!batch_line(r))
			return false;
	if (!r->batch_nr || !word(r, "empty") ||
	    !number(r, TIME_MOST_NS, &empty) ||
	    !number(r, LOOPS_MOST, &turns) || !turns || !word(r, "\nend\n"))
		return false;
	r->empty_s = (double)empty / 1e9 / (double)turns;
	return *r->at == '\0';
}

int record_parse(const char *text, struct timing_run *run, char *python,
		 size_t size, uint64_t *loop_nr, struct err *err)
{
	struct reader r = { .at = text };

	if (!whole(&r, python, size)) {
		err_set(err, ERR_CORRUPT,
			"the Python that times the expression gave no whole "
			"account");
		err_hint(err, "does the expression end the process, or write "
			      "to files that are not its own?");
		return err->code;
	}
	run->wall_s = spread_median(r.wall, r.batch_nr);
	run->cpu_s = spread_median(r.cpu, r.batch_nr);
	run->user_s = run->sys_s = 0;
	run->empty_s = r.empty_s;
	run->collections = r.collections / r.batch_nr;
	*loop_nr = r.loop_nr;
	return ERR_OK;
}

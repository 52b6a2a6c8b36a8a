/* SPDX-License-Identifier: MIT */
#include "profile/profile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "profile/track.h"

/* A track is cut here, so that no blob in a file grows without bound. */
#define TRACK_SIZE_MAX (1u << 20)

/* A node, a quality and a state as one number; threads go on top. */
#define QUALITY_SHIFT 5
#define NODE_SHIFT 8
#define THREAD_SHIFT (NODE_SHIFT + 32)
#define THREAD_NR_MAX (1u << 24)

static_assert(STATE_NR <= 1 << QUALITY_SHIFT, "a state is 5 bits");
static_assert(SAMPLE_QUALITY_NR <= 1 << (NODE_SHIFT - QUALITY_SHIFT),
	      "a quality is 3 bits");

struct profile *profile_new(void)
{
	struct profile *p = calloc(1, sizeof(*p));
	struct profile_node root = { 0, 0 };

	if (!p)
		return NULL;
	p->hash_seed = map_hash((uintptr_t)p);
	profile_string(p, "", 0);
	if (p->failed || !vec_push(&p->nodes, root)) {
		profile_free(p);
		return NULL;
	}
	return p;
}

static void release_pieces(struct profile *p)
{
	for (uint32_t i = 0; i < p->pieces.nr; i++)
		buf_release(&p->pieces.at[i].runs);
	p->pieces.nr = 0;
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->threads.nr; i++) {
		vec_release(&p->threads.at[i].codes);
		buf_release(&p->threads.at[i].track.runs);
	}
	release_pieces(p);
	vec_release(&p->pieces);
	vec_release(&p->strings);
	vec_release(&p->functions);
	vec_release(&p->frames);
	vec_release(&p->nodes);
	vec_release(&p->processes);
	vec_release(&p->threads);
	vec_release(&p->counts);
	vec_release(&p->natives);
	awaits_release(&p->awaits);
	vec_release(&p->merges);
	vec_release(&p->meta);
	vec_release(&p->sources);
	buf_release(&p->text);
	buf_release(&p->clock);
	map_release(&p->string_ids);
	map_release(&p->function_ids);
	map_release(&p->frame_ids);
	map_release(&p->node_ids);
	map_release(&p->count_ids);
	map_release(&p->native_ids);
	map_release(&p->merge_ids);
	free(p);
}

static uint32_t out_of_memory(struct profile *p)
{
	p->failed = true;
	return 0;
}

static uint64_t hash_text(const struct profile *p, const char *text,
			  size_t size)
{
	uint64_t hash = p->hash_seed ^ size;

	while (size) {
		uint64_t chunk = 0;
		size_t part = size < sizeof(chunk) ? size : sizeof(chunk);

		memcpy(&chunk, text, part);
		hash = map_hash(hash ^ chunk);
		text += part;
		size -= part;
	}
	return hash;
}

static bool same_text(const struct profile *p, uint32_t id, const char *text,
		      size_t size)
{
	const char *mine = p->text.data + p->strings.at[id];

	return !strncmp(mine, text, size) && !mine[size];
}

uint32_t profile_string(struct profile *p, const char *text, size_t size)
{
	uint64_t key;
	uint32_t id, offset;

	if (!size)
		text = ""; /* may be NULL */
	size = strnlen(text, size);
	/* Different texts of one hash take the keys that follow it. */
	for (key = hash_text(p, text, size);; key++) {
		id = map_get(&p->string_ids, key);
		if (id == MAP_NONE)
			break;
		if (same_text(p, id, text, size))
			return id;
	}
	id = p->strings.nr;
	if (size >= UINT32_MAX - p->text.size || id == MAP_NONE - 1 ||
	    !buf_reserve(&p->text, size + 1))
		return out_of_memory(p);
	offset = (uint32_t)p->text.size;
	if (!vec_push(&p->strings, offset))
		return out_of_memory(p);
	if (!map_put(&p->string_ids, key, id)) {
		p->strings.nr--;
		return out_of_memory(p);
	}
	buf_add(&p->text, text, size);
	buf_add_char(&p->text, '\0');
	return id;
}

const char *profile_text(const struct profile *p, uint32_t string)
{
	return string < p->strings.nr ? p->text.data + p->strings.at[string]
				      : "";
}

static bool same_function(const struct profile_function *a,
			  const struct profile_function *b)
{
	return a->name == b->name && a->file == b->file && a->line == b->line &&
	       a->native == b->native;
}

static uint32_t intern_function(struct profile *p, struct profile_function f)
{
	uint64_t key = map_hash((uint64_t)f.name << 32 | f.file) ^ f.line;
	uint32_t id;

	for (;; key++) {
		id = map_get(&p->function_ids, key);
		if (id == MAP_NONE)
			break;
		if (same_function(&p->functions.at[id], &f))
			return id;
	}
	id = p->functions.nr;
	if (!vec_push(&p->functions, f))
		return out_of_memory(p);
	if (!map_put(&p->function_ids, key, id)) {
		p->functions.nr--;
		return out_of_memory(p);
	}
	return id;
}

uint32_t profile_function(struct profile *p, uint32_t name, uint32_t file,
			  uint32_t line)
{
	return intern_function(
		p, (struct profile_function){ name, file, line, false });
}

uint32_t profile_native_function(struct profile *p, uint32_t symbol,
				 uint32_t module)
{
	return intern_function(
		p, (struct profile_function){ symbol, module, 0, true });
}

uint32_t profile_frame(struct profile *p, uint32_t function, uint32_t line)
{
	struct profile_frame f = { function, line };
	uint64_t key = (uint64_t)function << 32 | line;
	uint32_t id = map_get(&p->frame_ids, key);

	assert(function < p->functions.nr || p->failed);
	if (id != MAP_NONE)
		return id;
	id = p->frames.nr;
	if (!vec_push(&p->frames, f))
		return out_of_memory(p);
	if (!map_put(&p->frame_ids, key, id)) {
		p->frames.nr--;
		return out_of_memory(p);
	}
	return id;
}

uint32_t profile_node(struct profile *p, uint32_t parent, uint32_t frame)
{
	struct profile_node n = { parent, frame };
	uint64_t key = (uint64_t)parent << 32 | frame;
	uint32_t id = map_get(&p->node_ids, key);

	if (id != MAP_NONE)
		return id;
	assert(parent < p->nodes.nr);
	assert(frame < p->frames.nr || p->failed);
	id = p->nodes.nr;
	if (!vec_push(&p->nodes, n))
		return out_of_memory(p);
	if (!map_put(&p->node_ids, key, id)) {
		p->nodes.nr--;
		return out_of_memory(p);
	}
	return id;
}

static struct profile_meta *find_meta(const struct profile *p, const char *key)
{
	for (uint32_t i = 0; i < p->meta.nr; i++)
		if (!strcmp(profile_text(p, p->meta.at[i].key), key))
			return &p->meta.at[i];
	return NULL;
}

void profile_set_meta(struct profile *p, const char *key, const char *value)
{
	struct profile_meta m = {
		.key = profile_string(p, key, strlen(key)),
		.value = profile_string(p, value, strlen(value)),
	};
	struct profile_meta *old = find_meta(p, key);

	if (old)
		*old = m;
	else if (!vec_push(&p->meta, m))
		p->failed = true;
}

const char *profile_meta(const struct profile *p, const char *key)
{
	const struct profile_meta *m = find_meta(p, key);

	return m ? profile_text(p, m->value) : "";
}

void profile_add_source(struct profile *p, uint32_t file, uint32_t line,
			const char *text, size_t size)
{
	struct profile_source s = {
		.file = file,
		.line = line,
		.text = profile_string(p, text, size),
	};

	if (!vec_push(&p->sources, s))
		p->failed = true;
}

uint32_t profile_add_process(struct profile *p, int32_t pid, uint32_t parent,
			     uint64_t now_ns)
{
	struct profile_process process = {
		.pid = pid,
		.parent = parent,
		.start_ns = now_ns,
		.end_ns = now_ns,
	};

	assert(parent == PROCESS_NONE || parent < p->processes.nr);
	if (!vec_push(&p->processes, process))
		return out_of_memory(p);
	return p->processes.nr - 1;
}

int32_t profile_pid(const struct profile *p, uint32_t thread)
{
	return p->processes.at[p->threads.at[thread].process].pid;
}

bool profile_cpu_ns(const struct profile *p, uint64_t *ns)
{
	const struct process_figures *f = &p->figures;

	*ns = f->value[PROCESS_USER_NS] + f->value[PROCESS_SYS_NS];
	return process_knows(f, PROCESS_USER_NS) &&
	       process_knows(f, PROCESS_SYS_NS);
}

uint32_t profile_add_thread(struct profile *p, uint32_t process, int32_t tid,
			    uint64_t now_ns)
{
	struct profile_thread t = {
		.process = process,
		.tid = tid,
		.start_ns = now_ns,
		.end_ns = now_ns,
	};

	assert(process < p->processes.nr || p->failed);
	if (p->threads.nr >= THREAD_NR_MAX || !vec_push(&p->threads, t))
		return out_of_memory(p);
	return p->threads.nr - 1;
}

/* So many looks or a few more share what was missed on a CPU. */
#define MISSED_PART 4

static uint64_t take_part(uint64_t *owed)
{
	uint64_t part = (*owed + MISSED_PART - 1) / MISSED_PART;

	*owed -= part;
	return part;
}

void profile_tick(struct profile *p, uint64_t now_ns, uint64_t missed)
{
	uint64_t part;
	uint64_t now_us = now_ns / 1000;

	/* A clock that steps back stands still instead. */
	if (now_us < p->clock_last_us)
		now_us = p->clock_last_us;
	p->missed_now = missed;
	p->owed += missed;
	part = take_part(&p->owed);
	track_clock_put(&p->clock, now_us - p->clock_last_us, part);
	p->clock_last_us = now_us;
	p->now_ns = now_ns;
	p->missed_nr += part;
	p->stands_for = 1 + part;
	p->tick_nr++;
	if (p->clock.failed)
		p->failed = true;
}

void profile_stood(struct profile *p, uint32_t thread, double share)
{
	p->threads.at[thread].stood = share;
}

static uint64_t make_value(uint32_t node, enum sample_quality quality,
			   enum thread_state state)
{
	return (uint64_t)node << NODE_SHIFT |
	       (uint64_t)quality << QUALITY_SHIFT | (uint64_t)state;
}

static uint64_t count_key(uint32_t thread, uint64_t value)
{
	return (uint64_t)thread << THREAD_SHIFT | value;
}

/* The index in p->counts, which is made when it is new; MAP_NONE: no memory. */
static uint32_t find_count(struct profile *p, uint32_t thread, uint64_t value)
{
	uint64_t key = count_key(thread, value);
	uint32_t id = map_get(&p->count_ids, key);
	struct profile_thread *t = &p->threads.at[thread];
	struct profile_count c = {
		.thread = thread,
		.node = (uint32_t)(value >> NODE_SHIFT),
		.quality = (enum sample_quality)(value >> QUALITY_SHIFT & 7),
		.state =
			(enum thread_state)(value & ((1 << QUALITY_SHIFT) - 1)),
		.code = t->codes.nr,
	};

	if (id != MAP_NONE)
		return id;
	id = p->counts.nr;
	if (!vec_push(&p->counts, c))
		return MAP_NONE;
	if (!vec_push(&t->codes, id)) {
		p->counts.nr--;
		return MAP_NONE;
	}
	if (!map_put(&p->count_ids, key, id)) {
		t->codes.nr--;
		p->counts.nr--;
		return MAP_NONE;
	}
	return id;
}

static void close_run(struct profile *p, struct profile_track *k)
{
	if (!k->run_nr)
		return;
	track_put(&k->runs, k->last_code, k->run_nr);
	k->run_nr = 0;
	if (k->runs.failed)
		p->failed = true;
}

static void clear_track(struct profile_track *k)
{
	buf_clear(&k->runs);
	k->runs.failed = false;
	k->tick_nr = 0;
	k->run_nr = 0;
}

/* Put the track aside as a piece, to begin a new one. */
static void end_piece(struct profile *p, uint32_t thread)
{
	struct profile_track *k = &p->threads.at[thread].track;
	struct profile_piece piece = {
		thread, k->first_tick, k->tick_nr, { 0 }
	};

	close_run(p, k);
	buf_add(&piece.runs, k->runs.data, k->runs.size);
	if (piece.runs.failed || !vec_push(&p->pieces, piece)) {
		buf_release(&piece.runs);
		p->failed = true;
	}
	clear_track(k);
}

/* The stack changed, or the track does not reach to the tick before. */
static bool begin_run(struct profile *p, uint32_t thread, uint64_t value,
		      uint64_t tick)
{
	struct profile_track *k = &p->threads.at[thread].track;
	uint32_t count = find_count(p, thread, value);

	if (count == MAP_NONE) {
		p->failed = true;
		return false;
	}
	if (k->tick_nr &&
	    (k->next_tick != tick || k->runs.size >= TRACK_SIZE_MAX))
		end_piece(p, thread);
	close_run(p, k);
	if (!k->tick_nr)
		k->first_tick = tick;
	k->last_value = value;
	k->last_count = count;
	k->last_code = p->counts.at[count].code;
	return true;
}

static bool is_runnable(enum thread_state state)
{
	return STATE_BIT(state) & (STATES_RUNNING | STATE_BIT(STATE_RUN_QUEUE));
}

static void stand_for(struct profile *p, uint32_t count, uint64_t ticks)
{
	struct profile_count *c = &p->counts.at[count];

	c->ticks += ticks;
	p->threads.at[c->thread].state_ticks[c->state] += ticks;
}

/*
 * Who has the ticks missed between the look `before` and the one `now`? That
 * one as far as the thread stood there. Of the rest each side has a half; what
 * comes to one that ran is owed, and paid to looks that find the thread so.
 */
static void divide_missed(struct profile *p, struct profile_thread *t,
			  uint32_t before, uint32_t now)
{
	uint64_t stood = (uint64_t)(t->stood * (double)p->missed_now);
	uint64_t rest = p->missed_now - stood, half = rest / 2;

	if (is_runnable(p->counts.at[before].state))
		t->owed += half;
	else
		stand_for(p, before, half);
	if (is_runnable(p->counts.at[now].state))
		t->owed += rest - half;
	else
		stood += rest - half;
	stand_for(p, now, stood);
}

void profile_sample(struct profile *p, uint32_t thread, uint32_t node,
		    enum sample_quality quality, enum thread_state state)
{
	uint64_t value = make_value(node, quality, state);
	uint64_t tick = p->tick_nr - 1;
	struct profile_thread *t;
	struct profile_track *k;
	uint32_t before;

	assert(p->tick_nr > 0);
	assert(thread < p->threads.nr);
	assert(node < p->nodes.nr && quality < SAMPLE_QUALITY_NR);
	assert(state < STATE_NR);
	t = &p->threads.at[thread];
	k = &t->track;
	if (k->next_tick > tick)
		return;
	before = k->last_count;
	if ((!k->run_nr || k->last_value != value || k->next_tick != tick) &&
	    !begin_run(p, thread, value, tick))
		return;
	/* Nobody knows where one was that is seen for the first time. */
	if (k->next_tick && p->missed_now)
		divide_missed(p, t, before, k->last_count);
	stand_for(p, k->last_count,
		  1 + (is_runnable(state) ? take_part(&t->owed) : 0));
	k->run_nr++;
	k->tick_nr++;
	k->next_tick = tick + 1;
	p->counts.at[k->last_count].nr++;
	t->looks[quality]++;
	t->stood = 0;
	t->end_ns = p->now_ns;
}

void profile_native(struct profile *p, uint32_t thread, uint32_t kind,
		    uint32_t module, uint32_t symbol, uint64_t nr)
{
	struct profile_native n = { thread, kind, module, symbol, nr };
	uint64_t key = map_hash((uint64_t)thread << 32 | module) ^
		       map_hash((uint64_t)kind << 32 | symbol);

	/* Different functions of one hash take the keys that follow it. */
	for (;; key++) {
		uint32_t id = map_get(&p->native_ids, key);
		struct profile_native *old;

		if (id == MAP_NONE)
			break;
		old = &p->natives.at[id];
		if (old->thread == thread && old->kind == kind &&
		    old->module == module && old->symbol == symbol) {
			old->nr += nr;
			return;
		}
	}
	if (!vec_push(&p->natives, n) ||
	    !map_put(&p->native_ids, key, p->natives.nr - 1))
		p->failed = true;
}

void profile_merge(struct profile *p, uint32_t thread, uint32_t node,
		   enum merge_outcome outcome, uint64_t nr)
{
	struct profile_merge m = { thread, node, outcome, nr };
	uint64_t key = map_hash((uint64_t)thread << 32 | node) ^ outcome;

	/* Different ones of one hash take the keys that follow it. */
	for (;; key++) {
		uint32_t id = map_get(&p->merge_ids, key);
		struct profile_merge *old;

		if (id == MAP_NONE)
			break;
		old = &p->merges.at[id];
		if (old->thread == thread && old->node == node &&
		    old->outcome == outcome) {
			old->nr += nr;
			return;
		}
	}
	if (!vec_push(&p->merges, m) ||
	    !map_put(&p->merge_ids, key, p->merges.nr - 1))
		p->failed = true;
}

void profile_close_runs(struct profile *p)
{
	for (uint32_t i = 0; i < p->threads.nr; i++)
		close_run(p, &p->threads.at[i].track);
}

void profile_drop_taken(struct profile *p)
{
	release_pieces(p);
	for (uint32_t i = 0; i < p->threads.nr; i++)
		clear_track(&p->threads.at[i].track);
	buf_clear(&p->clock);
	p->clock_first_tick = p->tick_nr;
	p->clock_base_us = p->clock_last_us;
}

bool profile_add_count(struct profile *p, uint32_t thread, uint32_t node,
		       enum sample_quality quality, enum thread_state state,
		       uint64_t nr)
{
	uint64_t value = make_value(node, quality, state);
	struct profile_thread *t;
	uint64_t *looks;
	uint32_t count;

	assert(thread < p->threads.nr && node < p->nodes.nr);
	count = find_count(p, thread, value);
	if (count == MAP_NONE)
		return false;
	t = &p->threads.at[thread];
	looks = &t->looks[quality];
	/* The thread's sum is the larger: it cannot pass before this one. */
	if (__builtin_add_overflow(*looks, nr, looks))
		return false;
	p->counts.at[count].nr += nr;
	return profile_add_missed(p, count, nr);
}

bool profile_add_missed(struct profile *p, uint32_t count, uint64_t ticks)
{
	struct profile_count *c = &p->counts.at[count];
	uint64_t *sum = &p->threads.at[c->thread].state_ticks[c->state];

	if (__builtin_add_overflow(*sum, ticks, sum))
		return false;
	c->ticks += ticks; /* no more than the sum */
	return true;
}

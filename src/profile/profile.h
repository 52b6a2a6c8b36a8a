/* SPDX-License-Identifier: MIT */
/*
 * One recording, as plain data: who was sampled, when, and in which stack.
 *
 * Everything is interned: text, functions, frames (a function at a line) and
 * stacks, which are nodes of one tree (a node is its parent plus one frame;
 * node 0 is the empty stack). A sample is therefore one number.
 *
 * The clock ticks; at each tick every thread that exists is looked at once.
 * What was seen goes two ways: into `counts`, the rollup that reports read,
 * and into the thread's track, a run-length list that the store takes away
 * and writes to disk as the recording goes on, so that memory does not grow
 * with its length.
 *
 * No I/O here. Times are nanoseconds of CLOCK_MONOTONIC since the recording
 * began, unless a name says otherwise.
 */
#ifndef TARE_PROFILE_PROFILE_H
#define TARE_PROFILE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"
#include "profile/awaits.h"
#include "profile/state.h"
#include "profile/usage.h"

/*
 * What a look at one thread was worth. The numbers are part of the file
 * format: never renumber.
 */
enum sample_quality {
	SAMPLE_COMPLETE = 0, /* checked, from the root to the leaf */
	SAMPLE_SALVAGED = 1, /* the verified root side; the leaf is unknown */
	SAMPLE_INCONSISTENT = 2, /* whole, but an edge of it is not credible */
	SAMPLE_LOST = 3,	 /* nothing that can be believed (node 0) */
	SAMPLE_NO_PYTHON = 4,	 /* the thread has no Python (node 0) */
	SAMPLE_QUALITY_NR
};

struct profile_function {
	uint32_t name; /* qualified name, a string id */
	uint32_t file; /* path as the code object has it, a string id */
	uint32_t line; /* first line, 1-based; 0 not known */
	/* It is machine code: name is a symbol ("" not known), file the path of
	 * what it is in, line 0. */
	bool native;
};

struct profile_frame {
	uint32_t function;
	uint32_t line; /* 1-based; 0 not known */
};

struct profile_node {
	uint32_t parent; /* always smaller than the node's own number */
	uint32_t frame;
};

/* How often `thread` was seen in `node` with this quality, in this state. */
struct profile_count {
	uint32_t thread;
	uint32_t node;
	enum sample_quality quality;
	enum thread_state state;
	uint32_t code; /* its number in the thread's track, see below */
	uint64_t nr;
	uint64_t ticks; /* that these looks stand for, see profile_tick() */
};

/*
 * The looks at one thread that were not yet taken by the store: runs of equal
 * samples over consecutive ticks, each written as
 *   varint(code << 1 | longer), then varint(length - 2) if `longer`
 * where `longer` is 1 for a run of two ticks and more. A code is the number,
 * per thread and from 0, of a (node, quality, state) triple in the order in
 * which the triples were first seen: hot stacks come early, so that a sample of
 * the first 64 costs one byte and of the first 8192 two. (Differences of node
 * numbers would take more, by estimate, where every look differs.)
 * docs/format.md has the same words.
 */
struct profile_track {
	uint64_t first_tick;
	uint64_t tick_nr;   /* looks in `runs` and in the open run */
	uint64_t next_tick; /* the tick after the last look */
	struct buf runs;
	uint64_t last_value; /* of the open run: node, quality, state */
	uint64_t run_nr;     /* length of the open run, 0: none */
	uint32_t last_code;
	uint32_t last_count; /* index in profile.counts */
};

/* A track that ended, because its thread was away for a tick. */
struct profile_piece {
	uint32_t thread;
	uint64_t first_tick;
	uint64_t tick_nr;
	struct buf runs;
};

/*
 * How often a thread was seen in a native function, at even steps of its CPU
 * time. All but the thread are string ids.
 */
struct profile_native {
	uint32_t thread;
	uint32_t kind;	 /* "bytecode", "library", ... */
	uint32_t module; /* path; "" generated code, the kernel */
	uint32_t symbol; /* "" only the module is known */
	uint64_t nr;
};

/*
 * What became of a sample of native code that was to be merged with the Python
 * stack of its thread. The numbers are part of the file format.
 */
enum merge_outcome {
	MERGE_WHOLE = 0,  /* one stack of both, from the root to the leaf */
	MERGE_CUT = 1,	  /* native frames are missing above Python's newest */
	MERGE_RAN_ON = 2, /* the thread ran on before it could be read */
	MERGE_NOT_READ = 3,  /* its Python stack could not be read whole */
	MERGE_DIFFERENT = 4, /* the two stacks do not fit together */
	MERGE_NO_CHAIN = 5,  /* no native stack came with the sample */
	MERGE_OUTCOME_NR
};

/*
 * Samples of a thread's CPU time by merged stack: native functions and Python
 * frames in one node; 0 where nothing could be merged.
 */
struct profile_merge {
	uint32_t thread;
	uint32_t node;
	enum merge_outcome outcome;
	uint64_t nr;
};

/* One process of the job; what it was is text. */
struct profile_process {
	int32_t pid;
	uint32_t parent;  /* index in profile.processes, or PROCESS_NONE */
	uint32_t command; /* string ids, "" not known: as typed */
	uint32_t python;  /* "CPython 3.13.0"; "" no Python was seen in it */
	uint32_t trouble; /* why not all of it could be seen; "" all was */
	uint32_t end;	  /* "0", "7", "signal 11"; "" not seen */
	uint64_t start_ns, end_ns; /* first and last look at it */
	struct process_figures figures;
	/* Ticks at which its GIL was looked at, and was held; only counted for
	 * who asks (sample_opts.gil), and in no file. */
	uint64_t gil_ticks, gil_held_ticks;
};

struct profile_thread {
	uint32_t process; /* index in profile.processes */
	int32_t tid;
	uint32_t name;	   /* string id; "" not known */
	bool main;	   /* the main thread of its process */
	uint64_t start_ns; /* first and last look */
	uint64_t end_ns;
	/* From the kernel, over start_ns to end_ns; false: not known. */
	bool has_sched;
	uint64_t cpu_ns;
	uint64_t run_queue_ns;
	uint64_t looks[SAMPLE_QUALITY_NR];
	uint64_t state_ticks[STATE_NR]; /* by state, ticks they stand for */
	uint64_t gil_ticks;  /* at which it held the GIL, see profile_process */
	uint64_t owed;	     /* missed ticks that looks are yet to stand for */
	double stood;	     /* see profile_stood(), for the next look */
	VEC(uint32_t) codes; /* code -> index in profile.counts */
	struct profile_track track;
};

/* The text of a source line, so that a report needs no source at hand. */
struct profile_source {
	uint32_t file;
	uint32_t line;
	uint32_t text;
};

/* Text about the recording as a whole; see the keys below. */
struct profile_meta {
	uint32_t key;
	uint32_t value;
};

/* Keys of profile_meta, all values text (numbers in decimal). */
#define META_COMMAND "command"	     /* as typed, blanks between words */
#define META_DIRECTORY "directory"   /* working directory of the target */
#define META_PYTHON "python"	     /* "CPython 3.13.0" */
#define META_EXECUTABLE "executable" /* path of the interpreter */
#define META_HOST "host"
#define META_KERNEL "kernel"
#define META_TARE "tare"	   /* version that recorded */
#define META_START_UTC "start_utc" /* 2026-11-21T05:00:00Z */
#define META_MODE "mode"	   /* "run" or "attach" */
#define META_EXIT "exit"	   /* "0", "7", "signal 11"; absent: not seen */
#define META_ROOT "root"	   /* the target's root directory, if not "/" */
#define META_EXPECT "expect"	   /* hypotheses, "func=60%", one a line */
#define META_CPU_NR "cpus"	   /* CPUs the target may use */
#define META_LOAD "load"	   /* 1-minute load average at the start */
#define META_NATIVE "native"	   /* why native code could not be told apart */
#define META_MERGED "merged"	   /* why native stacks were not taken */
#define META_UNFINISHED "unfinished" /* "1": what a killed tare left */

struct profile {
	struct buf text;       /* all strings, each ended by NUL */
	VEC(uint32_t) strings; /* id -> offset in text; 0 is "" */
	VEC(struct profile_function) functions;
	VEC(struct profile_frame) frames;
	VEC(struct profile_node) nodes;	       /* [0] is the empty stack */
	VEC(struct profile_process) processes; /* parents before children */
	VEC(struct profile_thread) threads;
	VEC(struct profile_count) counts;
	VEC(struct profile_piece) pieces; /* not yet taken by the store */
	VEC(struct profile_native) natives;
	struct awaits awaits;
	VEC(struct profile_merge) merges;
	VEC(struct profile_meta) meta;
	/* text of source lines, by (file, line): for reports made elsewhere */
	VEC(struct profile_source) sources;

	double asked_hz;
	uint64_t wall_ns; /* length of the recording */
	/* Of the job: the first process, and what it waited for. */
	struct process_figures figures;
	uint64_t tick_nr;	 /* ticks that came */
	uint64_t missed_nr;	 /* ticks that were due but passed while busy */
	uint64_t sampler_cpu_ns; /* what tare itself used */
	uint64_t native_lost;	 /* samples of native code that are missing */
	uint64_t now_ns;	 /* of the present tick */
	uint64_t missed_now;	 /* ticks missed just before this one */
	uint64_t owed;		 /* as of a thread */
	uint64_t stands_for;	 /* ticks: itself and those missed before */

	/* Tick times not yet taken by the store, see profile/track.h; the first
	 * gap is since clock_base_us. */
	struct buf clock;
	uint64_t clock_first_tick, clock_base_us, clock_last_us;

	struct map string_ids, function_ids, frame_ids, node_ids, count_ids;
	struct map native_ids, merge_ids;
	uint64_t hash_seed; /* so that a target cannot choose its collisions */
	bool failed; /* memory ran out at some point: the data is short */
};

/* An empty profile; the caller's to give to profile_free(). NULL: no memory. */
struct profile *profile_new(void);
void profile_free(struct profile *p);

/*
 * Interning: the id of what is given, made when it is new. Without memory
 * they return 0 and set p->failed. `size` is in bytes; text may hold no NUL
 * (it is cut there).
 */
uint32_t profile_string(struct profile *p, const char *text, size_t size);
uint32_t profile_function(struct profile *p, uint32_t name, uint32_t file,
			  uint32_t line);
uint32_t profile_native_function(struct profile *p, uint32_t symbol,
				 uint32_t module);
uint32_t profile_frame(struct profile *p, uint32_t function, uint32_t line);
uint32_t profile_node(struct profile *p, uint32_t parent, uint32_t frame);

/* The text of a string id; "" for one that does not exist. */
const char *profile_text(const struct profile *p, uint32_t string);

/* Set (or replace) a text about the recording; profile_meta(): "" if absent. */
void profile_set_meta(struct profile *p, const char *key, const char *value);
const char *profile_meta(const struct profile *p, const char *key);

/* Note the text of a source line; the caller gives each (file, line) once. */
void profile_add_source(struct profile *p, uint32_t file, uint32_t line,
			const char *text, size_t size);

/* A new process, first seen at `now_ns`; its index in p->processes. */
uint32_t profile_add_process(struct profile *p, int32_t pid, uint32_t parent,
			     uint64_t now_ns);

/* A new thread of a process, first seen at `now_ns`; its index. */
uint32_t profile_add_thread(struct profile *p, uint32_t process, int32_t tid,
			    uint64_t now_ns);

/* The process ID of a thread. */
int32_t profile_pid(const struct profile *p, uint32_t thread);

/* CPU time of the job; false: not known. */
bool profile_cpu_ns(const struct profile *p, uint64_t *ns);

/*
 * The clock ticks, after `missed` ticks that did not come. Samples that follow
 * belong to this tick and stand for the missed ones, too: which ticks are
 * missed depends on what the job does, and shares of ticks that came would
 * prefer the phases in which it leaves the machine alone.
 *
 * Ticks missed between two samples of a thread belong half to the one, half to
 * the other; those of a thread that ran are shared out among the samples that
 * come next and find it so, a part to each: one look that had to stand for
 * twenty ticks would be a dice thrown once for twenty.
 */
void profile_tick(struct profile *p, uint64_t now_ns, uint64_t missed);

/*
 * For this share (0 to 1) of the ticks missed just now, `thread` was where and
 * as the sample that follows has it; they are no matter of chance.
 */
void profile_stood(struct profile *p, uint32_t thread, double share);

/*
 * What was seen of `thread` at the present tick (once a tick at most; a second
 * look is not counted). A thread that is not given at a tick did not exist
 * then.
 */
void profile_sample(struct profile *p, uint32_t thread, uint32_t node,
		    enum sample_quality quality, enum thread_state state);

/* Close the open runs, so that tracks and clock are whole and can be taken. */
void profile_close_runs(struct profile *p);

/* `nr` samples more of a thread in a native function. */
void profile_native(struct profile *p, uint32_t thread, uint32_t kind,
		    uint32_t module, uint32_t symbol, uint64_t nr);

/* `nr` samples more that were merged, or not. */
void profile_merge(struct profile *p, uint32_t thread, uint32_t node,
		   enum merge_outcome outcome, uint64_t nr);

/* Forget tracks, pieces and clock: the store has them now. */
void profile_drop_taken(struct profile *p);

/*
 * Add `nr` looks that were counted elsewhere (read from a file). False without
 * memory, or when a sum would pass 64 bits.
 */
bool profile_add_count(struct profile *p, uint32_t thread, uint32_t node,
		       enum sample_quality quality, enum thread_state state,
		       uint64_t nr);

/* The looks of p->counts.at[count] stand for so many ticks more. */
bool profile_add_missed(struct profile *p, uint32_t count, uint64_t ticks);

#endif

/* SPDX-License-Identifier: MIT */
#include "sample/names.h"

#include <stdlib.h>
#include <string.h>

#include "cpython/code.h"

/*
 * How long a code object is trusted to still be the one at its address: an
 * eighth of the time for which it is known to have been there, at most this.
 * While a program starts, the code of modules is freed when it has run and
 * other code takes its place; later that is rare. A look at a code object
 * costs a system call (1.7 us), so one that stays costs some hundred in all.
 */
#define TRUST_MAX_NS 100000000u
#define TRUST_SHARE 8

/* How long frames that do not change are taken for the ones they were. */
#define MEMORY_NS 20000000u

struct known_code {
	struct py_code code; /* released while `bad` */
	uint32_t function;
	uint32_t generation; /* counts what lay at this address */
	uint64_t since_ns;   /* when it was first seen here */
	uint64_t checked_ns;
	bool bad; /* no code object, when last looked at */
};

struct known_frame {
	struct py_frame raw;
	uint32_t code;
	uint32_t generation;
	uint32_t frame;
};

struct names {
	struct py_process *process;
	struct profile *profile;
	VEC(struct known_code) codes;
	VEC(struct known_frame) frames;
	struct map code_ids;  /* address -> codes */
	struct map frame_ids; /* hash of the raw frame -> frames */
};

struct names *names_new(struct py_process *p, struct profile *profile)
{
	struct names *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->process = p;
	n->profile = profile;
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	for (uint32_t i = 0; i < n->codes.nr; i++)
		py_code_release(&n->codes.at[i].code);
	vec_release(&n->codes);
	vec_release(&n->frames);
	map_release(&n->code_ids);
	map_release(&n->frame_ids);
	free(n);
}

void names_memory_release(struct names_memory *m)
{
	vec_release(&m->frames);
	vec_release(&m->nodes);
}

static uint32_t intern_function(struct profile *p, const struct py_code *c)
{
	uint32_t name = profile_string(p, c->name, strlen(c->name));
	uint32_t file = profile_string(p, c->file, strlen(c->file));

	return profile_function(p, name, file, c->first_line);
}

static int read_code(struct names *n, struct known_code *known, uint64_t addr,
		     uint64_t now_ns, struct err *err)
{
	int rc;

	py_code_release(&known->code);
	known->generation++;
	known->since_ns = known->checked_ns = now_ns;
	rc = py_code_read(n->process, addr, &known->code, err);
	known->bad = rc != ERR_OK;
	if (!rc)
		known->function = intern_function(n->profile, &known->code);
	return rc;
}

static bool is_same(const struct py_code_identity *a,
		    const struct py_code_identity *b)
{
	return a->filename == b->filename && a->qualname == b->qualname &&
	       a->linetable == b->linetable && a->first_line == b->first_line;
}

/* See to it that `known` is what now lies at `addr`. */
static int refresh(struct names *n, struct known_code *known, uint64_t addr,
		   uint64_t now_ns, struct err *err)
{
	struct py_code_identity now;
	int rc;

	if (known->bad)
		return read_code(n, known, addr, now_ns, err);
	rc = py_code_read_identity(n->process, addr, &now, err);
	if (rc == ERR_CORRUPT || (!rc && !is_same(&now, &known->code.identity)))
		return read_code(n, known, addr, now_ns, err);
	known->checked_ns = now_ns;
	return rc;
}

static bool is_trusted(const struct known_code *known, uint64_t now_ns)
{
	uint64_t trust = (known->checked_ns - known->since_ns) / TRUST_SHARE;

	return now_ns - known->checked_ns <=
	       (trust < TRUST_MAX_NS ? trust : TRUST_MAX_NS);
}

static int find_code(struct names *n, uint64_t addr, uint64_t now_ns,
		     uint32_t *index, struct err *err)
{
	struct known_code fresh = { 0 };
	struct known_code *known;
	int rc = ERR_OK;

	*index = map_get(&n->code_ids, addr);
	if (*index == MAP_NONE) {
		*index = n->codes.nr;
		if (!map_put(&n->code_ids, addr, *index) ||
		    !vec_push(&n->codes, fresh))
			return err_nomem(err);
		known = &n->codes.at[*index];
		rc = read_code(n, known, addr, now_ns, err);
	}
	known = &n->codes.at[*index];
	if (!rc && !is_trusted(known, now_ns))
		rc = refresh(n, known, addr, now_ns, err);
	if (!rc && known->bad)
		rc = err_set(err, ERR_CORRUPT, "no code object");
	return rc;
}

static uint64_t frame_key(const struct py_frame *f)
{
	return map_hash(f->code_addr) ^ (f->instr + 0x9e3779b97f4a7c15u);
}

static int make_frame(struct names *n, const struct py_frame *raw,
		      uint32_t code, uint32_t *frame, struct err *err)
{
	const struct py_layout *l = &n->process->layout;
	const struct known_code *known = &n->codes.at[code];
	struct known_frame entry = { *raw, code, known->generation, 0 };
	uint32_t index = map_get(&n->frame_ids, frame_key(raw));
	int32_t offset;

	if (!py_code_offset(l, &known->code, raw->instr, &offset))
		return err_set(err, ERR_CORRUPT,
			       "an instruction outside of its code");
	*frame = NAMES_HIDDEN;
	if (!known->code.hidden)
		*frame = profile_frame(n->profile, known->function,
				       py_code_line(l, &known->code, offset));
	entry.frame = *frame;
	if (index != MAP_NONE) {
		n->frames.at[index] = entry;
		return ERR_OK;
	}
	if (!map_put(&n->frame_ids, frame_key(raw), n->frames.nr) ||
	    !vec_push(&n->frames, entry))
		return err_nomem(err);
	return ERR_OK;
}

int names_frame(struct names *n, const struct py_frame *raw, uint64_t now_ns,
		uint32_t *frame, struct err *err)
{
	uint32_t code, index;
	int rc;

	rc = find_code(n, raw->code_addr, now_ns, &code, err);
	if (rc)
		return rc;
	index = map_get(&n->frame_ids, frame_key(raw));
	if (index != MAP_NONE) {
		const struct known_frame *known = &n->frames.at[index];

		if (known->raw.code_addr == raw->code_addr &&
		    known->raw.instr == raw->instr && known->code == code &&
		    known->generation == n->codes.at[code].generation) {
			*frame = known->frame;
			return ERR_OK;
		}
	}
	return make_frame(n, raw, code, frame, err);
}

static bool same_frame(const struct py_frame *a, const struct py_frame *b)
{
	return a->code_addr == b->code_addr && a->instr == b->instr;
}

/* How many of the oldest frames are those of the last stack. */
static uint32_t common(const struct names_memory *m,
		       const struct py_frame *frames, uint32_t nr)
{
	uint32_t old = m->frames.nr, i = 0;

	/* Nearly always all but the newest are. */
	if (nr > 1 && nr == old &&
	    !memcmp(m->frames.at + 1, frames + 1, (nr - 1) * sizeof(*frames)))
		i = nr - 1;
	while (i < nr && i < old &&
	       same_frame(&m->frames.at[old - 1 - i], &frames[nr - 1 - i]))
		i++;
	return i;
}

/* Remember a stack of which the `from` oldest frames were the same before. */
static bool remember(struct names_memory *m, const struct py_frame *frames,
		     uint32_t nr, uint32_t from)
{
	uint32_t fresh = nr == m->frames.nr ? nr - from : nr;

	m->frames.nr = 0;
	for (uint32_t i = 0; i < fresh; i++)
		if (!vec_push(&m->frames, frames[i]))
			return false;
	m->frames.nr = nr;
	return true;
}

int names_node(struct names *n, struct names_memory *m,
	       const struct py_frame *frames, uint32_t nr, uint64_t now_ns,
	       uint32_t *node, struct err *err)
{
	uint32_t from, frame = 0;
	int rc = ERR_OK;

	if (now_ns - m->checked_ns > MEMORY_NS) {
		m->checked_ns = now_ns;
		m->frames.nr = m->nodes.nr = 0;
	}
	from = common(m, frames, nr);
	m->nodes.nr = from;
	*node = from ? m->nodes.at[from - 1] : 0;
	for (uint32_t i = from; i < nr && !rc; i++) {
		rc = names_frame(n, &frames[nr - 1 - i], now_ns, &frame, err);
		if (rc)
			break;
		if (frame != NAMES_HIDDEN)
			*node = profile_node(n->profile, *node, frame);
		if (!vec_push(&m->nodes, *node))
			rc = err_nomem(err);
	}
	if (!rc && !remember(m, frames, nr, from))
		rc = err_nomem(err);
	if (rc)
		m->frames.nr = m->nodes.nr = 0;
	return rc;
}

int names_function(struct names *n, const struct py_frame *frame,
		   uint64_t now_ns, uint32_t *function, struct err *err)
{
	uint32_t code;
	int rc = find_code(n, frame->code_addr, now_ns, &code, err);

	if (!rc)
		*function = n->codes.at[code].function;
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * The format is described in the kernel's sources,
 * tools/perf/Documentation/jitdump-specification.txt.
 */
#include <elf.h>
#include <string.h>

#include "native/jit_code.h"

#define MAGIC 0x4A695444u /* "JiTD" of a machine of our byte order */

/* Records read in one go; a target that writes faster is read next time. */
#define RECORDS_MAX 100000

enum record {
	RECORD_LOAD = 0,
	RECORD_MOVE = 1,
};

struct file_head {
	uint32_t magic, version, size, machine;
	uint32_t pad, pid;
	uint64_t time, flags;
};

struct record_head {
	uint32_t id, size;
	uint64_t time;
};

/* Followed by the name, ended by NUL, and the code. */
struct load {
	struct record_head head;
	uint32_t pid, tid;
	uint64_t vma, addr, size, index;
};

struct move {
	struct record_head head;
	uint32_t pid, tid;
	uint64_t vma, from, to, size, index;
};

static uint32_t this_machine(void)
{
#if defined(__aarch64__)
	return EM_AARCH64;
#else
	return EM_X86_64;
#endif
}

/* False: there is nothing (yet) to read behind the head. */
static bool begin(struct jitdump *d, const struct jitdump_reader *reader)
{
	struct file_head head;

	if (d->offset)
		return true;
	if (reader->read(reader->arg, 0, &head, sizeof(head)) < sizeof(head))
		return false;
	/* CPython's writer leaves the machine out. */
	d->refused = head.magic != MAGIC || head.size < sizeof(head) ||
		     head.size > 65536 ||
		     (head.machine && head.machine != this_machine());
	d->offset = head.size;
	return !d->refused;
}

static void take_load(const struct jitdump *d,
		      const struct jitdump_reader *reader, struct jit_code *j,
		      const struct record_head *head)
{
	struct {
		struct load load;
		char name[JIT_NAME_MAX + 1];
	} r;
	size_t got;

	memset(&r, 0, sizeof(r));
	got = reader->read(reader->arg, d->offset, &r,
			   head->size < sizeof(r) ? head->size : sizeof(r));
	if (got > sizeof(r.load))
		jit_code_add(j, r.load.addr, r.load.size, r.name,
			     got - sizeof(r.load));
}

static void take_move(const struct jitdump *d,
		      const struct jitdump_reader *reader, struct jit_code *j)
{
	char copy[JIT_NAME_MAX + 1];
	const char *name;
	struct move r;

	if (reader->read(reader->arg, d->offset, &r, sizeof(r)) < sizeof(r))
		return;
	name = jit_code_find(j, r.from);
	if (!name)
		return;
	/* The name lies in a buffer that adding may move. */
	memcpy(copy, name, strlen(name) + 1);
	jit_code_add(j, r.to, r.size, copy, sizeof(copy));
}

void jitdump_parse(struct jitdump *d, const struct jitdump_reader *reader,
		   struct jit_code *j)
{
	struct record_head head;
	char last;

	if (d->refused || !begin(d, reader))
		return;
	for (unsigned i = 0; i < RECORDS_MAX; i++) {
		if (reader->read(reader->arg, d->offset, &head, sizeof(head)) <
		    sizeof(head))
			return;
		if (head.size < sizeof(head)) {
			d->refused = true; /* its end cannot be found */
			return;
		}
		/* Not before it was written whole. */
		if (reader->read(reader->arg, d->offset + head.size - 1, &last,
				 1) < 1)
			return;
		if (head.id == RECORD_LOAD && head.size > sizeof(struct load))
			take_load(d, reader, j, &head);
		else if (head.id == RECORD_MOVE)
			take_move(d, reader, j);
		d->offset += head.size;
	}
}

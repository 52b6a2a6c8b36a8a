/* SPDX-License-Identifier: MIT */
#include "native/unwind.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/vec.h"

/* DWARF's numbers of the registers that unwinding needs to know by name. */
#if defined(__aarch64__)
#define REG_FP 29
#define REG_SP 31
#define REG_RETURN 30
#define REGS_NR 32
#else
#define REG_FP 6
#define REG_SP 7
#define REG_RETURN 16
#define REGS_NR 17
#endif

/* Registers whose saved places one rule can tell; x86-64 saves six at most,
 * aarch64 twelve. */
#define SAVED_MAX 14

/* Places that are remembered; a program runs through a few thousand. */
#define RULES_MAX (64u * 1024)

/* Unwind tables whose rule is a program of DWARF's: PLT stubs and signal
 * frames. */
#define PROGRAMS_MAX 1024
#define PROGRAM_STACK 32
#define PROGRAM_STEPS 256

enum rule_kind {
	RULE_NONE,    /* nothing is known */
	RULE_PLAIN,   /* CFA = register + offset; registers saved at CFA + x */
	RULE_PROGRAM, /* the frame of libdw has to be asked each time */
};

struct saved {
	uint8_t reg;
	bool undefined;
	int32_t offset; /* from the CFA */
};

struct rule {
	uint8_t kind;
	uint8_t cfa_reg;
	uint8_t saved_nr;
	uint8_t return_reg;
	bool signal; /* the frame was interrupted, it did not call */
	bool is_code;
	bool outermost;
	int32_t cfa_offset;
	uint32_t program; /* index; of RULE_PROGRAM */
	uint64_t bias;
	struct saved saved[SAVED_MAX];
};

struct unwinder {
	void (*place)(void *arg, uint64_t addr, struct unwind_place *out);
	void *arg;
	struct map rule_of; /* address: index */
	VEC(struct rule) rules;
	VEC(Dwarf_Frame *) programs;
};

/* The registers of one frame. */
struct state {
	uint64_t reg[REGS_NR];
	bool known[REGS_NR];
	uint64_t pc;
	uint64_t cfa; /* of the frame that was left last */
	const uint8_t *stack;
	uint64_t stack_addr, stack_size;
	bool cut; /* a read went past the copied piece */
};

struct unwinder *unwinder_new(void (*place)(void *arg, uint64_t addr,
					    struct unwind_place *out),
			      void *arg)
{
	struct unwinder *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->place = place;
	u->arg = arg;
	return u;
}

void unwinder_forget(struct unwinder *u)
{
	for (uint32_t i = 0; i < u->programs.nr; i++)
		free(u->programs.at[i]);
	u->programs.nr = 0;
	u->rules.nr = 0;
	map_clear(&u->rule_of);
}

void unwinder_free(struct unwinder *u)
{
	if (!u)
		return;
	unwinder_forget(u);
	vec_release(&u->programs);
	vec_release(&u->rules);
	map_release(&u->rule_of);
	free(u);
}

static bool read_stack(struct state *s, uint64_t addr, uint64_t *out)
{
	uint64_t at = addr - s->stack_addr;

	if (addr < s->stack_addr || s->stack_size < sizeof(*out) ||
	    at > s->stack_size - sizeof(*out)) {
		/* Below the stack pointer is nothing that can be true. */
		s->cut = addr >= s->stack_addr;
		return false;
	}
	memcpy(out, s->stack + at, sizeof(*out));
	return true;
}

static bool get_reg(const struct state *s, uint64_t reg, uint64_t *out)
{
	if (reg >= REGS_NR || !s->known[reg])
		return false;
	*out = s->reg[reg];
	return true;
}

/* ---------------------------------------------------- programs of DWARF's */

struct machine {
	uint64_t at[PROGRAM_STACK];
	unsigned nr;
};

static bool push(struct machine *m, uint64_t value)
{
	if (m->nr == PROGRAM_STACK)
		return false;
	m->at[m->nr++] = value;
	return true;
}

static bool pop(struct machine *m, uint64_t *value)
{
	if (!m->nr)
		return false;
	*value = m->at[--m->nr];
	return true;
}

static bool binary(struct machine *m, uint8_t atom)
{
	uint64_t b, a;

	if (!pop(m, &b) || !pop(m, &a))
		return false;
	switch (atom) {
	case DW_OP_plus:
		return push(m, a + b);
	case DW_OP_minus:
		return push(m, a - b);
	case DW_OP_and:
		return push(m, a & b);
	case DW_OP_or:
		return push(m, a | b);
	case DW_OP_mul:
		return push(m, a * b);
	case DW_OP_shl:
		return push(m, b < 64 ? a << b : 0);
	case DW_OP_shr:
		return push(m, b < 64 ? a >> b : 0);
	case DW_OP_ge:
		return push(m, (int64_t)a >= (int64_t)b);
	case DW_OP_gt:
		return push(m, (int64_t)a > (int64_t)b);
	case DW_OP_le:
		return push(m, (int64_t)a <= (int64_t)b);
	case DW_OP_lt:
		return push(m, (int64_t)a < (int64_t)b);
	case DW_OP_eq:
		return push(m, a == b);
	case DW_OP_ne:
		return push(m, a != b);
	default:
		return false;
	}
}

/* Operators with a value of their own; the program counter is a register of
 * x86-64's tables. */
static bool push_reg(struct state *s, struct machine *m, uint64_t reg,
		     uint64_t offset)
{
	uint64_t value;

#if !defined(__aarch64__)
	if (reg == REG_RETURN)
		return push(m, s->pc + offset);
#endif
	return get_reg(s, reg, &value) && push(m, value + offset);
}

static bool step_program(struct state *s, struct machine *m, const Dwarf_Op *op,
			 uint64_t cfa)
{
	uint64_t value;

	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31)
		return push(m, op->atom - DW_OP_lit0);
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31)
		return push_reg(s, m, op->atom - DW_OP_breg0, op->number);
	switch (op->atom) {
	case DW_OP_bregx:
		return push_reg(s, m, op->number, op->number2);
	case DW_OP_call_frame_cfa:
		return push(m, cfa);
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
		return push(m, op->number);
	case DW_OP_plus_uconst:
		return pop(m, &value) && push(m, value + op->number);
	case DW_OP_deref:
		return pop(m, &value) && read_stack(s, value, &value) &&
		       push(m, value);
	case DW_OP_dup:
		return pop(m, &value) && push(m, value) && push(m, value);
	default:
		return binary(m, op->atom);
	}
}

/* *is_value: the result is what was asked for, not where it is kept. */
static bool run_program(struct state *s, const Dwarf_Op *ops, size_t nr,
			uint64_t cfa, bool *is_value, uint64_t *out)
{
	struct machine m = { .nr = 0 };

	*is_value = false;
	if (nr > PROGRAM_STEPS)
		return false;
	for (size_t i = 0; i < nr; i++) {
		if (ops[i].atom == DW_OP_stack_value) {
			*is_value = true;
			break;
		}
		if (!step_program(s, &m, &ops[i], cfa))
			return false;
	}
	return pop(&m, out);
}

/* ----------------------------------------------------------------- rules */

static bool fits(uint64_t number)
{
	return (int64_t)number >= INT32_MIN && (int64_t)number <= INT32_MAX;
}

static bool plain_cfa(Dwarf_Frame *frame, struct rule *r)
{
	Dwarf_Op *ops;
	size_t nr;

	if (dwarf_frame_cfa(frame, &ops, &nr) || nr != 1)
		return false;
	if (ops[0].atom == DW_OP_bregx && ops[0].number < REGS_NR &&
	    fits(ops[0].number2)) {
		r->cfa_reg = (uint8_t)ops[0].number;
		r->cfa_offset = (int32_t)ops[0].number2;
		return true;
	}
	if (ops[0].atom >= DW_OP_breg0 && ops[0].atom < DW_OP_breg0 + REGS_NR &&
	    fits(ops[0].number)) {
		r->cfa_reg = (uint8_t)(ops[0].atom - DW_OP_breg0);
		r->cfa_offset = (int32_t)ops[0].number;
		return true;
	}
	return false;
}

/* One register that is saved at CFA + offset, or lost, or as it was. */
static bool plain_register(Dwarf_Frame *frame, unsigned reg, struct rule *r)
{
	struct saved saved = { .reg = (uint8_t)reg };
	Dwarf_Op memory[3], *ops;
	size_t nr;

	if (dwarf_frame_register(frame, (int)reg, memory, &ops, &nr))
		return false;
	if (!nr && !ops) /* as it was */
		return true;
	if (!nr)
		saved.undefined = true;
	else if (nr <= 2 && ops[0].atom == DW_OP_call_frame_cfa &&
		 (nr == 1 ||
		  (ops[1].atom == DW_OP_plus_uconst && fits(ops[1].number))))
		saved.offset = nr == 2 ? (int32_t)ops[1].number : 0;
	else
		return false;
	if (saved.undefined && reg == r->return_reg)
		r->outermost = true;
	if (r->saved_nr == SAVED_MAX)
		return saved.undefined;
	/* A register that the callee may overwrite is "undefined" by default:
	 * not worth a place, but its value must not be used either. */
	r->saved[r->saved_nr++] = saved;
	return true;
}

/* Those that a function has to give back as it got them. */
static bool is_kept(unsigned reg)
{
#if defined(__aarch64__)
	return reg >= 19 && reg <= 30;
#else
	return reg == 3 || reg == 6 || (reg >= 12 && reg <= 16);
#endif
}

static bool plain_rule(Dwarf_Frame *frame, struct rule *r)
{
	if (!plain_cfa(frame, r))
		return false;
	for (unsigned reg = 0; reg < REGS_NR; reg++)
		if ((is_kept(reg) || reg == r->return_reg) &&
		    !plain_register(frame, reg, r))
			return false;
	return true;
}

static void stub_rule(uint32_t frame, struct rule *r)
{
	const int32_t word = sizeof(uint64_t);

	r->kind = RULE_PLAIN;
	r->cfa_reg = REG_SP;
	r->cfa_offset = (int32_t)frame + word;
	r->return_reg = REG_RETURN;
	r->saved[0].reg = REG_RETURN;
	r->saved[0].offset = -word;
	r->saved_nr = 1;
}

static void make_rule(struct unwinder *u, uint64_t addr, struct rule *r)
{
	struct unwind_place place = { 0 };
	Dwarf_Addr start, end;
	Dwarf_Frame *frame;
	int return_reg;
	bool signal;

	memset(r, 0, sizeof(*r));
	u->place(u->arg, addr, &place);
	r->bias = place.bias;
	r->is_code = place.is_code;
	if (!place.cfi && place.is_stub)
		stub_rule(place.stub_frame, r);
	if (!place.cfi ||
	    dwarf_cfi_addrframe(place.cfi, addr - place.bias, &frame))
		return;
	return_reg = dwarf_frame_info(frame, &start, &end, &signal);
	r->signal = signal;
	r->return_reg = (uint8_t)return_reg;
	if (return_reg >= 0 && return_reg < REGS_NR) {
		if (plain_rule(frame, r)) {
			r->kind = RULE_PLAIN;
		} else if (u->programs.nr < PROGRAMS_MAX &&
			   vec_push(&u->programs, frame)) {
			r->kind = RULE_PROGRAM;
			r->program = u->programs.nr - 1;
			r->outermost = false;
			return;
		}
	}
	free(frame);
}

/* The rule for `addr`; good until the next call. */
static const struct rule *rule_for(struct unwinder *u, uint64_t addr,
				   struct rule *scratch)
{
	uint32_t at = map_get(&u->rule_of, addr);

	if (at != MAP_NONE)
		return &u->rules.at[at];
	if (u->rules.nr >= RULES_MAX)
		unwinder_forget(u);
	make_rule(u, addr, scratch);
	if (vec_push(&u->rules, *scratch))
		map_put(&u->rule_of, addr, u->rules.nr - 1);
	return scratch;
}

/* ----------------------------------------------------------------- steps */

/* To the caller, its stack pointer being `cfa`. */
static enum chain_end arrive(struct state *s, const struct state *caller,
			     uint64_t cfa, uint64_t pc)
{
	struct state next = *caller;

	/* Stacks grow down: what does not go up would go on for ever. */
	if (cfa <= s->cfa && s->cfa)
		return CHAIN_STRANGE;
	next.reg[REG_SP] = cfa;
	next.known[REG_SP] = true;
	next.cfa = cfa;
	next.pc = pc;
	*s = next;
	return CHAIN_TOO_DEEP; /* until something else ends it */
}

static enum chain_end step_plain(struct state *s, const struct rule *r)
{
	struct state caller = *s;
	uint64_t cfa, pc;

	if (!get_reg(s, r->cfa_reg, &cfa))
		return CHAIN_STRANGE;
	cfa += (uint64_t)(int64_t)r->cfa_offset;
	for (unsigned i = 0; i < r->saved_nr; i++) {
		const struct saved *saved = &r->saved[i];
		uint64_t addr = cfa + (uint64_t)(int64_t)saved->offset;

		/* At the end of a function, saved registers have been taken
		 * back while tables still say where they were: below the
		 * stack pointer, where the kernel copies nothing. */
		if (addr < s->stack_addr && saved->reg != r->return_reg &&
		    !saved->undefined)
			continue;
		caller.known[saved->reg] =
			!saved->undefined &&
			read_stack(s, addr, &caller.reg[saved->reg]);
	}
	if (!caller.known[r->return_reg])
		return s->cut ? CHAIN_CUT : CHAIN_STRANGE;
	pc = caller.reg[r->return_reg];
	return arrive(s, &caller, cfa, pc);
}

static bool program_register(struct state *s, Dwarf_Frame *frame, unsigned reg,
			     uint64_t cfa, struct state *caller)
{
	Dwarf_Op memory[3], *ops;
	bool is_value;
	uint64_t value;
	size_t nr;

	if (dwarf_frame_register(frame, (int)reg, memory, &ops, &nr))
		return false;
	if (!nr) {
		caller->known[reg] = !ops && s->known[reg];
		return true;
	}
	if (ops[0].atom == DW_OP_regx)
		caller->known[reg] =
			get_reg(s, ops[0].number, &caller->reg[reg]);
	else
		caller->known[reg] =
			run_program(s, ops, nr, cfa, &is_value, &value) &&
			(is_value || read_stack(s, value, &value)) &&
			(caller->reg[reg] = value, true);
	return true;
}

static enum chain_end step_program_rule(struct unwinder *u, struct state *s,
					const struct rule *r)
{
	Dwarf_Frame *frame = u->programs.at[r->program];
	struct state caller = *s;
	Dwarf_Op *ops;
	bool is_value;
	uint64_t cfa;
	size_t nr;

	if (dwarf_frame_cfa(frame, &ops, &nr) || !nr ||
	    !run_program(s, ops, nr, 0, &is_value, &cfa))
		return s->cut ? CHAIN_CUT : CHAIN_STRANGE;
	for (unsigned reg = 0; reg < REGS_NR; reg++)
		if (!program_register(s, frame, reg, cfa, &caller))
			return CHAIN_STRANGE;
	if (!caller.known[r->return_reg])
		return s->cut ? CHAIN_CUT : CHAIN_STRANGE;
	/* The stack that a signal interrupted need not be the one it ran on. */
	if (r->signal)
		s->cfa = 0;
	if (caller.known[REG_SP] && r->signal)
		cfa = caller.reg[REG_SP];
	return arrive(s, &caller, cfa, caller.reg[r->return_reg]);
}

/*
 * Code without a table is made at run time, nearly always with a frame
 * pointer. Believed only when it leads up the stack, to code.
 */
static enum chain_end step_pointer(struct unwinder *u, struct state *s)
{
	struct state caller = *s;
	struct rule scratch;
	uint64_t fp, pc;

	if (!get_reg(s, REG_FP, &fp) || fp % 8 || fp < s->reg[REG_SP])
		return CHAIN_NO_RULE;
	if (!read_stack(s, fp, &caller.reg[REG_FP]) ||
	    !read_stack(s, fp + 8, &pc))
		return s->cut ? CHAIN_CUT : CHAIN_NO_RULE;
	if (!rule_for(u, pc - 1, &scratch)->is_code)
		return CHAIN_NO_RULE;
	return arrive(s, &caller, fp + 16, pc);
}

static void begin(struct state *s, const struct perf_record *sample)
{
	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < sample->regs_nr && i < REGS_NR; i++) {
		s->reg[i] = sample->regs[i];
		s->known[i] = true;
	}
	s->reg[REG_SP] = sample->sp;
	s->known[REG_SP] = true;
	s->pc = sample->pc;
	s->stack = sample->stack;
	s->stack_addr = sample->sp;
	s->stack_size = sample->stack_size;
}

void unwinder_walk(struct unwinder *u, const struct perf_record *sample,
		   struct chain *out)
{
	struct rule scratch;
	struct state s;
	bool exact = true; /* pc is what runs, not where a call returns to */

	out->nr = 0;
	out->end = CHAIN_NO_RULE;
	if (!sample->regs_nr)
		return;
	begin(&s, sample);
	while (out->nr < CHAIN_DEPTH_MAX) {
		const struct rule *r;
		uint64_t at = s.pc - !exact;

		if (!s.pc) {
			out->end = CHAIN_WHOLE;
			return;
		}
		out->addr[out->nr++] = at;
		r = rule_for(u, at, &scratch);
		exact = r->signal;
		s.cut = false;
		if (r->kind != RULE_NONE && r->outermost)
			out->end = CHAIN_WHOLE;
		else if (r->kind == RULE_PLAIN)
			out->end = step_plain(&s, r);
		else if (r->kind == RULE_PROGRAM)
			out->end = step_program_rule(u, &s, r);
		else
			out->end = step_pointer(u, &s);
		if (out->end != CHAIN_TOO_DEEP)
			return;
	}
	out->end = CHAIN_TOO_DEEP;
}

bool unwinder_keeps_pointer(struct unwinder *u, uint64_t addr)
{
	struct rule scratch;
	const struct rule *r = rule_for(u, addr, &scratch);
	bool saved = false;

	if (r->kind != RULE_PLAIN)
		return false;
	for (unsigned i = 0; i < r->saved_nr; i++)
		saved = saved || r->saved[i].reg == REG_FP;
#if defined(__aarch64__)
	/* Frames are found by the stack pointer there; the pointer is kept
	 * for others. */
	return saved;
#else
	return saved && r->cfa_reg == REG_FP;
#endif
}

/* The kernel's marks of what kind of addresses follow are the highest. */
#define IS_MARK(addr) ((addr) >= (uint64_t)PERF_CONTEXT_MAX)

void chain_from_pointers(const struct perf_record *sample, struct chain *out)
{
	bool user = false;

	out->nr = 0;
	for (uint32_t i = 0; i < sample->chain_nr; i++) {
		uint64_t addr;

		memcpy(&addr, &sample->chain[i], sizeof(addr));
		if (IS_MARK(addr))
			user = addr == (uint64_t)PERF_CONTEXT_USER;
		else if (user && addr && out->nr < CHAIN_DEPTH_MAX)
			out->addr[out->nr] = addr - !!out->nr, out->nr++;
	}
	/* Frame pointers end where somebody had none: it cannot be told. */
	out->end = out->nr ? CHAIN_NO_RULE : CHAIN_STRANGE;
}

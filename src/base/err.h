/* SPDX-License-Identifier: MIT */
/*
 * The one error convention of tare.
 *
 * A function that can fail returns `int`: 0 (ERR_OK) or one of the codes
 * below, and its last parameter is the caller's `struct err`. Errors never
 * allocate. Only main.c prints them and only main.c exits.
 */
#ifndef TARE_BASE_ERR_H
#define TARE_BASE_ERR_H

/*
 * Every way tare can fail: name, what the user reads when there is no better
 * message. The process exit status is decided in main.c from the code and the
 * verb (see docs/guide/exit-status.md). Add at the end.
 */
#define ERR_CODES(X)                                             \
	X(OK, "success")                                         \
	X(USAGE, "bad command line")                             \
	X(SYS, "a system call failed")                           \
	X(PERM, "not permitted")                                 \
	X(GONE, "the process has exited")                        \
	X(UNSUPPORTED, "not supported on this system or Python") \
	X(CORRUPT, "damaged or hostile input")                   \
	X(NOMEM, "out of memory")                                \
	X(NOT_FOUND, "command not found")                        \
	X(NOT_EXECUTABLE, "command cannot be executed")          \
	X(EXISTS, "the output exists")                           \
	X(NO, "the answer is no")

enum err_code {
#define X(name, text) ERR_##name,
	ERR_CODES(X)
#undef X
	ERR_CODE_NR
};

struct err {
	enum err_code code;
	char msg[512];	/* "cannot read the memory of process 412: ..." */
	char hint[512]; /* what to type next, or "" */
};

/* Record a failure and return its code: `return err_set(err, ERR_GONE, ...)`.
 */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set(), for a failed system call: appends strerror(errno). */
int err_sys(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Add what the user can do about the failure already recorded in `err`. */
void err_hint(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Shorthand for ERR_NOMEM with its usual message. */
int err_nomem(struct err *err);

/* The text that goes with a code when there is no message. */
const char *err_code_text(enum err_code code);

#endif

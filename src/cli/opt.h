/* SPDX-License-Identifier: MIT */
/*
 * Option tables. A verb describes its options once, as an array of
 * `struct opt`; the parser, the help text, the man page and the completion
 * all read that array.
 *
 *	static const struct opt dump_opt[] = {
 *		OPT_FLAG('j', "json", struct dump_opts, json, "as JSON"),
 *		OPT_TIME('t', "time", "TIME", struct dump_opts, time_ns,
 *			 "give up after this long (default 5s)"),
 *		OPT_LAST(),
 *	};
 */
#ifndef TARE_CLI_OPT_H
#define TARE_CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"

enum opt_kind {
	OPT_KIND_LAST,	 /* ends the table */
	OPT_KIND_FLAG,	 /* bool */
	OPT_KIND_STR,	 /* const char * */
	OPT_KIND_TARGET, /* const char *; what follows is the target's */
	OPT_KIND_CHOICE, /* const char *; one of `choices` */
	OPT_KIND_LIST,	 /* struct opt_list; may be given again */
	OPT_KIND_RATE,	 /* double, Hz: "1000", "10k", "2.5kHz" */
	OPT_KIND_TIME,	 /* uint64_t, ns: "5", "5s", "500ms", "2m", "1h" */
	OPT_KIND_COUNT,	 /* uint32_t */
};

/* The values of an option that may be given again, in order; borrowed. */
struct opt_list {
	const char **at;
	uint32_t nr, cap;
};

struct opt {
	enum opt_kind kind;
	char letter;	     /* 0: has no short form */
	const char *name;    /* "rate" */
	const char *arg;     /* what its value is called; NULL for a flag */
	const char *choices; /* "auto,always,never", or NULL */
	const char *help;
	size_t offset; /* of the member that takes the value */
};

/* offsetof(), refusing at compile time a member of another type. */
#define OPT_MEMBER(type, member, want) \
	(offsetof(type, member) + 0 * sizeof((want *)0 == &((type *)0)->member))

#define OPT_ROW(kind_, letter_, name_, arg_, choices_, help_, offset_) \
	{                                                              \
		.kind = (kind_), .letter = (letter_), .name = (name_), \
		.arg = (arg_), .choices = (choices_), .help = (help_), \
		.offset = (offset_)                                    \
	}

#define OPT_FLAG(letter, name, type, member, help)             \
	OPT_ROW(OPT_KIND_FLAG, letter, name, NULL, NULL, help, \
		OPT_MEMBER(type, member, bool))
#define OPT_STR(letter, name, arg, type, member, help)       \
	OPT_ROW(OPT_KIND_STR, letter, name, arg, NULL, help, \
		OPT_MEMBER(type, member, const char *))
#define OPT_TARGET(letter, name, arg, type, member, help)       \
	OPT_ROW(OPT_KIND_TARGET, letter, name, arg, NULL, help, \
		OPT_MEMBER(type, member, const char *))
#define OPT_CHOICE(letter, name, arg, choices, type, member, help) \
	OPT_ROW(OPT_KIND_CHOICE, letter, name, arg, choices, help, \
		OPT_MEMBER(type, member, const char *))
#define OPT_LIST(letter, name, arg, type, member, help)       \
	OPT_ROW(OPT_KIND_LIST, letter, name, arg, NULL, help, \
		OPT_MEMBER(type, member, struct opt_list))
#define OPT_RATE(letter, name, arg, type, member, help)       \
	OPT_ROW(OPT_KIND_RATE, letter, name, arg, NULL, help, \
		OPT_MEMBER(type, member, double))
#define OPT_TIME(letter, name, arg, type, member, help)       \
	OPT_ROW(OPT_KIND_TIME, letter, name, arg, NULL, help, \
		OPT_MEMBER(type, member, uint64_t))
#define OPT_COUNT(letter, name, arg, type, member, help)       \
	OPT_ROW(OPT_KIND_COUNT, letter, name, arg, NULL, help, \
		OPT_MEMBER(type, member, uint32_t))
#define OPT_LAST() OPT_ROW(OPT_KIND_LAST, 0, NULL, NULL, NULL, NULL, 0)

/* The words that were no options. */
struct opt_rest {
	char **argv; /* inside the caller's argv, NULL-terminated as it was */
	int argc;
	bool dashes; /* "--" stood before them, or among them */
	int before;  /* how many of them stood before it */
};

/*
 * Parse argv[0..argc) (without program and verb) into `opts`. With
 * `stop_at_word` the first word that is no option ends the options: it and
 * everything after it, dashes or not, is the target's. Otherwise options may
 * stand among the words, up to "--"; argv is reordered in place.
 *
 * ERR_USAGE: the message names the option, and the one that was meant when a
 * letter was mistyped.
 */
int opt_parse(const struct opt *table, void *opts, bool stop_at_word, int argc,
	      char **argv, struct opt_rest *rest, struct err *err);

/* Give back the lists that opt_parse() filled. */
void opt_release(const struct opt *table, void *opts);

#endif

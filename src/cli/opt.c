/* SPDX-License-Identifier: MIT */
#include "cli/opt.h"

#include <stdlib.h>
#include <string.h>

#include "cli/opt_value.h"
#include "cli/suggest.h"

/* One word of the command line on its way through the table. */
struct parse {
	const struct opt *table;
	void *opts;
	char **argv;
	int argc;
	int at;	   /* next word */
	bool last; /* an option said that the rest is the target's */
	struct err *err;
};

static const struct opt *find_name(const struct opt *table, const char *name,
				   size_t size)
{
	for (const struct opt *o = table; o->kind != OPT_KIND_LAST; o++)
		if (strlen(o->name) == size && !memcmp(o->name, name, size))
			return o;
	return NULL;
}

static const struct opt *find_letter(const struct opt *table, char letter)
{
	for (const struct opt *o = table; o->kind != OPT_KIND_LAST; o++)
		if (o->letter && o->letter == letter)
			return o;
	return NULL;
}

static bool is_choice(const char *choices, const char *value)
{
	size_t size = strlen(value);

	for (const char *at = choices; *at;) {
		size_t len = strcspn(at, ",");

		if (len == size && !memcmp(at, value, len))
			return true;
		at += len;
		at += *at == ',';
	}
	return false;
}

static int bad_value(const struct opt *o, const char *value, const char *want,
		     struct err *err)
{
	return err_set(err, ERR_USAGE, "--%s takes %s, not '%s'", o->name, want,
		       value);
}

static int set_number(const struct opt *o, void *member, const char *value,
		      struct err *err)
{
	if (o->kind == OPT_KIND_RATE)
		return opt_value_rate(value, member)
			       ? ERR_OK
			       : bad_value(o, value,
					   "a rate such as 1000 or 10kHz", err);
	if (o->kind == OPT_KIND_TIME)
		return opt_value_time(value, member)
			       ? ERR_OK
			       : bad_value(o, value,
					   "a time such as 5s or 500ms", err);
	return opt_value_count(value, member)
		       ? ERR_OK
		       : bad_value(o, value, "a whole number", err);
}

static int set_value(struct parse *p, const struct opt *o, const char *value)
{
	void *member = (char *)p->opts + o->offset;
	struct opt_list *list;

	switch (o->kind) {
	case OPT_KIND_TARGET:
		p->last = true;
		*(const char **)member = value;
		return ERR_OK;
	case OPT_KIND_CHOICE:
		if (!is_choice(o->choices, value))
			return err_set(p->err, ERR_USAGE,
				       "--%s is one of %s, not '%s'", o->name,
				       o->choices, value);
		*(const char **)member = value;
		return ERR_OK;
	case OPT_KIND_STR:
		*(const char **)member = value;
		return ERR_OK;
	case OPT_KIND_LIST:
		list = member;
		return vec_push(list, value) ? ERR_OK : err_nomem(p->err);
	default:
		return set_number(o, member, value, p->err);
	}
}

/* The value of `o`: `attached` when it came in the same word. */
static int take_value(struct parse *p, const struct opt *o,
		      const char *attached)
{
	if (!attached) {
		if (p->at >= p->argc)
			return err_set(p->err, ERR_USAGE,
				       "--%s needs a value: %s", o->name,
				       o->arg);
		attached = p->argv[p->at++];
	}
	return set_value(p, o, attached);
}

static int parse_long(struct parse *p, const char *word)
{
	const char *name = word + 2;
	size_t size = strcspn(name, "=");
	const char *value = name[size] == '=' ? name + size + 1 : NULL;
	const struct opt *o = find_name(p->table, name, size);
	struct suggest near;

	if (!o) {
		suggest_init(&near, name, size);
		for (o = p->table; o->kind != OPT_KIND_LAST; o++)
			suggest_offer(&near, o->name);
		if (near.best)
			return err_set(p->err, ERR_USAGE,
				       "unknown option '--%.*s' (did you mean "
				       "'--%s'?)",
				       (int)size, name, near.best);
		return err_set(p->err, ERR_USAGE, "unknown option '--%.*s'",
			       (int)size, name);
	}
	if (o->kind != OPT_KIND_FLAG)
		return take_value(p, o, value);
	if (value)
		return err_set(p->err, ERR_USAGE, "--%s takes no value",
			       o->name);
	*(bool *)((char *)p->opts + o->offset) = true;
	return ERR_OK;
}

/* "-qf", "-r10k", "-r 10k", "-qr10k" */
static int parse_letters(struct parse *p, const char *word)
{
	for (const char *at = word + 1; *at; at++) {
		const struct opt *o = find_letter(p->table, *at);

		if (!o)
			return err_set(p->err, ERR_USAGE,
				       "unknown option '-%c'", *at);
		if (o->kind != OPT_KIND_FLAG)
			return take_value(p, o, at[1] ? at + 1 : NULL);
		*(bool *)((char *)p->opts + o->offset) = true;
	}
	return ERR_OK;
}

int opt_parse(const struct opt *table, void *opts, bool stop_at_word, int argc,
	      char **argv, struct opt_rest *rest, struct err *err)
{
	struct parse p = {
		.table = table,
		.opts = opts,
		.argv = argv,
		.argc = argc,
		.err = err,
	};
	int word_nr = 0;
	int rc = ERR_OK;

	rest->dashes = false;
	while (p.at < argc && !p.last && rc == ERR_OK) {
		char *word = argv[p.at];

		if (word[0] != '-' || word[1] == '\0') {
			if (stop_at_word)
				break;
			argv[word_nr++] = word;
			p.at++;
			continue;
		}
		p.at++;
		if (strcmp(word, "--") == 0) {
			rest->dashes = true;
			break;
		}
		rc = word[1] == '-' ? parse_long(&p, word)
				    : parse_letters(&p, word);
	}
	rest->before = 0;
	if (stop_at_word) {
		rest->argv = argv + p.at;
		rest->argc = argc - p.at;
		return rc;
	}
	rest->before = word_nr;
	while (p.at < argc)
		argv[word_nr++] = argv[p.at++];
	argv[word_nr] = NULL;
	rest->argv = argv;
	rest->argc = word_nr;
	return rc;
}

void opt_release(const struct opt *table, void *opts)
{
	for (const struct opt *o = table; o->kind != OPT_KIND_LAST; o++) {
		struct opt_list *list;

		if (o->kind != OPT_KIND_LIST)
			continue;
		list = (struct opt_list *)(void *)((char *)opts + o->offset);
		vec_release(list);
	}
}

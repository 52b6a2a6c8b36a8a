/* SPDX-License-Identifier: MIT */
#include "cli/verb.h"

#include <stdio.h>
#include <string.h>

/* Add every line of `text`, each after `before`. */
static void add_lines(struct buf *out, const char *before, const char *text)
{
	while (*text) {
		size_t size = strcspn(text, "\n");

		buf_add_str(out, before);
		buf_add(out, text, size);
		buf_add_char(out, '\n');
		text += size;
		text += *text == '\n';
	}
}

/* "-o, --output FILE" */
static void add_label(struct buf *out, const struct opt *o)
{
	if (o->letter)
		buf_printf(out, "-%c, ", o->letter);
	else
		buf_add_str(out, "    ");
	buf_printf(out, "--%s", o->name);
	if (o->arg)
		buf_printf(out, " %s", o->arg);
}

/* Add `text`, broken at blanks so that no line passes the page's width. */
static void add_wrapped(struct buf *out, size_t indent, const char *text)
{
	size_t column = indent;

	while (*text) {
		size_t size = strcspn(text, " ");

		if (column > indent && column + 1 + size > VERB_HELP_WIDTH) {
			buf_printf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			buf_add_char(out, ' ');
			column++;
		}
		buf_add(out, text, size);
		column += size;
		text += size;
		text += strspn(text, " ");
	}
	buf_add_char(out, '\n');
}

static void add_opts(struct buf *out, const struct opt *opts)
{
	struct buf label = { 0 };
	size_t widest = 0;

	for (const struct opt *o = opts; o->kind != OPT_KIND_LAST; o++) {
		buf_clear(&label);
		add_label(&label, o);
		if (label.size > widest)
			widest = label.size;
	}
	for (const struct opt *o = opts; o->kind != OPT_KIND_LAST; o++) {
		buf_clear(&label);
		add_label(&label, o);
		buf_printf(out, "  %-*s  ", (int)widest, buf_str(&label));
		add_wrapped(out, widest + 4, o->help);
	}
	buf_release(&label);
}

void verb_show(struct buf *out, const struct verb *verb)
{
	buf_printf(out, "tare %s: %s\n\n", verb->name, verb->summary);
	add_lines(out, "  tare ", verb->usage);
	if (verb->opts[0].kind != OPT_KIND_LAST) {
		buf_add_char(out, '\n');
		add_opts(out, verb->opts);
	}
	if (verb->examples) {
		buf_add_str(out, "\nexamples:\n");
		add_lines(out, "  ", verb->examples);
	}
}

void verb_show_examples(struct buf *out, const struct manual *m)
{
	buf_printf(out, "tare: %s\n\n", m->summary);
	add_lines(out, "  ", m->examples);
	buf_add_str(out, "\nAll verbs: tare help\n");
}

void verb_show_all(struct buf *out, const struct manual *m)
{
	buf_printf(out, "tare %s: %s\n\n", m->version, m->summary);
	for (unsigned i = 0; i < m->verb_nr; i++)
		buf_printf(out, "  %-12s%s\n", m->verbs[i]->name,
			   m->verbs[i]->summary);
	buf_add_str(out, "\nOptions and examples of one: tare help VERB\n"
			 "Which Python, which file, which clock failed: "
			 "tare doctor\n");
}

/* SPDX-License-Identifier: MIT */
#include "cli/verb.h"

#include <string.h>

/* `text` as roff: what it would read as a request or an escape is guarded. */
static void add_roff(struct buf *out, const char *text, size_t size)
{
	if (size && (text[0] == '.' || text[0] == '\''))
		buf_add_str(out, "\\&");
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\\')
			buf_add_str(out, "\\e");
		else if (text[i] == '-')
			buf_add_str(out, "\\-");
		else
			buf_add_char(out, text[i]);
	}
}

static void add_roff_lines(struct buf *out, const char *before,
			   const char *text)
{
	buf_add_str(out, ".nf\n");
	while (*text) {
		size_t size = strcspn(text, "\n");

		buf_add_str(out, before);
		add_roff(out, text, size);
		buf_add_char(out, '\n');
		text += size;
		text += *text == '\n';
	}
	buf_add_str(out, ".fi\n");
}

static void add_opt(struct buf *out, const struct opt *o)
{
	buf_add_str(out, ".TP\n");
	if (o->letter)
		buf_printf(out, "\\fB\\-%c\\fR, ", o->letter);
	buf_add_str(out, "\\fB\\-\\-");
	add_roff(out, o->name, strlen(o->name));
	buf_add_str(out, "\\fR");
	if (o->arg)
		buf_printf(out, " \\fI%s\\fR", o->arg);
	buf_add_char(out, '\n');
	add_roff(out, o->help, strlen(o->help));
	buf_add_char(out, '\n');
}

static void add_verb(struct buf *out, const struct verb *verb)
{
	buf_printf(out, ".SH \"TARE %s\"\n", verb->name);
	add_roff(out, verb->summary, strlen(verb->summary));
	buf_add_str(out, "\n.PP\n");
	add_roff_lines(out, "tare ", verb->usage);
	for (const struct opt *o = verb->opts; o->kind != OPT_KIND_LAST; o++)
		add_opt(out, o);
	if (verb->examples) {
		buf_add_str(out, ".PP\nExamples:\n");
		add_roff_lines(out, "", verb->examples);
	}
}

void verb_write_man(struct buf *out, const struct manual *m)
{
	buf_printf(out,
		   ".TH TARE 1 \"\" \"tare %s\" \"User Commands\"\n"
		   ".SH NAME\ntare \\- ",
		   m->version);
	add_roff(out, m->summary, strlen(m->summary));
	buf_add_str(out, "\n.SH SYNOPSIS\n\\fBtare\\fR \\fIVERB\\fR "
			 "[options] [words]\n.SH EXAMPLES\n");
	add_roff_lines(out, "", m->examples);
	for (unsigned i = 0; i < m->verb_nr; i++)
		add_verb(out, m->verbs[i]);
	buf_add_str(out,
		    ".SH \"EXIT STATUS\"\n"
		    "\\fBtare run\\fR ends as its target did: with the same "
		    "status, or by the same\nsignal. 125 is tare's own "
		    "failure, 126 a target that cannot be executed, 127\n"
		    "one that was not found. \\fBtare time\\fR likewise; of "
		    "several runs the one that failed\ncounts. Other "
		    "verbs: 0 done, 1 the answer is no, 2 bad usage\nor "
		    "input, 3 any other failure.\n"
		    ".SH ENVIRONMENT\n"
		    ".TP\n\\fBTARE_PYTHON\\fR\nthe interpreter that "
		    "\\fBtare run\\fR starts\n"
		    ".TP\n\\fBTARE_TIMED\\fR\n1: tare.timed of the Python "
		    "package is on\n"
		    ".TP\n\\fBNO_COLOR\\fR, \\fBFORCE_COLOR\\fR\ncolour "
		    "never, or always\n");
}

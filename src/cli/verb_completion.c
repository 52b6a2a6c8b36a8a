/* SPDX-License-Identifier: MIT */
#include "cli/verb.h"

#include <string.h>

/*
 * One script a shell, each in the plainest form that shell has: bash and zsh
 * get a case over the verb, fish one `complete` line an option. Help texts
 * hold no quotes (tests/python/test_cli.py runs the scripts).
 */

static void add_quoted(struct buf *out, const char *text)
{
	buf_add_char(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_add_str(out, "'\\''");
		else
			buf_add_char(out, *text);
	}
	buf_add_char(out, '\'');
}

static void add_verbs(struct buf *out, const struct manual *m)
{
	for (unsigned i = 0; i < m->verb_nr; i++)
		buf_printf(out, "%s%s", i ? " " : "", m->verbs[i]->name);
}

static void add_options(struct buf *out, const struct verb *verb)
{
	for (const struct opt *o = verb->opts; o->kind != OPT_KIND_LAST; o++)
		buf_printf(out, "%s--%s", o == verb->opts ? "" : " ", o->name);
}

static bool is_list(const char *words)
{
	return words && strchr(words, ',');
}

static void add_words(struct buf *out, const char *words)
{
	for (; *words; words++)
		buf_add_char(out, *words == ',' ? ' ' : *words);
}

/* What completes a word of `verb` that is no option, in bash. */
static void add_bash_words(struct buf *out, const struct manual *m,
			   const struct verb *verb)
{
	if (!verb->words)
		return;
	if (is_list(verb->words)) {
		buf_add_str(out, "\t\twords=\"");
		add_words(out, verb->words);
		buf_add_str(out, "\"\n");
	} else if (strcmp(verb->words, "pids") == 0) {
		buf_add_str(out, "\t\twords=\"$(ps -eo pid= 2>/dev/null)\"\n");
	} else if (strcmp(verb->words, "verbs") == 0) {
		buf_add_str(out, "\t\twords=\"");
		add_verbs(out, m);
		buf_add_str(out, "\"\n");
	} else {
		buf_add_str(out, "\t\tfiles=1\n");
	}
}

static void write_bash(struct buf *out, const struct manual *m)
{
	buf_add_str(out, "_tare() {\n"
			 "\tlocal cur=${COMP_WORDS[COMP_CWORD]}\n"
			 "\tlocal options= words= files=\n"
			 "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
			 "\t\tCOMPREPLY=($(compgen -W \"");
	add_verbs(out, m);
	buf_add_str(out, "\" -- \"$cur\"))\n\t\treturn\n\tfi\n"
			 "\tcase ${COMP_WORDS[1]} in\n");
	for (unsigned i = 0; i < m->verb_nr; i++) {
		buf_printf(out, "\t%s)\n\t\toptions=\"", m->verbs[i]->name);
		add_options(out, m->verbs[i]);
		buf_add_str(out, "\"\n");
		add_bash_words(out, m, m->verbs[i]);
		buf_add_str(out, "\t\t;;\n");
	}
	buf_add_str(out, "\tesac\n"
			 "\tcase $cur in\n"
			 "\t-*) COMPREPLY=($(compgen -W \"$options\" -- "
			 "\"$cur\")) ;;\n"
			 "\t*) COMPREPLY=($(compgen -W \"$words\" ${files:+-f} "
			 "-- \"$cur\")) ;;\n"
			 "\tesac\n"
			 "}\n"
			 "complete -o filenames -F _tare tare\n");
}

static void write_zsh(struct buf *out, const struct manual *m)
{
	/* zsh runs bash's functions; its own _arguments would need a second
	 * description of every value. */
	buf_add_str(out, "#compdef tare\n"
			 "autoload -U +X compinit bashcompinit\n"
			 "(( $+functions[compdef] )) || compinit\n"
			 "bashcompinit\n");
	write_bash(out, m);
}

static void write_fish_verb(struct buf *out, const struct verb *verb)
{
	for (const struct opt *o = verb->opts; o->kind != OPT_KIND_LAST; o++) {
		buf_printf(out,
			   "complete -c tare -n "
			   "'__fish_seen_subcommand_from %s' -l %s",
			   verb->name, o->name);
		if (o->letter)
			buf_printf(out, " -s %c", o->letter);
		if (o->arg)
			buf_add_str(out, " -r");
		if (o->choices) {
			buf_add_str(out, " -a '");
			add_words(out, o->choices);
			buf_add_char(out, '\'');
		}
		buf_add_str(out, " -d ");
		add_quoted(out, o->help);
		buf_add_char(out, '\n');
	}
	if (!is_list(verb->words))
		return;
	buf_printf(out,
		   "complete -c tare -n '__fish_seen_subcommand_from %s' -a '",
		   verb->name);
	add_words(out, verb->words);
	buf_add_str(out, "'\n");
}

static void write_fish(struct buf *out, const struct manual *m)
{
	for (unsigned i = 0; i < m->verb_nr; i++) {
		buf_printf(out,
			   "complete -c tare -n __fish_use_subcommand -a %s "
			   "-d ",
			   m->verbs[i]->name);
		add_quoted(out, m->verbs[i]->summary);
		buf_add_char(out, '\n');
	}
	for (unsigned i = 0; i < m->verb_nr; i++)
		write_fish_verb(out, m->verbs[i]);
}

int verb_write_completion(struct buf *out, const struct manual *m,
			  const char *shell, struct err *err)
{
	static const struct {
		const char *shell;
		void (*write)(struct buf *out, const struct manual *m);
	} writers[] = {
		{ "bash", write_bash },
		{ "zsh", write_zsh },
		{ "fish", write_fish },
	};

	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
		if (strcmp(shell, writers[i].shell) == 0) {
			writers[i].write(out, m);
			return ERR_OK;
		}
	}
	err_set(err, ERR_USAGE, "no completion for the shell '%s'", shell);
	err_hint(err, "tare completion bash   (or zsh, fish)");
	return err->code;
}

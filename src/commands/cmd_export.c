/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "commands/command.h"
#include "commands/load.h"
#include "commands/show.h"
#include "export/export.h"
#include "os/file.h"

struct export_verb_opts {
	struct common_opts common;
	const char *format;
	const char *output;
	bool force;
	bool threads;
	bool marked;
	bool awaits;
	bool native;
};

static const struct opt export_opt[] = {
	OPT_STR('F', "format", "FORMAT", struct export_verb_opts, format,
		"collapsed (stacks with counts, as flamegraph.pl reads)"),
	OPT_STR('o', "output", "FILE", struct export_verb_opts, output,
		"write here (default: standard output)"),
	OPT_FLAG('f', "force", struct export_verb_opts, force,
		 "replace a file that exists"),
	OPT_FLAG('t', "threads", struct export_verb_opts, threads,
		 "the thread as the root of each stack"),
	OPT_FLAG(0, "marked", struct export_verb_opts, marked,
		 "also samples that are not complete, marked"),
	OPT_FLAG(0, "awaits", struct export_verb_opts, awaits,
		 "where asyncio's tasks waited, in milliseconds"),
	OPT_FLAG(0, "native", struct export_verb_opts, native,
		 "stacks with native code, of tare run --native"),
	OPT_COMMON(struct export_verb_opts),
	OPT_LAST(),
};

static int deliver(struct invocation *inv, struct buf *out, struct err *err)
{
	const struct export_verb_opts *opts = inv->opts;
	int rc;

	if (out->failed)
		return err_nomem(err);
	if (!opts->output || strcmp(opts->output, "-") == 0)
		return show_stdout(inv, out, err);
	rc = file_save(opts->output, opts->force, out->data, out->size, err);
	return rc;
}

static int check_native(const struct profile *p, const struct invocation *inv,
			struct err *err)
{
	const struct export_verb_opts *opts = inv->opts;
	const char *why = profile_meta(p, META_MERGED);

	if (!opts->native || p->merges.nr)
		return ERR_OK;
	err_set(err, ERR_NO, "'%s' has no native stacks%s%s",
		inv->words.argv[0], *why ? ": " : "", why);
	err_hint(err, "record them with: tare run --native SCRIPT.py");
	return err->code;
}

static int export_run(struct invocation *inv, struct err *err)
{
	const struct export_verb_opts *opts = inv->opts;
	struct export_opts how = {
		.threads = opts->threads,
		.marked = opts->marked,
		.awaits = opts->awaits,
		.native = opts->native,
	};
	const struct exporter *exporter;
	struct buf out = { 0 };
	struct profile *p;
	int rc;

	if (!opts->format) {
		err_set(err, ERR_USAGE, "which format? --format is missing");
		err_hint(err, "tare export --format %s %s", exporters[0]->name,
			 inv->words.argv[0]);
		return err->code;
	}
	rc = export_find(opts->format, &exporter, err);
	if (rc == ERR_OK)
		rc = load_recording(&p, inv->words.argv[0], err);
	if (rc != ERR_OK)
		return rc;
	rc = check_native(p, inv, err);
	if (rc == ERR_OK)
		rc = exporter->run(&out, p, &how, err);
	if (rc == ERR_OK)
		rc = deliver(inv, &out, err);
	buf_release(&out);
	profile_free(p);
	return rc;
}

const struct command command_export = {
	.verb = {
		.name = "export",
		.summary = "write a recording in another tool's format",
		.usage = "export --format FORMAT [options] FILE.tare",
		.examples = "tare export --format collapsed x.99.tare > x.txt\n"
			    "tare export --format collapsed --threads "
			    "-o x.txt x.99.tare",
		.words = "files",
		.opts = export_opt,
	},
	.opts_size = sizeof(struct export_verb_opts),
	.words_min = 1,
	.words_max = 1,
	.missing = "which recording? a .tare file is missing",
	.run = export_run,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmwalk COMMAND [OPTION...] IMAGE [ARG...] */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "formats/formats.h"
#include "lib/base/vec.h"

enum { EXIT_CLEAN = 0, EXIT_DAMAGE = 1, EXIT_USAGE = 2, EXIT_CANNOT = 3 };

#define MMW_COMMAND(name) extern const struct mmw_cmd mmw_cmd_##name;
#include "commands.inc"
#undef MMW_COMMAND

static const struct mmw_cmd *const commands[] = {
#define MMW_COMMAND(name) &mmw_cmd_##name,
#include "commands.inc"
#undef MMW_COMMAND
};

static void usage(FILE *to)
{
	const char *name, *summary;

	fputs("Usage: mmwalk COMMAND [OPTION...] IMAGE [ARG...]\n"
	      "Page-table forensics on Linux memory images: nothing but the image is needed.\n\n"
	      "Commands (mmwalk COMMAND --help tells more, and so does man mmwalk-COMMAND):\n", to);
	for (size_t i = 0; i < mmw_array_len(commands); i++)
		fprintf(to, "  %-13s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nImages:\n", to);
	for (size_t i = 0; mmw_format_words(i, &name, &summary); i++)
		fprintf(to, "  %-13s %s\n", name, summary);
	fputs("\nExit status: 0 done; 1 done, but something asked for was absent or damaged; 2 usage; 3 could not run.\n", to);
}

/* One run of a command. */
struct run {
	const struct mmw_cmd *cmd;
	struct mmw_target target;
	void *opts;
	char **args;
	int n_args;
	struct argp_child children[2];
	struct argp argp;
	char args_doc[128], doc[8192];
};

static error_t parse_run(int key, char *arg, struct argp_state *state)
{
	struct run *r = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &r->target;
		return 0;
	case ARGP_KEY_ARG:
		if (!r->target.image_name) {
			r->target.image_name = arg;
			return 0;
		}
		if (!r->cmd->args)
			argp_error(state, "'%s': nothing is expected after the image", arg);
		r->args = &state->argv[state->next - 1];
		r->n_args = state->argc - state->next + 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which image?");
		return EINVAL;
	default:
		if (!r->cmd->parse)
			return ARGP_ERR_UNKNOWN;
		state->input = r->opts;
		key = r->cmd->parse(key, arg, state);
		state->input = r;
		return key;
	}
}

static size_t add_columns(struct run *r, size_t n, const char *which, const struct mmw_col *cols)
{
	if (n < sizeof(r->doc))
		n += snprintf(r->doc + n, sizeof(r->doc) - n, "Columns of --output, and keys of --json%s:\n", which);
	for (const struct mmw_col *c = cols; c->name && n < sizeof(r->doc); c++)
		n += snprintf(r->doc + n, sizeof(r->doc) - n, "  %-14s %s\n", c->name, c->help);
	return n;
}

/* The columns belong to the help, and come from the same table as the output. */
static void build_doc(struct run *r)
{
	size_t n = snprintf(r->doc, sizeof(r->doc), "%s\v", r->cmd->doc);
	char which[64];

	n = add_columns(r, n, "", r->cmd->cols);
	for (const struct mmw_view *v = r->cmd->views; v && v->option; v++) {
		snprintf(which, sizeof(which), " with %s", v->option);
		n = add_columns(r, n, which, v->cols);
	}
}

/* What the answer rests on that no table says. */
static void say_code(const struct mmw_kernel *k)
{
	const struct mmw_evidence *e;
	size_t n = mmw_kernel_evidence(k, &e);

	for (size_t i = 0; i < n; i++)
		if (strstr(e[i].text, ", from code at "))
			mmw_warn("%s", e[i].text);
}

static int run_command(struct run *r, struct mmw_err *err)
{
	const struct mmw_view *view = r->cmd->view ? r->cmd->view(r->opts) : NULL;
	int rc = mmw_out_init(&r->target.out, view ? view->schema : r->cmd->schema, view ? view->cols : r->cmd->cols,
			      r->target.json, r->target.output, err);

	if (rc)
		return rc;
	rc = mmw_target_open(&r->target, err);
	if (!rc)
		rc = r->cmd->run(&r->target, r->opts, r->n_args, r->args, err);
	if (!rc && r->target.verbose && r->cmd != &mmw_cmd_info)
		say_code(r->target.kernel);
	return rc;
}

static int exit_status(const struct run *r, int rc, const struct mmw_err *err)
{
	if (rc == -MMW_E_ARG) {
		mmw_warn("%s", err->msg);
		return EXIT_USAGE;
	}
	if (rc < 0) {
		mmw_warn("%s", err->msg);
		return EXIT_CANNOT;
	}
	if (fflush(stdout) || ferror(stdout)) {
		mmw_warn("writing the output failed");
		return EXIT_CANNOT;
	}
	return r->target.damage ? EXIT_DAMAGE : EXIT_CLEAN;
}

static int run_named(const struct mmw_cmd *cmd, int argc, char **argv)
{
	struct run *r = calloc(1, sizeof(*r));
	static char name[64];
	struct mmw_err err = { 0 };
	int rc;

	if (r)
		r->opts = calloc(1, cmd->opts_size ? cmd->opts_size : 1);
	if (!r || !r->opts) {
		free(r);
		return EXIT_CANNOT;
	}
	r->cmd = cmd;
	r->target.progress = -1;
	snprintf(r->args_doc, sizeof(r->args_doc), "IMAGE%s%s", cmd->args ? " " : "", cmd->args ? cmd->args : "");
	build_doc(r);
	r->children[0] = (struct argp_child){ .argp = &mmw_target_argp };
	r->argp = (struct argp){ .options = cmd->options, .parser = parse_run, .args_doc = r->args_doc, .doc = r->doc,
				 .children = r->children };
	snprintf(name, sizeof(name), "mmwalk %s", cmd->name);
	argv[0] = program_invocation_name = name;
	argp_parse(&r->argp, argc, argv, 0, NULL, r);
	rc = exit_status(r, run_command(r, &err), &err);
	mmw_target_close(&r->target);
	free(r->opts);
	free(r);
	return rc;
}

int main(int argc, char **argv)
{
	program_invocation_name = "mmwalk";
	argp_program_version = "mmwalk " MMW_VERSION;
	argp_err_exit_status = EXIT_USAGE;
#ifdef M_MMAP_THRESHOLD
	/* Our few large buffers come and go: keep them, rather than have the kernel zero their pages each time. */
	mallopt(M_MMAP_THRESHOLD, 64 << 20);
	mallopt(M_TRIM_THRESHOLD, 128 << 20);
#endif
	setenv("ARGP_HELP_FMT", "rmargin=118", 0);
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?") || !strcmp(argv[1], "help"))) {
		usage(stdout);
		return EXIT_CLEAN;
	}
	if (argc > 1 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
		puts("mmwalk " MMW_VERSION);
		return EXIT_CLEAN;
	}
	for (size_t i = 0; argc > 1 && i < mmw_array_len(commands); i++)
		if (!strcmp(commands[i]->name, argv[1]))
			return run_named(commands[i], argc - 1, argv + 1);
	if (argc > 1)
		mmw_warn("there is no command '%s'; mmwalk --help lists them", argv[1]);
	else
		usage(stderr);
	return EXIT_USAGE;
}

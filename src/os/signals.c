/* SPDX-License-Identifier: MIT */
#include "os/signals.h"

#include <errno.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* Everything tare ever handles, with what it inherited. */
static struct {
	int sig;
	struct sigaction inherited;
	bool changed;
} handled[] = {
	{ .sig = SIGPIPE }, { .sig = SIGCHLD }, { .sig = SIGINT },
	{ .sig = SIGQUIT }, { .sig = SIGTERM }, { .sig = SIGHUP },
	{ .sig = SIGUSR1 }, { .sig = SIGUSR2 }, { .sig = SIGXFSZ },
};

#define HANDLED_NR (sizeof(handled) / sizeof(handled[0]))

static volatile sig_atomic_t target;
static volatile bool stop;
static volatile sig_atomic_t stopped_by[NSIG];
static volatile sig_atomic_t last_stop;

static void do_nothing(int sig)
{
	(void)sig;
}

/*
 * What the kernel sends on behalf of the terminal goes to the whole
 * foreground group, so the target has it already; only what a process sent
 * to tare alone is passed on.
 */
static void pass_on(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	if (target > 0 && info->si_code <= 0)
		kill((pid_t)target, sig);
	errno = saved;
}

static void (*last_words)(void);

/* The death itself comes by the usual action, which is in force again. */
static void die(int sig)
{
	void (*restore)(void) = last_words;

	last_words = NULL;
	if (restore)
		restore();
	raise(sig);
}

static void note_stop(int sig)
{
	/* A second time, and nobody has looked. */
	if (stopped_by[sig]) {
		signal(sig, SIG_DFL);
		die(sig);
	}
	stopped_by[sig] = 1;
	last_stop = sig;
	stop = true;
}

static void change(int sig, const struct sigaction *to)
{
	for (size_t i = 0; i < HANDLED_NR; i++) {
		struct sigaction now;

		if (handled[i].sig != sig)
			continue;
		if (!handled[i].changed) {
			sigaction(sig, NULL, &handled[i].inherited);
			handled[i].changed = true;
		}
		now = handled[i].inherited;
		/* SIGCHLD is the exception: see signals_init(). */
		if (now.sa_handler == SIG_IGN && sig != SIGCHLD)
			return;
		sigaction(sig, to, NULL);
	}
}

static void put_back(int sig)
{
	for (size_t i = 0; i < HANDLED_NR; i++)
		if (handled[i].sig == sig && handled[i].changed)
			sigaction(sig, &handled[i].inherited, NULL);
}

void signals_init(void)
{
	struct sigaction quiet = { .sa_handler = do_nothing };
	struct sigaction usual = { .sa_handler = SIG_DFL };

	quiet.sa_flags = SA_RESTART;
	sigemptyset(&quiet.sa_mask);
	sigemptyset(&usual.sa_mask);
	change(SIGPIPE, &quiet);
	change(SIGXFSZ, &quiet);
	/* An inherited SIG_IGN would make the kernel reap the target by
	 * itself, and its exit status would be lost. */
	change(SIGCHLD, &usual);
}

void signals_watch_target(pid_t pid)
{
	static const int passed[] = { SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };
	struct sigaction quiet = { .sa_handler = do_nothing };
	struct sigaction pass = { .sa_sigaction = pass_on };

	quiet.sa_flags = SA_RESTART;
	pass.sa_flags = SA_RESTART | SA_SIGINFO;
	sigemptyset(&quiet.sa_mask);
	sigemptyset(&pass.sa_mask);
	target = pid;
	change(SIGINT, &quiet);
	change(SIGQUIT, &quiet);
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		change(passed[i], &pass);
}

void signals_target_ended(void)
{
	/* Nobody watched it: the handlers are somebody else's. */
	if (!target)
		return;
	target = 0;
	put_back(SIGTERM);
	put_back(SIGHUP);
	put_back(SIGUSR1);
	put_back(SIGUSR2);
}

const volatile bool *signals_catch_stop(void)
{
	/* No SA_RESTART: what sleeps is to wake up and see the flag. */
	struct sigaction once = { .sa_handler = note_stop };

	sigemptyset(&once.sa_mask);
	stop = false;
	for (int i = 0; i < NSIG; i++)
		stopped_by[i] = 0;
	last_stop = 0;
	change(SIGINT, &once);
	change(SIGTERM, &once);
	change(SIGHUP, &once);
	return &stop;
}

void signals_on_death(void (*restore)(void))
{
	static const int fatal[] = { SIGSEGV, SIGBUS,  SIGFPE,	SIGILL,
				     SIGABRT, SIGALRM, SIGXCPU, SIGQUIT };
	struct sigaction last = { .sa_handler = die };

	last.sa_flags = (int)(SA_RESETHAND | SA_NODEFER);
	sigemptyset(&last.sa_mask);
	last_words = restore;
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
		struct sigaction now;

		/* What somebody handles or ignores is his. */
		if (sigaction(fatal[i], NULL, &now) != 0 ||
		    now.sa_handler != (restore ? SIG_DFL : die))
			continue;
		if (restore)
			sigaction(fatal[i], &last, NULL);
		else
			signal(fatal[i], SIG_DFL);
	}
}

int signals_stopped_by(void)
{
	return (int)last_stop;
}

/* Set by signals_init(), and for good. */
static bool for_all_of_tare(int sig)
{
	return sig == SIGPIPE || sig == SIGXFSZ || sig == SIGCHLD;
}

void signals_release(void)
{
	target = 0;
	for (size_t i = 0; i < HANDLED_NR; i++)
		if (!for_all_of_tare(handled[i].sig))
			put_back(handled[i].sig);
}

void signals_block_all(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, before);
}

void signals_restore_mask(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

void signals_restore_inherited(const sigset_t *before)
{
	target = 0;
	for (size_t i = 0; i < HANDLED_NR; i++)
		put_back(handled[i].sig);
	signals_restore_mask(before);
}

bool signals_pipe_kills(void)
{
	struct sigaction now;

	return sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler != SIG_IGN;
}

void signals_die_of(int sig)
{
	struct rlimit no_core = { 0, 0 };
	struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t just;

	/* The limit stops core files; a core_pattern that is a pipe ignores
	 * it and asks whether the process is dumpable. */
	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	sigemptyset(&usual.sa_mask);
	sigaction(sig, &usual, NULL);
	sigemptyset(&just);
	sigaddset(&just, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &just, NULL);
}

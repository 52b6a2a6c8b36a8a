/* SPDX-License-Identifier: MIT */
/*
 * Signals that come to tare itself.
 *
 * Nothing is ever set to "ignored": handlers that do nothing are used
 * instead, because exec() takes handlers back to the default while ignored
 * signals stay ignored in the program that is started. What tare inherited as
 * ignored (nohup, a shell's background job) is left alone and passed on.
 */
#ifndef TARE_OS_SIGNALS_H
#define TARE_OS_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * At the start of the program: writing to a closed pipe or past the limit on
 * file sizes becomes an error (EPIPE, EFBIG) instead of a death, and children
 * can be waited for even where the parent of tare had SIGCHLD ignored.
 */
void signals_init(void);

/*
 * While the target lives: SIGINT and SIGQUIT do nothing (the terminal sends
 * them to the target as well, which decides); SIGTERM, SIGHUP, SIGUSR1 and
 * SIGUSR2 that somebody sends to tare are passed on to process `pid`.
 */
void signals_watch_target(pid_t pid);

/* The target is dead but not yet waited for: pass nothing on any more. */
void signals_target_ended(void);

/*
 * For a verb that goes on until it is stopped: SIGINT, SIGTERM and SIGHUP
 * set the flag that is returned; a second one ends tare.
 */
const volatile bool *signals_catch_stop(void);

/*
 * Should tare die of a mistake of its own (SIGSEGV, SIGABRT, ...), of a second
 * SIGINT or of a signal that nobody expected, `restore` is called before;
 * it may use only what is safe in a signal handler. NULL: as it was.
 */
void signals_on_death(void (*restore)(void));

/* The signal that set the flag; 0: none did. */
int signals_stopped_by(void);

/* All as it was after signals_init(). */
void signals_release(void);

/* Around fork(): the child must never run one of tare's handlers. */
void signals_block_all(sigset_t *before);
void signals_restore_mask(const sigset_t *before);

/* In the child, signals blocked: everything as tare inherited it. */
void signals_restore_inherited(const sigset_t *before);

/* True when the reader of a pipe that went away is to end tare, as usual. */
bool signals_pipe_kills(void);

/*
 * Die of `sig`, so that whoever waits for tare sees it; without a core file.
 * Returns only where the signal has no effect on tare (process 1 of a
 * container).
 */
void signals_die_of(int sig);

#endif

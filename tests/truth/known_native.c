/* SPDX-License-Identifier: MIT */
/*
 * Functions that known_native.py calls from known lines, each of which takes
 * as long as it is told. They need nothing of the C library, so that any
 * Python can load them.
 */
#define EXPORTED __attribute__((visibility("default"), noinline))

static __attribute__((noinline)) int spin(long n)
{
	volatile long i;

	for (i = 0; i < n; i++)
		;
	return 0;
}

/* No tail calls: each function is to be on the stack while it spins. */
#define SPINNER(name)                      \
	EXPORTED int name(long n)          \
	{                                  \
		volatile int rc = spin(n); \
                                           \
		return rc;                 \
	}

SPINNER(truth_a)
SPINNER(truth_b)
SPINNER(truth_tiny)
SPINNER(truth_inner)
SPINNER(truth_key)
SPINNER(truth_re)
SPINNER(truth_held)
SPINNER(truth_free)

EXPORTED int truth_outer(int (*callback)(long), long n)
{
	volatile int rc = callback(n);

	return rc + spin(n);
}

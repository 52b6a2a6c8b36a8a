# SPDX-License-Identifier: MIT
"""Primes by trial division.

usage: primes.py [LIMIT]
"""

import sys

# How many primes there are below powers of ten.
KNOWN = {10: 4, 100: 25, 1000: 168, 10000: 1229, 100000: 9592,
         1000000: 78498}


def is_prime(n):
    if n < 2:
        return False
    if n % 2 == 0:
        return n == 2
    divisor = 3
    while divisor * divisor <= n:
        if n % divisor == 0:
            return False
        divisor += 2
    return True


def primes_below(limit):
    found = []
    for n in range(limit):
        if is_prime(n):
            found.append(n)
    return found


def main(arguments):
    limit = int(arguments[0]) if arguments else 1000000
    found = primes_below(limit)
    if limit in KNOWN:
        assert len(found) == KNOWN[limit], len(found)
    print(f"{len(found)} primes below {limit}, "
          f"the last is {found[-1] if found else None}")


if __name__ == "__main__":
    main(sys.argv[1:])

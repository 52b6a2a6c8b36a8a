# SPDX-License-Identifier: MIT
"""Heat spreading over a square plate with wrapped edges, on lists of lists.

usage: diffusion.py [SIZE [STEPS]]
"""

import sys

DT = 0.1
DIFFUSIVITY = 1.0


def plate(size):
    """A cold plate with a hot block in the middle."""
    grid = [[0.0] * size for _ in range(size)]
    low, high = int(size * 0.4), int(size * 0.6)
    for i in range(low, high):
        for j in range(low, high):
            grid[i][j] = 1.0
    return grid


def laplacian(grid, i, j, size):
    """What the four neighbours have more than the point itself."""
    here = grid[i][j]
    above = grid[(i - 1) % size][j]
    below = grid[(i + 1) % size][j]
    left = grid[i][(j - 1) % size]
    right = grid[i][(j + 1) % size]
    return above + below + left + right - 4 * here


def step(grid, size):
    """The plate one time step later."""
    later = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(size):
            change = DIFFUSIVITY * laplacian(grid, i, j, size)
            later[i][j] = grid[i][j] + DT * change
    return later


def main(arguments):
    size = int(arguments[0]) if arguments else 128
    steps = int(arguments[1]) if len(arguments) > 1 else 200
    grid = plate(size)
    heat = sum(map(sum, grid))
    for _ in range(steps):
        grid = step(grid, size)
    left = sum(map(sum, grid))
    assert abs(left - heat) < 1e-6 * max(heat, 1.0), (heat, left)
    print(f"{size} x {size}, {steps} steps: heat {left:.6f}, "
          f"warmest {max(map(max, grid)):.6f}")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Balance a pole on a cart by trial and error, all of it compiled: the world, the policy and the episode.

    python examples/cartpole.py

The cart-pole of Barto, Sutton and Anderson ("Neuronlike adaptive elements that can solve difficult learning control
problems"), solved by REINFORCE (Williams, "Simple statistical gradient-following algorithms for connectionist
reinforcement learning"). An episode runs inside one `@njit` function that calls `F.linear` and `F.relu` on the policy's
own weights, with no Python in between; only the update uses Tensors and gradients. Prints the mean length of the
episodes as it learns and writes `cartpole.safetensors` and `cartpole.png` (the curve, and an episode of the result).
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

import numba
import numpy as np
from digits import positive
from matplotlib.figure import Figure
from tqdm import tqdm

import nbnn
import nbnn.nn as nn
import nbnn.nn.functional as F

# SI units: kilogram, metre, second, newton, radian.
GRAVITY, CART, POLE, HALF_LENGTH, FORCE, TICK = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
EDGE, TILT = 2.4, math.radians(12)
LONGEST = 500


@numba.njit(cache=True)
def move(state, push):
    """One tick of the world: the cart is pushed to the left (0) or the right (1)."""
    x, speed, angle, turning = state
    total = CART + POLE
    force = FORCE if push else -FORCE
    along = (force + POLE * HALF_LENGTH * turning**2 * math.sin(angle)) / total
    falling = GRAVITY * math.sin(angle) - math.cos(angle) * along
    spin = falling / (HALF_LENGTH * (4 / 3 - POLE * math.cos(angle) ** 2 / total))
    pull = along - POLE * HALF_LENGTH * spin * math.cos(angle) / total
    state[:] = (x + TICK * speed, speed + TICK * pull, angle + TICK * turning, turning + TICK * spin)
    return abs(state[0]) <= EDGE and abs(state[2]) <= TILT


@numba.njit(cache=True)
def play(rng, states, pushes, w1, b1, w2, b2):
    """One episode into `states` and `pushes`; how many ticks the pole stood."""
    state = rng.uniform(-0.05, 0.05, 4).astype(np.float32)
    for tick in range(len(states)):
        states[tick] = state
        odds = F.linear(F.relu(F.linear(state, w1, b1)), w2, b2)[0]
        pushes[tick] = rng.random() < 1 / (1 + math.exp(-odds))
        if not move(state, pushes[tick]):
            return tick + 1
    return len(states)


def build_policy(hidden: int) -> nn.Sequential:
    """From the state (x, speed, angle, turning) to the log-odds of pushing to the right."""
    return nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, 1))


def episodes(policy: nn.Module, count: int, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """The states and pushes of `count` episodes."""
    weights = [parameter.detach().numpy() for parameter in policy.parameters()]
    states, pushes = np.empty((LONGEST, 4), np.float32), np.empty(LONGEST, np.float32)
    played = []
    for _ in range(count):
        ticks = play(rng, states, pushes, *weights)
        played.append((states[:ticks].copy(), pushes[:ticks].copy()))
    return played


def returns(ticks: int, discount: float) -> np.ndarray:
    """What is still to come at each tick of an episode: 1 for every tick, the later ones discounted."""
    return (1 - discount ** np.arange(ticks, 0, -1)) / (1 - discount)


def train(policy: nn.Module, args: argparse.Namespace) -> list[float]:
    """Push up the odds of what went better than the mean; the mean length of each round's episodes."""
    rng = np.random.default_rng(args.seed)
    optimizer = nbnn.optim.Adam(policy.parameters(), lr=args.lr)
    lengths: list[float] = []
    with tqdm(range(args.rounds), unit="round", dynamic_ncols=True) as bar:
        for turn in bar:
            played = episodes(policy, args.episodes, rng)
            states, pushes = (np.concatenate(part) for part in zip(*played, strict=True))
            worth = np.concatenate([returns(len(s), args.discount) for s, _ in played])
            worth = ((worth - worth.mean()) / (worth.std() + 1e-6)).astype(np.float32)
            odds = policy(nbnn.tensor(states))[:, 0]
            surprise = F.binary_cross_entropy_with_logits(odds, nbnn.tensor(pushes), reduction="none")
            loss = (surprise * nbnn.tensor(worth)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            lengths.append(len(states) / args.episodes)
            if (turn + 1) % max(1, args.rounds // 8) == 0:
                bar.write(f"round {turn + 1:4d}   the pole stands for {lengths[-1]:.5g} ticks of {LONGEST}")
    return lengths


def draw(path: Path, lengths: list[float], states: np.ndarray) -> None:
    """The curve of learning, and place and tilt through one episode."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(lengths)
    left.set(xlabel="round", ylabel="ticks that the pole stands", ylim=(0, LONGEST * 1.05))
    seconds = np.arange(len(states)) * TICK
    right.plot(seconds, states[:, 0], label="place of the cart (m)")
    right.plot(seconds, np.degrees(states[:, 2]), label="tilt of the pole (degrees)")
    right.set(xlabel="time (s)")
    right.legend()
    figure.savefig(path, dpi=110)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=positive(int), default=150, help="updates of the policy")
    parser.add_argument("--episodes", type=positive(int), default=16, help="episodes in a round")
    parser.add_argument("--hidden", type=positive(int), default=64)
    parser.add_argument("--discount", type=float, default=0.98)
    parser.add_argument("--lr", type=positive(float), default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("."), help="folder to write to")
    args = parser.parse_args(argv)
    if not 0 <= args.discount < 1:
        parser.error(f"--discount {args.discount} must be at least 0 and less than 1")
    return args


def main(argv: list[str] | None = None) -> int:
    """Train, save, draw; a folder that cannot be written to is one line on stderr and exit code 2."""
    args = parse_args(argv)
    nbnn.manual_seed(args.seed)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"cartpole.py: {error}", file=sys.stderr)
        return 2
    policy = build_policy(args.hidden)
    lengths = train(policy, args)
    start = time.perf_counter()
    tests = episodes(policy, 100, np.random.default_rng(args.seed + 1))
    spent = time.perf_counter() - start
    ticks = sum(len(states) for states, _ in tests)
    print(f"100 new episodes: {ticks / 100:.5g} ticks of {LONGEST}; {1e6 * spent / ticks:.2g} microseconds a tick")
    nbnn.save(policy.state_dict(), args.out / "cartpole.safetensors")
    draw(args.out / "cartpole.png", lengths, max(tests, key=lambda episode: len(episode[0]))[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The three-variable module of `cargo bench --bench wgan_gp -- speed` in PyTorch: steps per second on one thread.

Three generators of two blocks of 256 (linear, batch normalisation, ReLU) from 64 noise values and the values of the
variables before, to 10 Gumbel-softmax logits; a critic of two leaky layers of 256 on all 30 values; batch 200;
five critic updates with gradient penalty and one generator update a step.

    python benches/wgan_gp_torch.py [seconds]
"""

import sys
import time

import torch
from torch import nn

BATCH, NOISE, WIDTH, VALUES, VARIABLES = 200, 64, 256, 10, 3


def generator(index):
    inputs = NOISE + index * VALUES
    blocks = []
    for width in (inputs, WIDTH):
        blocks += [nn.Linear(width, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU()]
    return nn.Sequential(*blocks, nn.Linear(WIDTH, VALUES))


def draw(generators):
    values = []
    for network in generators:
        logits = network(torch.cat([torch.randn(BATCH, NOISE), *values], dim=1))
        values.append(nn.functional.gumbel_softmax(logits, tau=0.5))
    return torch.cat(values, dim=1)


def main():
    torch.set_num_threads(1)
    generators = nn.ModuleList(generator(i) for i in range(VARIABLES))
    slope = nn.LeakyReLU(0.2)
    critic = nn.Sequential(nn.Linear(30, WIDTH), slope, nn.Linear(WIDTH, WIDTH), slope, nn.Linear(WIDTH, 1))
    generator_adam = torch.optim.Adam(generators.parameters(), lr=5e-4, betas=(0.5, 0.9))
    critic_adam = torch.optim.Adam(critic.parameters(), lr=5e-4, betas=(0.5, 0.9))
    codes = torch.randint(VALUES, (BATCH, VARIABLES))
    real = nn.functional.one_hot(codes, VALUES).float().reshape(BATCH, -1)

    def step():
        for _ in range(5):
            with torch.no_grad():
                fake = draw(generators)
            share = torch.rand(BATCH, 1)
            mixed = (share * real + (1 - share) * fake).requires_grad_()
            (slopes,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
            penalty = ((slopes.norm(dim=1) - 1) ** 2).mean()
            loss = critic(fake).mean() - critic(real).mean() + 10 * penalty
            critic_adam.zero_grad()
            loss.backward()
            critic_adam.step()
        loss = -critic(draw(generators)).mean()
        generator_adam.zero_grad()
        loss.backward()
        generator_adam.step()

    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    for _ in range(5):
        step()
    rates, start = [], time.perf_counter()
    while time.perf_counter() - start < seconds:
        window = time.perf_counter()
        for _ in range(10):
            step()
        rates.append(10 / (time.perf_counter() - window))
    rates.sort()
    print(f"PyTorch {torch.__version__}: median {rates[len(rates) // 2]:.1f} steps/s, best {rates[-1]:.1f}, one thread")


main()

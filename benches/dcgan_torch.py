"""The networks and steps of `cargo bench --bench dcgan` in PyTorch.

    python benches/dcgan_torch.py [threads] [seconds]

prints the median rates of critic steps (with gradient penalty) and of generator steps.
"""

import sys
import time

import torch
from torch import nn

ROWS, NOISE, WIDTH = 64, 100, 64


def build():
    up = [(NOISE, 4 * WIDTH, 1, 0), (4 * WIDTH, 2 * WIDTH, 2, 1), (2 * WIDTH, WIDTH, 2, 1)]
    layers = []
    for inputs, outputs, stride, padding in up:
        layers += [nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    generator = nn.Sequential(*layers, nn.ConvTranspose2d(WIDTH, 3, 4, 2, 1), nn.Tanh())
    layers = []
    for inputs, outputs in [(3, WIDTH), (WIDTH, 2 * WIDTH), (2 * WIDTH, 4 * WIDTH)]:
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.2)]
    return generator, nn.Sequential(*layers, nn.Conv2d(4 * WIDTH, 1, 4), nn.Flatten())


def rate(seconds, step):
    step()
    times, start = [], time.perf_counter()
    while time.perf_counter() - start < seconds or not times:
        one = time.perf_counter()
        step()
        times.append(time.perf_counter() - one)
    times.sort()
    return 1 / times[len(times) // 2]


def main():
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    generator, critic = build()
    generator_adam = torch.optim.Adam(generator.parameters(), 1e-4, (0.5, 0.9))
    critic_adam = torch.optim.Adam(critic.parameters(), 1e-4, (0.5, 0.9))
    real = torch.randn(ROWS, 3, 32, 32).tanh()

    def critic_step():
        with torch.no_grad():
            fake = generator(torch.randn(ROWS, NOISE, 1, 1))
        share = torch.rand(ROWS, 1, 1, 1)
        points = (share * real + (1 - share) * fake).requires_grad_()
        (slopes,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
        penalty = ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()
        scores = critic(torch.cat([real, fake]))
        loss = scores[ROWS:].mean() - scores[:ROWS].mean() + 10 * penalty
        critic_adam.zero_grad(set_to_none=True)
        loss.backward()
        critic_adam.step()

    def generator_step():
        critic.requires_grad_(False)
        loss = -critic(generator(torch.randn(ROWS, NOISE, 1, 1))).mean()
        generator_adam.zero_grad(set_to_none=True)
        loss.backward()
        generator_adam.step()
        critic.requires_grad_(True)

    print(rate(seconds / 2, critic_step), rate(seconds / 2, generator_step))


main()

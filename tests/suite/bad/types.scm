A: bool
B: bnary
C: int
D: int[9..0]
E: categorical {red, green, red}
F: categorical[0]
G: image[28,28]
H: vector
I: int[0..100000]
{A, B, C, D} -> {E, F, G, H, I}

# Signs in the wrong places.
rain -> -> wet
wet -> slippery slippery -> fall
{A, B -> C
D: int[0..]
query effect: P(wet || do(rain = 1))

dcm 1 "An instrument: bounds where there is no formula"
# Vitamin A for children (Sommer & Zeger, Stat. Med. 10 (1991) 45): villages were drawn by lot, not every child took
# its capsule, and who did may differ in health from who did not. No table of these columns fixes the effect, but the
# lot bounds it: `dcmc identify --evaluate` gives [-.1946, .0054], as Balke & Pearl (JASA 92 (1997) 1171) do.

assigned -> taken -> survived
taken <-> survived
{assigned, taken, survived}: binary

data trial = "data/vitamin_a.csv" { weight: children }

query effect: E[survived | do(taken = 1)] - E[survived | do(taken = 0)]
query lot: E[survived | do(assigned = 1)] - E[survived | do(assigned = 0)]  # what it did to be offered it

expect abs(lot - 0.0026) < 0.0003

dcm 1 "Simpson's paradox: kidney stones"
# Treatment B looks better in the whole table and is worse for small
# stones and for large ones: doctors gave A to the hard cases (Charig et
# al., BMJ 292 (1986) 879).

stone_size -> treatment -> success
stone_size -> success
stone_size: categorical {small, large}
treatment:  categorical {A, B}
success:    binary

truth {
  stone_size ~ categorical(0.51, 0.49)
  treatment ~ table(stone_size) {
    small: [0.24, 0.76]
    large: [0.77, 0.23]
  }
  success ~ table(treatment, stone_size) {
    (A, small): [0.07, 0.93]
    (A, large): [0.27, 0.73]
    (B, small): [0.13, 0.87]
    (B, large): [0.31, 0.69]
  }
}

data trial = simulate(truth, n: 20000, seed: 1)

query effect: P(success = 1 | do(treatment))
query naive: P(success = 1 | treatment)
query gain: E[success | do(treatment = A)] - E[success | do(treatment = B)]

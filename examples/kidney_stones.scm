dcm 1 "Kidney stones: Simpson's paradox"
# Charig et al., BMJ 292 (1986) 879. Treatment B looks better in the whole table and is worse for
# small stones and for large ones: doctors gave A to the hard cases.

stone_size -> treatment -> success
stone_size -> success
stone_size: categorical {small, large}
treatment:  categorical {A, B}
success:    binary

data trial = "data/kidney_stones.csv" { weight: freq }

query effect: P(success | do(treatment))
query naive: P(success | treatment)
query gain: E[success | do(treatment = A)] - E[success | do(treatment = B)]

expect abs(effect(success = 1, treatment = A) - 0.8325) < 0.01
expect abs(effect(success = 1, treatment = B) - 0.7789) < 0.01
expect abs(naive(success = 1, treatment = A) - 0.780) < 0.01
expect abs(naive(success = 1, treatment = B) - 0.826) < 0.01
expect gain > 0

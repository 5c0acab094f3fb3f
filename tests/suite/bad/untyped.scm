treatment -> outcome
query effect: P(outcome | do(treatment = 1))
query mean: E[outcome | do(treatment = 0)]
data trial = "../data/xy.csv" { columns: { treatment: "W" } } do(treatment = 1)

dcm 1 "Real numbers: what an hour of study is worth"
# Hours of study and pay are real numbers; of those one asks for means.
# Who is abler studies more and earns more at the same hours, so pay
# rises faster with study than study raises it: within each ability
# ten hours are worth 2.

ability -> study -> pay
ability -> pay
ability: int[0..4]
study:   real[0..60]
pay:     real

truth {
  ability ~ binomial(4, 0.5)
  study = min(60, max(0, normal(15 + 5 * ability, 4)))
  pay ~ normal(8 + 0.2 * study + 2 * ability, 1)
}

data survey = simulate(truth, n: 5000, seed: 1)

query effect: E[pay | do(study = 30)] - E[pay | do(study = 20)]
query seen: E[pay | study = 30] - E[pay | study = 20]

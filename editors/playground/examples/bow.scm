dcm 1 "A hedge: confounding that no formula removes"
# Whoever takes the drug may be sicker, and nothing that is seen tells
# them apart. Two models with the same data and different effects show
# that no formula can exist. What would help: data from an experiment,
# or something between.

drug -> recovery
drug <-> recovery
drug, recovery: binary

truth {
  illness ~ bernoulli(0.4)
  drug ~ bernoulli(0.2 + 0.6 * illness)
  recovery ~ bernoulli(0.6 + 0.2 * drug - 0.4 * illness)
}

data clinic = simulate(truth, n: 10000, seed: 1)
# data trial = simulate(truth, n: 2000, seed: 2) do(drug = 1)

query effect: P(recovery | do(drug = 1))
query seen: P(recovery | drug = 1)

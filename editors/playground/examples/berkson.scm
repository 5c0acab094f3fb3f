dcm 1 "Selection: what a hospital's records show"
# A broken leg and the flu have nothing to do with each other, but both
# bring people to the hospital. Among its patients those without a
# broken leg have the flu far more often: something must have brought
# them (Berkson 1946). To know a common effect joins its causes.

fracture -> admitted <- flu
fracture, flu, admitted: binary

truth {
  fracture ~ bernoulli(0.1)
  flu ~ bernoulli(0.1)
  admitted ~ bernoulli(0.01 + 0.6 * fracture + 0.3 * flu)
}

data town = simulate(truth, n: 20000, seed: 1)

query town_wide: P(flu = 1 | fracture)
query patients: P(flu = 1 | fracture, admitted = 1)

assert independent(flu, fracture)

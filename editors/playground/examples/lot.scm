dcm 1 "An instrument: bounds where there is no formula"
# Who may have the treatment is drawn by lot; who takes it, and who
# recovers, depends on health. The lot does not fix the effect, but it
# bounds it (Balke and Pearl 1997).

lot -> taken -> recovery
taken <-> recovery
lot, taken, recovery: binary

truth {
  health ~ bernoulli(0.5)
  lot ~ bernoulli(0.5)
  taken ~ bernoulli(0.05 + 0.75 * lot - 0.05 * health)
  recovery ~ bernoulli(0.2 + 0.3 * taken + 0.4 * health)
}

data trial = simulate(truth, n: 20000, seed: 1)

query effect: E[recovery | do(taken = 1)] - E[recovery | do(taken = 0)]
query offer: E[recovery | do(lot = 1)] - E[recovery | do(lot = 0)]

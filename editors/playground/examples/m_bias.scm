dcm 1 "M-bias: a covariate better left alone"
# Is poor schooling a cause of diabetes? The mother's diabetes comes
# before both and goes with both: through the family's income and
# through genes. But it is a cause of neither. Left alone it blocks
# its path; held fixed it opens it, and the answer is biased.

schooling -> diabetes
schooling <-> mother
mother <-> diabetes
schooling, mother, diabetes: binary

truth {
  income ~ bernoulli(0.5)
  genes ~ bernoulli(0.5)
  mother ~ bernoulli(0.05 + 0.45 * income + 0.45 * genes)
  schooling ~ bernoulli(0.1 + 0.8 * income)
  diabetes ~ bernoulli(0.1 + 0.1 * schooling + 0.6 * genes)
}

data survey = simulate(truth, n: 20000, seed: 1)

query effect: E[diabetes | do(schooling = 1)] - E[diabetes | do(schooling = 0)]
query seen: E[diabetes | schooling = 1] - E[diabetes | schooling = 0]
query fixed: E[diabetes | schooling = 1, mother = 1] - E[diabetes | schooling = 0, mother = 1]

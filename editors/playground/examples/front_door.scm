dcm 1 "Front door: smoking, tar and cancer"
# Something hidden acts on smoking and on cancer, so what smokers and
# others have tells nothing of what smoking does. But all of its effect
# runs through tar: that is enough. Delete the arrow into tar, or join
# tar and cancer by <->.

smoker -> tar -> cancer
smoker <-> cancer
smoker, tar, cancer: binary

truth {
  gene ~ bernoulli(0.5)
  smoker ~ bernoulli(0.2 + 0.6 * gene)
  tar ~ bernoulli(0.05 + 0.9 * smoker)
  cancer ~ bernoulli(0.5 + 0.1 * tar - 0.4 * gene)
}

data survey = simulate(truth, n: 10000, seed: 1)

query effect: P(cancer | do(smoker))
query naive: P(cancer | smoker)

dcm 1 "Twins: what would have happened to this patient?"
# A trial gives a drug at random; whether it helps depends on a gene that nobody sees. What the drug
# does on average the trial shows. What it would have done to one patient who was not treated and did
# not recover it cannot show: nobody is seen both with and without it. The truth block knows.

drug -> recovery
drug, recovery: binary

truth {
  gene ~ bernoulli(0.3)
  drug ~ bernoulli(0.5)
  recovery = if gene == 1 then drug else bernoulli(0.4)
}

data trial = simulate(truth, n: 20000, seed: 1)

query treated: P(recovery[drug = 1] = 1 | drug = 0)               # the effect on the untreated: identified
query needed: P(recovery[drug = 0] = 0 | drug = 1, recovery = 1)  # probability of necessity: not identified
query helped: P(recovery[drug = 1] = 1 | drug = 0, recovery = 0)  # the same patient with the drug: not identified
query kinds: P(recovery[drug = 0], recovery[drug = 1])            # never, harmed, helped, always: not identified

expect abs(treated - 0.58) < 0.02

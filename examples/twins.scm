dcm 1 "Twins: what would have happened to this patient?"
# A trial gives a drug at random; whether it helps or harms depends on a gene that nobody sees. What the
# drug does on average the trial shows. What it would have done to one patient who was not treated and
# did not recover it cannot show: nobody is seen both with and without it. The truth block knows. A
# trained model answers too, as if the drug harmed nobody: one of many answers that fit the same data.
# `dcmc run` refuses these questions and says why; `dcmc run twins.scm --allow-unidentified` shows both answers side by side.

drug -> recovery
drug, recovery: binary

truth {
  gene ~ categorical(0.6, 0.3, 0.1)  # neither, recovers only with the drug, only without it
  drug ~ bernoulli(0.5)
  recovery = if gene == 1 then drug else if gene == 2 then not drug else bernoulli(0.4)
}

data trial = simulate(truth, n: 20000, seed: 1)

query treated: P(recovery[drug = 1] = 1 | drug = 0)     # the effect on the untreated: identified
query needed: PN(recovery = 1, drug = 1 vs 0)           # probability of necessity: not identified
query helped: PS(recovery = 1, drug = 1 vs 0)           # the same patient with the drug: not identified
query kinds: P(recovery[drug = 0], recovery[drug = 1])  # never, harmed, helped, always: not identified

expect abs(treated - 0.54) < 0.02

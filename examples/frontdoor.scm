dcm 1 "Smoking, tar and cancer: the front door"
# Pearl, Glymour & Jewell, Causal Inference in Statistics: A Primer (2016), section 3.4.
# Smokers are healthier in this table, yet smoking kills: the hidden cause (say, a gene) must be
# kept apart from the effect, and tar, through which all of the effect runs, makes that possible.

smoker -> tar -> cancer
smoker <-> cancer
smoker, tar, cancer: binary

data survey = "data/frontdoor_primer.csv" { weight: freq_thousand }

query effect: P(cancer | do(smoker))
query naive: P(cancer | smoker)
query ate: ATE(cancer, smoker = 1 vs 0)

expect abs(effect(cancer = 1, smoker = 1) - 0.5475) < 0.01
expect abs(effect(cancer = 1, smoker = 0) - 0.5025) < 0.01
expect abs(naive(cancer = 1, smoker = 1) - 0.1475) < 0.01
expect abs(naive(cancer = 1, smoker = 0) - 0.9025) < 0.01
expect abs(ate - 0.045) < 0.02  # a difference of two numbers that may each be .01 off

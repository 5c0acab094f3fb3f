# Habits from R and lavaan
cancer ~ tar + age
tar ~ smoking
smoking ~~ cancer
health =~ pulse + weight
weight ~ bernoulli(0.5)

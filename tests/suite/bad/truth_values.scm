X -> Y -> Z
X: binary
Y: categorical {low, high}
Z: int[0..2]
truth {
  X ~ bernoulli(1.5)
  Y ~ table(X) { 0: [0.9, 0.2]; 1: [0.5, 0.5] }
  Z = if Y == high then 3 else 1 / 0
}

X -> Y
X: int[0..4]
Y: binary
truth {
  X ~ uniform_int(4, 0)
  Y ~ bernoulli(0.1, 0.2)
}

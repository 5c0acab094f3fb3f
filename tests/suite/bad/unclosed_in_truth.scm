X -> Y
X, Y: binary
truth {
  X ~ bernoulli(0.5
  Y = (X xor bernoulli(0.1)
}

X -> Y
Z
X, Y, Z: binary
truth {
  U ~ bernoulli(0.5)
  X = U xor bernoulli(0.1)
  Y = (X or U) xor bernoulli(0.1)
  Z = Y
}

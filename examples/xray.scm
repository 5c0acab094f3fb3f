dcm 1 "COVID, chest X-rays and pneumonia"
# The paper's section 5.3. C: the patient has COVID. X: the chest X-ray. N: pneumonia is diagnosed, from the picture. Where
# somebody lives acts on the risk of COVID and on how a picture is read: C <-> N. The generator of X was trained by
# somebody else, on three classes (0 COVID, 1 normal, 2 pneumonia): C = 1 is its class 0, C = 0 its class 1.
#
# The pictures and labels of COVIDx CXR-3 may not be handed on. Here the pictures are drawn (`xray_gan.scm`), so that the true
# answer is known. With the real set, give `obs` a table with C, N and a column X of file names, X its size, and
# `pretrained` a generator such as CXR-ACGAN as ONNX: nothing else changes.

C -> X -> N
C <-> N
C, N: binary
X: image[1,32,32] {
  mechanism: pretrained {
    file:   "data/xray_gan.safetensors"
    inputs: [C]
    labels: { C: [1, 0] }, classes: { C: 3 }
  }
}

truth {
  city ~ bernoulli(0.4)
  C = if city == 1 then bernoulli(0.5) else bernoulli(0.2)
  opacity: categorical {clear, hazy, dense}
  opacity ~ table(C) {
    0: [0.7, 0.25, 0.05]
    1: [0.15, 0.25, 0.6]
  }
  X = digit(0, thickness: if opacity == clear then 0 else if opacity == hazy then 1 else 2)
  N = if classify(X, classes: 2, seed: 2) == 1 then bernoulli(0.5 + 0.4 * city) else bernoulli(0.1 + 0.3 * city)
}

data obs = simulate(truth, n: 10000, seed: 1)

query effect: P(N | do(C))
query ate: E[N | do(C = 1)] - E[N | do(C = 0)]
query naive: P(N | C)
query pictures: sample(X | do(C = 1), n: 16)
output pictures -> "pictures.png" { columns: 8 }
expect tv(effect, truth) < 0.05

dcm 1 "A generator of chest pictures, to be used by others"
# Somebody trains a conditional generator of chest X-rays and publishes its file; `xray.scm` uses that file frozen. The
# pictures are drawn stand-ins, as the real ones may not be handed on: a ring whose stroke thickens with what the lungs show.
#
#   dcmc run xray_gan.scm
#
# wrote `data/xray_gan.safetensors`: its `modules/H2.safetensors`, renamed.

K -> X
K: categorical {covid, normal, pneumonia}
X: image[1,32,32]

truth {
  opacity: categorical {clear, hazy, dense}
  K ~ categorical(1 / 3, 1 / 3, 1 / 3)
  opacity ~ table(K) {
    covid:     [0.15, 0.25, 0.6]
    normal:    [0.7, 0.25, 0.05]
    pneumonia: [0.2, 0.6, 0.2]
  }
  X = digit(0, thickness: if opacity == clear then 0 else if opacity == hazy then 1 else 2)
}

data pictures = simulate(truth, n: 9000, seed: 5)

train X { width: 8, steps: 2000, critic_steps: 3 }

query covid: sample(X | do(K = covid), n: 8)
query normal: sample(X | do(K = normal), n: 8)
output covid -> "covid.png" { grid }
output normal -> "normal.png" { grid }

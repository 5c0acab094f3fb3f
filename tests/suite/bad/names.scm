smoker -> tar -> cancer
smoker, tar, cancer: binary
data obs = simulate(truth, n: 100) do(smokers = 1)
query effect: P(cancr | do(smoker = 1))
query other: P(lungs | do(xyz = 1))
output efect -> "effect.csv"
expect tv(effect, truht) < 0.1
train {Tar} { epochs: 10 }
truth {
  smoker ~ bernuolli(0.5)
  tar = smokr xor bernoulli(0.1)
  cancer ~ table(trr) { 0: [0.9, 0.1]; 1: [0.5, 0.5] }
}

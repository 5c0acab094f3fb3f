dcm 1 "A front door of pictures"
# The paper's section 5.2: a digit D is drawn as a picture I, something looks at the picture and says A, and a hidden
# cause (the hand that chose the digit, and the eye that judges) acts on D and on A. All of the effect of D on A passes
# through the picture. Its colour and thickness vary by themselves.

D -> I -> A
D <-> A
D: binary
I: image[3,32,32] { encode: auto { to: vector[16] } }
A: int[0..2]

# One picture in 25 shows the other digit. Were the picture to show D without fail, no row would say what is answered to
# the picture of a 1 where D = 0, which the effect of D needs (positivity).
truth {
  U ~ bernoulli(0.5)
  D = U xor bernoulli(0.2)
  I = digit(D xor bernoulli(0.04), color: uniform_int(0, 2), thickness: uniform_int(0, 1))
  A = if bernoulli(0.15) then uniform_int(0, 2) else (classify(I, classes: 3, seed: 1) + U) % 3
}

data obs = simulate(truth, n: 30000, seed: 1)

# The picture is drawn by an adversarial module. So are D and A with `--set train.D.engine=wgan_gp`, the paper's engine:
# its critic sees the picture by the code of the encoder.
train { samples: 10000 }

query effect: P(A | do(D))
expect tv(effect, truth) < 0.05

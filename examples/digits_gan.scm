dcm 1 "A generator of coloured digits, to be used by others"
# `colored_mnist2.scm` uses its file frozen, for two of its variables.
#
#   dcmc run digits_gan.scm
#
# wrote `data/digits_gan.safetensors`: its `modules/H3.safetensors`, renamed.

{Digit, Color, Thick} -> Picture
Digit:   int[0..9]
Color:   categorical {red, green, blue}
Thick:   categorical {thin, thick}
Picture: image[3,32,32]

truth {
  Digit ~ uniform_int(0, 9)
  Color ~ categorical(1 / 3, 1 / 3, 1 / 3)
  Thick ~ categorical(0.5, 0.5)
  Picture = digit(Digit, color: Color, thickness: if Thick == thick then 1 else 0)
}

data pictures = simulate(truth, n: 30000, seed: 7)

train Picture { width: 16, steps: 4000 }

query drawn: sample(Picture | do(Color = green, Thick = thick), n: 40)
output drawn -> "digits.png" { grid }

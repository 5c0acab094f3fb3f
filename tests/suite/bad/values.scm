colour -> choice
colour: categorical {red, green, blue}
choice: binary
query a: P(choice = 2 | do(colour = gren))
query b: P(choice | do(colour = 1))
query c: E[colour]
train { lr: fast, epochs: -3, engine: gan }
train { hidden: [256, none] }
data sim = simulate(truth, n: -5)

smoking --> tar --> cancer
genes => {smoking, cancer}
smoking <--> cancer
age ⇒ cancer      # from a paper
stress -- sleep
latent U ==> {smoking, cancer}

smoking -> tar -> cancer
age -> {smoking, cancer}
genotype -> smokng
income
profession: categorical {clerk, miner}

# command: plan --hgraph paper
V0 -> V1 -> V2 -> V3
V0 <-> V3

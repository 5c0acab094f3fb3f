dag {
bb="-2,-2,2,2"
E [exposure,pos="-1.0,0.0"]
D [outcome,pos="1.0,0.0"]
E -> D
E <-> D
}

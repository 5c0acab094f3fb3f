A -> B -> C -> A
C -> D
D -> E
E -> D
F -> F
G <-> G
{H, I} -> {I, J}

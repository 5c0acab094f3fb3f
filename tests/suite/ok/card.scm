D -> I -> A; D <-> A; I: image[3,32,32] pretrained "mnist.safetensors"

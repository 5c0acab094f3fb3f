digit -> image -> label
digit, label: int[0..9]
image: image[3,28,28] pretrained "nowhere.safetensors"

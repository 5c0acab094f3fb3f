digit -> image -> label
digit <-> image
digit, label: int[0..9]
image: image[1,28,28] pretrained "../data/generator.safetensors"
picture: image[1,28,28] { mechanism: diffusion { steps: 10 } }
digit -> picture <-> label
other: image[1,28,28] { mechanism: pretrained { file: "../data/generator.safetensors", inputs: [label] } }
digit -> other

"""Makes the files of this folder: small networks of PyTorch and ONNX, and what PyTorch computes with them.

    pip install torch onnx safetensors numpy && python make.py

`generator`: z(3) and the one-hot code of 2 classes to an image [1,8,8]; as state dict (.pth, under the key
`state_dict`, and .safetensors) and as ONNX: with one input, with one input each, with the class as a number.
`classifier`: an image [1,8,8] to 3 logits. `expected.json`: inputs and outputs.
"""

import json

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from safetensors.torch import save_file

torch.manual_seed(1)
generator = torch.nn.Sequential(
    torch.nn.ConvTranspose2d(5, 4, 4, 1, 0, bias=False),
    torch.nn.BatchNorm2d(4),
    torch.nn.ReLU(),
    torch.nn.ConvTranspose2d(4, 1, 4, 2, 1),
    torch.nn.Tanh(),
)
for name, value in generator.state_dict().items():
    if name.endswith("running_mean"):
        value.normal_(0, 0.1)
    if name.endswith("running_var"):
        value.uniform_(0.5, 1.5)
classifier = torch.nn.Sequential(
    torch.nn.Conv2d(1, 2, 3, 1, 1),
    torch.nn.ReLU(),
    torch.nn.MaxPool2d(2),
    torch.nn.Flatten(),
    torch.nn.Linear(32, 3),
)
generator.eval()
classifier.eval()

state = {name: value for name, value in generator.state_dict().items()}
torch.save({"epoch": 3, "state_dict": state}, "generator.pth")
save_file(state, "generator.safetensors")
save_file(dict(classifier.state_dict()), "classifier.safetensors")


def constants(network):
    return [
        numpy_helper.from_array(value.numpy(), name)
        for name, value in network.state_dict().items()
        if value.dtype == torch.float32
    ]


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def write(name, nodes, inputs, output, initializers):
    graph = helper.make_graph(nodes, name, inputs, [output], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, f"{name}.onnx")
    return ReferenceEvaluator(model)


layers = [
    helper.make_node("Reshape", ["x", "shape"], ["x4"]),
    helper.make_node("ConvTranspose", ["x4", "0.weight"], ["a"], kernel_shape=[4, 4], strides=[1, 1]),
    helper.make_node(
        "BatchNormalization", ["a", "1.weight", "1.bias", "1.running_mean", "1.running_var"], ["b"], epsilon=1e-5
    ),
    helper.make_node("Relu", ["b"], ["c"]),
    helper.make_node(
        "ConvTranspose", ["c", "3.weight", "3.bias"], ["d"], kernel_shape=[4, 4], strides=[2, 2], pads=[1, 1, 1, 1]
    ),
    helper.make_node("Tanh", ["d"], ["image"]),
]
shape = numpy_helper.from_array(np.array([-1, 5, 1, 1]), "shape")
weights = constants(generator) + [shape]
image = value("image", ["batch", 1, 8, 8])
one = write("one_input", layers, [value("x", ["batch", 5])], image, weights)
join = helper.make_node("Concat", ["z", "label"], ["x"], axis=1)
two = write("two_inputs", [join, *layers], [value("z", ["batch", 3]), value("label", ["batch", 2])], image, weights)
table = numpy_helper.from_array(np.eye(2, dtype=np.float32), "codes")
pick = helper.make_node("Gather", ["codes", "label"], ["hot"], axis=0)
glue = helper.make_node("Concat", ["z", "hot"], ["x"], axis=1)
inputs = [value("z", ["batch", 3]), value("label", ["batch"], TensorProto.INT64)]
number = write("class_number", [pick, glue, *layers], inputs, image, [*weights, table])
nodes = [
    helper.make_node("Conv", ["image", "0.weight", "0.bias"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    helper.make_node("Relu", ["a"], ["b"]),
    helper.make_node("MaxPool", ["b"], ["c"], kernel_shape=[2, 2], strides=[2, 2]),
    helper.make_node("Flatten", ["c"], ["d"]),
    helper.make_node("Gemm", ["d", "4.weight", "4.bias"], ["logits"], transB=1),
]
read = write("classifier", nodes, [image], value("logits", ["batch", 3]), constants(classifier))

z, labels = torch.randn(3, 3), torch.tensor([0, 1, 1])
hot = torch.nn.functional.one_hot(labels, 2).float()
with torch.no_grad():
    images = generator(torch.cat([z, hot], 1)[:, :, None, None])
    logits = classifier(images)
x = torch.cat([z, hot], 1).numpy()
for found in [
    one.run(None, {"x": x})[0],
    two.run(None, {"z": z.numpy(), "label": hot.numpy()})[0],
    number.run(None, {"z": z.numpy(), "label": labels.numpy()})[0],
]:
    assert np.abs(found - images.numpy()).max() < 1e-5
assert np.abs(read.run(None, {"image": images.numpy()})[0] - logits.numpy()).max() < 1e-5

flat = lambda t: [round(v, 7) for v in t.flatten().tolist()]
expected = {"z": flat(z), "labels": labels.tolist(), "images": flat(images), "logits": flat(logits)}
with open("expected.json", "w") as file:
    json.dump(expected, file)
    file.write("\n")

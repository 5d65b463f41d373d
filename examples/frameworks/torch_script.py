"""PyTorch, whose modules are recorded if they are named:
OTELML_TORCH_MODULES=Scorer opentelemetry-instrument python examples/frameworks/torch_script.py
"""

import torch


class Scorer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 3)

    def forward(self, x):
        return self.layer(x).softmax(-1)


with torch.no_grad():
    print(Scorer().eval()(torch.randn(5, 4)))

"""A client of Triton, or of anything that speaks its protocol, such as mlserver_server.py:
opentelemetry-instrument python examples/frameworks/tritonclient_script.py [HOST:PORT]
"""

import sys

import numpy as np
import tritonclient.http as triton

client = triton.InferenceServerClient(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8080")
rows = triton.InferInput("rows", [1, 4], "FP64")
rows.set_data_from_numpy(np.array([[5.1, 3.5, 1.4, 0.2]]), binary_data=False)
wanted = triton.InferRequestedOutput("predict", binary_data=False)
print(client.infer("iris", [rows], outputs=[wanted]).as_numpy("predict"))

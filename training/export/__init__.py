"""From a fitted candidate to a written artifact: ONNX graphs and the documents that travel with them."""

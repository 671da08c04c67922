"""The scoring container: one ONNX model behind the Open Inference Protocol."""

"""From a fitted pipeline to an ONNX file that answers as the pipeline does, or a refusal that says why not."""

"""The init container: brings the model file into the pod and lets nothing but the approved bytes through."""

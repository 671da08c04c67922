"""The objects made for a model, one file a kind, as plain manifests. `core.desired` puts them together."""

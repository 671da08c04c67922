"""All that talks to the Kubernetes API, and the only importer of its client library."""

"""Judging a canary by what its pods counted: samples, windows of evidence, bounds, and verdicts. Pure; docs/analysis.md."""

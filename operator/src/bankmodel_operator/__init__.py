"""The operator: watches BankModels and turns each into a scoring endpoint."""

__version__ = "0.1.0"

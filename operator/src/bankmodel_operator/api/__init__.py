"""The resource as data: models, the schema made from them, quantities and durations. Pure; imported by every layer above."""

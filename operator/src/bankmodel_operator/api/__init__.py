"""The resource as data: models, the schema made from them, quantities, durations. Pure; every layer imports it."""

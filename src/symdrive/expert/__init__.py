"""The rule expert: path, hazards, arbitration, controllers."""

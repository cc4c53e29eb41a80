"""The simulated Microsoft platform: what it accepts, what it refuses and how, and what its faults
do. It plays Microsoft everywhere else, so it must be as strict."""

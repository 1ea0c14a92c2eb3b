//! The deterministic state machine of a run: decide, evolve and the ready set.

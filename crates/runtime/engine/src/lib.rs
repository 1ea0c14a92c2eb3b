//! Admission, lease, hot runs, timers, recovery and sealing of checkpoints.

//! Takes offered steps, starts them, scrubs their streams, enforces limits and reports.

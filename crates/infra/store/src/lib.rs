//! The tenant transaction, the committer, SQLite, sealing of columns and blobs.

//! Lets people in: authentication, decisions and proofs; embedded mode first.

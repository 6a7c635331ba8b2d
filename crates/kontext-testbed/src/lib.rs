//! Starts API servers for tests: in-memory, or the real control plane.

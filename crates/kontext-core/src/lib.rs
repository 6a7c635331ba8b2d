//! Context, W3C codec, cause, stamp and policy for Kubernetes controllers; no I/O.

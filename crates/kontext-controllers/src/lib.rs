//! The main workload controller loops of Kubernetes, with context plumbed.

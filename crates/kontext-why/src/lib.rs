//! Reads the chain of causes of a Kubernetes object back from live objects.

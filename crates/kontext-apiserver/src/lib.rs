//! An in-memory Kubernetes API server for tests of controllers: a tower service, and HTTPS around it.

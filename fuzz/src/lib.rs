//! Nothing: the targets are tests.

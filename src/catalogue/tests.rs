//! Tests over the table itself.

//! Chapter 6.

use super::Chapter;

pub(super) const CHAPTER: Chapter = Chapter {
    title: "rds",
    operations: &[],
};

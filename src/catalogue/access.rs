//! Chapter 3.

use super::Chapter;

pub(super) const CHAPTER: Chapter = Chapter {
    title: "operations",
    operations: &[],
};

//! Chapter 2.

use super::Chapter;

pub(super) const CHAPTER: Chapter = Chapter {
    title: "users",
    operations: &[],
};

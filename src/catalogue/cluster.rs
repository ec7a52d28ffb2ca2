//! Chapter 5.

use super::Chapter;

pub(super) const CHAPTER: Chapter = Chapter {
    title: "cluster",
    operations: &[],
};

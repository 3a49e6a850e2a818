//! What a policy may not do although it is well-formed, and what its answers give away.

/// Rules that a policy may set aside with a reason.
pub(super) const OVERRIDABLE: &[&str] = &[
    "epoch-length",
    "grace-days",
    "max-days",
    "min-changed",
    "min-sources",
    "names-somebody",
    "own-flag",
    "signatures",
];

/// Rules that hold whatever the reason.
pub(super) const NEVER_OVERRIDDEN: &[&str] = &["immediate", "operator-in-roster", "threshold"];

//! The ways in which a conversation can go, as a year's report counts them.

/// One way.
pub(crate) struct Way {
    /// Its bit in a report.
    bit: u8,
    /// Its name in JSON.
    pub(crate) name: &'static str,
    pub(crate) dutch: &'static str,
    pub(crate) english: &'static str,
}

const WAYS: [Way; 5] = [
    Way { bit: 0x01, name: "open", dutch: "nog open", english: "open" },
    Way { bit: 0x02, name: "taken_up_together", dutch: "samen opgepakt", english: "taken up together" },
    Way { bit: 0x04, name: "taken_up_by_one", dutch: "opgepakt door één", english: "taken up by one" },
    Way { bit: 0x08, name: "not_taken_up", dutch: "niet opgepakt", english: "not taken up" },
    Way { bit: 0x10, name: "nothing_found", dutch: "niets aangetroffen", english: "nothing found" },
];

/// The ways that a cell of a report counts together.
pub(crate) fn of(ways: u8) -> impl Iterator<Item = &'static Way> {
    WAYS.iter().filter(move |way| ways & way.bit != 0)
}

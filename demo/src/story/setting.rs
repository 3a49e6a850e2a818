//! The first two phases: the town and the consortium.

use std::io::Write;

use crate::consortium::{Consortium, RULES, SYSTEMS, organisations};
use crate::error::Result;
use crate::show::{Show, thousands};
use crate::town::{LeftOut, Town};

/// Tells of the town.
pub(super) fn tell_town<W: Write>(town: &Town, show: &mut Show<W>) -> Result<()> {
    let size = thousands(town.homes.len());
    if town.made {
        show.say(&format!("{} has {size} homes. It was made up, and the same seed makes it again.", town.name))?;
    } else {
        show.say(&format!(
            "The register of {} has {} rows. {} have no key and are left out; {} have the postcode, number and suffix \
             of a row before them and are one address with it. That leaves {size} homes.",
            town.name,
            thousands(town.rows),
            thousands(town.left_out.len()),
            thousands(town.shared)
        ))?;
        let shown = |left_out: &LeftOut| format!("line {}: {}", left_out.line, left_out.error);
        show.lines(&town.left_out.iter().take(3).map(shown).collect::<Vec<_>>())?;
    }
    show.say("Some of its addresses, as the register has them, and the key that all partners make of each:")?;
    let step = (town.homes.len() / 6).max(1);
    let rows: Vec<Vec<String>> = town
        .homes
        .iter()
        .skip(step / 2)
        .step_by(step)
        .take(6)
        .map(|home| vec![home.line(), format!("{} {}", home.postcode, home.town), home.key.to_string()])
        .collect();
    show.table(&["street and number", "postcode and town", "address key"], &rows)?;
    Ok(())
}

/// Tells who takes part, and by which rules.
pub(super) fn tell_consortium<W: Write>(consortium: &Consortium, show: &mut Show<W>) -> Result<()> {
    show.say(&format!(
        "{} systems of {} organisations. Each has its own key. They share a secret, which the broker never gets. All \
         organisations have signed the policy, version {}:",
        SYSTEMS.len(),
        organisations().len(),
        consortium.policy.version
    ))?;
    let rows: Vec<Vec<String>> = SYSTEMS
        .iter()
        .map(|system| {
            let texts = [system.name, system.organisation, system.sees.as_str(), system.writing.name()];
            [vec![system.number.to_string()], texts.map(str::to_owned).to_vec()].concat()
        })
        .collect();
    show.table(&["", "partner", "counts as", "sees", "writes addresses as"], &rows)?;
    let budgets = &consortium.policy.budgets;
    show.say(&format!(
        "An address is stacked from {} organisations on. A release takes place at 00:00 UTC when {} organisations \
         have new flags, and every {} days in any case. Each organisation may hold {} flags, flag {} more a day, and \
         ask about {} addresses a day beyond its own.",
        RULES.threshold,
        RULES.min_changed,
        RULES.max_wait_days,
        thousands(budgets.flags_held),
        thousands(budgets.new_flags_a_day),
        thousands(budgets.asked_a_day)
    ))?;
    Ok(())
}

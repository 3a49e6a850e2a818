//! The consortium of the demonstration: who takes part, and what they agree on.

use std::path::{Path, PathBuf};

use stapel::partner::Partner;
use stapel::policy::{Policy, Sees};
use stapel::secret::{SecretFile, VerifyingKey};
use stapel::{Broker, BrokerKeys, Day, Timestamp};

use crate::error::Result;
use crate::founding::{self, Does, Founded, Member, Terms};
use crate::truth::Rules;
use crate::writing::Writing;

/// A system of an organisation.
pub(crate) struct System {
    pub(crate) number: u16,
    /// What tables call it.
    pub(crate) short: &'static str,
    pub(crate) name: &'static str,
    pub(crate) organisation: &'static str,
    oin: &'static str,
    pub(crate) sees: Sees,
    pub(crate) writing: Writing,
    pub(crate) actor: &'static str,
    legal_basis_flag: &'static str,
    legal_basis_ask: &'static str,
}

/// Places of the systems in [`SYSTEMS`].
pub(crate) const POLICE: usize = 0;
pub(crate) const TAX: usize = 1;
pub(crate) const HOUSING: usize = 2;
pub(crate) const SAFETY: usize = 3;
pub(crate) const INSPECTION: usize = 4;
/// The coordinator's seat, which comes after those of the systems.
pub(crate) const COORDINATING: usize = SYSTEMS.len();

/// Five systems of four organisations: two are the municipality's.
pub(crate) const SYSTEMS: [System; 5] = [
    System {
        number: 1,
        short: "politie",
        name: "Politie, basisteam",
        organisation: "politie",
        oin: "00000099000000001000",
        sees: Sees::Count,
        writing: Writing::Capitals,
        actor: "a.demir",
        legal_basis_flag: "Politiewet 2012, artikel 3; Wet politiegegevens, artikel 20",
        legal_basis_ask: "Politiewet 2012, artikel 3; Wet politiegegevens, artikel 9",
    },
    System {
        number: 2,
        short: "belastingdienst",
        name: "Belastingdienst, stroomlijning fraude",
        organisation: "belastingdienst",
        oin: "00000099000000002000",
        sees: Sees::Band,
        writing: Writing::FixedWidth,
        actor: "b.postma",
        legal_basis_flag: "Algemene wet inzake rijksbelastingen, artikel 67, tweede lid",
        legal_basis_ask: "Algemene wet inzake rijksbelastingen, artikel 55",
    },
    System {
        number: 3,
        short: "woningcorporatie",
        name: "Woningcorporatie, woonfraude",
        organisation: "woningcorporatie",
        oin: "00000099000000003000",
        sees: Sees::Presence,
        writing: Writing::TwoColumns,
        actor: "c.bakker",
        legal_basis_flag: "AVG, artikel 6, eerste lid, onder f; Huisvestingswet 2014, artikel 21",
        legal_basis_ask: "AVG, artikel 6, eerste lid, onder f",
    },
    System {
        number: 4,
        short: "gemeente (1)",
        name: "Gemeente, team veiligheid",
        organisation: "gemeente",
        oin: "00000099000000004000",
        sees: Sees::Count,
        writing: Writing::Fields,
        actor: "d.janssen",
        legal_basis_flag: "Gemeentewet, artikel 172; Opiumwet, artikel 13b",
        legal_basis_ask: "Gemeentewet, artikel 172; Wet Bibob, artikel 3",
    },
    System {
        number: 5,
        short: "gemeente (2)",
        name: "Gemeente, bouw- en woningtoezicht",
        organisation: "gemeente",
        oin: "00000099000000004000",
        sees: Sees::Presence,
        writing: Writing::Glued,
        actor: "e.yilmaz",
        legal_basis_flag: "Omgevingswet, artikel 18.1; Woningwet",
        legal_basis_ask: "Omgevingswet, artikel 18.1",
    },
];

/// The coordinator: an organisation of its own, which neither flags nor asks.
pub(crate) const COORDINATOR: Coordinator = Coordinator {
    number: 6,
    name: "Coördinatiepunt ondermijning",
    organisation: "coordinatiepunt",
    oin: "00000099000000005000",
    actor: "f.visser",
    legal_basis: "Wet gegevensverwerking door samenwerkingsverbanden, artikel 2.20",
};

/// See [`COORDINATOR`].
pub(crate) struct Coordinator {
    pub(crate) number: u16,
    pub(crate) name: &'static str,
    organisation: &'static str,
    oin: &'static str,
    actor: &'static str,
    legal_basis: &'static str,
}

/// What tables call a seat.
pub(crate) fn short(seat: usize) -> &'static str {
    SYSTEMS.get(seat).map_or("coordinator", |system| system.short)
}

/// Who acts at a seat.
pub(crate) fn actor(seat: usize) -> &'static str {
    SYSTEMS.get(seat).map_or(COORDINATOR.actor, |system| system.actor)
}

/// The number in the roster of a seat.
pub(crate) fn number(seat: usize) -> u16 {
    SYSTEMS.get(seat).map_or(COORDINATOR.number, |system| system.number)
}

/// The seat of a number in the roster.
pub(crate) fn seat(number: u16) -> usize {
    SYSTEMS.iter().position(|system| system.number == number).unwrap_or(COORDINATING)
}

/// The organisations that are told of each other where both put an address forward; all others by the coordinator.
pub(crate) const DIRECT: [&str; 2] = ["gemeente", "politie"];

/// What the policy below says, for the plain count.
pub(crate) const RULES: Rules = Rules {
    threshold: 2,
    min_sources: 3,
    count_cap: 3,
    min_changed: 3,
    max_wait_days: 7,
    freshness_days: 35,
    opens: FIRST_DAY,
};

/// The most days that a flag lasts, unless it is renewed.
pub(crate) const MAX_DAYS: u16 = 180;

/// 2027-01-01.
const FIRST_DAY: Day = Day(20_819);
/// 2027-12-31.
const LAST_DAY: Day = Day(21_183);

/// The organisations that flag, once each.
pub(crate) fn organisations() -> Vec<&'static str> {
    let mut names: Vec<_> = SYSTEMS.iter().map(|system| system.organisation).collect();
    names.dedup();
    names
}

/// A consortium that is ready to begin.
pub(crate) struct Consortium {
    /// In the order of [`SYSTEMS`], and then the coordinator; each with its folder.
    pub(crate) partners: Vec<(Partner, PathBuf)>,
    pub(crate) operator: Operator,
    pub(crate) secret: SecretFile,
    /// Where the secret was written, for the partners alone.
    pub(crate) secret_path: PathBuf,
    pub(crate) policy: Policy,
}

/// The broker and what its operator has.
pub(crate) struct Operator {
    /// The store, and all else that the broker keeps but its keys.
    pub(crate) folder: PathBuf,
    /// Its keys and peppers.
    pub(crate) keys: PathBuf,
    pub(crate) verifying_key: VerifyingKey,
    /// `None` only while it is being restarted.
    broker: Option<Broker>,
}

impl Consortium {
    /// Makes keys, a secret, a policy with budgets that fit a town of `homes`, and everybody's folders in `base`.
    pub(crate) fn found(base: &Path, homes: usize, now: Timestamp) -> Result<Consortium> {
        let folder = |system: &System| base.join(format!("partner-{}", system.number));
        let systems = SYSTEMS.iter().map(|system| system.member(folder(system)));
        let members: Vec<Member> = systems.chain([COORDINATOR.member(base.join("coordinator"))]).collect();
        let broker_keys = base.join("broker-keys");
        let secret_path = base.join("partners-only.secret");
        let Founded { partners, keys, secret, policy, policy_path } =
            founding::found(base, &secret_path, &broker_keys, &terms(homes)?, &members)?;
        let verifying_key = keys.verifying_key();
        let broker_folder = base.join("broker");
        let broker = Broker::create(&broker_folder, keys, &policy_path, now)?;
        let operator = Operator { folder: broker_folder, keys: broker_keys, verifying_key, broker: Some(broker) };
        let partners = partners.into_iter().zip(members.into_iter().map(|member| member.folder)).collect();
        Ok(Consortium { partners, operator, secret, secret_path, policy })
    }
}

impl Operator {
    /// The broker.
    pub(crate) fn broker(&self) -> Result<&Broker> {
        self.broker.as_ref().ok_or_else(|| "the broker did not come back from its restart".into())
    }

    /// Stops the broker and starts it again from its folder.
    pub(crate) fn restart(&mut self) -> Result<()> {
        // The store is let go of before it is opened again.
        self.broker = None;
        self.broker = Some(Broker::open(&self.folder, BrokerKeys::open(&self.keys)?)?);
        Ok(())
    }
}

/// What the consortium agrees on, with budgets that fit a town of `homes`.
fn terms(homes: usize) -> Result<Terms> {
    let Rules { threshold, min_sources, count_cap, min_changed, max_wait_days, freshness_days, opens } = RULES;
    // Own flags are free to ask; for all else there is little.
    let asked_a_day = homes / 20 + 10;
    Ok(Terms {
        remark: "The rules of a consortium that exists only as long as the demonstration runs.",
        name: "demo",
        purpose: "ondermijning-demo".parse()?,
        address: None,
        opens,
        closes: LAST_DAY,
        immediate: false,
        threshold,
        min_sources,
        count_cap,
        min_changed,
        max_wait_days,
        freshness_days,
        max_days: MAX_DAYS,
        // An organisation's, and the municipality has two systems. Each flags up to a fifth of the town, and a flagged
        // home has a flag on its house number too.
        new_flags_a_day: homes / 10 + 100,
        first_set_flags: homes,
        flags_held: homes + 400,
        asked_a_day,
        asked_an_epoch: asked_a_day * 100,
        direct: &[DIRECT],
    })
}

impl System {
    fn member(&self, folder: PathBuf) -> Member {
        let System { number, name, organisation, oin, sees, legal_basis_flag, legal_basis_ask, .. } = *self;
        let does = Does::Flag { sees, legal_basis_flag, legal_basis_ask };
        Member { number, name, organisation, oin, does, folder }
    }
}

impl Coordinator {
    fn member(&self, folder: PathBuf) -> Member {
        let Coordinator { number, name, organisation, oin, legal_basis, .. } = *self;
        Member { number, name, organisation, oin, does: Does::Coordinate { legal_basis }, folder }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stapel::Day;

    fn start() -> Timestamp {
        "2027-01-04".parse::<Day>().unwrap().start()
    }

    #[test]
    fn the_policy_says_what_the_plain_count_goes_by() {
        let base = tempfile::tempdir().unwrap();
        let consortium = Consortium::found(base.path(), 5000, start()).unwrap();
        let policy = &consortium.policy;
        let counting = &policy.counting;
        assert_eq!(usize::from(counting.threshold), RULES.threshold);
        assert_eq!(usize::from(counting.min_sources), RULES.min_sources);
        assert_eq!(usize::from(counting.count_cap), RULES.count_cap);
        assert_eq!(usize::from(policy.release.min_changed), RULES.min_changed);
        assert_eq!(u64::from(policy.release.max_wait_days), RULES.max_wait_days);
        assert_eq!(u64::from(policy.freshness_days), RULES.freshness_days);
        assert_eq!(policy.epochs[0].opens, RULES.opens);
        assert_eq!(policy.retention.max_days, MAX_DAYS);
        assert!(counting.own_flag_required);
        assert_eq!((policy.partners.len(), policy.organisations.len(), organisations().len()), (6, 5, 4));
        assert_eq!(policy.coordinating_partner().map(|partner| partner.number), Some(COORDINATOR.number));
        assert_eq!(policy.meet.as_ref().map(|meet| meet.direct.len()), Some(1));
        assert!(policy.unsafe_introductions(1).is_empty(), "all are introduced, as the plain count has it");
        for (partner, system) in policy.partners.iter().zip(&SYSTEMS) {
            assert_eq!((partner.number, partner.organisation.as_str()), (system.number, system.organisation));
            assert_eq!(partner.sees, system.sees);
        }
        assert_eq!(
            (policy.valid_from.to_string(), policy.epochs[0].closes.to_string()),
            ("2027-01-01".into(), "2027-12-31".into())
        );
        assert!(policy.check().is_safe() && policy.overrides.is_empty(), "no rule is set aside for the demonstration");
    }

    #[test]
    fn the_broker_is_never_given_the_secret() {
        let base = tempfile::tempdir().unwrap();
        let mut consortium = Consortium::found(base.path(), 300, start()).unwrap();
        consortium.operator.restart().unwrap();
        assert_eq!(consortium.operator.broker().unwrap().status().epochs.len(), 1);
        let secret = consortium.secret.secret.expose_secret();
        for folder in ["broker", "broker-keys"] {
            let scan = crate::scan::Scan::new([], [], secret);
            let searched = scan.folder(&base.path().join(folder)).unwrap();
            assert!(searched.files > 1 && searched.leaks.is_empty(), "{folder}");
        }
    }
}

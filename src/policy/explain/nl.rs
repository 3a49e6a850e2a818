//! The Dutch sentences.

use super::super::check::{
    LONGEST_EPOCH_DAYS, LONGEST_FLAG_DAYS, LONGEST_GRACE_DAYS, MOST_SETS, Problem, Reveal, counts_shown,
};
use super::super::model::{Counting, Epoch, OldKey, Permissions, Policy, Sees};
use super::language::{Change, Label, Language, Sentence, counted, grouped, listed};
use crate::address::Level;

pub(super) struct Dutch;

impl Language for Dutch {
    fn sentence(&self, sentence: Sentence<'_>, policy: &Policy) -> String {
        let (counting, release, budgets) = (&policy.counting, &policy.release, &policy.budgets);
        let (operator, messages, changes) = (&policy.operator, &policy.messages, &policy.changes);
        match sentence {
            Sentence::Title => {
                format!("Afspraken van het samenwerkingsverband {}, versie {}", policy.consortium, policy.version)
            }
            Sentence::ForTests => FOR_TESTS.into(),
            Sentence::Unsafe => "DEZE REGELS ZIJN NIET VEILIG EN KUNNEN NIET GELDEN, want:".into(),
            Sentence::ValidFrom => {
                format!("Geldig vanaf {}, als genoeg organisaties getekend hebben.", policy.valid_from)
            }
            Sentence::Introduction => {
                "Een aantal organisaties wil weten of er op één adres meer aan de hand is. Iedere organisatie houdt haar \
                 eigen gegevens bij zich. Zij geeft alleen door dat zij een eigen, actuele zorg heeft over een adres. Een \
                 teller (een computerprogramma, de 'broker') telt hoeveel organisaties dat zijn. De teller ziet geen \
                 adressen, alleen codes."
                    .into()
            }

            Sentence::PurposeHeading => "Doel en grondslag".into(),
            Sentence::Purpose => {
                format!("Doel: {}. De codes van dit doel passen niet op die van een ander doel.", policy.purpose)
            }
            Sentence::LegalBasis => format!("Grondslag: {}", policy.legal_basis),

            Sentence::FlagHeading => "Wat betekent een melding?".into(),
            Sentence::FlagCriterion => policy.flag_criterion.clone(),
            Sentence::FlagIsOwn => {
                "Een melding is altijd een eigen waarneming. Een organisatie mag een adres nooit melden omdat de teller een \
                 treffer gaf."
                    .into()
            }
            Sentence::FlagSaysNoMore => {
                "Een melding zegt verder niets: geen naam, geen reden, geen inhoud. Alleen een code en de laatste dag waarop \
                 zij geldt."
                    .into()
            }

            Sentence::AfterHitHeading => "Wat gebeurt er na een treffer?".into(),
            Sentence::AfterHit => policy.after_hit.clone(),
            Sentence::HitIsNoGround => {
                "Een treffer is nooit de enige reden voor een besluit over iemand. Hij zegt alleen dat overleg zin kan \
                 hebben."
                    .into()
            }
            Sentence::Coordinator => format!("Coördinator: {}", policy.coordinator),

            Sentence::RosterHeading => "Wie doen er mee?".into(),
            Sentence::Organisations => format!(
                "Er doen {} organisaties mee; {} daarvan mogen melden. Een partner is een systeem van een organisatie. Alle \
                 systemen van een organisatie tellen samen als één.",
                policy.organisations(),
                policy.flagging_organisations()
            ),
            Sentence::Partner(partner) => format!(
                "Partner {}: {}. Telt als organisatie {} (OIN {}).",
                partner.number, partner.name, partner.organisation, partner.oin
            ),
            Sentence::MayFlag(partner) => match &partner.legal_basis_flag {
                Some(basis) => format!("Mag melden. Grondslag: {basis}"),
                None => "Mag niet melden.".into(),
            },
            Sentence::MayAsk(partner) => match &partner.legal_basis_ask {
                Some(basis) => format!("Mag vragen. Grondslag: {basis}"),
                None => "Mag niet vragen.".into(),
            },
            Sentence::SeesOfHit(partner) => format!("Ziet bij een treffer: {}.", self.seen(counting, partner.sees)),
            Sentence::MaySweep => "Mag ook vragen naar adressen die zij zelf niet meldt (sweep).".into(),
            Sentence::OldKey(old) => format!("Wisselt van sleutel: de oude geldt tot en met {}.", old.until),

            Sentence::CountingHeading => "Hoe wordt er geteld?".into(),
            Sentence::Threshold => format!(
                "De teller telt verschillende organisaties, nooit berichten of systemen. Pas als {} organisaties hetzelfde \
                 adres melden, heet het 'gestapeld'. Dat is een treffer.",
                counting.threshold
            ),
            Sentence::MinSources => format!(
                "Zolang minder dan {} organisaties meldingen hebben staan, is er nooit een treffer.",
                counting.min_sources
            ),
            Sentence::Example => format!(
                "Voorbeeld: {} een adres. Dan is het antwoord 'onder de drempel'. Precies hetzelfde antwoord geldt voor een \
                 adres dat niemand meldt, en voor meldingen die zijn ingetrokken of verlopen. Meldt er nog een organisatie \
                 hetzelfde adres, dan zijn het er {} en is het antwoord na het volgende peilmoment 'gestapeld'.",
                match counting.threshold.saturating_sub(1) {
                    1 => "1 organisatie meldt".into(),
                    fewer => format!("{fewer} organisaties melden"),
                },
                counting.threshold
            ),
            Sentence::CountCap => {
                let cap = counting.count_cap;
                format!("Een aantal boven {cap} wordt nooit getoond: {cap} staat ook voor meer.")
            }
            Sentence::OwnFlagRequired if counting.own_flag_required => {
                "Wie vraagt naar een adres dat hij zelf niet meldt, krijgt alleen het antwoord 'geen eigen melding', tenzij \
                 hij mag vragen zonder eigen melding (sweep, zie hierboven)."
                    .into()
            }
            Sentence::OwnFlagRequired => "Partners mogen vragen naar adressen die zij zelf niet melden.".into(),
            Sentence::Levels if counting.levels.contains(&Level::Building) => {
                "Er wordt geteld per woning en, apart daarvan, per huisnummer. Een treffer op een huisnummer kan gaan over \
                 verschillende woningen met dat nummer."
                    .into()
            }
            Sentence::Levels => "Er wordt geteld per woning.".into(),

            Sentence::RevealsHeading => "Wat verraadt een antwoord?".into(),
            Sentence::SetsExplained => {
                "Een antwoord noemt geen organisaties. Wie meedoet, weet wel welke organisaties er zijn en of hij zelf meldt. \
                 Hoe minder groepen er bij een antwoord passen, hoe makkelijker te raden is wie het zijn:"
                    .into()
            }
            Sentence::KnowledgeAddsUp => {
                "Partners die hun kennis naast elkaar leggen, weten meer dan ieder apart.".into()
            }

            Sentence::ReleaseHeading => "Wanneer worden meldingen zichtbaar?".into(),
            Sentence::Immediate => "Direct. Dit mag alleen in een test.".into(),
            Sentence::Periodic => format!(
                "Niet direct, maar op vaste peilmomenten: hoogstens eens per {} uur. Een peilmoment komt er pas als \
                 meldingen van minstens {} gewijzigd zijn, of als iedere organisatie met een wijziging {} heeft gewacht. Zo \
                 is moeilijker te zien wie wanneer iets meldde.",
                release.interval_hours,
                organisations(release.min_changed),
                self.days(release.max_wait_days)
            ),
            Sentence::FlagEnds => {
                "Een melding eindigt na haar laatste geldige dag, bij het begin van de volgende dag (UTC).".into()
            }
            Sentence::Freshness => format!(
                "Ieder antwoord zegt van welk peilmoment het is, en hoeveel organisaties de afgelopen {} hebben laten weten \
                 dat hun meldingen kloppen. Zo is 'niets aan de hand' te onderscheiden van 'niemand levert aan'.",
                self.days(policy.freshness_days)
            ),

            Sentence::RetentionHeading => "Hoe lang blijft iets bewaard?".into(),
            Sentence::FlagDays => format!(
                "Een melding blijft hoogstens {} staan. Wie haar langer wil laten staan, moet dat uitdrukkelijk verklaren, \
                 en het logboek telt dat mee.",
                self.days(policy.retention.max_days)
            ),
            Sentence::LogDays => format!(
                "De teller houdt een logboek bij waarin achteraf niets ongemerkt te wijzigen is: welke partner wanneer welk \
                 soort bericht stuurde, met hoeveel codes. Er staan geen adressen en geen codes in. Het wordt {} bewaard.",
                self.days(policy.retention.log_days)
            ),

            Sentence::BudgetsHeading => "Hoeveel mag een partner melden en vragen?".into(),
            Sentence::FlagBudget => format!(
                "Iedere partner mag per dag {} nieuwe adressen melden, en hoogstens {} meldingen tegelijk hebben staan.",
                self.number(budgets.new_flags_a_day),
                self.number(budgets.flags_held)
            ),
            Sentence::AskBudget => format!(
                "Iedere partner mag per dag naar {} adressen vragen, en per sleutelperiode naar {}. Vragen naar de eigen \
                 meldingen is na ieder peilmoment een keer vrij.",
                self.number(budgets.asked_a_day),
                self.number(budgets.asked_an_epoch)
            ),
            Sentence::SweepBudget => format!(
                "Wie mag vragen zonder eigen melding (sweep), mag dat per dag voor {} adressen. De reden komt in het logboek \
                 en is een van deze: {}.",
                self.number(budgets.swept_a_day),
                budgets.reasons()
            ),
            Sentence::NobodySweeps => "Niemand mag vragen zonder eigen melding (sweep).".into(),
            Sentence::MessageBounds => format!(
                "Een volledige lijst die meer dan {} procent van de meldingen intrekt, moet zeggen dat dat de bedoeling is. \
                 Een bericht dat ouder is dan {} uur, of meer dan {} minuten vooruit loopt, wordt geweigerd.",
                policy.max_shrink_percent, messages.max_delay_hours, messages.max_ahead_minutes
            ),

            Sentence::OperatorHeading => "Wie beheert de teller?".into(),
            Sentence::OperatorName => format!(
                "{} (OIN {}). De teller heeft de geheime sleutel van de partners niet, en mag hem nooit krijgen.",
                operator.name, operator.oin
            ),
            Sentence::Collusion => {
                "Zonder die sleutel zijn de codes niet naar adressen te herleiden. Een beheerder en een partner die \
                 samenspannen, kunnen dat wel. Behandel de codes daarom als persoonsgegevens."
                    .into()
            }
            Sentence::OperatorKeys => format!(
                "Antwoorden zijn getekend met sleutel {}, het logboek {} met {}.",
                operator.verifying_key, operator.log_origin, operator.checkpoint_key
            ),

            Sentence::NeverHeading => "Wat gebeurt er nooit?".into(),
            Sentence::NoScores => "Geen scores, geen profielen, geen voorspellingen.".into(),
            Sentence::NoContents => {
                "Geen inhoud van dossiers, geen namen en geen leesbare adressen naar de teller.".into()
            }
            Sentence::NoNames => "Geen enkel antwoord zegt welke organisaties een adres melden.".into(),
            Sentence::NoDecision => {
                "Een treffer is nooit de enige grond voor een besluit; er beslist altijd een mens.".into()
            }
            Sentence::NoSharing => "Geen automatisch doorgeven van gegevens na een treffer.".into(),

            Sentence::ExceptionsHeading => "Afwijkingen en aandachtspunten".into(),
            Sentence::NoOverride => "Geen veiligheidsregel is terzijde gesteld.".into(),
            Sentence::Override(aside) => {
                format!("De veiligheidsregel '{}' is terzijde gesteld. Reden: {}", aside.rule, aside.reason)
            }

            Sentence::EpochsHeading => "Sleutelperioden".into(),
            Sentence::Epochs => {
                "De partners delen een geheime sleutel. Per periode is er een nieuwe. Codes van verschillende perioden zijn \
                 niet met elkaar te vergelijken."
                    .into()
            }
            Sentence::Epoch(epoch) => format!("Periode {}: {}.", epoch.number, self.epoch(epoch)),

            Sentence::ChangesHeading => "Hoe veranderen deze afspraken?".into(),
            Sentence::Signatures => format!(
                "Deze afspraken gelden pas als {} van de {} organisaties getekend hebben. Een nieuwe versie noemt het kenmerk \
                 van de vorige en heeft ook handtekeningen van de organisaties van de vorige versie nodig.",
                changes.signatures,
                policy.organisations()
            ),
            Sentence::Grace => format!(
                "Meldingen volgens de vorige versie tellen nog {} mee, behalve als de drempel omlaag ging. Vragen volgens de \
                 vorige versie worden niet beantwoord.",
                self.days(changes.grace_days)
            ),
            Sentence::Leaving => format!(
                "Vertrekt er een organisatie, dan komt er binnen {} een nieuwe sleutel.",
                self.days(changes.new_epoch_within_days)
            ),
            Sentence::Previous => match policy.previous {
                None => "Dit is de eerste versie.".into(),
                Some(digest) => format!("Kenmerk van de vorige versie: {digest}"),
            },
            Sentence::Digest => format!("Kenmerk van deze versie: {}", policy.digest()),
            Sentence::DigestBinds => {
                "Het kenmerk staat in ieder bericht en ieder antwoord. Het legt vast naar welke regels de teller zich moet \
                 houden; het bewijst niet dat hij dat doet."
                    .into()
            }
        }
    }

    fn problem(&self, problem: &Problem) -> String {
        match problem {
            Problem::OperatorInRoster { partners } => format!(
                "De beheerder van de teller is zelf partner (nummer {}): met de sleutel van de partners kan hij van elk \
                 nummer het adres vinden. Kies een andere beheerder.",
                numbers(partners)
            ),
            Problem::Threshold => {
                "De drempel is lager dan 2: dan verraadt een antwoord de melding van één enkele organisatie. Maak hem 2 of \
                 hoger."
                    .into()
            }
            Problem::Immediate => {
                "Meldingen zijn direct zichtbaar (immediate): dan is te zien wie wanneer iets meldt. Dat mag alleen met test \
                 = true."
                    .into()
            }
            Problem::MinChanged => {
                "Een peilmoment komt er al na een wijziging van 1 organisatie: dan is elk nieuw antwoord aan haar toe te \
                 schrijven. Maak release.min_changed 2 of hoger."
                    .into()
            }
            Problem::MinSources { min_sources, threshold } => format!(
                "min_sources ({min_sources}) is lager dan de drempel ({threshold}). Maak het minstens {threshold}."
            ),
            Problem::OwnFlag => {
                "Partners mogen vragen naar adressen waar zij zelf niets over melden. Zet own_flag_required aan; wie dit \
                 echt nodig heeft, kan \"sweep\" krijgen, met een eigen budget en een reden in het logboek."
                    .into()
            }
            Problem::MaxDays { days } => format!(
                "Een melding kan {days} dagen blijven staan. Maak retention.max_days {LONGEST_FLAG_DAYS} of lager."
            ),
            Problem::GraceDays { days } => format!(
                "Meldingen volgens de vorige regels tellen nog {days} dagen mee. Maak changes.grace_days \
                 {LONGEST_GRACE_DAYS} of lager."
            ),
            Problem::EpochLength { epoch, days } => format!(
                "Sleutelperiode {epoch} duurt {days} dagen: zo lang is alles van die periode met een gestolen sleutel te \
                 lezen. Houd het op {LONGEST_EPOCH_DAYS} of minder."
            ),
            Problem::Signatures { signatures, organisations, majority } => format!(
                "{signatures} van de {organisations} organisaties kunnen de regels vaststellen. Maak changes.signatures \
                 {majority} of hoger."
            ),
            Problem::NamesSomebody(reveal) => format!(
                "{} Dat wijst bijna iemand aan. Laat deze partners minder zien (sees), verlaag count_cap of neem meer \
                 organisaties op.",
                self.reveal(reveal)
            ),
            Problem::Test => FOR_TESTS.into(),
            Problem::Unreachable { flagging, needed } => format!(
                "Er melden {flagging} organisaties en er zijn er {needed} nodig: geen adres kan ooit gestapeld zijn."
            ),
            Problem::OnlyAfterWaiting { days } => format!(
                "Er melden minder organisaties dan release.min_changed: een peilmoment komt er pas na {days} dagen."
            ),
            Problem::WaitedRelease { days } => format!(
                "Na {days} dagen wachten komt er een peilmoment, ook als maar 1 organisatie iets wijzigde. Wie dat weet, kan \
                 een nieuw antwoord aan die organisatie toeschrijven."
            ),
            Problem::FewSources { min_sources, worst } => format!(
                "Zolang maar {min_sources} organisaties meldingen aanleveren, {} bij het antwoord {}, voor wie weet welke \
                 organisaties dat zijn. Een hogere min_sources helpt.",
                possible_sets(worst.sets),
                self.answer(worst)
            ),
            Problem::Sweep { partners } => format!(
                "Partner {} mag vragen naar adressen zonder eigen melding (sweep), met een reden in het logboek.",
                numbers(partners)
            ),
            Problem::AsksInVain { partners } => format!(
                "Partner {} mag vragen maar meldt zelf niets, en krijgt daarom nooit een antwoord.",
                numbers(partners)
            ),
            Problem::NoShrinkGuard => {
                "max_shrink_percent is 100: een afgekapte export kan ongemerkt alle meldingen van een partner intrekken."
                    .into()
            }
            Problem::OverrideIdle { rule } => {
                format!("De regel '{rule}' is terzijde gesteld, maar er is niets dat die regel weigert.")
            }
        }
    }

    fn reveal(&self, reveal: &Reveal) -> String {
        let who = if reveal.partners.len() == 1 { "Partner" } else { "Partners" };
        let about = if reveal.own_flag { "een adres met eigen melding" } else { "een adres zonder eigen melding" };
        let (partners, answer, sets) = (numbers(&reveal.partners), self.answer(reveal), possible_sets(reveal.sets));
        format!("{who} {partners}, over {about}: bij het antwoord {answer} {sets}.")
    }

    fn answer(&self, reveal: &Reveal) -> String {
        match reveal.sees {
            Sees::Presence => "\"gestapeld\"".into(),
            Sees::Band | Sees::Count => format!("\"{}\"", range(reveal.low, reveal.high)),
        }
    }

    fn change(&self, change: Change<'_>) -> String {
        match change {
            Change::Version { older, newer, follows: true } => {
                format!("Versie {} wordt versie {}, geldig vanaf {}.", older.version, newer.version, newer.valid_from)
            }
            Change::Version { older, newer, follows: false } => format!(
                "Versie {0} naast versie {1}, geldig vanaf {2}. LET OP: die volgt niet op deze versie {0}.",
                older.version, newer.version, newer.valid_from
            ),
            Change::Threshold { from, to } if to < from => format!(
                "DE DREMPEL GAAT OMLAAG, van {from} naar {to}: er zijn minder organisaties nodig voor een treffer, ook voor \
                 meldingen die er al zijn: die tellen meteen volgens de nieuwe drempel. Wie dat niet wil, tekent niet, of \
                 trekt ze vooraf in."
            ),
            Change::Threshold { from, to } => format!(
                "De drempel gaat omhoog, van {from} naar {to}: er zijn meer organisaties nodig voor een treffer."
            ),
            Change::PartnerCame(partner) => {
                format!("Nieuw: partner {}, {} ({}).", partner.number, partner.name, partner.organisation)
            }
            Change::PartnerWent(partner) => {
                format!("Vertrokken: partner {}, {} ({}).", partner.number, partner.name, partner.organisation)
            }
            Change::Value { label, was, becomes } => {
                format!("{label}. Was: {}. Wordt: {}.", quoted(was), quoted(becomes))
            }
        }
    }

    fn label(&self, label: Label<'_>) -> String {
        let text = match label {
            Label::Consortium => "Samenwerkingsverband",
            Label::Test => "Alleen voor een test",
            Label::Purpose => "Doel",
            Label::LegalBasis => "Grondslag",
            Label::FlagCriterion => "Wat een melding betekent",
            Label::AfterHit => "Wat er na een treffer gebeurt",
            Label::Coordinator => "Coördinator",
            Label::Operator => "Beheerder van de teller",
            Label::OperatorOin => "OIN van de beheerder",
            Label::ReplyKey => "Sleutel van de antwoorden",
            Label::CheckpointKey => "Sleutel van het logboek",
            Label::LogOrigin => "Naam van het logboek",
            Label::MinSources => "Organisaties die meldingen moeten hebben staan",
            Label::CountCap => "Hoogste aantal dat getoond wordt",
            Label::Levels => "Niveaus",
            Label::OwnFlagRequired => "Eigen melding nodig om te vragen",
            Label::IntervalHours => "Uren tussen peilmomenten",
            Label::MinChanged => "Organisaties die gewijzigd moeten hebben voor een peilmoment",
            Label::MaxWaitDays => "Langste wachttijd op een peilmoment",
            Label::Immediate => "Meldingen direct zichtbaar",
            Label::MaxDays => "Langste duur van een melding",
            Label::LogDays => "Bewaartijd van het logboek",
            Label::NewFlagsADay => "Nieuwe meldingen per dag",
            Label::FlagsHeld => "Meldingen tegelijk",
            Label::AskedADay => "Vragen per dag",
            Label::AskedAnEpoch => "Vragen per sleutelperiode",
            Label::SweptADay => "Vragen zonder eigen melding per dag",
            Label::SweepReasons => "Redenen om te vragen zonder eigen melding",
            Label::FreshnessDays => "Tijd waarin een partner moet hebben aangeleverd",
            Label::MaxShrinkPercent => "Procent van de meldingen dat in één keer weg mag",
            Label::MaxDelayHours => "Uren die een bericht oud mag zijn",
            Label::MaxAheadMinutes => "Minuten die een bericht vooruit mag lopen",
            Label::Signatures => "Handtekeningen die nodig zijn",
            Label::GraceDays => "Tijd dat meldingen volgens de vorige versie meetellen",
            Label::NewEpochWithinDays => "Tijd tot een nieuwe sleutel na vertrek",
            Label::PartnerName => "naam",
            Label::PartnerOrganisation => "organisatie",
            Label::PartnerOin => "OIN",
            Label::PartnerKey => "sleutel",
            Label::PartnerOldKey => "oude sleutel",
            Label::PartnerMay => "mag",
            Label::PartnerSees => "ziet",
            Label::PartnerBasisToFlag => "grondslag om te melden",
            Label::PartnerBasisToAsk => "grondslag om te vragen",
            Label::Epoch(number) => return format!("Sleutelperiode {number}"),
            Label::Override(rule) => return format!("Reden om de veiligheidsregel '{rule}' terzijde te stellen"),
        };
        text.into()
    }

    fn seen(&self, counting: &Counting, sees: Sees) -> String {
        match sees {
            Sees::Presence => "alleen dat het adres gestapeld is".into(),
            Sees::Band => {
                let bands: Vec<_> =
                    counts_shown(counting, sees).into_iter().map(|(low, high)| range(low, high)).collect();
                format!("het aantal organisaties, grof: {}", bands.join("; "))
            }
            Sees::Count => {
                let cap = counting.count_cap;
                format!("het aantal organisaties; {cap} staat voor {cap} of meer")
            }
        }
    }

    fn permissions(&self, may: Permissions) -> String {
        may.named("melden", "vragen", "vragen zonder eigen melding (sweep)").join(", ")
    }

    fn old_key(&self, old: &OldKey) -> String {
        format!("{}, tot en met {}", old.verifying_key, old.until)
    }

    fn epoch(&self, epoch: &Epoch) -> String {
        format!("{} tot en met {}, sleutelkenmerk {}", epoch.opens, epoch.closes, epoch.key_id)
    }

    fn yes(&self, yes: bool) -> &'static str {
        if yes { "ja" } else { "nee" }
    }

    fn days(&self, days: u16) -> String {
        counted(days, "dag", "dagen")
    }

    fn number(&self, number: u32) -> String {
        grouped(number, '.')
    }
}

/// The explanation says it first, the check as a note.
const FOR_TESTS: &str = "DIT ZIJN REGELS VOOR EEN TEST. Gebruik ze nooit met adressen van echte mensen.";

fn organisations(count: u16) -> String {
    counted(count, "organisatie", "organisaties")
}

fn numbers(numbers: &[u16]) -> String {
    listed(numbers, "en", "andere")
}

/// The counts from `low` to `high`, or from `low` on.
fn range(low: usize, high: Option<usize>) -> String {
    match high {
        Some(high) if high == low => low.to_string(),
        Some(high) => format!("{low} tot en met {high}"),
        None => format!("{low} of meer"),
    }
}

fn possible_sets(sets: u64) -> String {
    match sets {
        1 => "past maar 1 mogelijke groep andere organisaties".into(),
        MOST_SETS => "passen meer dan een miljoen mogelijke groepen andere organisaties".into(),
        _ => format!("passen {sets} mogelijke groepen andere organisaties"),
    }
}

fn quoted(text: &str) -> String {
    if text.is_empty() { "niets".into() } else { format!("\"{text}\"") }
}

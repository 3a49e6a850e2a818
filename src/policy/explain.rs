//! A policy in plain words, for a citizen, a data protection impact assessment (DPIA) or a judge.
//!
//! Every line is made of the policy's fields. What a policy leaves to its consortium to word, stands there as worded.

use std::fmt;

use super::lang::{Lang, days_of, organisations, thousands};
use super::{Override, Partner, Policy, Sees};
use crate::address::Level;

const WIDTH: usize = 80;

impl Policy {
    /// The policy in plain words, as text with lines of at most 80 characters where words allow.
    pub fn explain(&self, lang: Lang) -> String {
        let mut page = Page { lang, text: String::new() };
        opening(&mut page, self);
        purpose(&mut page, self);
        flags_and_hits(&mut page, self);
        roster(&mut page, self);
        counting(&mut page, self);
        reveals(&mut page, self);
        release(&mut page, self);
        retention(&mut page, self);
        budgets(&mut page, self);
        operator(&mut page, self);
        never(&mut page);
        set_aside(&mut page, self);
        epochs(&mut page, self);
        changes(&mut page, self);
        page.text
    }
}

struct Page {
    lang: Lang,
    text: String,
}

impl Page {
    fn heading(&mut self, nl: &str, en: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let heading = self.lang.pick(nl, en);
        self.wrapped("", heading);
        let length = heading.chars().count().min(WIDTH);
        self.text.push_str(&"-".repeat(length));
        self.text.push('\n');
    }

    fn line(&mut self, nl: impl fmt::Display, en: impl fmt::Display) {
        self.wrapped("- ", &self.lang.pick(nl.to_string(), en.to_string()));
    }

    fn under(&mut self, nl: impl fmt::Display, en: impl fmt::Display) {
        self.wrapped("    ", &self.lang.pick(nl.to_string(), en.to_string()));
    }

    fn plain(&mut self, nl: &str, en: &str) {
        self.wrapped("", self.lang.pick(nl, en));
    }

    /// A paragraph, its first line after `first`, the rest as far from the margin.
    fn wrapped(&mut self, first: &str, paragraph: &str) {
        let indent = first.chars().count();
        self.text.push_str(first);
        let mut column = indent;
        for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
            let length = word.chars().count();
            if column > indent {
                if column + 1 + length > WIDTH {
                    self.text.push('\n');
                    self.text.push_str(&" ".repeat(indent));
                    column = indent;
                } else {
                    self.text.push(' ');
                    column += 1;
                }
            }
            self.text.push_str(word);
            column += length;
        }
        self.text.push('\n');
    }
}

fn opening(page: &mut Page, policy: &Policy) {
    let (consortium, version) = (&policy.consortium, policy.version);
    page.heading(
        &format!("Afspraken van het samenwerkingsverband {consortium}, versie {version}"),
        &format!("Policy of the consortium {consortium}, version {version}"),
    );
    if policy.test {
        page.line(
            "DIT ZIJN REGELS VOOR EEN TEST. Gebruik ze nooit met adressen van echte mensen.",
            "THIS IS A POLICY FOR TESTS. Never use it with addresses of real people.",
        );
    }
    let check = policy.check();
    if !check.is_safe() {
        page.line(
            "DEZE REGELS ZIJN NIET VEILIG EN KUNNEN NIET GELDEN, want:",
            "THIS POLICY IS NOT SAFE AND CANNOT BE IN FORCE, because:",
        );
        for refusal in check.standing() {
            page.under(refusal.text(Lang::Nl), refusal.text(Lang::En));
        }
    }
    let day = policy.valid_from;
    page.line(
        format!("Geldig vanaf {day}, als genoeg organisaties getekend hebben."),
        format!("Valid from {day}, if enough organisations have signed."),
    );
    page.line(
        "Een aantal organisaties wil weten of er op één adres meer aan de hand is. Iedere organisatie houdt haar eigen \
         gegevens bij zich. Zij geeft alleen door dat zij een eigen, actuele zorg heeft over een adres. Een teller (een \
         computerprogramma, de 'broker') telt hoeveel organisaties dat zijn. De teller ziet geen adressen, alleen codes.",
        "Some organisations want to know whether more is going on at an address. Each of them keeps its own files to itself. \
         It only passes on that it has a current concern of its own about an address. A counter (a computer program, the \
         'broker') counts how many organisations do. The counter sees no addresses, only codes.",
    );
}

fn purpose(page: &mut Page, policy: &Policy) {
    page.heading("Doel en grondslag", "Purpose and legal basis");
    let (purpose, basis) = (&policy.purpose, &policy.legal_basis);
    page.line(
        format!("Doel: {purpose}. De codes van dit doel passen niet op die van een ander doel."),
        format!("Purpose: {purpose}. The codes of this purpose do not match those of any other."),
    );
    page.line(format!("Grondslag: {basis}"), format!("Legal basis: {basis}"));
}

fn flags_and_hits(page: &mut Page, policy: &Policy) {
    page.heading("Wat betekent een melding?", "What does a flag mean?");
    page.line(&policy.flag_criterion, &policy.flag_criterion);
    page.line(
        "Een melding is altijd een eigen waarneming. Een organisatie mag een adres nooit melden omdat de teller een treffer gaf.",
        "A flag is always an observation of one's own. An organisation must never flag an address because of a hit.",
    );
    page.line(
        "Een melding zegt verder niets: geen naam, geen reden, geen inhoud. Alleen een code en de laatste dag waarop zij geldt.",
        "A flag says nothing else: no name, no reason, no content. Only a code and the last day on which it holds.",
    );
    page.heading("Wat gebeurt er na een treffer?", "What happens after a hit?");
    page.line(&policy.after_hit, &policy.after_hit);
    page.line(
        "Een treffer is nooit de enige reden voor een besluit over iemand. Hij zegt alleen dat overleg zin kan hebben.",
        "A hit is never the sole ground for a decision about anybody. It only says that talking may be worth while.",
    );
    let coordinator = &policy.coordinator;
    page.line(format!("Coördinator: {coordinator}"), format!("Coordinator: {coordinator}"));
}

fn roster(page: &mut Page, policy: &Policy) {
    page.heading("Wie doen er mee?", "Who takes part?");
    let (all, flag) = (policy.organisations(), policy.flagging_organisations());
    page.line(
        format!(
            "Er doen {all} organisaties mee; {flag} daarvan mogen melden. Een partner is een systeem van een organisatie. \
             Alle systemen van een organisatie tellen samen als één."
        ),
        format!(
            "{all} organisations take part; {flag} of them may flag. A partner is a system of an organisation. All systems \
             of one organisation count as one."
        ),
    );
    for partner in &policy.partners {
        one_partner(page, policy, partner);
    }
}

fn one_partner(page: &mut Page, policy: &Policy, partner: &Partner) {
    let Partner { number, name, organisation, oin, .. } = partner;
    page.line(
        format!("Partner {number}: {name}. Telt als organisatie {organisation} (OIN {oin})."),
        format!("Partner {number}: {name}. Counts as organisation {organisation} (OIN {oin})."),
    );
    match &partner.legal_basis_flag {
        Some(basis) => page.under(format!("Mag melden. Grondslag: {basis}"), format!("May flag. Legal basis: {basis}")),
        None => page.under("Mag niet melden.", "May not flag."),
    }
    match &partner.legal_basis_ask {
        Some(basis) => {
            page.under(format!("Mag vragen. Grondslag: {basis}"), format!("May ask. Legal basis: {basis}"));
            let sees = (seen(policy, partner.sees, Lang::Nl), seen(policy, partner.sees, Lang::En));
            page.under(format!("Ziet bij een treffer: {}.", sees.0), format!("Sees of a hit: {}.", sees.1));
        }
        None => page.under("Mag niet vragen.", "May not ask."),
    }
    if partner.may.sweep {
        page.under(
            "Mag ook vragen naar adressen die zij zelf niet meldt (sweep).",
            "May also ask about addresses that it does not flag itself (sweep).",
        );
    }
    if let Some(old) = &partner.old_key {
        let until = old.until;
        page.under(
            format!("Wisselt van sleutel: de oude geldt tot en met {until}."),
            format!("Is changing keys: the old one holds until {until}, that day included."),
        );
    }
}

/// What is seen of a count.
pub(super) fn seen(policy: &Policy, sees: Sees, lang: Lang) -> String {
    let cap = policy.counting.count_cap;
    match sees {
        Sees::Presence => lang.pick("alleen dat het adres gestapeld is", "only that the address is stacked").into(),
        Sees::Band => {
            let bands: Vec<_> = policy.counting.bands().collect();
            let highs = bands.iter().skip(1).map(|next| Some(next - 1)).chain([None]);
            let bands = bands.iter().zip(highs).map(|(low, high)| match high {
                Some(high) if high == *low => low.to_string(),
                Some(high) => lang.pick(format!("{low} tot en met {high}"), format!("{low} to {high}")),
                None => lang.pick(format!("{low} of meer"), format!("{low} or more")),
            });
            let bands = bands.collect::<Vec<_>>().join("; ");
            lang.pick(
                format!("het aantal organisaties, grof: {bands}"),
                format!("the number of organisations, roughly: {bands}"),
            )
        }
        Sees::Count => lang.pick(
            format!("het aantal organisaties; {cap} staat voor {cap} of meer"),
            format!("the number of organisations; {cap} stands for {cap} or more"),
        ),
    }
}

fn counting(page: &mut Page, policy: &Policy) {
    let rules = &policy.counting;
    let (threshold, sources) = (rules.threshold, rules.min_sources);
    page.heading("Hoe wordt er geteld?", "How is it counted?");
    page.line(
        format!(
            "De teller telt verschillende organisaties, nooit berichten of systemen. Pas als {threshold} organisaties \
             hetzelfde adres melden, heet het 'gestapeld'. Dat is een treffer."
        ),
        format!(
            "The counter counts distinct organisations, never messages or systems. Only when {threshold} organisations flag \
             the same address is it 'stacked'. That is a hit."
        ),
    );
    page.line(
        format!("Zolang minder dan {sources} organisaties meldingen hebben staan, is er nooit een treffer."),
        format!("As long as fewer than {sources} organisations hold any flags, there is never a hit."),
    );
    let fewer = threshold.saturating_sub(1);
    page.line(
        format!(
            "Voorbeeld: {} een adres. Dan is het antwoord 'onder de drempel'. Precies hetzelfde antwoord geldt voor een adres \
             dat niemand meldt, en voor meldingen die zijn ingetrokken of verlopen. Meldt er nog een organisatie hetzelfde \
             adres, dan zijn het er {threshold} en is het antwoord na het volgende peilmoment 'gestapeld'.",
            if fewer == 1 { "1 organisatie meldt".into() } else { format!("{fewer} organisaties melden") }
        ),
        format!(
            "Example: {} an address. Then the answer is 'below threshold'. Exactly the same answer holds for an address that \
             nobody flags, and for flags that were withdrawn or ended. If one more organisation flags the same address, they \
             are {threshold} and after the next release the answer is 'stacked'.",
            if fewer == 1 { "1 organisation flags".into() } else { format!("{fewer} organisations flag") }
        ),
    );
    let cap = rules.count_cap;
    page.line(
        format!("Een aantal boven {cap} wordt nooit getoond: {cap} staat ook voor meer."),
        format!("A number above {cap} is never shown: {cap} stands for more as well."),
    );
    if rules.own_flag_required {
        page.line(
            "Wie vraagt naar een adres dat hij zelf niet meldt, krijgt alleen het antwoord 'geen eigen melding', tenzij hij mag \
             vragen zonder eigen melding (sweep, zie hierboven).",
            "Whoever asks about an address that it does not flag itself only gets the answer 'no own flag', unless it may ask \
             without (sweep, see above).",
        );
    } else {
        page.line(
            "Partners mogen vragen naar adressen die zij zelf niet melden.",
            "Partners may ask about addresses that they do not flag themselves.",
        );
    }
    if rules.levels.contains(&Level::Building) {
        page.line(
            "Er wordt geteld per woning en, apart daarvan, per huisnummer. Een treffer op een huisnummer kan gaan over \
             verschillende woningen met dat nummer.",
            "It is counted by home and, apart from that, by house number. A hit on a house number may be about different \
             homes with that number.",
        );
    } else {
        page.line("Er wordt geteld per woning.", "It is counted by home.");
    }
}

fn reveals(page: &mut Page, policy: &Policy) {
    page.heading("Wat verraadt een antwoord?", "What does an answer give away?");
    page.line(
        "Een antwoord noemt geen organisaties. Wie meedoet, weet wel welke organisaties er zijn en of hij zelf meldt. Hoe \
         minder groepen er bij een antwoord passen, hoe makkelijker te raden is wie het zijn:",
        "An answer names no organisations. But whoever takes part knows which there are, and whether it flags itself. The \
         fewer sets fit an answer, the easier it is to guess who they are:",
    );
    for reveal in policy.check().reveals {
        page.under(reveal.text(Lang::Nl), reveal.text(Lang::En));
    }
    page.line(
        "Partners die hun kennis naast elkaar leggen, weten meer dan ieder apart.",
        "Partners that put together what they know, know more than each alone.",
    );
}

fn release(page: &mut Page, policy: &Policy) {
    page.heading("Wanneer worden meldingen zichtbaar?", "When do flags become visible?");
    if policy.release.immediate {
        page.line("Direct. Dit mag alleen in een test.", "At once. This is for tests only.");
    } else {
        periodic(page, policy);
    }
    release_facts(page, policy);
}

fn periodic(page: &mut Page, policy: &Policy) {
    let rules = &policy.release;
    let (hours, changed, days) = (rules.interval_hours, rules.min_changed, rules.max_wait_days);
    page.line(
        format!(
            "Niet direct, maar op vaste peilmomenten: hoogstens eens per {hours} uur. Een peilmoment komt er pas als meldingen \
             van minstens {} gewijzigd zijn, of als iedere organisatie met een wijziging {} heeft gewacht. Zo is moeilijker te zien wie wanneer iets meldde.",
            organisations(changed, Lang::Nl),
            days_of(days, Lang::Nl)
        ),
        format!(
            "Not at once, but at fixed releases: at most one every {}. A release takes place only when flags of at least {} \
             have changed, or once every organisation with a change has waited {}. That makes it harder to see who flagged what when.",
            if hours == 1 { "hour".into() } else { format!("{hours} hours") },
            organisations(changed, Lang::En),
            days_of(days, Lang::En)
        ),
    );
}

fn release_facts(page: &mut Page, policy: &Policy) {
    page.line(
        "Een melding eindigt na haar laatste geldige dag, bij het begin van de volgende dag (UTC).",
        "A flag ends after its last valid day, at the turn of the day (UTC).",
    );
    let fresh = policy.freshness_days;
    page.line(
        format!(
            "Ieder antwoord zegt van welk peilmoment het is, en hoeveel organisaties de afgelopen {} hebben laten weten dat \
             hun meldingen kloppen. Zo is 'niets aan de hand' te onderscheiden van 'niemand levert aan'.",
            days_of(fresh, Lang::Nl)
        ),
        format!(
            "Every answer says which release it is of, and how many organisations confirmed their flags in the last {}. So \
             'nothing is going on' and 'nobody delivers' can be told apart.",
            days_of(fresh, Lang::En)
        ),
    );
}

fn retention(page: &mut Page, policy: &Policy) {
    page.heading("Hoe lang blijft iets bewaard?", "How long is anything kept?");
    let (flags, log) = (policy.retention.max_days, policy.retention.log_days);
    page.line(
        format!(
            "Een melding blijft hoogstens {} staan. Wie haar langer wil laten staan, moet dat uitdrukkelijk verklaren, en \
             het logboek telt dat mee.",
            days_of(flags, Lang::Nl)
        ),
        format!(
            "A flag stands for at most {}. Whoever wants it to stand longer must declare so, and the log counts that.",
            days_of(flags, Lang::En)
        ),
    );
    page.line(
        format!(
            "De teller houdt een logboek bij waarin achteraf niets ongemerkt te wijzigen is: welke partner wanneer welk soort \
             bericht stuurde, met hoeveel codes. Er staan geen adressen en geen codes in. Het wordt {} bewaard.",
            days_of(log, Lang::Nl)
        ),
        format!(
            "The counter keeps a log in which nothing can be changed unnoticed afterwards: which partner sent which kind of \
             message when, with how many codes. It holds no addresses and no codes. It is kept for {}.",
            days_of(log, Lang::En)
        ),
    );
}

fn budgets(page: &mut Page, policy: &Policy) {
    let budgets = &policy.budgets;
    let nl = |number| thousands(number, Lang::Nl);
    let en = |number| thousands(number, Lang::En);
    page.heading("Hoeveel mag een partner melden en vragen?", "How much may a partner flag and ask?");
    page.line(
        format!(
            "Iedere partner mag per dag {} nieuwe adressen melden, en hoogstens {} meldingen tegelijk hebben staan.",
            nl(budgets.new_flags_a_day),
            nl(budgets.flags_held)
        ),
        format!(
            "Each partner may flag {} new addresses a day, and hold at most {} flags at a time.",
            en(budgets.new_flags_a_day),
            en(budgets.flags_held)
        ),
    );
    page.line(
        format!(
            "Iedere partner mag per dag naar {} adressen vragen, en per sleutelperiode naar {}. Vragen naar de eigen meldingen \
             is na ieder peilmoment een keer vrij.",
            nl(budgets.asked_a_day),
            nl(budgets.asked_an_epoch)
        ),
        format!(
            "Each partner may ask about {} addresses a day, and about {} in an epoch. Asking about one's own flags is free \
             once a release.",
            en(budgets.asked_a_day),
            en(budgets.asked_an_epoch)
        ),
    );
    if policy.partners.iter().any(|partner| partner.may.sweep) {
        let reasons = budgets.sweep_reasons.iter().map(|reason| reason.as_str()).collect::<Vec<_>>().join(", ");
        page.line(
            format!(
                "Wie mag vragen zonder eigen melding (sweep), mag dat per dag voor {} adressen. De reden komt in het logboek \
                 en is een van deze: {reasons}.",
                nl(budgets.swept_a_day)
            ),
            format!(
                "Whoever may ask without a flag of its own (sweep) may do so for {} addresses a day. The reason goes into the \
                 log and is one of these: {reasons}.",
                en(budgets.swept_a_day)
            ),
        );
    } else if policy.counting.own_flag_required {
        page.line(
            "Niemand mag vragen zonder eigen melding (sweep).",
            "Nobody may ask without a flag of its own (sweep).",
        );
    }
    let (shrink, delay, ahead) =
        (policy.max_shrink_percent, policy.messages.max_delay_hours, policy.messages.max_ahead_minutes);
    page.line(
        format!(
            "Een volledige lijst die meer dan {shrink} procent van de meldingen intrekt, moet zeggen dat dat de bedoeling is. \
             Een bericht dat ouder is dan {delay} uur, of meer dan {ahead} minuten vooruit loopt, wordt geweigerd."
        ),
        format!(
            "A full set that withdraws more than {shrink} per cent of the flags must say that it means to. A message older \
             than {delay} hours, or more than {ahead} minutes ahead, is rejected."
        ),
    );
}

fn operator(page: &mut Page, policy: &Policy) {
    let operator = &policy.operator;
    let (name, oin, origin) = (&operator.name, operator.oin, &operator.log_origin);
    page.heading("Wie beheert de teller?", "Who runs the counter?");
    page.line(
        format!(
            "{name} (OIN {oin}). De teller heeft de geheime sleutel van de partners niet, en mag hem nooit krijgen."
        ),
        format!("{name} (OIN {oin}). The counter does not have the partners' secret key, and must never get it."),
    );
    page.line(
        "Zonder die sleutel zijn de codes niet naar adressen te herleiden. Een beheerder en een partner die samenspannen, \
         kunnen dat wel. Behandel de codes daarom als persoonsgegevens.",
        "Without that key the codes cannot be traced to addresses. An operator and a partner that collude can do it. So \
         treat the codes as personal data.",
    );
    let (reply, log) = (operator.verifying_key, operator.checkpoint_key);
    page.line(
        format!("Antwoorden zijn getekend met sleutel {reply}, het logboek {origin} met {log}."),
        format!("Replies are signed with key {reply}, the log {origin} with {log}."),
    );
}

fn never(page: &mut Page) {
    page.heading("Wat gebeurt er nooit?", "What is never done?");
    page.line("Geen scores, geen profielen, geen voorspellingen.", "No scores, no profiles, no predictions.");
    page.line(
        "Geen inhoud van dossiers, geen namen en geen leesbare adressen naar de teller.",
        "No contents of files, no names and no readable addresses to the counter.",
    );
    page.line(
        "Geen enkel antwoord zegt welke organisaties een adres melden.",
        "No answer says which organisations flag an address.",
    );
    page.line(
        "Een treffer is nooit de enige grond voor een besluit; er beslist altijd een mens.",
        "A hit is never the sole ground for a decision; a human being always decides.",
    );
    page.line(
        "Geen automatisch doorgeven van gegevens na een treffer.",
        "Nothing is shared automatically after a hit.",
    );
}

fn set_aside(page: &mut Page, policy: &Policy) {
    let check = policy.check();
    page.heading("Afwijkingen en aandachtspunten", "Exceptions and points of attention");
    if policy.overrides.is_empty() {
        page.line("Geen veiligheidsregel is terzijde gesteld.", "No safety rule is set aside.");
    }
    for Override { rule, reason } in &policy.overrides {
        page.line(
            format!("De veiligheidsregel '{rule}' is terzijde gesteld. Reden: {reason}"),
            format!("The safety rule '{rule}' is set aside. Reason: {reason}"),
        );
        for refusal in check.refusals.iter().filter(|refusal| refusal.rule == rule) {
            page.under(refusal.text(Lang::Nl), refusal.text(Lang::En));
        }
    }
    for note in check.notes.iter().filter(|note| note.rule != "test") {
        page.line(note.text(Lang::Nl), note.text(Lang::En));
    }
}

fn epochs(page: &mut Page, policy: &Policy) {
    page.heading("Sleutelperioden", "Epochs");
    page.line(
        "De partners delen een geheime sleutel. Per periode is er een nieuwe. Codes van verschillende perioden zijn niet met \
         elkaar te vergelijken.",
        "The partners share a secret key. Each epoch has a new one. Codes of different epochs cannot be compared.",
    );
    for epoch in &policy.epochs {
        let (number, id, opens, closes) = (epoch.number, epoch.key_id, epoch.opens, epoch.closes);
        page.under(
            format!("Periode {number}: {opens} tot en met {closes}, sleutelkenmerk {id}."),
            format!("Epoch {number}: {opens} to {closes}, that day included, key id {id}."),
        );
    }
}

fn changes(page: &mut Page, policy: &Policy) {
    let (rules, all) = (&policy.changes, policy.organisations());
    let (signatures, grace, within) = (rules.signatures, rules.grace_days, rules.new_epoch_within_days);
    page.heading("Hoe veranderen deze afspraken?", "How does this policy change?");
    page.line(
        format!(
            "Deze afspraken gelden pas als {signatures} van de {all} organisaties getekend hebben. Een nieuwe versie noemt het \
             kenmerk van de vorige en heeft ook handtekeningen van de organisaties van de vorige versie nodig."
        ),
        format!(
            "This policy is in force only when {signatures} of the {all} organisations have signed. A new version names the \
             digest of the one before, and needs signatures of that version's organisations too."
        ),
    );
    page.line(
        format!(
            "Meldingen volgens de vorige versie tellen nog {} mee, behalve als de drempel omlaag ging. Vragen volgens de \
             vorige versie worden niet beantwoord.",
            days_of(grace, Lang::Nl)
        ),
        format!(
            "Flags under the version before pass for another {}, unless the threshold went down. Questions under it are not \
             answered.",
            days_of(grace, Lang::En)
        ),
    );
    page.line(
        format!("Vertrekt er een organisatie, dan komt er binnen {} een nieuwe sleutel.", days_of(within, Lang::Nl)),
        format!("When an organisation leaves, there is a new key within {}.", days_of(within, Lang::En)),
    );
    match policy.previous {
        None => page.line("Dit is de eerste versie.", "This is the first version."),
        Some(digest) => page
            .line(format!("Kenmerk van de vorige versie: {digest}"), format!("Digest of the version before: {digest}")),
    }
    let digest = policy.digest();
    page.line(format!("Kenmerk van deze versie: {digest}"), format!("Digest of this version: {digest}"));
    page.plain(
        "Het kenmerk staat in ieder bericht en ieder antwoord. Het legt vast naar welke regels de teller zich moet houden; \
         het bewijst niet dat hij dat doet.",
        "The digest is in every message and every reply. It commits the counter to these rules; it does not prove that the \
         counter keeps them.",
    );
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn every_text_of_the_policy_is_in_it() {
        let policy = sample::policy();
        for lang in [Lang::Nl, Lang::En] {
            let page = policy.explain(lang).split_whitespace().collect::<Vec<_>>().join(" ");
            let mut texts = vec![
                policy.legal_basis.clone(),
                policy.flag_criterion.clone(),
                policy.after_hit.clone(),
                policy.coordinator.clone(),
                policy.operator.name.clone(),
                policy.operator.verifying_key.to_string(),
                policy.operator.checkpoint_key.to_string(),
                policy.operator.log_origin.clone(),
                policy.digest().to_string(),
                policy.epochs[0].key_id.to_string(),
                policy.epochs[0].closes.to_string(),
                policy.valid_from.to_string(),
            ];
            for partner in &policy.partners {
                texts.extend([partner.name.clone(), partner.oin.to_string(), partner.organisation.to_string()]);
                texts.extend(partner.legal_basis_flag.clone());
                texts.extend(partner.legal_basis_ask.clone());
            }
            for text in texts {
                assert!(page.contains(&text), "{lang:?} lacks {text}");
            }
        }
    }

    #[test]
    fn an_override_and_its_reason_are_in_it() {
        let policy = sample::changed(&[
            ("threshold = 2", "threshold = 2\ncount_cap = 4"),
            ("[[epoch]]", "[[override]]\nrule = \"names-somebody\"\nreason = \"Zo besloten\"\n[[epoch]]"),
        ]);
        for (lang, reason) in [(Lang::Nl, "Reden: Zo besloten"), (Lang::En, "Reason: Zo besloten")] {
            let page = policy.explain(lang);
            assert!(page.contains(reason) && page.contains("\"4 "), "{page}");
        }
    }

    #[test]
    fn what_is_unsafe_or_a_test_is_said_first() {
        let policy = sample::changed(&[("threshold = 2", "threshold = 1"), ("[operator]", "test = true\n[operator]")]);
        let page = policy.explain(Lang::Nl);
        let opening: String = page.lines().take(10).collect();
        assert!(opening.contains("REGELS VOOR EEN TEST") && opening.contains("NIET VEILIG"), "{opening}");
        assert!(!sample::policy().explain(Lang::Nl).contains("NIET VEILIG"));
    }

    #[test]
    fn lines_are_short_where_words_allow() {
        for lang in [Lang::Nl, Lang::En] {
            for line in sample::policy().explain(lang).lines() {
                assert!(line.chars().count() <= WIDTH || !line.trim().contains(' '), "{line}");
                assert_eq!(line, line.trim_end());
            }
        }
    }
}

//! The thirteen phases of the demonstration, from a town without flags to flags that have ended.

mod after_a_hit;
mod checks;
mod month;
mod setting;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use stapel::message::{Standing, Told};
use stapel::partner::{Answered, Case, DossierEvent, StackChange};
use stapel::secret::SecretFile;
use stapel::{AddressKey, Day, Level, Timestamp};

use crate::consortium::{Consortium, HOUSING, POLICE, RULES, SAFETY, SYSTEMS, TAX, organisations};
use crate::error::{DemoError, Result};
use crate::plan::Plan;
use crate::play::Play;
use crate::show::{self, Show, thousands};
use crate::town::{Home, Town};
use crate::truth::Truth;

/// What came of it.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Homes flagged at the first release, each partner's own flags.
    pub(crate) flags: usize,
    /// Flags on house numbers that follow from them.
    pub(crate) number_flags: usize,
    /// By number of organisations: homes that truly have that many at the first release.
    pub(crate) stacked: BTreeMap<usize, usize>,
    /// The same for house numbers.
    pub(crate) stacked_numbers: BTreeMap<usize, usize>,
    /// The month after hits.
    pub(crate) month: Month,
    /// The notes that people wrote, each its text.
    pub(crate) texts: Vec<String>,
    /// Files and bytes of the broker's that were searched, replies included.
    pub(crate) searched: (usize, u64),
    /// What was found there that must not be there, in words.
    pub(crate) leaks: Vec<String>,
    /// Wall-clock seconds by phase.
    pub(crate) seconds: Vec<(&'static str, f64)>,
}

/// Figures of the month after hits.
#[derive(Default)]
pub(crate) struct Month {
    pub(crate) days: usize,
    /// Homes that were flagged in it.
    pub(crate) flags: usize,
    /// Homes that are stacked at its end.
    pub(crate) hits: usize,
    /// Homes that were put forward.
    pub(crate) put_forward: usize,
    /// Partners that were asked, once for each home.
    pub(crate) asked: usize,
    /// Pairs that were introduced.
    pub(crate) introduced: usize,
    /// Homes over which somebody was.
    pub(crate) addresses: usize,
    /// The most days from the message that completed what an introduction needs to the introduction.
    pub(crate) longest_wait: usize,
    /// Notes, each once for everybody whom it is for.
    pub(crate) notes: usize,
    /// By outcome: conversations that ended so.
    pub(crate) outcomes: BTreeMap<&'static str, usize>,
}

/// The telling.
pub(crate) struct Story<'a, W> {
    town: &'a Town,
    seed: u64,
    plan: Plan,
    play: Play,
    show: Show<W>,
    /// Every flag that was ever set is on one of these, by key.
    homes: HashMap<AddressKey, &'a Home>,
    outcome: Outcome,
    since: Instant,
    secret: SecretFile,
    secret_path: PathBuf,
    /// A home that the police and the municipality alone flag.
    pair: Option<AddressKey>,
}

/// A moment of the simulated year.
fn moment(month: u8, day: u8, hour: u64, minute: u64) -> Timestamp {
    Day::from_ymd(2027, month, day).unwrap_or_default().start().plus(hour * 3600 + minute * 60)
}

/// The end of the month in which the story begins.
fn month_end() -> Day {
    moment(1, 4, 8, 0).day().month_end()
}

impl<'a, W: Write> Story<'a, W> {
    /// Tells of `town`, in folders made in `base`.
    pub(crate) fn begin(
        town: &'a Town,
        seed: u64,
        base: &Path,
        mut show: Show<W>,
        since: Instant,
    ) -> Result<Story<'a, W>> {
        let mut seconds = vec![("town", since.elapsed().as_secs_f64())];
        show.phase("The town")?;
        setting::tell_town(town, &mut show)?;
        let since = Instant::now();
        let start = moment(1, 4, 8, 0);
        let consortium = Consortium::found(base, town.homes.len(), start)?;
        show.phase("The consortium")?;
        setting::tell_consortium(&consortium, &mut show)?;
        let Consortium { partners, operator, secret, secret_path, .. } = consortium;
        let play = Play::new(partners, operator, seed, start);
        seconds.push(("consortium", since.elapsed().as_secs_f64()));
        Ok(Story {
            town,
            seed,
            plan: Plan::new(town.homes.len(), seed),
            play,
            show,
            homes: town.homes.iter().map(|home| (home.key, home)).collect(),
            outcome: Outcome { seconds, ..Outcome::default() },
            since: Instant::now(),
            secret,
            secret_path,
            pair: None,
        })
    }

    /// Tells it all.
    pub(crate) fn tell(mut self) -> Result<(Outcome, Play)> {
        self.flagging()?;
        self.lap("flag");
        self.first_release()?;
        self.lap("ask");
        self.the_brokers_side()?;
        self.a_week_of_work()?;
        self.what_is_rejected()?;
        self.the_end_of_a_month()?;
        self.a_change_waits()?;
        self.one_address()?;
        self.lap("work");
        self.after_a_hit()?;
        self.a_month()?;
        self.lap("after a hit");
        self.checks()?;
        self.lap("checks");
        self.show.end()?;
        Ok((self.outcome, self.play))
    }

    fn flagging(&mut self) -> Result<()> {
        self.show.phase("Each partner flags, from its own files")?;
        let mut rows = Vec::new();
        for (at, system) in SYSTEMS.iter().enumerate() {
            self.play.wait_until(moment(1, 11, 9, 10 * at as u64))?;
            let mut flags = 0;
            let refused = self.play.tally.refused.len();
            let mut example = None;
            for (file, until) in [("export.txt", None), ("export-this-month.txt", Some(month_end()))] {
                let planned = if until.is_some() { &self.plan.short[at] } else { &self.plan.long[at] };
                let homes: Vec<&Home> = planned.iter().map(|home| &self.town.homes[*home]).collect();
                let keys = self.play.import(at, file, &homes)?;
                self.play.flag(at, &keys, until)?;
                flags += keys.len();
                if example.is_none() {
                    // One with a letter, which systems write most differently.
                    let line = homes.iter().position(|home| home.key.addition().starts_with(char::is_alphabetic));
                    example = Some(nth_line(&self.play.seats[at].folder.join(file), line.unwrap_or(0))?);
                }
            }
            self.play.deliver(at)?;
            let refused = self.play.tally.refused.len() - refused;
            rows.push(vec![system.short.to_owned(), thousands(flags), thousands(refused), example.unwrap_or_default()]);
            self.outcome.flags += flags;
            self.outcome.number_flags += self.play.truth.held(at) - flags;
        }
        self.show.say(
            "The addresses were chosen by chance, so that the shares overlap. Every partner's own system writes them \
             in its own way; Stapel reads each line, and refuses what can be read in two ways. This is one line of \
             each:",
        )?;
        self.show.table(&["partner", "flagged", "refused", "a line of its file"], &rows)?;
        if let Some(refused) = self.play.tally.refused.first() {
            let (line, system) = (refused.line, SYSTEMS[refused.system].short);
            let text = format!(
                "Refused lines are left out until somebody mends them. Line {line} of {system}: {}",
                refused.error
            );
            self.show.say(&text)?;
        }
        let (sent, _) = self.play.tally.bytes();
        self.show.say(&format!(
            "Each partner has sent one signed message, a full set, {} bytes in all. In it an address is 16 bytes, made \
             with the secret that the partners share; beside them stand the last valid days, and nothing else.",
            thousands(sent)
        ))?;
        self.play.wait_until(moment(1, 11, 11, 0))?;
        let own: Vec<AddressKey> = self.play.truth.wanted(POLICE).keys().take(3).copied().collect();
        let answered = self.play.ask(POLICE, &own)?;
        self.show.say("Nothing shows yet. The police ask about three addresses that they have just flagged:")?;
        self.answer(&answered, own.len())
    }

    fn first_release(&mut self) -> Result<()> {
        self.play.wait_until(moment(1, 12, 9, 0))?;
        self.show.phase("The first release, and what each partner is told")?;
        self.outcome.stacked = self.play.truth.stacks(|address| address.level() == Level::Unit);
        self.outcome.stacked_numbers = self.play.truth.stacks(|address| address.level() == Level::Number);
        self.show.say(
            "At 00:00 UTC the flags were released, all together. By a plain count, made without any cryptography, the \
             town has so many addresses with flags of so many organisations:",
        )?;
        let heights = 1..=organisations().len();
        let count = |stacks: &BTreeMap<usize, usize>, height| thousands(stacks.get(&height).copied().unwrap_or(0));
        let rows: Vec<Vec<String>> = heights
            .map(|height| {
                let Outcome { stacked, stacked_numbers, .. } = &self.outcome;
                vec![height.to_string(), count(stacked, height), count(stacked_numbers, height)]
            })
            .collect();
        self.show.table(&["organisations", "homes", "house numbers"], &rows)?;

        let mut told: BTreeMap<AddressKey, Vec<(usize, Told)>> = BTreeMap::new();
        let mut rows = Vec::new();
        for (at, system) in SYSTEMS.iter().enumerate() {
            let answered = self.play.ask_own(at)?;
            let stacked = answered.rows.iter().filter_map(|(address, standing)| match standing {
                Standing::Stacked(number) => Some((*address, *number)),
                _ => None,
            });
            let mut count = [0, 0];
            for (address, number) in stacked {
                count[usize::from(address.level() == Level::Number)] += 1;
                told.entry(address).or_default().push((at, number));
            }
            let sees = format!("{} of {}", system.sees.as_str(), system.short);
            rows.push(vec![sees, thousands(answered.rows.len()), thousands(count[0]), thousands(count[1])]);
        }
        self.show
            .say("Each partner asks about all that it flags itself, homes and their house numbers. It is told:")?;
        self.show.table(&["partner, and what it may see", "asked", "stacked homes", "stacked house numbers"], &rows)?;
        self.show.say(&format!(
            "Stacked means: at least {} organisations. A count goes no further than {}, so that 'all of them' never \
             shows. Who flags is told to nobody.",
            RULES.threshold, RULES.count_cap
        ))?;
        self.show.say(
            "Ranked, from all partners' answers put together. Nobody in the consortium has this table: each partner \
             has its own rows of it, without the last two columns. Homes and house numbers are never ranked together.",
        )?;
        for (level, rows, what) in [(Level::Unit, 12, "home"), (Level::Number, 6, "number")] {
            self.ranked(&told, level, rows, what)?;
        }
        self.two_systems()
    }

    /// The table of stacked addresses of one level.
    fn ranked(
        &mut self,
        told: &BTreeMap<AddressKey, Vec<(usize, Told)>>,
        level: Level,
        most: usize,
        what: &str,
    ) -> Result<()> {
        let height = |number: &Told| match number {
            Told::Presence => RULES.threshold,
            Told::Band(count) | Told::Count(count) => usize::from(*count),
        };
        let best = |all: &[(usize, Told)]| all.iter().map(|(_, number)| *number).max_by_key(height);
        let mut ranked: Vec<_> = told.iter().filter(|(address, _)| address.level() == level).collect();
        ranked.sort_by_key(|(address, all)| {
            (std::cmp::Reverse((all.iter().map(|(_, number)| height(number)).max(), all.len())), **address)
        });
        let rows: Vec<Vec<String>> = ranked
            .iter()
            .take(most)
            .enumerate()
            .map(|(at, (address, all))| {
                let names: Vec<_> = all.iter().map(|(system, _)| SYSTEMS[*system].short).collect();
                let told = best(all).map_or(String::new(), |number| show::told(number, RULES.count_cap));
                vec![
                    (at + 1).to_string(),
                    self.name(address),
                    address.postcode().to_owned(),
                    told,
                    self.play.truth.count(address).to_string(),
                    names.join(", "),
                ]
            })
            .collect();
        self.show.table(&["", what, "postcode", "told", "in truth", "told to"], &rows)?;
        if ranked.len() > most {
            self.show.say(&format!("... and {} more.", thousands(ranked.len() - most)))?;
        }
        Ok(())
    }

    /// Two systems of one organisation count once.
    fn two_systems(&mut self) -> Result<()> {
        let truth = &self.play.truth;
        let both = |home: &&AddressKey| truth.flaggers(home) == [SAFETY, SAFETY + 1];
        let Some(home) = truth.wanted(SAFETY).keys().find(both).copied() else { return Ok(()) };
        let answered = self.play.ask(SAFETY, &[home])?;
        self.show.say(
            "Two systems of one organisation count once. This address is flagged by both of the municipality's:",
        )?;
        self.answer(&answered, 1)
    }

    fn the_brokers_side(&mut self) -> Result<()> {
        self.show.phase("What the broker sees")?;
        let status = self.play.status()?;
        let rows: Vec<Vec<String>> = SYSTEMS
            .iter()
            .zip(status)
            .map(|(system, (held, released))| vec![system.number.to_string(), thousands(held), thousands(released)])
            .collect();
        self.show.say("Numbers of partners, and numbers of flags:")?;
        self.show.table(&["partner", "flags held", "flags released"], &rows)?;
        let Some((name, bytes)) = largest_file(&self.play.operator.folder.join("store"))? else {
            return Err("the broker keeps nothing".into());
        };
        self.show.say(&format!(
            "What it keeps on disk are tags, its own keyed hash of what the partners sent, and those sealed. From \
             {name}, {} bytes:",
            thousands(bytes.len())
        ))?;
        self.show.lines(&show::excerpt(&bytes))?;
        Ok(())
    }

    fn a_week_of_work(&mut self) -> Result<()> {
        self.show.phase("Withdrawing, and flagging anew")?;
        self.play.wait_until(moment(1, 14, 9, 0))?;
        for system in 0..SYSTEMS.len() {
            // What is stacked now is known, so that what comes is news.
            self.play.seats[system].partner.news()?;
        }
        let truth = &self.play.truth;
        let mine: Vec<AddressKey> = truth.wanted(POLICE).keys().copied().collect();
        self.pair = mine.iter().find(|home| truth.flaggers(home) == [POLICE, SAFETY]).copied();
        let withdrawn: Vec<AddressKey> =
            mine.into_iter().step_by(20).filter(|home| Some(*home) != self.pair).chain(self.pair).collect();
        self.play.withdraw(POLICE, &withdrawn)?;
        self.play.deliver(POLICE)?;
        let homes: Vec<&Home> = self.plan.later.iter().map(|home| &self.town.homes[*home]).collect();
        let flagged = self.play.import(TAX, "export-later.txt", &homes)?;
        self.play.flag(TAX, &flagged, None)?;
        self.play.deliver(TAX)?;
        self.show.say(&format!(
            "On 14 January the police withdraw {} of their flags, and the tax office flags {} more addresses. No \
             answer changes before the day has turned:",
            withdrawn.len(),
            flagged.len()
        ))?;
        self.ask_about_pair()?;
        self.play.wait_until(moment(1, 15, 9, 0))?;
        self.show.say(
            "What was withdrawn no longer counts at the turn of the day. On 15 January all else shows too, because a \
             release takes place every seven days, whatever changed:",
        )?;
        self.ask_about_pair()?;
        self.news()
    }

    fn what_is_rejected(&mut self) -> Result<()> {
        self.show.phase("What the broker does not take")?;
        self.play.wait_until(moment(1, 18, 9, 0))?;
        let before = self.play.status()?;
        let accepted = self.play.seats[POLICE].accepted.clone();
        let (Some((first, _)), Some((last, receipt))) = (accepted.first(), accepted.last()) else {
            return Err("the police delivered nothing".into());
        };
        let again = self.play.carry(last)?;
        if again != *receipt {
            return Err("a message that was sent again got another receipt".into());
        }
        let mut damaged = last.clone();
        // In its signature: elsewhere the bit may be one of a length.
        let in_signature = damaged.len() - 64;
        damaged[in_signature] ^= 1;
        let cut = &last[..last.len() - 1];
        let mut rows =
            vec![vec!["the same message again".to_owned(), "the same receipt again".to_owned(), String::new()]];
        for (what, message, code) in [
            ("an older message again", first.as_slice(), "stale"),
            ("a message with one bit changed on its way", damaged.as_slice(), "bad_signature"),
            ("a message with its last byte lost", cut, "malformed"),
        ] {
            let reply = self.play.carry(message)?;
            let (rejection, signed) = self.play.rejection(&reply)?;
            if rejection.code.as_str() != code {
                return Err(format!("{what} was rejected as {}, not as {code}", rejection.code.as_str()).into());
            }
            let unsigned = if signed { "" } else { ", unsigned, as it may be anybody's" };
            rows.push(vec![what.to_owned(), format!("{}{unsigned}", rejection.code.as_str()), rejection.sentence]);
        }
        let all: Vec<AddressKey> = self.town.homes.iter().map(|home| home.key).collect();
        let rejection = self.play.ask_in_vain(HOUSING, &all)?;
        rows.push(vec![
            "a question about every home of the town".to_owned(),
            rejection.code.as_str().to_owned(),
            rejection.sentence,
        ]);
        let lines: Vec<String> = rows
            .iter()
            .flat_map(|row| [format!("{}: {}", row[0], row[1]), format!("    {}", row[2])])
            .filter(|line| !line.trim().is_empty())
            .collect();
        self.show.lines(&lines)?;
        if self.play.status()? != before {
            return Err("a rejected message changed what the broker holds".into());
        }
        self.show.say(
            "None of this changed anything at the broker. And whoever asks about what it does not flag is \
                       told nothing:",
        )?;
        let truth = &self.play.truth;
        let others = truth.wanted(TAX).keys().filter(|home| !truth.wanted(HOUSING).contains_key(home));
        let others: Vec<AddressKey> =
            others.filter(|home| truth.count(home) >= RULES.threshold).take(2).copied().collect();
        let answered = self.play.ask(HOUSING, &others)?;
        self.answer(&answered, others.len())
    }

    fn the_end_of_a_month(&mut self) -> Result<()> {
        self.show.phase("The end of a month")?;
        self.play.wait_until(moment(1, 29, 9, 0))?;
        let ending = |truth: &Truth, system: usize| -> Vec<AddressKey> {
            truth.wanted(system).iter().filter(|(_, last)| **last == month_end()).map(|(home, _)| *home).collect()
        };
        let counts: Vec<usize> = (0..SYSTEMS.len()).map(|system| ending(&self.play.truth, system).len()).collect();
        let renewed: Vec<AddressKey> = ending(&self.play.truth, SAFETY).into_iter().step_by(2).collect();
        self.play.renew(SAFETY, &renewed)?;
        for system in 0..SYSTEMS.len() {
            self.play.deliver(system)?;
        }
        self.show.say(&format!(
            "{} flags end with January. On the 29th team veiligheid looks again at its {} and renews {}, because it is \
             acting on them; the other partners confirm that nothing changed. On the 30th the broker's machine is \
             restarted.",
            thousands(counts.iter().sum::<usize>()),
            counts[SAFETY],
            renewed.len()
        ))?;
        self.play.wait_until(moment(1, 30, 12, 0))?;
        self.play.operator.restart()?;
        let before = self.play.status()?;
        self.play.wait_until(moment(2, 1, 9, 0))?;
        let after = self.play.status()?;
        let rows: Vec<Vec<String>> = SYSTEMS
            .iter()
            .zip(before.iter().zip(&after))
            .map(|(system, ((_, before), (_, after)))| {
                vec![system.short.to_owned(), thousands(*before), thousands(*after), thousands(before - after)]
            })
            .collect();
        self.show.say(
            "With the turn of the month they are gone, at the broker too, without anybody's doing (homes and house \
             numbers):",
        )?;
        self.show.table(&["partner", "released on 30 January", "on 1 February", "ended"], &rows)?;
        self.news()
    }

    fn a_change_waits(&mut self) -> Result<()> {
        self.show.phase("One organisation's new flags wait")?;
        self.play.wait_until(moment(2, 8, 9, 0))?;
        let truth = &self.play.truth;
        let alone = |home: &&AddressKey| truth.flaggers(home) == [TAX];
        let Some(home) = truth.wanted(TAX).keys().find(alone).copied() else { return Ok(()) };
        self.show.say(
            "A release with the new flags of one organisation alone would show whose they are, so they wait for those \
             of others, or for the release that takes place every seven days. On 8 February the housing association \
             alone flags an address that the tax office flags too:",
        )?;
        self.play.flag(HOUSING, &[home], None)?;
        self.play.deliver(HOUSING)?;
        let mut rows = Vec::new();
        for (day, hour) in [(9, 9), (11, 9), (12, 9)] {
            self.play.wait_until(moment(2, day, hour, 0))?;
            let answered = self.play.ask(TAX, &[home])?;
            let standing = answered.rows.first().map_or(String::new(), |(_, s)| show::standing(*s, RULES.count_cap));
            rows.push(vec![self.play.now.to_string(), self.name(&home), standing]);
        }
        self.show.table(&["asked by the tax office", "address", "standing"], &rows)?;
        Ok(())
    }

    fn one_address(&mut self) -> Result<()> {
        let Some(home) = self.pair else { return Ok(()) };
        self.show.phase("What one partner has on one address")?;
        self.show.say(&format!(
            "Somebody lives at {} and asks the police what they did with that address. Their own journal, which nobody \
             else has, says:",
            self.name(&home)
        ))?;
        let entries = {
            let (by, now) = (Case::new("p.peters", "inzageverzoek")?, self.play.now);
            self.play.seats[POLICE].partner.dossier(&home, &by, now)?
        };
        let mut rows = Vec::new();
        for entry in entries.iter().filter(|entry| entry.address == home) {
            let what = match &entry.event {
                DossierEvent::Flagged { last_day } => format!("flagged until {last_day}"),
                DossierEvent::Renewed { last_day, reason } => {
                    format!("renewed until {last_day}, {}", reason.as_str())
                }
                DossierEvent::Withdrawn => "withdrawn".to_owned(),
                DossierEvent::LookedUp => "looked up".to_owned(),
                DossierEvent::NewsShown => "shown as news".to_owned(),
                DossierEvent::Asked { .. } => "asked".to_owned(),
                DossierEvent::Answered { standing, .. } => show::standing(*standing, RULES.count_cap),
                _ => "another event".to_owned(),
            };
            let (actor, reference) = entry.by.as_ref().map_or(("", ""), |by| (by.actor(), by.reference()));
            rows.push(vec![entry.time.to_string(), actor.to_owned(), reference.to_owned(), what]);
        }
        self.show.table(&["when", "who", "case", "what"], &rows)?;
        Ok(())
    }

    /// All partners ask again about their own flags, and see what is new.
    fn news(&mut self) -> Result<()> {
        let mut rows = Vec::new();
        for (at, system) in SYSTEMS.iter().enumerate() {
            self.play.ask_own(at)?;
            let news = self.play.seats[at].partner.news()?;
            let count =
                |which: &dyn Fn(&StackChange) -> bool| thousands(news.iter().filter(|one| which(&one.change)).count());
            rows.push(vec![
                system.short.to_owned(),
                count(&|change| matches!(change, StackChange::NewlyStacked(_))),
                count(&|change| matches!(change, StackChange::CountChanged { .. })),
                count(&|change| matches!(change, StackChange::NoLongerStacked(_))),
            ]);
        }
        self.show.say("Every partner asks again, and has this news of its own addresses:")?;
        self.show.table(&["partner", "newly stacked", "other count", "no longer stacked"], &rows)?;
        Ok(())
    }

    fn ask_about_pair(&mut self) -> Result<()> {
        let Some(home) = self.pair else { return Ok(()) };
        let answered = self.play.ask(SAFETY, &[home])?;
        self.answer(&answered, 1)
    }

    /// Shows the first rows of an answer.
    fn answer(&mut self, answered: &Answered, most: usize) -> Result<()> {
        let rows: Vec<Vec<String>> = answered
            .rows
            .iter()
            .take(most)
            .map(|(address, standing)| {
                vec![self.name(address), address.postcode().to_owned(), show::standing(*standing, RULES.count_cap)]
            })
            .collect();
        self.show.table(&["address", "postcode", "standing"], &rows)?;
        Ok(())
    }

    /// How people write an address, of either level.
    fn name(&self, address: &AddressKey) -> String {
        if let Some(home) = self.homes.get(address) {
            return home.line();
        }
        let inside = self.town.homes.iter().find(|home| home.key.number_key() == *address);
        inside.map_or_else(|| address.to_string(), |home| format!("{} {}", home.street, home.number))
    }

    fn lap(&mut self, name: &'static str) {
        self.outcome.seconds.push((name, self.since.elapsed().as_secs_f64()));
        self.since = Instant::now();
    }
}

/// A line of a file, with what cannot be seen written out.
fn nth_line(path: &Path, at: usize) -> Result<String> {
    let text = fs::read_to_string(path).map_err(DemoError::file("read", path))?;
    let line = text.lines().nth(at).unwrap_or_default();
    Ok(line.replace('\u{a0}', "<nbsp>").replace('\t', "<tab>"))
}

/// The largest file that lies in a folder, not in one within it: its name and what is in it.
fn largest_file(folder: &Path) -> Result<Option<(String, Vec<u8>)>> {
    let Some(path) = path_of_largest(folder).map_err(DemoError::file("read", folder))? else { return Ok(None) };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = fs::read(&path).map_err(DemoError::file("read", &path))?;
    Ok(Some((name, bytes)))
}

fn path_of_largest(folder: &Path) -> io::Result<Option<PathBuf>> {
    let mut largest: Option<(u64, PathBuf)> = None;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let size = entry.metadata()?.len();
        if entry.file_type()?.is_file() && largest.as_ref().is_none_or(|(most, _)| size > *most) {
            largest = Some((size, entry.path()));
        }
    }
    Ok(largest.map(|(_, path)| path))
}

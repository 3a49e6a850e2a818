//! A map of own flags, drawn from a register's coordinates alone: hits with numbers among the other addresses of their
//! postcodes. Nothing is fetched for it. The list beside it says the same.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use stapel::AddressKey;
use stapel::register::{Register, RegisterError};

use super::monday::proves_nothing;
use super::overview::{Overview, Row};
use super::{Visit, table};
use crate::pages::refusal::Refusal;
use crate::words::Words;

/// The most hits that are drawn, each with its number in the list.
const MOST_HITS: usize = 100;

/// The most other own flags that are drawn.
const MOST_FLAGS: usize = 1_000;

/// The most addresses of others around them that are drawn.
const MOST_AROUND: usize = 3_000;

/// The width and the height of the drawing, and the edge around it, in its own units.
const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 600.0;
const EDGE: f64 = 30.0;

/// The least degrees that a map shows, some 100 metres: one address alone is no wall of it.
const LEAST: f64 = 0.001;

/// Latitude and longitude in degrees.
type At = (f64, f64);

/// What is drawn.
struct Drawn<'a> {
    hits: Vec<(&'a Row, At)>,
    flags: Vec<At>,
    around: Vec<At>,
    /// Hits that the register has no place for.
    without: usize,
}

pub(super) fn show(visit: &mut Visit<'_>) -> Result<Markup, Refusal> {
    let words = visit.words;
    let register = visit.desk.register();
    let Some(register) = register.as_ref() else {
        return Ok(html! {
            p {
                (words.t(
                    "Een kaart is er alleen waar een adresregister met coördinaten geladen is. De beheerder leest in ",
                    "There is a map only where a register of addresses with coordinates is loaded. The administrator \
                     reads how in ",
                ))
                code { "docs/pages.md" } "."
            }
        });
    };
    let overview = Overview::of(visit)?;
    let drawn = Drawn::of(&overview, register).map_err(Refusal::from)?;
    let rows: Vec<&Row> = drawn.hits.iter().map(|(row, _)| *row).collect();
    Ok(html! {
        (proves_nothing(words))
        @if drawn.hits.is_empty() && drawn.flags.is_empty() {
            p { (words.t("Er is niets te tekenen.", "There is nothing to draw.")) }
        } @else {
            (key(words))
            div.map role="region" tabindex="0" aria-labelledby="map" { (svg(words, &drawn)) }
        }
        @if drawn.without > 0 {
            p {
                (words.t(
                    "Treffers waarvan het register geen plek heeft: ",
                    "Hits that the register has no place for: ",
                ))
                (words.number(drawn.without as u64))
            }
        }
        section.list aria-labelledby="list" {
            h2 #list { (words.t("De treffers op de kaart", "The hits on the map")) }
            @if rows.is_empty() {
                p { (words.t("Geen.", "None.")) }
            } @else {
                ol.numbered { @for row in &rows { li { b { (row.typed) } (table::state(words, &overview, row)) } } }
            }
        }
    })
}

impl<'a> Drawn<'a> {
    fn of(overview: &'a Overview, register: &Register) -> Result<Drawn<'a>, RegisterError> {
        let (mut hits, mut flags, mut without) = (Vec::new(), Vec::new(), 0);
        let mut postcodes = BTreeSet::new();
        for row in &overview.rows {
            let is_hit = row.is_stacked();
            if (is_hit && hits.len() == MOST_HITS) || (!is_hit && flags.len() == MOST_FLAGS) {
                continue;
            }
            match place(register, &row.address)? {
                Some(at) if is_hit => hits.push((row, at)),
                Some(at) => flags.push(at),
                None => {
                    without += usize::from(is_hit);
                    continue;
                }
            }
            postcodes.insert(row.address.postcode());
        }
        let mut around = Vec::new();
        for postcode in postcodes {
            let entries = register.of_postcode(postcode)?;
            around.extend(entries.iter().filter(|entry| !entry.is_withdrawn).filter_map(|entry| entry.at));
            if around.len() >= MOST_AROUND {
                around.truncate(MOST_AROUND);
                break;
            }
        }
        Ok(Drawn { hits, flags, around, without })
    }

    fn all(&self) -> impl Iterator<Item = At> {
        self.hits.iter().map(|(_, at)| *at).chain(self.flags.iter().copied()).chain(self.around.iter().copied())
    }
}

/// Where an address is; a house number where the first of its homes is.
fn place(register: &Register, address: &AddressKey) -> Result<Option<At>, RegisterError> {
    Ok(register.look_up(address)?.entries.iter().find_map(|entry| entry.at))
}

/// From degrees to the drawing: a plane is near enough for a town.
struct Plane {
    west: f64,
    north: f64,
    /// How much shorter a degree of longitude is than one of latitude.
    narrow: f64,
    scale: f64,
}

impl Plane {
    fn of(drawn: &Drawn<'_>) -> Plane {
        let bounds = |of: fn(At) -> f64| {
            let (least, most) = drawn.all().map(of).fold((f64::MAX, f64::MIN), |(a, b), one| (a.min(one), b.max(one)));
            let middle = f64::midpoint(least, most);
            (least.min(middle - LEAST / 2.0), most.max(middle + LEAST / 2.0))
        };
        let ((south, north), (west, east)) = (bounds(|at| at.0), bounds(|at| at.1));
        let narrow = f64::midpoint(south, north).to_radians().cos();
        let (wide, high) = ((east - west) * narrow, north - south);
        let scale = ((WIDTH - 2.0 * EDGE) / wide).min((HEIGHT - 2.0 * EDGE) / high);
        Plane { west, north, narrow, scale }
    }

    /// With one digit after the point.
    fn place(&self, (latitude, longitude): At) -> (String, String) {
        let x = EDGE + (longitude - self.west) * self.narrow * self.scale;
        let y = EDGE + (self.north - latitude) * self.scale;
        (format!("{x:.1}"), format!("{y:.1}"))
    }
}

fn svg(words: Words, drawn: &Drawn<'_>) -> Markup {
    let plane = Plane::of(drawn);
    // One sign with all numbers where hits are at one place, as the homes of a building: two would hide each other.
    let mut signs: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (number, (_, at)) in (1..).zip(&drawn.hits) {
        signs.entry(plane.place(*at)).or_default().push(number);
    }
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby="map" aria-describedby="map-said" {
            title #map { (words.t("Kaart van de treffers", "Map of the hits")) }
            desc #map-said {
                (words.t(
                    "Elk nummer is een treffer uit de lijst hieronder; het noorden is boven.",
                    "Each number is a hit in the list below; north is up.",
                ))
            }
            @for at in &drawn.around {
                @let (x, y) = plane.place(*at);
                circle.around cx=(x) cy=(y) r="2" {}
            }
            @for at in &drawn.flags {
                @let (x, y) = plane.place(*at);
                circle.own cx=(x) cy=(y) r="5" {}
            }
            @for ((x, y), numbers) in &signs {
                g.stack transform={ "translate(" (x) " " (y) ")" } {
                    (hit(numbers))
                }
            }
        }
    }
}

/// The most numbers that one sign has: of more it has the first, and how many more there are.
const MOST_NUMBERS: usize = 4;

/// The sign of the hits at one place, with their numbers as the list has them; all of them are its title.
fn hit(numbers: &[usize]) -> Markup {
    let [first, more @ ..] = numbers else { return html! {} };
    let all = numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let said = match numbers.len() {
        0 | 1 => format!("{first}."),
        2..=MOST_NUMBERS => all.clone(),
        _ => format!("{first} +{}", more.len()),
    };
    let width = 28.max(10 + 9 * said.len());
    html! {
        @if !more.is_empty() {
            title { (all) }
        }
        rect x={ "-" (width / 2) } y="-11" width=(width) height="22" {}
        text y="5" text-anchor="middle" { (said) }
    }
}

/// What each sign is.
fn key(words: Words) -> Markup {
    let sign = |sign: Markup| html! { svg.sign viewBox="-16 -16 32 32" aria-hidden="true" { (sign) } };
    html! {
        ul.key {
            li {
                (sign(html! { g.stack { (hit(&[1])) } }))
                (words.t("treffer, met zijn nummer in de lijst", "hit, with its number in the list"))
            }
            li {
                (sign(html! { circle.own r="5" {} }))
                (words.t("eigen melding zonder treffer", "own flag without a hit"))
            }
            li {
                (sign(html! { circle.around r="2" {} }))
                (words.t("ander adres met dezelfde postcode", "another address of the same postcode"))
            }
        }
    }
}

//! Who is signed in, and what they may.

use serde_json::{Map, Value};
use stapel::is_hidden;
use stapel::partner::{Caller, Case, PartnerError};

use super::refusal::Refusal;
use crate::client::MaySettings;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// See what is flagged and what came of it.
    Look,
    /// Flag, withdraw and renew.
    Flag,
    /// Put forward, answer and write to others.
    Meet,
    /// See what others did.
    Officer,
}

impl Right {
    pub(super) const ALL: [Right; 4] = [Right::Look, Right::Flag, Right::Meet, Right::Officer];
}

/// Somebody who is signed in.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// Who acts, as the journal has it.
    pub(super) actor: String,
    /// What they are called.
    pub(super) name: String,
    /// What they may, each once.
    pub(super) may: Vec<Right>,
    /// Whether the provider verified who it is.
    pub(super) is_verified: bool,
}

/// The most characters of a name that is shown.
const MAX_NAME: usize = 100;

impl Person {
    /// The one user, who may all that the partner may.
    pub(super) fn one_user(name: &str) -> Person {
        let name = name.to_owned();
        Person { actor: name.clone(), name, may: Right::ALL.to_vec(), is_verified: false }
    }

    /// Whom the claims of a verified ID token are of, where `who` names the claim for the journal.
    pub(super) fn of_claims(claims: &Map<String, Value>, who: &str, may: &MaySettings) -> Result<Person, Refusal> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::trim);
        let actor = text(who).filter(|actor| Case::new(actor, "1").is_ok()).ok_or_else(Refusal::no_name)?;
        // An address that somebody typed themselves says nothing of who they are.
        if who == "email" && claims.get("email_verified").is_some_and(|verified| *verified != Value::Bool(true)) {
            return Err(Refusal::no_name());
        }
        let is_shown =
            |name: &&str| !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(is_hidden);
        let name = text("name").filter(is_shown).unwrap_or(actor).to_owned();
        let values = may.claim.as_deref().map(|claim| values_at(claims, claim)).unwrap_or_default();
        let has = |right: &Right| {
            let wanted = match right {
                Right::Look => &may.look,
                Right::Flag => &may.flag,
                Right::Meet => &may.meet,
                Right::Officer => &may.officer,
            };
            wanted.iter().any(|one| values.contains(&one.as_str()))
        };
        let may: Vec<Right> = Right::ALL.into_iter().filter(has).collect();
        if may.is_empty() {
            return Err(Refusal::no_right());
        }
        Ok(Person { actor: actor.to_owned(), name, may, is_verified: true })
    }

    /// What they do for a case, as the journal has it.
    pub(super) fn acting_for(&self, case: &str) -> Result<Case, PartnerError> {
        let caller = if self.is_verified { Caller::SignedIn } else { Caller::OneUser };
        Ok(Case::new(&self.actor, case)?.through(caller))
    }

    pub(super) fn has(&self, right: Option<Right>) -> bool {
        right.is_none_or(|right| self.may.contains(&right))
    }
}

/// The values of a claim: a text, or each text of a list. A name with dots is a claim's own, or else the way to it.
fn values_at<'a>(claims: &'a Map<String, Value>, name: &str) -> Vec<&'a str> {
    let along = |name: &str| {
        let mut parts = name.split('.');
        let first = claims.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    };
    match claims.get(name).or_else(|| along(name)) {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(claims: Value, who: &str, claim: &str) -> Result<Person, u16> {
        let may = MaySettings {
            claim: Some(claim.to_owned()),
            look: vec!["kijken".into(), "baas".into()],
            officer: vec!["fg".into()],
            ..MaySettings::default()
        };
        let Value::Object(claims) = claims else { panic!("an object") };
        Person::of_claims(&claims, who, &may).map_err(|refusal| refusal.status.as_u16())
    }

    #[test]
    fn who_it_is_and_what_they_may_is_what_the_named_claims_say() {
        let person =
            read(json!({"sub": "7", "upn": " j.jansen ", "name": "Jo", "roles": ["fg", "kijken"]}), "upn", "roles");
        let person = person.unwrap();
        assert_eq!((person.actor.as_str(), person.name.as_str()), ("j.jansen", "Jo"));
        assert_eq!(person.may, [Right::Look, Right::Officer]);
        assert!(person.has(None) && person.has(Some(Right::Officer)) && !person.has(Some(Right::Flag)));
        let by = person.acting_for("Z-1").unwrap();
        assert_eq!((by.actor(), by.caller()), ("j.jansen", Caller::SignedIn));
        assert_eq!(Person::one_user("m").acting_for("Z-1").unwrap().caller(), Caller::OneUser);
        // One text, a way to a claim, and a claim of which the name has dots.
        for (claims, claim) in [
            (json!({"sub": "7", "roles": "baas"}), "roles"),
            (json!({"sub": "7", "realm_access": {"roles": ["baas"]}}), "realm_access.roles"),
            (json!({"sub": "7", "https://a.nl/r": ["baas"]}), "https://a.nl/r"),
        ] {
            assert_eq!(read(claims, "sub", claim).unwrap().may, [Right::Look], "{claim}");
        }
    }

    #[test]
    fn nobody_comes_in_without_a_name_or_a_right() {
        for claims in [
            json!({"sub": "7"}),
            json!({"sub": "7", "roles": ["Kijken", "kijken "]}),
            json!({"sub": "7", "roles": {"kijken": true}}),
            json!({"roles": ["kijken"]}),
            json!({"sub": 7, "roles": ["kijken"]}),
            json!({"sub": " ", "roles": ["kijken"]}),
            json!({"sub": "a\u{202e}b", "roles": ["kijken"]}),
        ] {
            assert_eq!(read(claims.clone(), "sub", "roles").err(), Some(403), "{claims}");
        }
        let of = |verified: Value| {
            read(json!({"email": "a@b.nl", "email_verified": verified, "roles": "fg"}), "email", "roles")
        };
        assert!(of(json!(true)).is_ok() && of(json!(false)).is_err() && of(json!("true")).is_err());
    }

    #[test]
    fn a_name_that_cannot_be_shown_is_not() {
        let named = |name: &str| read(json!({"sub": "7", "name": name, "roles": "fg"}), "sub", "roles").unwrap().name;
        assert_eq!([named("Jo"), named("a\u{202e}b"), named(""), named(&"a".repeat(101))], ["Jo", "7", "7", "7"]);
    }
}

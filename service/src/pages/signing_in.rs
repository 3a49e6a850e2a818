//! Signing in at the provider or as the one user, and signing out.

use std::sync::Arc;

use stapel::policy::Lang;

use super::attempt;
use super::paths::{RETURN, SIGNED_OUT, own_page};
use super::person::Person;
use super::provider::{self, Back};
use super::refusal::Refusal;
use super::request::{ATTEMPT, Fields, SESSION, cookie};
use super::response::Answer;
use super::routes::{Pages, blocking};
use super::session::Session;
use super::setup::{Setup, Way, allows_one_user};
use crate::words::Words;

impl Pages {
    /// Sends a browser to the provider.
    pub(super) async fn begin(self: Arc<Pages>, setup: Arc<Setup>, to: String) -> Result<Answer, Refusal> {
        let now = self.desk.time();
        let attempt = self.attempts.begin(&to, now).ok_or_else(Refusal::internal)?;
        let set = cookie(ATTEMPT, &attempt.cookie, Some(attempt::LONGEST));
        let back = self.own(RETURN);
        let url = blocking(&self.signing_in, move || match &setup.way {
            Way::Provider(provider) => provider.begin(&attempt, &back, now),
            Way::OneUser { .. } => Err(Refusal::of("not_found")),
        });
        Ok(Answer::Elsewhere(url.await?, vec![set]))
    }

    /// A browser comes back from the provider.
    pub(super) async fn come_back(
        self: Arc<Pages>,
        setup: Arc<Setup>,
        cookie_text: Option<String>,
        id: Option<&str>,
        query: Fields,
    ) -> Result<Answer, Refusal> {
        if matches!(setup.way, Way::OneUser { .. }) {
            return Err(Refusal::of("not_found"));
        }
        let now = self.desk.time();
        let state = query.one("state").unwrap_or_default();
        let attempt = cookie_text.and_then(|text| self.attempts.come_back(&text, state, now));
        let attempt = attempt.ok_or_else(Refusal::other_attempt)?;
        let (Some(code), None) = (query.one("code").map(str::to_owned), query.one("error")) else {
            return Err(provider::refused(query.one("error").unwrap_or_default()));
        };
        let issuer = query.one("iss").map(str::to_owned);
        let (back, to) = (self.own(RETURN), own_page(Some(&attempt.to), Words(Lang::Nl)));
        let lasting = setup.lasting;
        let signed_in = blocking(&self.signing_in, move || {
            let Way::Provider(provider) = &setup.way else { return Err(Refusal::of("not_found")) };
            let came = Back { code: &code, issuer: issuer.as_deref() };
            let verified = provider.finish(&attempt, &came, &back, now)?;
            let person = Person::of_claims(&verified.claims, &provider.who, &setup.settings.may)?;
            Ok((person, verified.provided))
        });
        let (person, provided) = signed_in.await?;
        let begun = self.sessions.begin(person, Some(provided), now, lasting).ok_or_else(Refusal::internal)?;
        // Whoever was signed in with this browser before is not any more.
        id.into_iter().for_each(|id| self.sessions.end(id));
        let cookies = vec![cookie(SESSION, &begun, None), cookie(ATTEMPT, "", Some(0))];
        Ok(Answer::Elsewhere(to, cookies))
    }

    /// The provider says by itself that somebody signed out there: no browser's request.
    pub(super) async fn sign_out_from_there(
        self: Arc<Pages>,
        setup: Arc<Setup>,
        form: &Fields,
    ) -> Result<Answer, Refusal> {
        let token = form.one("logout_token").unwrap_or_default().to_owned();
        let now = self.desk.time();
        let who = blocking(&self.signing_in, move || match &setup.way {
            Way::Provider(provider) => provider.signed_out(&token, now),
            Way::OneUser { .. } => Err(Refusal::of("not_found")),
        });
        self.sessions.end_of(&who.await?);
        Ok(Answer::Done)
    }

    /// The one user signs in.
    pub(super) async fn sign_in_one(
        self: Arc<Pages>,
        setup: Arc<Setup>,
        words: Words,
        id: Option<&str>,
        form: &Fields,
    ) -> Result<Answer, Refusal> {
        let Way::OneUser { name, token } = &setup.way else { return Err(Refusal::of("not_found")) };
        if !token.is(form.one("token").unwrap_or_default().trim().as_bytes()) {
            return Err(Refusal::of("token"));
        }
        let desk = self.desk.clone();
        let allows = blocking(&self.working, move || Ok(allows_one_user(&desk.lend()))).await?;
        if !allows {
            return Err(Refusal::of("one_user"));
        }
        let begun = self.sessions.begin(Person::one_user(name), None, self.desk.time(), setup.lasting);
        let begun = begun.ok_or_else(Refusal::internal)?;
        id.into_iter().for_each(|id| self.sessions.end(id));
        Ok(Answer::Elsewhere(own_page(form.one("to"), words), vec![cookie(SESSION, &begun, None)]))
    }

    pub(super) fn sign_out(
        &self,
        setup: &Setup,
        id: Option<&str>,
        session: Option<Session>,
        form: &Fields,
    ) -> Result<Answer, Refusal> {
        // Whose session is over is signed out already.
        let (Some(id), Some(session)) = (id, session) else { return Ok(Answer::SignedOut(None)) };
        if !session.has_csrf(form.one("csrf")) {
            return Err(Refusal::of("form"));
        }
        self.sessions.end(id);
        Ok(Answer::SignedOut(match &setup.way {
            Way::Provider(provider) => {
                let id_token = session.provided.as_ref().map(|provided| provided.id_token.as_str());
                provider.end(id_token, &self.own(SIGNED_OUT))
            }
            Way::OneUser { .. } => None,
        }))
    }

    /// An address of this site, as others name it.
    fn own(&self, path: &str) -> String {
        format!("{}{path}", self.site.origin)
    }
}

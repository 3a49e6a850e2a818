//! What an organisation states of one of its partners in one epoch: which keys it has, or that it is suspended.

use data_encoding::HEXLOWER;

use super::error::PolicyError;
use super::model::Policy;
use crate::codec::encode_fields;
use crate::day::Day;
use crate::digest::Digest;
use crate::hex::from_hex;
use crate::label;
use crate::secret::{SealKey, Signature, SigningKey, VerifyingKey};
use crate::slug::Slug;

/// The most bytes of a certificate's file that are read. The longest there can be has 566.
pub(super) const MAX_CERTIFICATE_TEXT: usize = 1_024;

/// The keys of a partner in one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartnerKeys {
    /// What its messages are signed with.
    pub message: VerifyingKey,
    /// What notes to it are sealed to. It stays when the message key is replaced.
    pub seal: SealKey,
}

/// What an organisation states of one of its partners in one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The partner's number.
    pub partner: u16,
    /// The epoch.
    pub epoch: u32,
    /// From 1 on, and higher than that of the statement in whose place this one comes.
    pub serial: u32,
    /// The partner's keys; `None` suspends it.
    pub keys: Option<PartnerKeys>,
    /// The first day on which it holds.
    pub first_day: Day,
    /// The last day on which it holds.
    pub last_day: Day,
}

/// A statement on a partner, signed with the policy key of its organisation: a certificate, or a suspension.
///
/// What it says is what it claims until [`Certificate::verify`] has checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    consortium: Slug,
    statement: Statement,
    key: VerifyingKey,
    signature: Signature,
}

encode_fields! { PartnerKeys { message, seal } }
encode_fields! { Statement { partner, epoch, serial, keys, first_day, last_day } }
encode_fields! { Certificate { consortium, statement, key, signature } }

impl Certificate {
    /// Signs a statement with the policy key of the partner's organisation.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Certificate`] where [`Certificate::verify`] would refuse it.
    pub fn sign(policy: &Policy, statement: Statement, policy_key: &SigningKey) -> Result<Certificate, PolicyError> {
        let (consortium, key) = (policy.consortium.clone(), policy_key.verifying_key());
        let mut made = Certificate { consortium, statement, key, signature: [0; 64] };
        made.signature = policy_key.sign(&made.signed_bytes());
        let Statement { partner, epoch, .. } = *made.verify(policy)?;
        let organisation = policy.partner(partner).map(|entry| &entry.organisation);
        if organisation.is_some_and(|organisation| !policy.takes_part(organisation, epoch)) {
            let finding =
                format!("the organisation of partner {partner} takes part from a later epoch on than {epoch}");
            return Err(PolicyError::Certificate { finding });
        }
        Ok(made)
    }

    /// What it states, if it holds under the policy in force: it is of this consortium, of a partner and an epoch of
    /// the policy, and signed with the policy key that the partner's organisation has in it.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Certificate`].
    pub fn verify(&self, policy: &Policy) -> Result<&Statement, PolicyError> {
        let Statement { partner, epoch, serial, keys, first_day, last_day } = &self.statement;
        let wrong = |finding: String| Err(PolicyError::Certificate { finding });
        if self.consortium != policy.consortium {
            return wrong(format!("it is of '{}', and the policy of '{}'", self.consortium, policy.consortium));
        }
        let Some(entry) = policy.partner(*partner) else {
            return wrong(format!("the policy has no partner {partner}"));
        };
        if policy.epoch(*epoch).is_none() {
            return wrong(format!("the policy has no epoch {epoch}"));
        }
        if *serial == 0 || last_day < first_day {
            return wrong("its serial is 0, or its last day is before its first".into());
        }
        if let Some(finding) = keys.as_ref().and_then(|keys| misused(policy, keys)) {
            return wrong(finding.into());
        }
        if policy.organisation(&entry.organisation).is_none_or(|organisation| organisation.policy_key != self.key) {
            return wrong(format!(
                "it is not signed with the policy key that '{}' has in the policy: nobody else certifies its partners",
                entry.organisation
            ));
        }
        if !self.key.verifies(&self.signed_bytes(), &self.signature) {
            return wrong("it was altered".into());
        }
        Ok(&self.statement)
    }

    /// What it claims to state.
    pub fn claimed(&self) -> &Statement {
        &self.statement
    }

    /// The digest of its text, by which the broker's log names it.
    pub fn digest(&self) -> Digest {
        Digest::of(&[self.to_text().as_bytes()])
    }

    /// Reads a certificate's text: exactly what [`Certificate::to_text`] writes.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Certificate`], naming the line.
    pub fn parse(text: &str) -> Result<Certificate, PolicyError> {
        let wrong = |finding: String| PolicyError::Certificate { finding };
        if text.len() > MAX_CERTIFICATE_TEXT {
            return Err(wrong("it is too long to be a certificate's file".into()));
        }
        let mut lines = text.split_inclusive('\n').zip(1..);
        let mut line = |name: &'static str| {
            let (line, at) = lines.next().unwrap_or(("", 0));
            let value = line.strip_suffix('\n').and_then(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value.map(|value| Line { at, name, value }).ok_or_else(|| {
                wrong(format!("the line '{name}: ' is missing, or does not end; give the file as it was written"))
            })
        };
        let first = line("stapel-partner")?;
        let certifies = match first.value {
            "certificate v1" => true,
            "suspension v1" => false,
            _ => return Err(first.wrong("is neither 'certificate v1' nor 'suspension v1'")),
        };
        let consortium = line("consortium")?.read(|text| text.parse().ok())?;
        let partner = line("partner")?.read(|text| text.parse().ok())?;
        let epoch = line("epoch")?.read(|text| text.parse().ok())?;
        let serial = line("serial")?.read(|text| text.parse().ok())?;
        let keys = match certifies {
            true => Some(PartnerKeys {
                message: line("message-key")?.read(VerifyingKey::from_hex)?,
                seal: line("seal-key")?.read(SealKey::from_hex)?,
            }),
            false => None,
        };
        let first_day = line("first-day")?.read(|text| text.parse().ok())?;
        let last_day = line("last-day")?.read(|text| text.parse().ok())?;
        let key = line("key")?.read(VerifyingKey::from_hex)?;
        let signature = line("signature")?.read(from_hex)?;
        let statement = Statement { partner, epoch, serial, keys, first_day, last_day };
        let read = Certificate { consortium, statement, key, signature };
        // More lines, and numbers such as 01.
        if read.to_text() == text {
            Ok(read)
        } else {
            Err(wrong("it is not in its one form; give the file as it was written".into()))
        }
    }

    /// The certificate as text, for a file.
    pub fn to_text(&self) -> String {
        format!("{}signature: {}\n", self.signed_text(), HEXLOWER.encode(&self.signature))
    }

    /// The name that its file has by custom: `<partner>.<epoch>.<serial>.cert`.
    pub fn file_name(&self) -> String {
        let Statement { partner, epoch, serial, .. } = self.statement;
        format!("{partner}.{epoch}.{serial}.cert")
    }

    /// All lines before the signature's.
    fn signed_text(&self) -> String {
        let Certificate { consortium, key, .. } = self;
        let Statement { partner, epoch, serial, keys, first_day, last_day } = &self.statement;
        let (kind, keys) = match keys {
            Some(PartnerKeys { message, seal }) => {
                ("certificate", format!("message-key: {message}\nseal-key: {seal}\n"))
            }
            None => ("suspension", String::new()),
        };
        format!(
            "stapel-partner: {kind} v1\nconsortium: {consortium}\npartner: {partner}\nepoch: {epoch}\n\
             serial: {serial}\n{keys}first-day: {first_day}\nlast-day: {last_day}\nkey: {key}\n"
        )
    }

    fn signed_bytes(&self) -> Vec<u8> {
        [label::SIGN_CERTIFICATE.as_slice(), &Digest::of(&[self.signed_text().as_bytes()]).0].concat()
    }
}

/// Of the statements on one partner in one epoch the one that counts on a day: the highest serial of those whose first
/// day has come. A lower one does not hold again where that has ended.
pub(crate) fn latest<'a>(of: impl IntoIterator<Item = &'a Certificate>, day: Day) -> Option<&'a Statement> {
    let begun = of.into_iter().map(Certificate::claimed).filter(|statement| statement.first_day <= day);
    begun.max_by_key(|statement| statement.serial)
}

/// What is wrong with a partner's keys. A key that signs replies, checkpoints or policies signs no messages.
fn misused(policy: &Policy, keys: &PartnerKeys) -> Option<&'static str> {
    let operator = &policy.operator;
    let mut others = policy.organisations.iter().map(|organisation| organisation.policy_key);
    if keys.message.is_weak() || keys.seal.is_weak() {
        Some("it has a key of small order, which is everybody's")
    } else if [operator.verifying_key, operator.checkpoint_key].contains(&keys.message)
        || others.any(|key| key == keys.message)
    {
        Some("its message key is the operator's or a policy key; a key has one use")
    } else {
        None
    }
}

/// A line of a certificate's text, without its name.
struct Line<'a> {
    at: u32,
    name: &'static str,
    value: &'a str,
}

impl<'a> Line<'a> {
    fn read<T>(&self, read: impl Fn(&'a str) -> Option<T>) -> Result<T, PolicyError> {
        read(self.value).ok_or_else(|| self.wrong("cannot be read"))
    }

    fn wrong(&self, what: &str) -> PolicyError {
        PolicyError::Certificate { finding: format!("line {}, '{}', {what}", self.at, self.name) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn statement(partner: u16, serial: u32) -> Statement {
        let keys = Some(sample::partner_keys(partner as u8, 1));
        let (first_day, last_day) = (day("2026-12-01"), day("2027-11-30"));
        Statement { partner, epoch: 1, serial, keys, first_day, last_day }
    }

    fn sign(statement: Statement, organisation: &str) -> Result<Certificate, PolicyError> {
        Certificate::sign(&sample::policy(), statement, &sample::policy_key(organisation))
    }

    fn refused(statement: Statement, says: &str) {
        let error = sign(statement, "politie").unwrap_err();
        assert!(error.code() == "certificate" && error.to_string().contains(says), "{error}");
    }

    #[test]
    fn only_its_own_organisation_certifies_a_partner() {
        assert!(sign(statement(1, 1), "politie").is_ok());
        let error = sign(statement(1, 1), "zaanwonen").unwrap_err();
        assert!(error.to_string().contains("'politie'"), "{error}");
        refused(statement(9, 1), "no partner 9");
        refused(Statement { epoch: 2, ..statement(1, 1) }, "no epoch 2");
        refused(statement(1, 0), "serial is 0");
        refused(Statement { last_day: day("2026-11-30"), ..statement(1, 1) }, "before its first");
        let other = sample::changed(&[
            ("consortium = \"zaanstad\"", "consortium = \"haarlem\""),
            ("example.nl/zaanstad", "example.nl/haarlem"),
        ]);
        assert!(sign(statement(1, 1), "politie").unwrap().verify(&other).is_err());
    }

    #[test]
    fn a_key_has_one_use() {
        let keys = sample::partner_keys(1, 1);
        let with = |keys| Statement { keys: Some(keys), ..statement(1, 1) };
        for key in [sample::policy_key("politie"), sample::policy_key("zaanwonen"), sample::operator_key()] {
            refused(with(PartnerKeys { message: key.verifying_key(), ..keys }), "a key has one use");
        }
        refused(with(PartnerKeys { message: VerifyingKey::from_bytes([0; 32]), ..keys }), "small order");
        refused(with(PartnerKeys { seal: SealKey::from_bytes([0; 32]), ..keys }), "small order");
    }

    #[test]
    fn text_comes_back_and_every_change_of_it_is_refused() {
        let suspended = Statement { keys: None, first_day: day("2026-12-10"), ..statement(1, 2) };
        for made in [sign(statement(1, 1), "politie").unwrap(), sign(suspended, "politie").unwrap()] {
            let text = made.to_text();
            assert_eq!(Certificate::parse(&text).unwrap(), made);
            for at in 0..text.len() {
                assert!(Certificate::parse(&text[..at]).is_err(), "cut at {at}");
                let mut bytes = text.as_bytes().to_vec();
                bytes[at] ^= 1;
                let Ok(changed) = Certificate::parse(std::str::from_utf8(&bytes).unwrap()) else { continue };
                assert!(changed.verify(&sample::policy()).is_err(), "byte {at}");
            }
            for other in [format!("{text}\n"), text.replace('\n', "\r\n"), text.replace("partner: 1", "partner: 01")] {
                assert!(Certificate::parse(&other).is_err(), "{other}");
            }
        }
        let longest = Statement { partner: u16::MAX, epoch: u32::MAX, serial: u32::MAX, ..statement(1, 1) };
        let made = sign(statement(1, 1), "politie").unwrap();
        let longest = Certificate { consortium: "c".repeat(64).parse().unwrap(), statement: longest, ..made };
        assert_eq!(longest.to_text().len(), 566);
    }

    #[test]
    fn a_new_policy_key_ends_what_the_old_one_certified() {
        let (old, new) = (sample::policy_key("politie"), sample::policy_key("nieuw"));
        let rekeyed = sample::changed(&[(&old.verifying_key().to_string(), &new.verifying_key().to_string())]);
        let certificate = sign(statement(1, 1), "politie").unwrap();
        assert!(certificate.verify(&sample::policy()).is_ok());
        assert!(certificate.verify(&rekeyed).is_err());
    }

    #[test]
    fn the_highest_serial_that_has_begun_counts_also_where_it_has_ended() {
        let of = |serial, first: &str, last: &str| {
            sign(Statement { first_day: day(first), last_day: day(last), ..statement(1, serial) }, "politie").unwrap()
        };
        let all =
            [of(1, "2026-12-01", "2027-11-30"), of(3, "2026-12-10", "2026-12-20"), of(2, "2026-12-05", "2027-01-31")];
        let serial = |today: &str| latest(&all, day(today)).map(|statement| statement.serial);
        assert_eq!(
            ["2026-11-30", "2026-12-04", "2026-12-09", "2027-01-05"].map(serial),
            [None, Some(1), Some(2), Some(3)]
        );
    }
}

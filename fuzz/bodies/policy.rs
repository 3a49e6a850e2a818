//! A policy's text, a signature's or a certificate's: an accepted policy has a digest that its own canonical form
//! stands for, and can be explained; the others have one form.

use stapel::policy::{Certificate, Change, Following, Lang, Policy, PolicySignature};

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(signature) = PolicySignature::parse(text) {
        assert_eq!(signature.to_text(), text, "a signature has one form");
    }
    if let Ok(certificate) = Certificate::parse(text) {
        assert_eq!(certificate.to_text(), text, "a certificate has one form");
    }
    let Ok(policy) = Policy::parse(text) else { return };
    assert_eq!(
        policy.digest(),
        Policy::parse(&format!("{text}\n# a comment")).expect("a comment changes nothing").digest()
    );
    let change = Change { addresses: vec!["https://stapel.example.nl".to_owned()], ..Change::default() };
    if let Ok(following) = Following::of(text, &change, policy.valid_from) {
        let written = Policy::parse(&following.text).expect("what is written is read");
        assert_eq!(written.digest(), following.policy.digest());
    }
    assert!(policy.canonical_json().starts_with('{'));
    let _ = policy.check();
    for lang in [Lang::Nl, Lang::En] {
        assert!(policy.explain(lang).contains(&policy.digest().to_string()));
        assert!(policy.difference(&policy, lang).is_empty(), "it does not differ from itself");
    }
}

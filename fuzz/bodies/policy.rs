//! A policy's text, a signature's or a certificate's: an accepted policy has a digest that its own canonical form
//! stands for, and can be explained; the others have one form.

use stapel::policy::{Certificate, Lang, Policy, PolicySignature};

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
    assert!(policy.canonical_json().starts_with('{'));
    let _ = policy.check();
    for lang in [Lang::Nl, Lang::En] {
        assert!(policy.explain(lang).contains(&policy.digest().to_string()));
        assert!(policy.difference(&policy, lang).is_empty(), "it does not differ from itself");
    }
}

//! A policy's text: what is accepted has a digest that its own canonical form stands for, and can be explained.

use stapel::policy::{Lang, Policy, PolicySignature};

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(signature) = PolicySignature::parse(text) {
        assert_eq!(signature.to_text(), text, "a signature has one form");
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

//! The officer's page on what can be shown to be whole: the own journal, and the broker's log as this partner was shown
//! it; and what is not proven of that.

use maud::{Markup, html};
use stapel::audit::UnverifiedCheckpoint;
use stapel::{Day, Digest};

use super::Visit;
use super::forms::{Wrong, summary};
use super::officer_form::{self as form, Field};
use crate::pages::dutch;
use crate::pages::refusal::Refusal;
use crate::pages::request::Fields;
use crate::words::Words;

/// The most lines that are named.
const MOST_LINES: usize = 50;

/// What is seen.
struct View<'a> {
    csrf: &'a str,
    head: String,
    wrong: Option<Wrong>,
    checked: Option<Checked>,
    records: u64,
    journal_head: Digest,
    policy: (u32, Digest),
    /// The digest that the broker goes by, where it is another.
    brokers_policy: Option<Digest>,
    /// How many lines the latest checkpoint covers.
    lines: Option<u64>,
    /// The own lines that no checkpoint was shown to have yet, with the days of their messages.
    unproven: Vec<(u64, Day)>,
    complaints: Vec<Complaint>,
}

/// What checking the journal found.
enum Checked {
    /// It is one chain.
    Whole,
    /// And it had the head that was noted, of its first so many records.
    HasHead(u64),
    /// It is one chain, and never had that head.
    NoSuchHead,
}

/// Something that the broker's log contradicts.
struct Complaint {
    code: &'static str,
    text: String,
    files: Vec<String>,
}

pub(super) fn show(visit: &mut Visit<'_>) -> Result<Markup, Refusal> {
    shown(visit, String::new(), None, None)
}

pub(super) fn act(visit: &mut Visit<'_>, fields: &Fields) -> Result<Markup, Refusal> {
    let head = fields.filled("head").unwrap_or_default().to_owned();
    if head.is_empty() {
        visit.partner.check_journal()?;
        return shown(visit, head, None, Some(Checked::Whole));
    }
    let Ok(noted) = head.parse::<Digest>() else {
        let wrong = Wrong::new(
            "head",
            "Dit is geen kop: geef 64 cijfers en letters a tot en met f, zoals u die noteerde.",
            "This is no head: give 64 digits and letters a to f, as you noted it.",
        );
        return shown(visit, head, Some(wrong), None);
    };
    let checked = visit.partner.check_journal_has(noted)?.map_or(Checked::NoSuchHead, Checked::HasHead);
    shown(visit, head, None, Some(checked))
}

fn shown(
    visit: &mut Visit<'_>,
    head: String,
    wrong: Option<Wrong>,
    checked: Option<Checked>,
) -> Result<Markup, Refusal> {
    let Visit { partner, words, csrf, .. } = visit;
    let lines = partner.checkpoint().map(UnverifiedCheckpoint::parse).transpose()?;
    let complaints = partner.complaints()?.into_iter().map(|complaint| Complaint {
        code: complaint.code,
        text: complaint.text,
        files: complaint.evidence.iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect(),
    });
    let view = View {
        csrf,
        head,
        wrong,
        checked,
        records: partner.journal_length(),
        journal_head: partner.journal_head(),
        policy: (partner.policy().policy().version, partner.policy().digest()),
        brokers_policy: partner.brokers_policy(),
        lines: lines.map(|checkpoint| checkpoint.claimed_size()),
        unproven: partner.unproven().collect(),
        complaints: complaints.collect(),
    };
    Ok(markup(*words, &view))
}

fn markup(words: Words, view: &View<'_>) -> Markup {
    html! {
        (complaints(words, &view.complaints))
        (journal(words, view))
        (log(words, view))
        section aria-labelledby="policy" {
            h2 #policy { (words.t("De afspraken", "The policy")) }
            dl {
                div {
                    dt { (words.t("Versie", "Version")) }
                    dd { (view.policy.0) }
                }
                div {
                    dt { (words.t("Vingerafdruk (digest)", "Digest")) }
                    dd { code { (view.policy.1) } }
                }
                @if let Some(other) = view.brokers_policy {
                    div {
                        dt { (words.t("De teller houdt zich aan een andere", "The broker goes by another")) }
                        dd { code.fault { (other) } }
                    }
                }
            }
        }
    }
}

fn complaints(words: Words, complaints: &[Complaint]) -> Markup {
    html! {
        @if !complaints.is_empty() {
            div.alert {
                h2 { (words.t("Tegenspraak", "Contradiction")) }
                p {
                    (words.t(
                        "Het log van de teller spreekt tegen wat dit systeem te horen kreeg. Laat alle bestanden zoals \
                         ze zijn, en waarschuw elke organisatie.",
                        "The broker's log contradicts what this partner was told. Keep all files as they are, and tell \
                         every organisation.",
                    ))
                }
                ul {
                    @for complaint in complaints {
                        li {
                            code { (complaint.code) } " "
                            (words.t(dutch::of_code(complaint.code).to_owned(), form::plain(&complaint.text)))
                            @for file in &complaint.files { " " code { (file) } }
                        }
                    }
                }
            }
        }
    }
}

fn journal(words: Words, view: &View<'_>) -> Markup {
    let View { csrf, head, wrong, checked, records, journal_head, .. } = view;
    let wrong = wrong.as_ref();
    let label = ("Kop die u eerder noteerde; leeg laten mag", "Head that you noted before; may be left empty");
    html! {
        section aria-labelledby="journal" {
            h2 #journal { (words.t("Het eigen journaal", "The own journal")) }
            dl {
                div {
                    dt { (words.t("Regels", "Records")) }
                    dd { (words.number(*records)) }
                }
                div {
                    dt { (words.t("Kop", "Head")) }
                    dd { code { (journal_head) } }
                }
            }
            @match checked {
                None => p {
                    (words.t(
                        "Noteer de kop elke maand waar geen beheerder kan schrijven, en laat het journaal later \
                         daaraan nakijken.",
                        "Note the head each month where no administrator can write, and have the journal checked by it \
                         later.",
                    ))
                },
                Some(Checked::Whole) => p.done role="status" {
                    (words.t(
                        "Nagekeken: het journaal is één hele keten. Dat het niet als geheel vervangen is, toont \
                         alleen een kop die u eerder noteerde.",
                        "Checked: the journal is one whole chain. That it was not replaced as a whole, only a head \
                         that you noted before shows.",
                    ))
                },
                Some(Checked::HasHead(records)) => p.done role="status" {
                    (words.t(
                        "Nagekeken: het journaal is één hele keten, en die kop is van zijn eerste ",
                        "Checked: the journal is one whole chain, and that head is of its first ",
                    ))
                    (words.number(*records)) (words.t(" regels.", " records."))
                },
                Some(Checked::NoSuchHead) => div.alert role="alert" {
                    p {
                        (words.t(
                            "Dit journaal had die kop nooit. Zie of u hem geheel overnam. Is dat zo, dan is dit een \
                             ander journaal, een oudere kopie of een dat opnieuw geschreven is: laat de map zoals die \
                             is, en vraag wie wat terugzette of schreef.",
                            "This journal never had that head. See whether you copied it in full. If so, this is \
                             another journal, an older copy or one that was written anew: keep the folder as it is, \
                             and ask who put back or wrote what.",
                        ))
                    }
                    p.code { (words.t("Code: ", "Code: ")) code { "head_unknown" } }
                },
            }
            (summary(words, wrong))
            form method="post" action={ "/" (words.lang()) "/log" } {
                input type="hidden" name="csrf" value=(csrf);
                (form::field(words, wrong, &Field { name: "head", label, kind: "text", value: head, is_needed: false }))
                button type="submit" { (words.t("Journaal nakijken", "Check the journal")) }
            }
        }
    }
}

fn log(words: Words, view: &View<'_>) -> Markup {
    let View { lines, unproven, .. } = view;
    html! {
        section aria-labelledby="log" {
            h2 #log { (words.t("Het log van de teller", "The broker's log")) }
            dl {
                div {
                    dt { (words.t("Laatste ondertekende stand", "Latest checkpoint")) }
                    dd {
                        @match lines {
                            Some(lines) => {
                                (words.t(
                                    "nagekeken: ondertekend zoals de afspraken zeggen, en een vervolg op de \
                                     vorige; regels: ",
                                    "verified: signed with the policy's key, and it continues the one before; lines: ",
                                ))
                                (words.number(*lines))
                            }
                            None => (words.t("nog geen gekregen", "none was shown yet")),
                        }
                    }
                }
                div {
                    dt { (words.t("Eigen regels die nog niet bewezen zijn", "Own lines that are not proven yet")) }
                    dd {
                        (words.number(unproven.len() as u64))
                        @if !unproven.is_empty() {
                            ul {
                                @for (line, day) in unproven.iter().take(MOST_LINES) {
                                    li {
                                        (words.t("regel ", "line ")) (words.number(*line))
                                        (words.t(", bericht van ", ", message of ")) (words.day(*day))
                                    }
                                }
                                @if unproven.len() > MOST_LINES { li { "…" } }
                            }
                        }
                    }
                }
            }
            p {
                (words.t(
                    "Wat nog niet bewezen is, wordt dat met een volgende stand. Deze pagina bewijst alleen wat dit \
                     systeem te zien kreeg. Of het hele log klopt, en of anderen hetzelfde zagen, ziet u met ",
                    "What is not proven yet will be with a later checkpoint. This page proves only what this partner \
                     was shown. Whether the whole log is right, and others were shown the same, you see with ",
                ))
                code { "stapel audit verify" } (words.t(" en ", " and ")) code { "stapel audit compare" } "."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use stapel::policy::Lang;

    use super::*;

    #[test]
    fn a_contradiction_comes_first_and_is_no_markup() {
        let complaint = Complaint {
            code: "log_inconsistent",
            text: "<b>a</b>".to_owned(),
            files: vec!["1.complaint".to_owned(), "1.reply".to_owned()],
        };
        let view = View {
            csrf: "",
            head: String::new(),
            wrong: None,
            checked: None,
            records: 1,
            journal_head: Digest([1; 32]),
            policy: (1, Digest([2; 32])),
            brokers_policy: Some(Digest([3; 32])),
            lines: Some(1_234),
            unproven: (0..51).map(|line| (line, Day(20_788))).collect(),
            complaints: vec![complaint],
        };
        let page = markup(Words(Lang::En), &view).into_string();
        assert!(page.starts_with("<div class=\"alert\">") && page.contains("&lt;b&gt;a"), "{page}");
        assert!(page.contains("log_inconsistent") && page.contains("1.reply") && page.contains("1,234"), "{page}");
        assert!(page.contains("line 49,") && !page.contains("line 50,") && page.contains(&"03".repeat(32)), "{page}");
    }
}

//! Events for the program's log, through the crate `tracing`; without the feature `tracing` they cost nothing.

/// Tells the program's log of something: `trace::event!(WARN, "the store was left as it was", code = error.code());`
///
/// The level is one of tracing's constants, and every value is shown as its `Display` shows it. What goes into an event
/// is read by operators and kept by log servers: codes, numbers, moments and file names; never a secret, a pseudonym or
/// an address.
macro_rules! event {
    ($level:ident, $message:literal $(, $field:ident = $value:expr)* $(,)?) => {{
        #[cfg(feature = "tracing")]
        tracing::event!(target: "stapel", tracing::Level::$level, $($field = %$value,)* $message);
        // The values are compiled and never evaluated, so that a build without the feature warns of nothing.
        #[cfg(not(feature = "tracing"))]
        if false {
            $(let _ = &$value;)*
        }
    }};
}

pub(crate) use event;

#[cfg(all(test, feature = "tracing"))]
mod tests {
    use std::fmt::{Debug, Write};
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    /// Writes down what it is told, a line for each event.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<String>>);

    struct Line(String);

    impl Visit for Line {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            write!(self.0, " {field}={value:?}").unwrap();
        }
    }

    impl Subscriber for Lines {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn event(&self, event: &Event<'_>) {
            let mut line = Line(format!("{} {}", event.metadata().level(), event.metadata().target()));
            event.record(&mut line);
            writeln!(self.0.lock().unwrap(), "{}", line.0).unwrap();
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn an_event_has_a_level_a_sentence_and_values() {
        let lines = Lines::default();
        tracing::subscriber::with_default(lines.clone(), || {
            super::event!(WARN, "nothing was kept", code = "io", epoch = 3);
        });
        assert_eq!(*lines.0.lock().unwrap(), "WARN stapel message=nothing was kept code=io epoch=3\n");
    }
}

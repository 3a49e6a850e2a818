//! How a run gets at the partner: it opens the folder for each step, or is lent what a server has open.

use std::ops::{Deref, DerefMut};
#[cfg(unix)]
use std::sync::Arc;

use stapel::partner::Partner;
#[cfg(unix)]
use stapel_service::desk::{Desk, Lent};

use super::SyncArgs;
use crate::failure::Failure;

/// Who has the partner between a run's steps.
pub(in crate::partner) enum Holder {
    /// Nobody: its folder is opened for each step.
    Folder,
    /// A server of the same process.
    #[cfg(unix)]
    Desk(Arc<Desk>),
}

/// Tells whether the broker replied.
pub(super) type Teller = Box<dyn Fn(bool) + Send + Sync>;

/// The partner, for one step.
pub(super) enum Held {
    Opened(Box<Partner>),
    #[cfg(unix)]
    Lent(Lent),
}

impl Holder {
    pub(super) fn open(&self, args: &SyncArgs) -> Result<Held, Failure> {
        match self {
            Holder::Folder => {
                let partner = args.place.open()?;
                Ok(Held::Opened(Box::new(partner.with_threads(args.work.threads.start()?))))
            }
            #[cfg(unix)]
            Holder::Desk(desk) => Ok(Held::Lent(desk.lend())),
        }
    }

    /// What tells a server, at once, whether the broker replied; `None` where there is none to tell.
    pub(super) fn teller(&self) -> Option<Teller> {
        match self {
            Holder::Folder => None,
            #[cfg(unix)]
            Holder::Desk(desk) => {
                let desk = desk.clone();
                Some(Box::new(move |has_replied| {
                    let now = desk.time();
                    desk.tell_sync(|runs| {
                        runs.silent_since = if has_replied { None } else { runs.silent_since.or(Some(now)) };
                    });
                }))
            }
        }
    }
}

impl Deref for Held {
    type Target = Partner;

    fn deref(&self) -> &Partner {
        match self {
            Held::Opened(partner) => partner,
            #[cfg(unix)]
            Held::Lent(partner) => partner,
        }
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Partner {
        match self {
            Held::Opened(partner) => partner,
            #[cfg(unix)]
            Held::Lent(partner) => partner,
        }
    }
}

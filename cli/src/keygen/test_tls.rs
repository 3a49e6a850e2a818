//! `stapel keygen test-tls`: certificates by which a consortium for tests is tried over HTTPS.

use std::io::Write;
use std::path::PathBuf;

use stapel::Policy;
use stapel_demo::certificates;

use crate::failure::Failure;
use crate::files;
use crate::output::{Output, Shown};

/// Make TLS certificates for trying a consortium over HTTPS: of its broker, and of each organisation
///
/// They are of an authority that is made for it, whose own key is not kept, and hold for a year: ca.pem and an empty
/// list of what it revoked, ca.crl; server.pem and server.key for the hosts of the policy's addresses, localhost and
/// 127.0.0.1; and for each organisation client-SLUG.pem and client-SLUG.key, with its OIN. The policy must be one for
/// tests. In earnest certificates are PKIoverheid's: see docs/connect.md.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel keygen test-tls --policy policy.toml --out tls")]
pub(super) struct TestTlsArgs {
    /// The policy, which says where the broker is and who connects
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The folder to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn test_tls(args: &TestTlsArgs, out: &mut Output) -> Result<(), Failure> {
    let policy = Policy::read(&args.policy).map_err(Failure::of_policy(&args.policy))?;
    files::refuse_existing(&args.out)?;
    for path in certificates::write(&args.out, &policy)? {
        writeln!(out, "written: {}", path.shown())?;
    }
    Ok(())
}

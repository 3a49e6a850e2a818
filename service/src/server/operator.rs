//! The operator's commands while a broker runs: two sockets of the machine, on which a command's words come and what it
//! says goes back.
//!
//! `operator.sock` takes every command, from root and from the user that runs the service; `status.sock` takes those
//! that only show the status, from whoever may open it. What a command does is not known here: whoever listens gives a
//! [`Perform`].
//!
//! What is said, each number big-endian:
//!
//! ```text
//! request  = "stapel operator 1\n" || length u32, at most 65,536 || that many bytes of JSON:
//!            {"folder": where the command was given, "arguments": its words after the program's name}
//! reply    = frames: kind (1 byte) || length u32, at most 65,536 || that many bytes
//! kind     = "o" for standard output, "e" for standard error, "x" for the exit status (1 byte), which is last
//! ```

use std::fmt;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::consortium::Consortium;
use super::schedule::Stop;

/// The file in a broker's folder that says in which folder its sockets are, while it runs.
pub const PLACE: &str = "operator.socket";

/// The socket for every command.
pub const OPERATOR: &str = "operator.sock";

/// The socket for the status alone.
pub const STATUS: &str = "status.sock";

/// What a request begins with: the form of what follows.
const GREETING: &[u8; 18] = b"stapel operator 1\n";

/// The most bytes of a request, and of a frame.
const LONGEST: usize = 65_536;

/// How long a request may take to come, and a frame to be taken.
const SLOWEST: Duration = Duration::from_secs(10);

/// The most commands at once on a socket; a service has one operator.
const MOST_AT_ONCE: usize = 8;

/// The exit status of a command that may fare better later (EX_TEMPFAIL).
const TRY_LATER: u8 = 75;

/// A command, as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The folder in which it was given, which relative paths are of.
    pub folder: PathBuf,
    /// Its words, after the program's name.
    pub arguments: Vec<String>,
    /// Whether it may show the status and no more; never taken from what came.
    #[serde(skip)]
    pub only_status: bool,
}

/// Does what a command says.
pub trait Perform: Send + Sync {
    /// Does it with a broker that runs, says what there is to say, and gives the exit status.
    ///
    /// Two commands may be at work at once. A file that a command names is read and written by the service.
    fn perform(&self, consortium: &Arc<Consortium>, command: &Command, out: Box<dyn Write>, err: Box<dyn Write>) -> u8;
}

/// Sockets on which commands are taken.
pub struct Sockets {
    stop: Stop,
    folder: PathBuf,
    place: PathBuf,
    listening: Vec<Socket>,
}

/// A socket, and the thread that takes its commands.
struct Socket {
    path: PathBuf,
    /// Its device and inode, by which it is known.
    own: (u64, u64),
    thread: JoinHandle<()>,
}

/// Takes commands on the sockets of a consortium, in its own folder in `runtime_folder`, such as `/run/stapel`, and
/// notes in the broker's folder where they are.
///
/// A socket on which nobody listens is of a service that was killed, and is replaced.
///
/// # Errors
///
/// Where the folder, the sockets or the note cannot be made, and where another service listens there.
pub fn listen(consortium: &Arc<Consortium>, runtime_folder: &Path, perform: Arc<dyn Perform>) -> io::Result<Sockets> {
    let folder = runtime_folder.join(consortium.name.as_str());
    DirBuilder::new().recursive(true).mode(0o750).create(&folder)?;
    // Whatever the umask: the group may reach the status.
    fs::set_permissions(&folder, Permissions::from_mode(0o750))?;
    let stop = Stop::default();
    let place = consortium.folder.join(PLACE);
    let mut sockets = Sockets { stop, folder: folder.clone(), place, listening: Vec::new() };
    for (name, mode) in [(OPERATOR, 0o600), (STATUS, 0o660)] {
        let path = folder.join(name);
        if UnixStream::connect(&path).is_ok() {
            let finding = "another service listens there: give each a runtime_dir of its own";
            return Err(io::Error::new(ErrorKind::AddrInUse, finding));
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
        let own = identity(&path)?;
        let taking = Taking {
            consortium: Arc::clone(consortium),
            perform: Arc::clone(&perform),
            only_status: name == STATUS,
            stop: sockets.stop.clone(),
            at_work: Arc::default(),
        };
        let thread = thread::Builder::new().name("operator".into()).spawn(move || taking.accept(&listener))?;
        sockets.listening.push(Socket { path, own, thread });
    }
    let folder = fs::canonicalize(&folder)?;
    write_private(&sockets.place, folder.to_string_lossy().as_bytes())?;
    Ok(sockets)
}

impl Sockets {
    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes no more commands, waits for those that are at work, and removes the sockets.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.stop.stop();
        for Socket { path, own, thread } in self.listening.drain(..) {
            // Where somebody took the socket away, or put another there, nothing wakes the thread, and it ends with the
            // process.
            if identity(&path).is_ok_and(|there| there == own) {
                // It wakes for this connection, and sees that it is to stop.
                if UnixStream::connect(&path).is_ok() {
                    let _ = thread.join();
                }
                let _ = fs::remove_file(&path);
            }
        }
        let _ = fs::remove_file(&self.place);
    }
}

impl fmt::Debug for Sockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sockets").field(&self.folder).finish()
    }
}

/// What is needed to take the commands of one socket.
#[derive(Clone)]
struct Taking {
    consortium: Arc<Consortium>,
    perform: Arc<dyn Perform>,
    only_status: bool,
    stop: Stop,
    at_work: Arc<AtomicUsize>,
}

/// Counts a command as at work until it is dropped.
struct AtWork(Arc<AtomicUsize>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Taking {
    fn accept(self, listener: &UnixListener) {
        let mut threads: Vec<JoinHandle<()>> = Vec::new();
        loop {
            let accepted = listener.accept();
            if self.stop.is_stopped() {
                break;
            }
            let Ok((stream, _)) = accepted else {
                // As where no more files can be opened: others close theirs.
                let _ = self.stop.wait(Duration::from_millis(100));
                continue;
            };
            threads.retain(|thread| !thread.is_finished());
            if self.at_work.fetch_add(1, Ordering::AcqRel) >= MOST_AT_ONCE {
                drop(AtWork(Arc::clone(&self.at_work)));
                end(&stream, "too many commands at once: try again [busy]", TRY_LATER);
                continue;
            }
            let (taking, at_work) = (self.clone(), AtWork(Arc::clone(&self.at_work)));
            let begun = thread::Builder::new().name("command".into()).spawn(move || {
                let _at_work = at_work;
                taking.take(&stream);
            });
            threads.extend(begun.ok());
        }
        for thread in threads {
            let _ = thread.join();
        }
    }

    /// Takes one command.
    fn take(&self, stream: &UnixStream) {
        if !self.only_status && !is_operators(stream) {
            return end(stream, "only root and the user that runs the service are heard here [operator_socket]", 1);
        }
        let command = match read_request(stream) {
            Ok(command) => Command { only_status: self.only_status, ..command },
            Err(finding) => {
                return end(stream, &format!("the service did not understand: {finding} [operator_socket]"), 1);
            }
        };
        let Ok(to) = stream.try_clone() else { return };
        let to = Arc::new(Mutex::new(to));
        let writer = |kind| Box::new(Frames { to: Arc::clone(&to), kind });
        let performed = catch_unwind(AssertUnwindSafe(|| {
            self.perform.perform(&self.consortium, &command, writer(b'o'), writer(b'e'))
        }));
        let status = performed.unwrap_or_else(|_| {
            tracing::error!(consortium = %self.consortium.name, "an operator's command broke off");
            let _ = writer(b'e').write_all(b"stapel: the command broke off: see the service's log [internal]\n");
            1
        });
        let _ = writer(b'x').write_all(&[status]);
    }
}

/// By which the file that is at a path is known.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let there = fs::symlink_metadata(path)?;
    Ok((there.dev(), there.ino()))
}

/// Whether whoever connected is root, or the user that runs this.
fn is_operators(stream: &UnixStream) -> bool {
    #[cfg(target_os = "linux")]
    {
        let own = rustix::process::geteuid();
        rustix::net::sockopt::socket_peercred(stream).is_ok_and(|peer| peer.uid.is_root() || peer.uid == own)
    }
    // Elsewhere the socket's mode alone keeps others out.
    #[cfg(not(target_os = "linux"))]
    {
        let _ = stream;
        true
    }
}

/// Says why a command is not taken.
fn end(stream: &UnixStream, finding: &str, status: u8) {
    let _ = stream.set_write_timeout(Some(SLOWEST));
    let Ok(to) = stream.try_clone() else { return };
    let to = Arc::new(Mutex::new(to));
    let _ = Frames { to: Arc::clone(&to), kind: b'e' }.write_all(format!("stapel: {finding}\n").as_bytes());
    let _ = Frames { to, kind: b'x' }.write_all(&[status]);
}

/// Reads a request, which comes within [`SLOWEST`] as a whole.
fn read_request(stream: &UnixStream) -> Result<Command, String> {
    let by = Instant::now() + SLOWEST;
    let mut greeting = [0; GREETING.len()];
    let cut = |error: io::Error| format!("the request did not come whole: {error}");
    read_by(stream, &mut greeting, by).map_err(cut)?;
    if greeting != *GREETING {
        return Err("it is of another version, or no request: give the command of the service's own version".into());
    }
    let mut length = [0; 4];
    read_by(stream, &mut length, by).map_err(cut)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST {
        return Err(format!("the request has more than {LONGEST} bytes"));
    }
    let mut request = vec![0; length];
    read_by(stream, &mut request, by).map_err(cut)?;
    let _ = stream.set_write_timeout(Some(SLOWEST));
    serde_json::from_slice(&request).map_err(|_| "the request is not in its form".into())
}

/// Fills `bytes` before a moment.
fn read_by(mut stream: &UnixStream, mut bytes: &mut [u8], by: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        let left = by.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(bytes) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => bytes = &mut bytes[read..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes frames of one kind.
struct Frames {
    to: Arc<Mutex<UnixStream>>,
    kind: u8,
}

impl Write for Frames {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(LONGEST)];
        if bytes.is_empty() {
            return Ok(0);
        }
        let mut frame = vec![self.kind];
        frame.extend((bytes.len() as u32).to_be_bytes());
        frame.extend(bytes);
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        to.write_all(&frame)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where the sockets of the broker in `folder` are, if a service wrote that.
pub fn place_of(folder: &Path) -> Option<PathBuf> {
    let mut place = String::new();
    fs::File::open(folder.join(PLACE)).ok()?.take(4_096).read_to_string(&mut place).ok()?;
    Some(PathBuf::from(place)).filter(|place| place.is_absolute())
}

/// Gives a command to a service that listens on a socket, and passes on what it says; its exit status.
///
/// # Errors
///
/// Where nobody listens there, where the socket cannot be opened, where the service ends in between, and those of
/// `out`. `err` may fail.
pub fn ask(socket: &Path, command: &Command, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let mut stream = UnixStream::connect(socket)?;
    let request = serde_json::to_vec(command).map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
    let length = u32::try_from(request.len()).ok().filter(|length| *length as usize <= LONGEST);
    let length = length.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "the command is too long"))?;
    stream.set_write_timeout(Some(SLOWEST))?;
    // A service that takes no more commands says so, and closes, without reading.
    let sent = [GREETING.as_slice(), &length.to_be_bytes(), &request].concat();
    let sent = stream.write_all(&sent);
    loop {
        let mut head = [0; 5];
        if let Err(error) = stream.read_exact(&mut head) {
            return Err(sent.err().unwrap_or(error));
        }
        let [kind, length @ ..] = head;
        let length = u32::from_be_bytes(length) as usize;
        if length > LONGEST {
            return Err(io::Error::new(ErrorKind::InvalidData, "what came back is no reply of a service"));
        }
        let mut bytes = vec![0; length];
        stream.read_exact(&mut bytes)?;
        match (kind, bytes.as_slice()) {
            (b'o', bytes) => out.write_all(bytes)?,
            (b'e', bytes) => drop(err.write_all(bytes)),
            (b'x', [status]) => return Ok(*status),
            _ => return Err(io::Error::new(ErrorKind::InvalidData, "what came back is no reply of a service")),
        }
    }
}

/// Writes a file that only its owner may read, in the place of one that is there.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    fs::rename(&new, path)
}

//! What the library makes and the caller carries away: messages, replies and texts.

use crate::bytes::{out, past};
use crate::guard::guard;
use crate::handle::{Handle, Table, add, free, get};
use crate::status::stapel_status;

/// Bytes that the library made, such as a reply or a text. They never change: any number of threads may read them at
/// once.
pub struct stapel_buffer(pub(crate) Vec<u8>);

/// Messages for the broker, in the order in which it must get them. They never change: any number of threads may read
/// them at once.
pub struct stapel_messages(Vec<Vec<u8>>);

static BUFFERS: Table<stapel_buffer> = Table::new();
static MESSAGES: Table<stapel_messages> = Table::new();

impl Handle for stapel_buffer {
    const NAME: &'static str = "a buffer";

    fn table() -> &'static Table<Self> {
        &BUFFERS
    }
}

impl Handle for stapel_messages {
    const NAME: &'static str = "messages";

    fn table() -> &'static Table<Self> {
        &MESSAGES
    }
}

/// Where the bytes of a buffer are, and how many. They stay until the buffer is freed. Texts in buffers are UTF-8 and
/// end with no NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_buffer_bytes(
    buffer: *const stapel_buffer,
    bytes: *mut *const u8,
    bytes_len: *mut usize,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (bytes, bytes_len) = unsafe { (out(bytes, "bytes")?, out(bytes_len, "bytes_len")?) };
        let buffer = get(buffer)?;
        bytes.write(buffer.0.as_ptr());
        bytes_len.write(buffer.0.len());
        Ok(())
    })
}

/// Frees a buffer. NULL is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_buffer_free(buffer: *mut stapel_buffer) -> stapel_status {
    free(buffer)
}

/// How many messages there are; 0 where there is nothing to say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_messages_count(messages: *const stapel_messages, count: *mut usize) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let count = unsafe { out(count, "count") }?;
        count.write(get(messages)?.0.len());
        Ok(())
    })
}

/// Where the bytes of message `index` are, counted from 0, and how many. They stay until the messages are freed.
///
/// What carries them must reach the broker alone: every partner of the consortium could find the addresses in them.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_messages_get(
    messages: *const stapel_messages,
    index: usize,
    bytes: *mut *const u8,
    bytes_len: *mut usize,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (bytes, bytes_len) = unsafe { (out(bytes, "bytes")?, out(bytes_len, "bytes_len")?) };
        let messages = get(messages)?;
        let message = messages.0.get(index).ok_or_else(|| past("message", index, messages.0.len()))?;
        bytes.write(message.as_ptr());
        bytes_len.write(message.len());
        Ok(())
    })
}

/// Frees messages. NULL is no error. They are in the partner's folder until their replies were read, and can be had
/// again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_messages_free(messages: *mut stapel_messages) -> stapel_status {
    free(messages)
}

impl stapel_messages {
    pub(crate) fn add(messages: Vec<Vec<u8>>) -> *mut stapel_messages {
        add(stapel_messages(messages))
    }
}

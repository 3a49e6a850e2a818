// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Runtime.InteropServices;

namespace Stapel
{
    /// <summary>
    /// A handle of the library. The runtime frees it once, also when its owner is lost, and not while a call uses it; a
    /// call after it was disposed of is an <see cref="ObjectDisposedException"/>.
    /// </summary>
    internal abstract class StapelHandle : SafeHandle
    {
        protected StapelHandle() : base(IntPtr.Zero, true)
        {
        }

        public override bool IsInvalid => handle == IntPtr.Zero;

        /// <summary>
        /// Does what follows pointers that this handle gave out, which are good until it is freed: it is not,
        /// meanwhile.
        /// </summary>
        /// <remarks>
        /// Around a call with two handles it goes with the second. Where that was disposed of, Mono throws with the
        /// first one still counted as in use, so that it would never be freed.
        /// </remarks>
        internal T Keeping<T>(Func<T> read)
        {
            bool kept = false;
            try
            {
                DangerousAddRef(ref kept);
                return read();
            }
            finally
            {
                if (kept)
                {
                    DangerousRelease();
                }
            }
        }
    }

    internal sealed class AddressesHandle : StapelHandle
    {
        protected override bool ReleaseHandle()
        {
            return Native.stapel_addresses_free(handle) == 0;
        }
    }

    internal sealed class RegisterHandle : StapelHandle
    {
        /// <summary>NULL, for no register.</summary>
        internal static readonly RegisterHandle None = new RegisterHandle();

        protected override bool ReleaseHandle()
        {
            return Native.stapel_register_free(handle) == 0;
        }
    }

    internal sealed class FindingsHandle : StapelHandle
    {
        protected override bool ReleaseHandle()
        {
            return Native.stapel_findings_free(handle) == 0;
        }
    }

    internal sealed class BufferHandle : StapelHandle
    {
        protected override bool ReleaseHandle()
        {
            return Native.stapel_buffer_free(handle) == 0;
        }
    }

    internal sealed class MessagesHandle : StapelHandle
    {
        protected override bool ReleaseHandle()
        {
            return Native.stapel_messages_free(handle) == 0;
        }
    }

    internal sealed class ReplyHandle : StapelHandle
    {
        protected override bool ReleaseHandle()
        {
            return Native.stapel_reply_free(handle) == 0;
        }
    }

    internal sealed class NewsHandle : StapelHandle
    {
        protected override bool ReleaseHandle()
        {
            return Native.stapel_news_free(handle) == 0;
        }
    }

    internal sealed class ForwardedHandle : StapelHandle
    {
        protected override bool ReleaseHandle()
        {
            return Native.stapel_forwarded_free(handle) == 0;
        }
    }

    internal sealed class AskedHandle : StapelHandle
    {
        protected override bool ReleaseHandle()
        {
            return Native.stapel_asked_free(handle) == 0;
        }
    }

    internal sealed class TalkNewsHandle : StapelHandle
    {
        protected override bool ReleaseHandle()
        {
            return Native.stapel_talk_news_free(handle) == 0;
        }
    }

    internal sealed class ConversationsHandle : StapelHandle
    {
        protected override bool ReleaseHandle()
        {
            return Native.stapel_conversations_free(handle) == 0;
        }
    }

    internal sealed class AgendaHandle : StapelHandle
    {
        protected override bool ReleaseHandle()
        {
            return Native.stapel_agenda_free(handle) == 0;
        }
    }

    internal sealed class PartnerHandle : StapelHandle
    {
        protected override bool ReleaseHandle()
        {
            return Native.stapel_partner_free(handle) == 0;
        }
    }

    internal sealed class BrokerHandle : StapelHandle
    {
        protected override bool ReleaseHandle()
        {
            return Native.stapel_broker_free(handle) == 0;
        }
    }
}

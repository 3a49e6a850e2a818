// SPDX-License-Identifier: EUPL-1.2
using System;

namespace StapelClient
{
    /// <summary>Who acts, and for which case; each 1 to 200 characters on one line. Stays in the partner's own
    /// journal.</summary>
    public sealed class Acting
    {
        /// <summary>Neither actor nor case is null. <paramref name="traceparent"/> is that of the action of the
        /// caller's own program (W3C Trace Context), for its logs: the records of what is done here name it as theirs.
        /// One that is in no such form counts for none.</summary>
        public Acting(string actor, string @case, string traceparent = null)
        {
            Actor = actor ?? throw new ArgumentNullException(nameof(actor));
            Case = @case ?? throw new ArgumentNullException(nameof(@case));
            Traceparent = traceparent;
        }

        /// <summary>The acting user, as the caller's own system names them.</summary>
        public string Actor { get; }

        /// <summary>The reference of the case.</summary>
        public string Case { get; }

        /// <summary>That of the action of the caller's own program, or null.</summary>
        public string Traceparent { get; }
    }
}

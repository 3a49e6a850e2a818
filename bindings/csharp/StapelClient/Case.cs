// SPDX-License-Identifier: EUPL-1.2
using System;

namespace StapelClient
{
    /// <summary>Who acts, and for which case; each 1 to 200 characters on one line. Stays in the partner's own
    /// journal.</summary>
    public sealed class Case
    {
        /// <summary>Neither is null.</summary>
        public Case(string actor, string reference)
        {
            Actor = actor ?? throw new ArgumentNullException(nameof(actor));
            Reference = reference ?? throw new ArgumentNullException(nameof(reference));
        }

        /// <summary>The acting user, as the caller's own system names them.</summary>
        public string Actor { get; }

        /// <summary>The reference of the case.</summary>
        public string Reference { get; }
    }
}

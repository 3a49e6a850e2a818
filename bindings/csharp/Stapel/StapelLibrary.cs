// SPDX-License-Identifier: EUPL-1.2
using System;

namespace Stapel
{
    /// <summary>The native library behind this one.</summary>
    public static class StapelLibrary
    {
        /// <summary>Its version, such as "0.1.0".</summary>
        public static string Version => Utf8.ReadToNul(Native.stapel_version());

        /// <summary>
        /// The version of its ABI, which is the one that these classes are for: any other is refused when an object is
        /// made.
        /// </summary>
        public static long AbiVersion => Native.stapel_abi_version();

        /// <summary>How many of its handles are open in this process: 0 where all was disposed of.</summary>
        public static int OpenHandles
        {
            get
            {
                StapelException.Check(Native.stapel_open_handles(out UIntPtr count));
                return Memory.Int(count);
            }
        }

        /// <summary>The stable code of a status, such as "folder_in_use": "ok" for 0, "unknown" for a number it does
        /// not know.</summary>
        public static string CodeOf(int status)
        {
            return Utf8.ReadToNul(Native.stapel_status_code(status));
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;

namespace Stapel
{
    /// <summary>Texts to UTF-8 and back. Done by hand, since what the runtimes do to strings by themselves
    /// differs.</summary>
    internal static class Utf8
    {
        /// <summary>For what must come back as it was given: half a surrogate pair is an <see
        /// cref="ArgumentException"/>.</summary>
        internal static readonly Encoding Strict = new UTF8Encoding(false, true);

        /// <summary>For addresses: half a surrogate pair becomes U+FFFD, for which that row is refused and no
        /// other.</summary>
        internal static readonly Encoding Lenient = new UTF8Encoding(false, false);

        internal static byte[] Bytes(string text, string parameter)
        {
            if (text == null)
            {
                throw new ArgumentNullException(parameter);
            }
            return Strict.GetBytes(text);
        }

        /// <summary>A text that a handle gave out; null where there is none.</summary>
        internal static string Read(NativeText text)
        {
            return text.Pointer == IntPtr.Zero ? null : Strict.GetString(Memory.Copy(text.Pointer, text.Length));
        }

        /// <summary>Names with a space between.</summary>
        internal static string[] Names(NativeText text)
        {
            return (Read(text) ?? "").Split(new[] { ' ' }, StringSplitOptions.RemoveEmptyEntries);
        }

        /// <summary>A text that ends with a NUL.</summary>
        internal static string ReadToNul(IntPtr text)
        {
            int length = 0;
            while (Marshal.ReadByte(text, length) != 0)
            {
                length++;
            }
            return Strict.GetString(Memory.Copy(text, (UIntPtr)length));
        }

        /// <summary>An array of a struct that ends with a NUL.</summary>
        internal static string ReadToNul(byte[] text)
        {
            return Strict.GetString(text, 0, Array.IndexOf(text, (byte)0));
        }
    }

    internal static class Memory
    {
        internal static byte[] Copy(IntPtr pointer, UIntPtr length)
        {
            byte[] bytes = new byte[checked((int)length.ToUInt64())];
            if (bytes.Length != 0)
            {
                Marshal.Copy(pointer, bytes, 0, bytes.Length);
            }
            return bytes;
        }

        internal static UIntPtr Length(byte[] bytes)
        {
            return (UIntPtr)bytes.Length;
        }

        /// <summary>The length of what may be none.</summary>
        internal static UIntPtr LengthOrNone(byte[] bytes)
        {
            return (UIntPtr)(bytes == null ? 0 : bytes.Length);
        }

        internal static int Int(UIntPtr count)
        {
            return checked((int)count.ToUInt64());
        }

        /// <summary>All that is in a buffer, which is then freed.</summary>
        internal static byte[] Take(BufferHandle buffer)
        {
            using (buffer)
            {
                return buffer.Keeping(() =>
                {
                    StapelException.Check(Native.stapel_buffer_bytes(buffer, out IntPtr bytes, out UIntPtr length));
                    return Copy(bytes, length);
                });
            }
        }

        internal static string TakeText(BufferHandle buffer)
        {
            return Utf8.Strict.GetString(Take(buffer));
        }
    }

    /// <summary>Moments to seconds since 1970 and back.</summary>
    internal static class Time
    {
        private static readonly ulong Last = (ulong)DateTimeOffset.MaxValue.ToUnixTimeSeconds();

        internal static ulong Seconds(DateTimeOffset now)
        {
            long seconds = now.ToUnixTimeSeconds();
            if (seconds < 0)
            {
                throw new ArgumentOutOfRangeException(nameof(now), "the time is before 1970: set the clock right");
            }
            return (ulong)seconds;
        }

        internal static uint Milliseconds(TimeSpan wait, string parameter)
        {
            if (wait < TimeSpan.Zero || wait > TimeSpan.FromDays(1))
            {
                throw new ArgumentOutOfRangeException(parameter, "a wait must be from zero to one day");
            }
            return (uint)Math.Ceiling(wait.TotalMilliseconds);
        }

        internal static DateTimeOffset Moment(ulong seconds)
        {
            return DateTimeOffset.FromUnixTimeSeconds((long)Math.Min(seconds, Last));
        }
    }

    /// <summary>One column of texts in one piece, so that any number of rows cross to the library in one
    /// call.</summary>
    internal sealed class Column
    {
        internal readonly byte[] Bytes;
        internal readonly ulong[] Ends;

        /// <summary>The texts that <paramref name="text"/> gives for each row; null is as empty.</summary>
        internal Column(int rows, Func<int, string> text, Encoding encoding)
        {
            Ends = new ulong[rows];
            long end = 0;
            for (int row = 0; row < rows; row++)
            {
                end += encoding.GetByteCount(text(row) ?? "");
                Ends[row] = (ulong)end;
            }
            if (end > int.MaxValue)
            {
                throw new ArgumentException("the texts are over 2 GiB together: read them in several calls");
            }
            Bytes = new byte[end];
            int at = 0;
            for (int row = 0; row < rows; row++)
            {
                string value = text(row) ?? "";
                at += encoding.GetBytes(value, 0, value.Length, Bytes, at);
            }
        }
    }

    /// <summary>Arrays that stay where they are while the library reads them.</summary>
    internal sealed class Pins : IDisposable
    {
        private readonly List<GCHandle> pinned = new List<GCHandle>();

        internal NativeText Text(byte[] bytes)
        {
            return new NativeText { Pointer = Pin(bytes), Length = (UIntPtr)bytes.Length };
        }

        internal NativeCase Case(Case by)
        {
            if (by == null)
            {
                throw new ArgumentNullException(nameof(by));
            }
            return new NativeCase
            {
                Actor = Text(Utf8.Strict.GetBytes(by.Actor)),
                Reference = Text(Utf8.Strict.GetBytes(by.Reference)),
            };
        }

        internal NativePacked Column(Column column)
        {
            return new NativePacked
            {
                Bytes = Pin(column.Bytes),
                BytesLength = (UIntPtr)column.Bytes.Length,
                Ends = Pin(column.Ends),
            };
        }

        public void Dispose()
        {
            foreach (GCHandle handle in pinned)
            {
                handle.Free();
            }
            pinned.Clear();
        }

        private IntPtr Pin(Array array)
        {
            GCHandle handle = GCHandle.Alloc(array, GCHandleType.Pinned);
            pinned.Add(handle);
            return handle.AddrOfPinnedObject();
        }
    }
}

// SPDX-License-Identifier: EUPL-1.2
using System;

namespace Stapel
{
    /// <summary>A broker with its store open. One at a time, of all processes, can have a store open.</summary>
    /// <remarks>
    /// What it replied to is on disk when the call returns. Any number of threads may use it at once. Every call throws
    /// <see cref="StapelException"/> for what stapel.h lists as its errors, and <see cref="ObjectDisposedException"/>
    /// after
    /// <see cref="Dispose"/>.
    /// </remarks>
    public sealed class Broker : IDisposable
    {
        private readonly BrokerHandle handle;

        private Broker(BrokerHandle handle)
        {
            this.handle = handle;
        }

        /// <summary>
        /// Draws a broker's keys and writes them to a folder, which is made if it is not there; keys that are there
        /// already stay.
        /// </summary>
        /// <returns>The public keys for the policy's [operator].</returns>
        public static BrokerKeys InitKeys(string keysFolder)
        {
            Native.Ready();
            byte[] keys = Utf8.Bytes(keysFolder, nameof(keysFolder));
            StapelException.Check(
                Native.stapel_broker_init_keys(keys, Memory.Length(keys), out BufferHandle verifyingKey,
                    out BufferHandle checkpointKey));
            using (checkpointKey)
            {
                return new BrokerKeys(Memory.TakeText(verifyingKey), Memory.TakeText(checkpointKey));
            }
        }

        /// <summary>Makes a broker in a folder, under the policy in a file and the signatures beside it.</summary>
        public static Broker Create(string folder, string keysFolder, string policyFile, DateTimeOffset now)
        {
            Native.Ready();
            byte[] path = Utf8.Bytes(folder, nameof(folder));
            byte[] keys = Utf8.Bytes(keysFolder, nameof(keysFolder));
            byte[] policy = Utf8.Bytes(policyFile, nameof(policyFile));
            StapelException.Check(Native.stapel_broker_create(
                path, Memory.Length(path), keys, Memory.Length(keys), policy, Memory.Length(policy), Time.Seconds(now),
                out BrokerHandle handle));
            return new Broker(handle);
        }

        /// <summary>Opens the broker in a folder, until <see cref="Dispose"/>.</summary>
        /// <exception cref="StapelException">"folder_in_use" while another has it open, or what is wrong in
        /// it.</exception>
        public static Broker Open(string folder, string keysFolder)
        {
            Native.Ready();
            byte[] path = Utf8.Bytes(folder, nameof(folder));
            byte[] keys = Utf8.Bytes(keysFolder, nameof(keysFolder));
            StapelException.Check(
                Native.stapel_broker_open(path, Memory.Length(path), keys, Memory.Length(keys),
                    out BrokerHandle handle));
            return new Broker(handle);
        }

        /// <summary>
        /// Takes a message, and gives the reply to carry back: the whole protocol. Whatever the bytes, there is a
        /// reply; what was not accepted is a rejection in it, and no exception.
        /// </summary>
        public byte[] Handle(byte[] message, DateTimeOffset now)
        {
            if (message == null)
            {
                throw new ArgumentNullException(nameof(message));
            }
            StapelException.Check(
                Native.stapel_broker_handle(handle, message, Memory.Length(message), Time.Seconds(now),
                    out BufferHandle reply));
            return Memory.Take(reply);
        }

        /// <summary>
        /// Keeps a certificate or a suspension of a partner, from its file. One that was kept before is no error.
        /// </summary>
        /// <param name="file">The file, as the partner's organisation signed it.</param>
        /// <param name="now">The broker's time.</param>
        public void Certify(string file, DateTimeOffset now)
        {
            byte[] path = Utf8.Bytes(file, nameof(file));
            StapelException.Check(
                Native.stapel_broker_certify(handle, path, Memory.Length(path), Time.Seconds(now)));
        }

        /// <summary>
        /// Makes the releases that are due, closes epochs whose last day has passed, and purges what went. <see
        /// cref="Handle"/> releases too; a broker needs this once a day.
        /// </summary>
        /// <param name="now">The broker's time.</param>
        /// <param name="acceptClock">That somebody saw that a clock more than three days past the last release is
        /// right.</param>
        /// <returns>JSON: an array with an object for each release.</returns>
        public string Release(DateTimeOffset now, bool acceptClock = false)
        {
            StapelException.Check(
                Native.stapel_broker_release(handle, Time.Seconds(now), acceptClock ? 1 : 0,
                    out BufferHandle releases));
            return Memory.TakeText(releases);
        }

        /// <summary>Numbers for the operator: a JSON object.</summary>
        public string Status()
        {
            StapelException.Check(Native.stapel_broker_status(handle, out BufferHandle status));
            return Memory.TakeText(status);
        }

        /// <summary>Closes the broker, and lets its store go once the calls that are under way on other threads have
        /// ended.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }
    }

    /// <summary>The public keys of a broker, 64 hexadecimal digits each.</summary>
    public sealed class BrokerKeys
    {
        internal BrokerKeys(string verifyingKey, string checkpointKey)
        {
            VerifyingKey = verifyingKey;
            CheckpointKey = checkpointKey;
        }

        /// <summary>That of its replies.</summary>
        public string VerifyingKey { get; }

        /// <summary>That of the checkpoints of its audit log.</summary>
        public string CheckpointKey { get; }
    }
}

// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Globalization;
using System.IO;
using System.Runtime.Serialization;
using System.Runtime.Serialization.Json;
using System.Text;

namespace StapelClient
{
    /// <summary>JSON as the server has it, and back.</summary>
    internal static class Wire
    {
        internal static byte[] Write(Request request)
        {
            using (MemoryStream stream = new MemoryStream())
            {
                new DataContractJsonSerializer(typeof(Request)).WriteObject(stream, request);
                return stream.ToArray();
            }
        }

        /// <summary>A request with the members of an object besides.</summary>
        internal static byte[] Write(Request request, string members)
        {
            string given = members.Trim();
            if (!given.StartsWith("{", StringComparison.Ordinal) || !given.EndsWith("}", StringComparison.Ordinal))
            {
                throw new ArgumentException("what is given is no object of JSON", nameof(members));
            }
            string own = Encoding.UTF8.GetString(Write(request));
            given = given.Substring(1).TrimStart();
            string between = given == "}" ? "" : ",";
            return Encoding.UTF8.GetBytes(own.Substring(0, own.Length - 1) + between + given);
        }

        /// <summary>What came as a type, or as text where it is an object of JSON.</summary>
        internal static T Read<T>(byte[] body)
            where T : class
        {
            if (typeof(T) == typeof(string))
            {
                string text = Encoding.UTF8.GetString(body);
                bool isObject = text.StartsWith("{", StringComparison.Ordinal);
                return isObject ? (T)(object)text : throw new SerializationException("no object where one must be");
            }
            using (MemoryStream stream = new MemoryStream(body))
            {
                T found = (T)new DataContractJsonSerializer(typeof(T)).ReadObject(stream);
                return found ?? throw new SerializationException("nothing came");
            }
        }

        internal static DateTimeOffset Moment(string text)
        {
            bool isMoment = DateTimeOffset.TryParse(
                text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset moment);
            return isMoment ? moment : throw new SerializationException("no date where one must be");
        }

        internal static DateTimeOffset? MomentOrNone(string text)
        {
            return text == null ? (DateTimeOffset?)null : Moment(text);
        }

        internal static DateTime? DayOrNone(string text)
        {
            if (text == null)
            {
                return null;
            }
            bool isDay = DateTime.TryParseExact(
                text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTime day);
            return isDay ? day : throw new SerializationException("no date where one must be");
        }
    }

    /// <summary>All that a request may have; what is not set is not sent.</summary>
    [DataContract]
    internal sealed class Request
    {
        internal Request(Acting by)
        {
            By = by;
            Actor = by.Actor;
            Case = by.Case;
        }

        internal Acting By { get; }

        [DataMember(Name = "actor")]
        internal string Actor { get; private set; }

        [DataMember(Name = "case")]
        internal string Case { get; private set; }

        [DataMember(Name = "rows", EmitDefaultValue = false)]
        internal Row[] Rows { get; set; }

        [DataMember(Name = "row", EmitDefaultValue = false)]
        internal Row Row { get; set; }

        [DataMember(Name = "until", EmitDefaultValue = false)]
        internal string Until { get; set; }

        [DataMember(Name = "renew", EmitDefaultValue = false)]
        internal string Renew { get; set; }

        [DataMember(Name = "number_only", EmitDefaultValue = false)]
        internal bool NumberOnly { get; set; }

        [DataMember(Name = "forward", EmitDefaultValue = false)]
        internal bool Forward { get; set; }

        [DataMember(Name = "request", EmitDefaultValue = false)]
        internal string Name { get; set; }

        [DataMember(Name = "sweep", EmitDefaultValue = false)]
        internal string Sweep { get; set; }

        [DataMember(Name = "numbers", EmitDefaultValue = false)]
        internal bool Numbers { get; set; }

        [DataMember(Name = "mark", EmitDefaultValue = false)]
        internal string Mark { get; set; }
    }

    [DataContract]
    internal sealed class Seen
    {
        [DataMember(Name = "seen", IsRequired = true)]
        internal int Count { get; private set; }
    }

    /// <summary>What the server says of a request that it did not do.</summary>
    [DataContract]
    internal sealed class Problem
    {
        [DataMember(Name = "code", IsRequired = true)]
        internal string Code { get; private set; }

        [DataMember(Name = "detail")]
        internal string Detail { get; private set; }

        [DataMember(Name = "rows")]
        internal RowResult[] Rows { get; private set; }
    }
}

// SPDX-License-Identifier: EUPL-1.2
using System;
using System.Runtime.InteropServices;

// What is written to these structs is written by the library.
#pragma warning disable 649

namespace Stapel
{
    /// <summary>The functions and structs of stapel.h, as they are there.</summary>
    internal static class Native
    {
        // stapel.dll, libstapel.so or libstapel.dylib.
        private const string Library = "stapel";
        private const CallingConvention C = CallingConvention.Cdecl;

        /// <summary>The version of the ABI that this file describes.</summary>
        internal const uint AbiVersion = 1;

        private static bool ready;

        /// <summary>
        /// Refuses a library with another ABI. Called by all that makes an object, and not by a static constructor, so
        /// that neither this nor a library that was not found is hidden in a TypeInitializationException.
        /// </summary>
        internal static void Ready()
        {
            if (ready)
            {
                return;
            }
            uint found = stapel_abi_version();
            if (found != AbiVersion)
            {
                throw new NotSupportedException(
                    "the library stapel that was found has ABI version " + found + ", and this program is for version "
                    + AbiVersion + ": install the library that came with it");
            }
            ready = true;
        }

        [DllImport(Library, CallingConvention = C)]
        internal static extern IntPtr stapel_version();
        [DllImport(Library, CallingConvention = C)]
        internal static extern uint stapel_abi_version();
        [DllImport(Library, CallingConvention = C)]
        internal static extern IntPtr stapel_status_code(int status);
        [DllImport(Library, CallingConvention = C)]
        internal static extern IntPtr stapel_last_error_message();
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_open_handles(out UIntPtr count);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_address_from_text(
            RegisterHandle register, byte[] text, UIntPtr textLength, ref NativeAddress address);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_address_from_fields(
            RegisterHandle register, ref NativeFields fields, ref NativeAddress address);

        // `references` is null, or an array of one column.
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_addresses_from_packed_texts(
            RegisterHandle register, ref NativePacked texts, NativePacked[] references, UIntPtr count,
            out AddressesHandle addresses);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_addresses_from_packed_fields(
            RegisterHandle register, ref NativePackedFields fields, NativePacked[] references, UIntPtr count,
            out AddressesHandle addresses);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_addresses_numbers(AddressesHandle addresses, out AddressesHandle numbers);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_addresses_refused_numbers(AddressesHandle addresses,
            out AddressesHandle numbers);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_addresses_pick(AddressesHandle addresses, ulong[] rows, UIntPtr count,
            out AddressesHandle picked);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_addresses_count(AddressesHandle addresses, out UIntPtr rows,
            out UIntPtr refused);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_addresses_how_counts(AddressesHandle addresses, out NativeHowCounts counts);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_addresses_row(AddressesHandle addresses, UIntPtr index, out NativeRow row);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_addresses_refused_row(AddressesHandle addresses, UIntPtr index,
            out NativeRow row);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_addresses_lines(AddressesHandle addresses, out BufferHandle lines);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_addresses_free(IntPtr addresses);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_register_open(byte[] file, UIntPtr fileLength, out RegisterHandle register);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_register_describe(RegisterHandle register, out NativeRegisterAbout about);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_register_look_up(
            RegisterHandle register, byte[] canonical, UIntPtr canonicalLength, out FindingsHandle findings);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_register_free(IntPtr register);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_findings_count(FindingsHandle findings, out UIntPtr count);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_findings_get(
            FindingsHandle findings, UIntPtr index, out NativeRegisterEntry entry);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_findings_now(FindingsHandle findings, out NativeText now);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_findings_free(IntPtr findings);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_buffer_bytes(BufferHandle buffer, out IntPtr bytes, out UIntPtr length);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_buffer_free(IntPtr buffer);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_messages_count(MessagesHandle messages, out UIntPtr count);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_messages_get(
            MessagesHandle messages, UIntPtr index, out IntPtr bytes, out UIntPtr length);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_messages_free(IntPtr messages);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_reply_kind(ReplyHandle reply, out ReplyKind kind);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_reply_receipt(ReplyHandle reply, out NativeReceipt receipt);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_reply_answer(ReplyHandle reply, out NativeAnswer answer);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_reply_standings(
            ReplyHandle reply, AddressesHandle addresses, [In, Out] Standing[] standings, UIntPtr count);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_reply_row(ReplyHandle reply, UIntPtr index, out NativeAnswerRow row);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_reply_status(ReplyHandle reply, out NativePosition position);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_reply_rejection(ReplyHandle reply, out NativeRejection rejection);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_reply_talked(ReplyHandle reply, out NativeTalked talked);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_reply_free(IntPtr reply);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_news_count(NewsHandle news, out UIntPtr count);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_news_get(NewsHandle news, UIntPtr index, out NativeNewsRow row);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_news_free(IntPtr news);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_init(
            byte[] folder, UIntPtr folderLength, byte[] keys, UIntPtr keysLength, ushort number,
            out BufferHandle verifyingKey);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_join(
            byte[] folder, UIntPtr folderLength, byte[] keys, UIntPtr keysLength, byte[] policyFile,
            UIntPtr policyFileLength);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_open(
            byte[] folder, UIntPtr folderLength, byte[] keys, UIntPtr keysLength, uint waitMs,
            out PartnerHandle partner);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_adopt_policy(
            PartnerHandle partner, byte[] policyFile, UIntPtr policyFileLength, ulong now);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_add_secret(
            PartnerHandle partner, byte[] secretFile, UIntPtr secretFileLength);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_number(PartnerHandle partner, out ushort number);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_undelivered(PartnerHandle partner, out UIntPtr count);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_flags(PartnerHandle partner, out AddressesHandle flags);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_flag(
            PartnerHandle partner, AddressesHandle homes, ref NativeCase by, ulong now, out NativeChanged changed);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_flag_until(
            PartnerHandle partner, AddressesHandle homes, byte[] lastDay, UIntPtr lastDayLength, ref NativeCase by,
            ulong now, out NativeChanged changed);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_renew(
            PartnerHandle partner, AddressesHandle homes, byte[] reason, UIntPtr reasonLength, ref NativeCase by,
            ulong now, out NativeChanged changed);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_accept_clock(
            PartnerHandle partner, ref NativeCase by, ulong now, out UIntPtr ended);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_withdraw(
            PartnerHandle partner, AddressesHandle homes, ref NativeCase by, ulong now, out NativeChanged changed);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_replace_all(
            PartnerHandle partner, AddressesHandle homes, int allowShrink, ref NativeCase by, ulong now,
            out NativeChanged changed);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_deliver(PartnerHandle partner, ulong now,
            out MessagesHandle messages);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_confirm(PartnerHandle partner, ulong now,
            out MessagesHandle messages);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_ask(
            PartnerHandle partner, AddressesHandle addresses, ref NativeCase by, ulong now,
                out MessagesHandle messages);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_ask_own(
            PartnerHandle partner, ref NativeCase by, ulong now, out MessagesHandle messages);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_sweep(
            PartnerHandle partner, AddressesHandle addresses, byte[] reason, UIntPtr reasonLength, ref NativeCase by,
            ulong now, out MessagesHandle messages);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_status(PartnerHandle partner, ulong now, out MessagesHandle messages);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_in_flight(PartnerHandle partner, out MessagesHandle messages);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_read(
            PartnerHandle partner, byte[] bytes, UIntPtr bytesLength, ulong now, out ReplyHandle reply);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_give_up(
            PartnerHandle partner, byte[] message, UIntPtr messageLength, ulong now);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_news(PartnerHandle partner, out NewsHandle news);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_free(IntPtr partner);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_broker_init_keys(
            byte[] keysFolder, UIntPtr keysFolderLength, out BufferHandle verifyingKey, out BufferHandle checkpointKey);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_broker_create(
            byte[] folder, UIntPtr folderLength, byte[] keysFolder, UIntPtr keysFolderLength, byte[] policyFile,
            UIntPtr policyFileLength, ulong now, out BrokerHandle broker);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_broker_open(
            byte[] folder, UIntPtr folderLength, byte[] keysFolder, UIntPtr keysFolderLength, out BrokerHandle broker);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_broker_handle(
            BrokerHandle broker, byte[] message, UIntPtr messageLength, ulong now, out BufferHandle reply);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_broker_certify(
            BrokerHandle broker, byte[] file, UIntPtr fileLength, ulong now);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_broker_release(
            BrokerHandle broker, ulong now, int acceptClock, out BufferHandle releases);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_broker_status(BrokerHandle broker, out BufferHandle status);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_broker_free(IntPtr broker);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_reply_totals(ReplyHandle reply, out NativeTotals totals);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_reply_totals_cell(
            ReplyHandle reply, UIntPtr index, out NativeTotalsCell cell);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_put_forward(
            PartnerHandle partner, AddressesHandle homes, ref NativeCase by, ulong now, out UIntPtr count);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_take_back(
            PartnerHandle partner, AddressesHandle homes, ref NativeCase by, ulong now, out UIntPtr count);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_forwarded(
            PartnerHandle partner, ref NativeCase by, ulong now, out ForwardedHandle forwarded);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_forwarded_count(ForwardedHandle forwarded, out UIntPtr count);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_forwarded_get(
            ForwardedHandle forwarded, UIntPtr index, out NativeForwardedRow row);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_forwarded_free(IntPtr forwarded);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_asked(
            PartnerHandle partner, ref NativeCase by, ulong now, out AskedHandle asked);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_asked_count(AskedHandle asked, out UIntPtr count);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_asked_get(AskedHandle asked, UIntPtr index, out NativeAskedRow row);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_asked_free(IntPtr asked);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_answer(
            PartnerHandle partner, byte[] canonical, UIntPtr canonicalLength, byte[] answer, UIntPtr
            answerLength, ref NativeCase by, ulong now);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_talk(PartnerHandle partner, ulong now, out MessagesHandle messages);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_talk_news(
            PartnerHandle partner, ref NativeCase by, ulong now, out TalkNewsHandle news);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_talk_news_count(TalkNewsHandle news, out UIntPtr count);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_talk_news_get(TalkNewsHandle news, UIntPtr index, out NativeTalkNewsRow row);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_talk_news_free(IntPtr news);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_conversations(
            PartnerHandle partner, uint conversation, ref NativeCase by, ulong now, out
            ConversationsHandle conversations);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_conversations_count(ConversationsHandle conversations, out UIntPtr count);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_conversations_get(
            ConversationsHandle conversations, UIntPtr index, out NativeConversation conversation);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_conversations_introduced(
            ConversationsHandle conversations, UIntPtr index, UIntPtr at, out NativeIntroduced introduced);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_conversations_note(
            ConversationsHandle conversations, UIntPtr index, UIntPtr at, out NativeNote note);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_conversations_copy(
            ConversationsHandle conversations, UIntPtr index, UIntPtr at, UIntPtr copy, out
            NativeNoteCopy to);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_conversations_free(IntPtr conversations);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_write_text(
            PartnerHandle partner, uint conversation, ushort to, byte[] note, UIntPtr noteLength, ref
            NativeCase by, ulong now);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_write_lead(
            PartnerHandle partner, uint conversation, ushort lead, byte[] note, UIntPtr noteLength, ref
            NativeCase by, ulong now);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_write_outcome(
            PartnerHandle partner, uint conversation, byte[] outcome, UIntPtr outcomeLength, byte[] note,
            UIntPtr noteLength, ref NativeCase by, ulong now);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_write_decision(
            PartnerHandle partner, uint conversation, ushort lead, byte[] next, UIntPtr nextLength,
            byte[] note, UIntPtr noteLength, ref NativeCase by, ulong now);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_leave(
            PartnerHandle partner, uint conversation, ref NativeCase by, ulong now);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_agenda(
            PartnerHandle partner, ref NativeCase by, ulong now, out AgendaHandle agenda);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_agenda_count(AgendaHandle agenda, out UIntPtr count);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_agenda_get(AgendaHandle agenda, UIntPtr index, out NativeAgendaRow item);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_agenda_joined(
            AgendaHandle agenda, UIntPtr index, UIntPtr at, out NativeIntroduced joined);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_agenda_left(
            AgendaHandle agenda, UIntPtr index, UIntPtr at, out NativeIntroduced left);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_agenda_address(
            AgendaHandle agenda, UIntPtr index, UIntPtr at, out NativeAgendaPlace address);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_agenda_free(IntPtr agenda);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_totals(PartnerHandle partner, ulong now, out MessagesHandle messages);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_year_cells(
            PartnerHandle partner, ushort year, [Out] NativeYearCell[] cells, UIntPtr room, out UIntPtr
            count);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int stapel_partner_report_year(
            PartnerHandle partner, ushort year, ulong now, out MessagesHandle messages);
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeAddress
    {
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 24)]
        internal byte[] Unit;
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 16)]
        internal byte[] Number;
        internal How How;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeText
    {
        internal IntPtr Pointer;
        internal UIntPtr Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeFields
    {
        internal NativeText Postcode;
        internal NativeText Number;
        internal NativeText Letter;
        internal NativeText Addition;
        internal NativeText Street;
        internal NativeText Town;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativePacked
    {
        internal IntPtr Bytes;
        internal UIntPtr BytesLength;
        internal IntPtr Ends;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativePackedFields
    {
        internal NativePacked Postcode;
        internal NativePacked Number;
        internal NativePacked Letter;
        internal NativePacked Addition;
        internal NativePacked Street;
        internal NativePacked Town;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeRow
    {
        internal UIntPtr Row;
        internal int Status;
        internal Level Level;
        internal How How;
        internal NativeText Reference;
        internal NativeText Canonical;
        internal NativeText Typed;
        internal NativeText Number;
        internal NativeText Field;
        internal NativeText Message;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeHowCounts
    {
        internal UIntPtr Registered;
        internal UIntPtr ById;
        internal UIntPtr Completed;
        internal UIntPtr Street;
        internal UIntPtr OtherSpelling;
        internal UIntPtr Unregistered;
        internal UIntPtr Withdrawn;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeRegisterAbout
    {
        internal UIntPtr Addresses;
        internal UIntPtr Withdrawn;
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 16)]
        internal byte[] SourceDay;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeRegisterEntry
    {
        internal NativeText Canonical;
        internal NativeText Street;
        internal NativeText Town;
        internal NativeText Postcode;
        internal uint Number;
        internal NativeText Letter;
        internal NativeText Addition;
        internal NativeText Id;
        internal NativeText Object;
        internal NativeText Building;
        internal double Latitude;
        internal double Longitude;
        internal int IsSecondary;
        internal int IsWithdrawn;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeLogEntry
    {
        internal ulong Index;
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 32)]
        internal byte[] Leaf;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeReceipt
    {
        internal ulong Release;
        internal uint Added;
        internal uint Changed;
        internal uint Withdrawn;
        internal uint Held;
        internal ushort Part;
        internal ushort Parts;
        internal NativeLogEntry Log;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeAnswer
    {
        internal NativeText Actor;
        internal NativeText Reference;
        internal ulong Release;
        internal ulong AsOf;
        internal ulong Until;
        internal UIntPtr Rows;
        internal uint Epoch;
        internal ushort Organisations;
        internal ushort Fresh;
        internal NativeLogEntry Log;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeAnswerRow
    {
        internal NativeText Canonical;
        internal NativeText Typed;
        internal Level Level;
        internal Standing Standing;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativePosition
    {
        internal ulong Release;
        internal ulong AsOf;
        internal ulong Until;
        internal ulong AcceptedState;
        internal ulong HighestState;
        internal ulong HighestQuestion;
        internal uint Held;
        internal uint NewFlagsLeft;
        internal uint FirstSetsLeft;
        internal uint HeldLeft;
        internal uint AskedLeftToday;
        internal uint AskedLeftEpoch;
        internal uint SweptLeftToday;
        internal uint StatusLeftToday;
        internal int FullSetRequired;
        internal int Complaint;
        internal NativeText ComplaintText;
        internal NativeLogEntry Log;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeTalked
    {
        internal uint Kept;
        internal uint Unflagged;
        internal uint Added;
        internal uint NewLeft;
        internal uint HeldLeft;
        internal uint News;
        internal uint PassedOver;
        internal int More;
        internal int Complaint;
        internal NativeText ComplaintText;
        internal NativeLogEntry Log;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeRejection
    {
        internal int Status;
        internal Next Next;
        internal ulong Number;
        internal NativeText Sentence;
        internal NativeLogEntry Log;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeNewsRow
    {
        internal NativeText Canonical;
        internal NativeText Typed;
        internal Level Level;
        internal ChangeKind Change;
        internal Standing Before;
        internal Standing Now;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeForwardedRow
    {
        internal NativeText Canonical;
        internal NativeText Typed;
        internal Level Level;
        internal NativeText Since;
        internal uint Epoch;
        internal int Ended;
        internal NativeText More;
        internal NativeText StandsUntil;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeAskedRow
    {
        internal NativeText Canonical;
        internal NativeText Typed;
        internal Level Level;
        internal NativeText Day;
        internal NativeText AnswerBy;
        internal NativeText Answer;
        internal NativeText Answered;
        internal int IsPutForward;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeTalkNewsRow
    {
        internal TalkNewsKind Kind;
        internal uint Conversation;
        internal ushort Partner;
        internal NativeText Name;
        internal NativeText Canonical;
        internal NativeText Typed;
        internal NativeText AnswerBy;
        internal NativeText Actor;
        internal NativeText CaseReference;
        internal NativeText More;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeConversation
    {
        internal uint Number;
        internal uint Epoch;
        internal NativeText Canonical;
        internal NativeText Typed;
        internal NativeText Began;
        internal ushort Lead;
        internal NativeText Outcome;
        internal NativeText Decision;
        internal ulong DecidedAt;
        internal NativeText Next;
        internal NativeText Left;
        internal UIntPtr Introduced;
        internal UIntPtr Notes;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeIntroduced
    {
        internal ushort Partner;
        internal NativeText Name;
        internal NativeText Organisation;
        internal NativeText Since;
        internal NativeText Left;
        internal int MissesNote;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeNote
    {
        internal NoteKind Kind;
        internal ushort From;
        internal ushort Lead;
        internal ulong Time;
        internal NativeText Text;
        internal NativeText Canonical;
        internal NativeText Typed;
        internal NativeText Outcome;
        internal NativeText Next;
        internal UIntPtr Copies;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeNoteCopy
    {
        internal ushort To;
        internal NoteProgress Progress;
        internal NativeText PutOff;
        internal NativeText Reason;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeAgendaRow
    {
        internal uint Conversation;
        internal int IsNew;
        internal NativeText Began;
        internal NativeText WaitingSince;
        internal NativeText WaitsFor;
        internal NativeText Ended;
        internal NativeText EndedOn;
        internal ushort Lead;
        internal NativeText Decision;
        internal NativeText Next;
        internal NativeText Outcome;
        internal UIntPtr Joined;
        internal UIntPtr Left;
        internal UIntPtr Addresses;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeAgendaPlace
    {
        internal NativeText Canonical;
        internal NativeText Typed;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeTotals
    {
        internal ulong Release;
        internal ulong AsOf;
        internal UIntPtr Cells;
        internal uint Flags;
        internal ushort Year;
        internal byte Quarter;
        internal NativeLogEntry Log;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeTotalsCell
    {
        internal byte From;
        internal byte To;
        internal uint Number;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeYearCell
    {
        internal byte Ways;
        internal uint Number;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeCase
    {
        internal NativeText Actor;
        internal NativeText Reference;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeChanged
    {
        internal ulong Added;
        internal ulong Changed;
        internal ulong Withdrawn;
        internal ulong Unchanged;
        internal ulong Lapsed;
        internal ulong Refused;
        internal ulong Repeated;
    }
}

// SPDX-License-Identifier: EUPL-1.2
// The texts of the server's enumerations. A field that has one is a string, so that a text that a later server has, and
// this version does not know, is no error.
namespace StapelClient
{
    /// <summary>How much of an address a row names.</summary>
    public static class Level
    {
        /// <summary>One home.</summary>
        public const string Unit = "unit";

        /// <summary>One postcode and house number.</summary>
        public const string Number = "number";
    }

    /// <summary>What is answered about an address.</summary>
    public static class Standing
    {
        /// <summary>Fewer organisations flag it than the policy's threshold.</summary>
        public const string BelowThreshold = "below_threshold";

        /// <summary>The partner does not flag it itself, so it is not told.</summary>
        public const string NoOwnFlag = "no_own_flag";

        /// <summary>At least the threshold's number of organisations flag it.</summary>
        public const string Stacked = "stacked";
    }

    /// <summary>What became of a question.</summary>
    public static class QuestionState
    {
        /// <summary>It waits for the broker's answer.</summary>
        public const string Waiting = "waiting";

        /// <summary>It was answered.</summary>
        public const string Answered = "answered";

        /// <summary>By the broker, or it was given up: NotAccepted has the code.</summary>
        public const string NotAccepted = "not_accepted";

        /// <summary>There was no address to ask about.</summary>
        public const string Nothing = "nothing";
    }

    /// <summary>How the standing of an own flag changed.</summary>
    public static class Change
    {
        /// <summary>It is stacked now.</summary>
        public const string NewlyStacked = "newly_stacked";

        /// <summary>It was stacked, and another number of organisations flag it now.</summary>
        public const string CountChanged = "count_changed";

        /// <summary>It was stacked, and is no longer.</summary>
        public const string NoLongerStacked = "no_longer_stacked";
    }

    /// <summary>Why a flag may stand longer. A policy allows some of these.</summary>
    public static class RenewalReason
    {
        /// <summary>The partner itself observed again what it flagged.</summary>
        public const string ObservedAgain = "observed_again";

        /// <summary>An investigation, a visit or a measure of its own is under way.</summary>
        public const string BeingActedOn = "being_acted_on";

        /// <summary>A procedure of a court, an objection or a permit is pending.</summary>
        public const string ProcedurePending = "procedure_pending";

        /// <summary>A measure was imposed or agreed, and it is watched whether it is kept.</summary>
        public const string UnderSupervision = "under_supervision";
    }
}

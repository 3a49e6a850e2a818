<?php

/**
 * Stapel for PHP 8.2 and later: classes over stapel.h, with the FFI extension and nothing besides.
 *
 * What fails throws StapelException, whose code() is stable. Partner, Broker, Register, Addresses and Answer hold what
 * the library made; they free it at close() or when they are collected, and throw ClosedException afterwards. Times are
 * seconds since 1970-01-01T00:00:00Z, by default the computer's. stapel.h says what each call means, and what it
 * throws. stapel.ffi.h must be beside this file.
 *
 * In a web server FFI is off unless php.ini has ffi.enable=true, or a preload file loads this one; see README.md two
 * folders up.
 */

declare(strict_types=1);

namespace Stapel;

use FFI;
use FFI\CData;

/** A call failed. getCode() is the number of the status. */
final class StapelException extends \RuntimeException
{
    /** @internal */
    public function __construct(string $message, int $status, private readonly ?string $number = null)
    {
        parent::__construct($message, $status);
    }

    /** Of one home that was refused: the canonical form of its house number, where that is certain; else null. */
    public function number(): ?string
    {
        return $this->number;
    }

    /** The stable code, such as "folder_in_use": the same in every language and version. */
    public function code(): string
    {
        return Library::code($this->getCode());
    }
}

/** Something was used after it was closed. */
final class ClosedException extends \LogicException
{
}

/** How much of an address a row names. */
enum Level: int
{
    case None = 0;
    case Unit = 1;
    case Number = 2;
}

/** How an address was found in a register. */
enum How: int
{
    /** It was read without a register, or refused. */
    case None = 0;
    /** As it was given; the register has it. */
    case Registered = 1;
    /** By its BAG id. */
    case ById = 2;
    /** From street, number and town, which only one address has. */
    case Completed = 3;
    /** By the name of its street, without which it could not be told which number is the house's. */
    case Street = 4;
    /** The register has only another spelling of that floor, as H for hs. */
    case OtherSpelling = 5;
    /** As it was given; the register has no such address. */
    case Unregistered = 6;
    /** As it was given; the register says that the address was withdrawn. */
    case Withdrawn = 7;
}

/** What the broker said of what comes after a hit. */
enum TalkedKind: int
{
    /** It keeps what is put forward, or the report of a year. */
    case Kept = 7;
    /** What waited at it, such as introductions and notes. */
    case Posted = 8;
    /** How many of the organisation's flags are stacked. */
    case Totals = 9;
}

/** What is new of what comes after a hit. */
enum TalkNewsKind: int
{
    case Other = 0;
    /** Somebody put forward what this partner flags too: Partner::answer. */
    case Asked = 1;
    /** This partner was introduced to another. */
    case Introduced = 2;
    /** A note came. */
    case Note = 3;
    /** The coordinator decided. */
    case Decision = 4;
    /** Another left. */
    case Left = 5;
    /** What is put forward ended with its epoch: it is put forward again. */
    case RowEnded = 6;
    /** The policy lets more know of it than was agreed to: it is put forward again. */
    case RowWider = 7;
    /** Something of another was passed over, because no certificate of it came: ask its organisation why. */
    case NeverCertified = 8;
    /** A note of another was passed over, because its writer may not say what it says. */
    case Refused = 9;
    /** Something of another could not be read here, and was passed over; it does not know: ask it to write anew. */
    case Unreadable = 10;
}

/** What a note is. */
enum NoteKind: int
{
    case Other = 0;
    case Text = 1;
    /** Which address the conversation is about: what the coordinator is told. */
    case Address = 2;
    /** Who leads from now on. */
    case Lead = 3;
    /** How it ended. */
    case Outcome = 4;
    /** What the coordinator decided. */
    case Decision = 5;
}

/** How far an own note came. */
enum NoteProgress: int
{
    case Other = 0;
    /** It goes with the next exchange. */
    case Waiting = 1;
    /** The broker did not take it on that day; it goes on the next. */
    case PutOff = 2;
    /** The broker has it. */
    case Kept = 3;
    /** The other says that it read it. */
    case Read = 4;
    /** The broker did not take it: one of the two left. */
    case NotIntroduced = 5;
}

/** What a standing says. */
enum StandingKind: int
{
    case None = 0;
    case Refused = 1;
    case BelowThreshold = 2;
    case NoOwnFlag = 3;
    case Stacked = 4;
    case AtLeast = 5;
    case Count = 6;
}

/** What to do after a rejection. */
enum Next: int
{
    case Nothing = 0;
    case Again = 1;
    case Resend = 2;
    case FetchPolicy = 3;
    case Wait = 4;
    case DeclareShrink = 5;
    case Renew = 6;
    case SetClock = 7;
    case AskCoordinator = 8;
    case End = 9;
}

/** What changed. */
enum Change: int
{
    case NewlyStacked = 1;
    case CountChanged = 2;
    case NoLongerStacked = 3;
}

/** Keeps what people wrote, references among it, out of what var_dump and print_r show. */
trait Unshown
{
    /** @return array<string, mixed> */
    public function __debugInfo(): array
    {
        return array_diff_key(get_object_vars($this), ['typed' => 0, 'reference' => 0, 'text' => 0, 'decision' => 0]);
    }
}

/** Who acts, and for which case. Stays in the partner's own journal. */
final readonly class Acting
{
    use Unshown;

    public function __construct(public string $actor, public string $reference)
    {
    }
}

/** The separate fields of one address; any may be empty. With a register, street and town are used where there is no
 * postcode. */
final readonly class Fields
{
    public function __construct(
        public string $postcode,
        public string $number,
        public string $letter = '',
        public string $addition = '',
        public string $street = '',
        public string $town = '',
    ) {
    }

    /**
     * People wrote all of it.
     *
     * @return array{}
     */
    public function __debugInfo(): array
    {
        return [];
    }
}

/** The canonical forms of one address: of the home, and of its house number, null for a home without a postcode. */
final readonly class Address
{
    private function __construct(public string $unit, public ?string $number, public How $how)
    {
    }

    /** Reads one address as people write it. With a register also a BAG id, or street, number and town. */
    public static function fromText(string $text, ?Register $register = null): self
    {
        return self::read('address_from_text', $register?->raw(), $text, \strlen($text));
    }

    /** Reads the separate fields of one address. */
    public static function fromFields(Fields $fields, ?Register $register = null): self
    {
        $given = Library::ffi()->new('stapel_fields');
        $keep = [];
        foreach (['postcode', 'number', 'letter', 'addition', 'street', 'town'] as $field) {
            Library::put($given->$field, $fields->$field, $keep[$field]);
        }
        return self::read('address_from_fields', $register?->raw(), FFI::addr($given));
    }

    private static function read(string $function, mixed ...$arguments): self
    {
        $address = Library::ffi()->new('stapel_address');
        try {
            Library::call($function, ...$arguments, ...[FFI::addr($address)]);
        } catch (StapelException $error) {
            $number = FFI::string($address->number);
            throw $number === '' ? $error : new StapelException($error->getMessage(), $error->getCode(), $number);
        }
        $number = FFI::string($address->number);
        return new self(FFI::string($address->unit), $number === '' ? null : $number, How::from($address->how));
    }
}

/**
 * What became of one row. `code` is null, or why the address was refused. `typed` is the address as it was given, null
 * of a refused row. `number` is the canonical form of the house number; a refused row has it where that is certain.
 */
final readonly class Row
{
    use Unshown;

    public function __construct(
        public int $index,
        public ?string $reference,
        public ?string $canonical,
        public ?string $typed,
        public ?string $number,
        public Level $level,
        public How $how,
        public ?string $code,
        public ?string $field,
        public ?string $message,
    ) {
    }
}

/** How many rows were found in a register in each way. All are 0 where none was given. */
final readonly class HowCounts
{
    public function __construct(
        public int $registered,
        public int $byId,
        public int $completed,
        public int $street,
        public int $otherSpelling,
        /** Show these and the next to somebody: they are flagged and asked about as they were given. */
        public int $unregistered,
        public int $withdrawn,
    ) {
    }
}

/** An address as a register has it. Texts that it does not have are empty. */
final readonly class RegisterEntry
{
    public function __construct(
        public string $canonical,
        public string $street,
        public string $town,
        public string $postcode,
        public int $number,
        public string $letter,
        public string $addition,
        /** The id of the nummeraanduiding. */
        public string $id,
        /** The id of the verblijfsobject, ligplaats or standplaats. */
        public string $object,
        /** The id of the pand. */
        public string $building,
        /** In degrees (ETRS89); null where the register has no coordinates. */
        public ?float $latitude,
        public ?float $longitude,
        public bool $isSecondary,
        public bool $isWithdrawn,
    ) {
    }
}

/**
 * What a register says of an address: its entries, those that were withdrawn among them. `now`: where all were
 * withdrawn, the address that their object has now, if it has one.
 */
final readonly class Findings
{
    /** @param list<RegisterEntry> $entries */
    public function __construct(public array $entries, public ?string $now)
    {
    }
}

/** What a call changed over the partner's flags, in numbers of addresses. */
final readonly class Changed
{
    public function __construct(
        public int $added,
        public int $changed,
        public int $withdrawn,
        public int $unchanged,
        public int $lapsed,
        public int $refused,
        /** Rows of which another row names the same address: each address counts once. */
        public int $repeated,
    ) {
    }
}

/** The standing of one address. `count` is 0 where its kind has none. */
final readonly class Standing implements \Stringable
{
    public function __construct(public StandingKind $kind, public int $count)
    {
    }

    public function isStacked(): bool
    {
        return $this->kind->value >= StandingKind::Stacked->value;
    }

    public function __toString(): string
    {
        return match ($this->kind) {
            StandingKind::None => 'not answered',
            StandingKind::Refused => 'refused',
            StandingKind::BelowThreshold => 'below threshold',
            StandingKind::NoOwnFlag => 'no own flag',
            StandingKind::Stacked => 'stacked',
            StandingKind::AtLeast => "stacked at least $this->count",
            StandingKind::Count => "stacked $this->count",
        };
    }
}

/** The line of the broker's audit log that a reply was logged with. `leaf` is 32 bytes. */
final readonly class LogEntry
{
    public function __construct(public int $index, public string $leaf)
    {
    }
}

/** What the broker said: a Receipt, an Answer, a Position, a Talked or a Rejection. */
interface Reply
{
}

/** What was delivered was accepted, and is kept. */
final readonly class Receipt implements Reply
{
    public function __construct(
        public int $release,
        public int $added,
        public int $changed,
        public int $withdrawn,
        public int $held,
        public int $part,
        public int $parts,
        public LogEntry $log,
    ) {
    }
}

/** Where a partner stands with the broker. `complaint` is the code of what is wrong with its audit log, or null. */
final readonly class Position implements Reply
{
    public function __construct(
        public int $release,
        public int $asOf,
        public int $until,
        public int $acceptedState,
        public int $highestState,
        public int $highestQuestion,
        public int $held,
        public int $newFlagsLeft,
        public int $firstSetsLeft,
        public int $heldLeft,
        public int $askedLeftToday,
        public int $askedLeftEpoch,
        public int $sweptLeftToday,
        public int $statusLeftToday,
        public bool $fullSetRequired,
        public ?string $complaint,
        public ?string $complaintText,
        public LogEntry $log,
    ) {
    }
}

/**
 * How many of the flags are stacked by `from` to `to` organisations, rounded down to tens; `to` is null for all above.
 */
final readonly class TotalsCell
{
    public function __construct(public int $from, public ?int $to, public int $number)
    {
    }
}

/** How many of the organisation's flags are stacked, in tens. With fewer than 100 flags there are no cells. */
final readonly class Totals
{
    /** @param list<TotalsCell> $cells */
    public function __construct(
        public int $release,
        public int $asOf,
        public int $year,
        public int $quarter,
        public int $flags,
        public array $cells,
    ) {
    }
}

/**
 * How many of a year's conversations went in these ways: open, taken_up_together, taken_up_by_one, not_taken_up,
 * nothing_found. One of all ways with 0 says that they are fewer than ten together.
 */
final readonly class YearCell
{
    /** @param list<string> $ways */
    public function __construct(public array $ways, public int $number)
    {
    }
}

/**
 * An own flag that is put forward; `standsUntil` is null where the broker does not have it yet. Days: "2027-05-31".
 * Where its epoch ended, or the policy lets more organisations know than was agreed to, it is put forward again.
 */
final readonly class PutForward
{
    use Unshown;

    /** @param list<string> $more */
    public function __construct(
        public string $canonical,
        public ?string $typed,
        public Level $level,
        public string $since,
        public int $epoch,
        public bool $ended,
        public array $more,
        public ?string $standsUntil,
    ) {
    }
}

/** An own flag that somebody else put forward; who did is not said. `answer`: join, not_now, review, or null. */
final readonly class PutForwardByOther
{
    use Unshown;

    public function __construct(
        public string $canonical,
        public ?string $typed,
        public Level $level,
        public string $day,
        public string $answerBy,
        public ?string $answer,
        public ?string $answered,
        public bool $isPutForward,
    ) {
    }
}

/**
 * Something new of what comes after a hit. `canonical` and `typed` are its address, also of what is in a conversation;
 * null at the coordinator. `actor` and `caseReference`: who put the address forward here last, and for which case; null
 * where nobody did. `more`: of RowWider, the organisations that the policy lets know too.
 */
final readonly class TalkNews
{
    use Unshown;

    /** @param list<string> $more */
    public function __construct(
        public TalkNewsKind $kind,
        public ?int $conversation,
        public ?int $partner,
        public ?string $name,
        public ?string $canonical,
        public ?string $typed,
        public ?string $answerBy,
        public ?string $actor,
        public ?string $caseReference,
        public array $more,
    ) {
    }
}

/**
 * Somebody that a partner was introduced to. Name and organisation are null where it is in the roster no longer;
 * `since` is null in AgendaItem's `left`; `missesNote`: a later one came.
 */
final readonly class Introduced
{
    public function __construct(
        public int $partner,
        public ?string $name,
        public ?string $organisation,
        public ?string $since,
        public ?string $left,
        public bool $missesNote,
    ) {
    }
}

/** An own note to one partner. Of PutOff: `putOff`, the day, and `reason`: `day_spent` or `too_many_wait`. */
final readonly class NoteCopy
{
    public function __construct(
        public int $to,
        public NoteProgress $progress,
        public ?string $putOff,
        public ?string $reason,
    ) {
    }
}

/**
 * A note in a conversation; `from` is null for this partner, and `time` is by its writer's clock. What its kind does
 * not have is null: Address has `canonical` and perhaps `typed`, Lead and Decision `lead`, Outcome `outcome`, Decision
 * perhaps `next`.
 */
final readonly class Note
{
    use Unshown;

    /** @param list<NoteCopy> $copies */
    public function __construct(
        public NoteKind $kind,
        public ?int $from,
        public ?int $lead,
        public int $time,
        public ?string $text,
        public ?string $canonical,
        public ?string $typed,
        public ?string $outcome,
        public ?string $next,
        public array $copies,
    ) {
    }
}

/**
 * All that those who were introduced over one address said to each other. `canonical` is null at the coordinator, who
 * has it from a note; `outcome` is how it ended, as was said last.
 */
final readonly class Conversation
{
    use Unshown;

    /**
     * @param list<Introduced> $introduced
     * @param list<Note> $notes
     */
    public function __construct(
        public int $number,
        public int $epoch,
        public ?string $canonical,
        public ?string $typed,
        public string $began,
        public ?int $lead,
        public ?string $outcome,
        public ?string $decision,
        public ?int $decidedAt,
        public ?string $next,
        public ?string $left,
        public array $introduced,
        public array $notes,
    ) {
    }
}

/** An address that a note said. */
final readonly class AgendaPlace
{
    use Unshown;

    public function __construct(public string $canonical, public ?string $typed)
    {
    }
}

/**
 * A conversation on the coordinator's agenda, or one that was. `waitsFor`: `first_decision`, `joined`, `note`,
 * `next_day` or `leader_left`; null where it does not wait for the coordinator. `ended`: `all_said`, `closed`,
 * `all_left` or `coordinator_left`; null where it is on the agenda. `left`: who joined and left again.
 */
final readonly class AgendaItem
{
    use Unshown;

    /**
     * @param list<Introduced> $joined
     * @param list<Introduced> $left
     * @param list<AgendaPlace> $addresses
     */
    public function __construct(
        public int $conversation,
        public bool $isNew,
        public string $began,
        public ?string $waitingSince,
        public ?string $waitsFor,
        public ?string $ended,
        public ?string $endedOn,
        public ?int $lead,
        public ?string $decision,
        public ?string $next,
        public ?string $outcome,
        public array $joined,
        public array $left,
        public array $addresses,
    ) {
    }
}

/**
 * What the broker said of what comes after a hit. What its kind does not speak of is 0. `complaint` is the code of what
 * is wrong with an introduction, or null.
 */
final readonly class Talked implements Reply
{
    public function __construct(
        public TalkedKind $kind,
        public int $kept,
        public int $unflagged,
        public int $added,
        public int $newLeft,
        public int $heldLeft,
        public int $news,
        public int $passedOver,
        public bool $more,
        public ?string $complaint,
        public ?string $complaintText,
        public LogEntry $log,
        /** Of TalkedKind::Totals; else null. */
        public ?Totals $totals = null,
    ) {
    }
}

/**
 * A message was not accepted. `late`: it was no longer waited for; `hint`: nobody signed it. Nothing changed by either.
 */
final readonly class Rejection implements Reply
{
    public function __construct(
        public string $code,
        public Next $next,
        public int $number,
        public string $sentence,
        public bool $late,
        public bool $hint,
        public LogEntry $log,
    ) {
    }
}

/** One row of an answer. `typed` is the address as it was written when it was asked about or flagged, or null. */
final readonly class AnswerRow
{
    use Unshown;

    public function __construct(
        public string $canonical,
        public ?string $typed,
        public Level $level,
        public Standing $standing,
    ) {
    }
}

/** A change over one of the partner's own addresses. `typed` is how it was written when it was flagged, or null. */
final readonly class News
{
    use Unshown;

    public function __construct(
        public string $canonical,
        public ?string $typed,
        public Level $level,
        public Change $change,
        public Standing $before,
        public Standing $now,
    ) {
    }
}

/** Owns a handle, and frees it once. */
abstract class Handle
{
    protected function __construct(private ?CData $handle)
    {
    }

    /** Frees it. Doing so twice is harmless. */
    public function close(): void
    {
        if ($this->handle !== null) {
            $handle = $this->handle;
            $this->handle = null;
            $this->free($handle);
        }
    }

    public function __destruct()
    {
        $this->close();
    }

    /** For calls of stapel.h. */
    public function raw(): CData
    {
        return $this->handle ?? throw new ClosedException(static::class . ' was closed');
    }

    abstract protected function free(CData $handle): void;

    private function __clone()
    {
    }
}

/**
 * A local register of the addresses that exist (BAG), which `stapel register build` made. Open it once. What is looked
 * up stays in the process.
 */
final class Register extends Handle implements \Countable
{
    public function __construct(string $file)
    {
        parent::__construct(Library::make('stapel_register', 'register_open', $file, \strlen($file)));
    }

    /** How many addresses it has, those that were withdrawn included. */
    public function count(): int
    {
        return $this->about()->addresses;
    }

    /** How many of its addresses were withdrawn. */
    public function withdrawn(): int
    {
        return $this->about()->withdrawn;
    }

    /** The day of the extract that it was built from, such as "2026-11-01". */
    public function sourceDay(): string
    {
        // Kept while its text is read.
        $about = $this->about();
        return FFI::string($about->source_day);
    }

    /** What it says of a canonical form, such as that of a row. */
    public function lookUp(string $canonical): Findings
    {
        return Library::takeFindings(Library::make('stapel_findings', 'register_look_up', $this->raw(), $canonical,
            \strlen($canonical)));
    }

    protected function free(CData $handle): void
    {
        Library::ffi()->stapel_register_free($handle);
    }

    private function about(): CData
    {
        return Library::get('stapel_register_about', 'register_describe', $this->raw());
    }
}

/**
 * Rows of addresses that were read.
 *
 * @implements \IteratorAggregate<int, Row>
 */
final class Addresses extends Handle implements \IteratorAggregate, \Countable
{
    /** @internal */
    public function __construct(CData $handle)
    {
        parent::__construct($handle);
    }

    /**
     * Reads addresses as people write them, or with a register BAG ids. A row that is refused does not stop the others.
     *
     * @param list<string> $texts
     * @param list<string>|null $references the caller's own, one for each row
     */
    public static function fromTexts(array $texts, ?array $references = null, ?Register $register = null): self
    {
        $column = Library::packed($texts, $keep);
        $names = Library::references($references, \count($texts), $keepNames);
        return new self(Library::make('stapel_addresses', 'addresses_from_packed_texts', $register?->raw(),
            FFI::addr($column), $names, \count($texts)));
    }

    /**
     * Reads separate fields.
     *
     * @param list<Fields> $rows
     * @param list<string>|null $references the caller's own, one for each row
     */
    public static function fromFields(array $rows, ?array $references = null, ?Register $register = null): self
    {
        $columns = Library::ffi()->new('stapel_packed_fields');
        $keep = [];
        foreach (['postcode', 'number', 'letter', 'addition', 'street', 'town'] as $field) {
            $columns->$field = Library::packed(array_map(fn(Fields $row) => $row->$field, $rows), $keep[$field]);
        }
        $names = Library::references($references, \count($rows), $keepNames);
        return new self(Library::make('stapel_addresses', 'addresses_from_packed_fields', $register?->raw(),
            FFI::addr($columns), $names, \count($rows)));
    }

    /** The house numbers that these homes are in, row by row. */
    public function numbers(): self
    {
        return new self(Library::make('stapel_addresses', 'addresses_numbers', $this->raw()));
    }

    /**
     * The house numbers of the refused rows where only the home is not certain; with a register those that it has.
     * They count for that number alone, and for no home, where the policy counts the level `number`.
     */
    public function refusedNumbers(): self
    {
        return new self(Library::make('stapel_addresses', 'addresses_refused_numbers', $this->raw()));
    }

    /** Some of the rows, by their index and in that order: to withdraw one of Partner::flags(), for example. */
    public function pick(int ...$indices): self
    {
        $rows = Library::ffi()->new('uint64_t[' . max(\count($indices), 1) . ']');
        foreach (array_values($indices) as $at => $index) {
            Library::refuseUnfit($index, PHP_INT_MAX, 'index');
            $rows[$at] = $index;
        }
        return new self(Library::make('stapel_addresses', 'addresses_pick', $this->raw(), $rows, \count($indices)));
    }

    /**
     * The canonical form of each row, null of a refused one: in one call.
     *
     * @return list<?string>
     */
    public function canonical(): array
    {
        $lines = explode("\n", Library::takeBuffer(Library::make('stapel_buffer', 'addresses_lines', $this->raw())));
        array_pop($lines);
        return array_map(fn(string $line) => $line === '' ? null : $line, $lines);
    }

    public function count(): int
    {
        return $this->counts()[0];
    }

    /** How many rows were found in the register in each way. */
    public function howCounts(): HowCounts
    {
        $c = Library::get('stapel_how_counts', 'addresses_how_counts', $this->raw());
        return new HowCounts($c->registered, $c->by_id, $c->completed, $c->street, $c->other_spelling,
            $c->unregistered, $c->withdrawn);
    }

    public function row(int $index): Row
    {
        Library::refuseUnfit($index, PHP_INT_MAX, 'index');
        return $this->take('addresses_row', $index);
    }

    /** @return \Generator<int, Row> */
    public function getIterator(): \Generator
    {
        for ($index = 0, $count = $this->counts()[0]; $index < $count; $index++) {
            yield $index => $this->take('addresses_row', $index);
        }
    }

    /**
     * The rows that were refused.
     *
     * @return \Generator<int, Row>
     */
    public function refused(): \Generator
    {
        for ($index = 0, $count = $this->counts()[1]; $index < $count; $index++) {
            yield $this->take('addresses_refused_row', $index);
        }
    }

    protected function free(CData $handle): void
    {
        Library::ffi()->stapel_addresses_free($handle);
    }

    /** @return array{int, int} */
    private function counts(): array
    {
        $rows = FFI::new('size_t');
        $refused = FFI::new('size_t');
        Library::call('addresses_count', $this->raw(), FFI::addr($rows), FFI::addr($refused));
        return [$rows->cdata, $refused->cdata];
    }

    private function take(string $function, int $index): Row
    {
        $row = Library::get('stapel_row', $function, $this->raw(), $index);
        return new Row(
            $row->row,
            Library::text($row->reference),
            Library::text($row->canonical),
            Library::text($row->typed),
            Library::text($row->number),
            Level::from($row->level),
            How::from($row->how),
            $row->status === 0 ? null : Library::code($row->status),
            Library::text($row->field),
            Library::text($row->message),
        );
    }
}

/**
 * The standings that were asked: what the answer says of itself, and its rows in the order in which they were asked.
 *
 * @implements \IteratorAggregate<int, AnswerRow>
 */
final class Answer extends Handle implements Reply, \IteratorAggregate, \Countable
{
    public readonly Acting $by;
    public readonly int $epoch;
    public readonly int $release;
    public readonly int $asOf;
    public readonly int $until;
    public readonly int $organisations;
    public readonly int $fresh;
    public readonly LogEntry $log;
    private readonly int $rows;

    /** @internal */
    public function __construct(CData $handle)
    {
        parent::__construct($handle);
        $head = Library::get('stapel_answer', 'reply_answer', $handle);
        $this->by = new Acting(Library::text($head->actor) ?? '', Library::text($head->reference) ?? '');
        $this->epoch = $head->epoch;
        $this->release = $head->release;
        $this->asOf = $head->as_of;
        $this->until = $head->until;
        $this->organisations = $head->organisations;
        $this->fresh = $head->fresh;
        $this->log = Library::log($head->log);
        $this->rows = $head->rows;
    }

    /**
     * The standing of each row, from the answers among the replies to a question, whole or cut into several.
     *
     * @param iterable<Reply> $replies
     * @return list<Standing>
     */
    public static function standings(Addresses $rows, iterable $replies): array
    {
        $count = \count($rows);
        $told = Library::ffi()->new('stapel_standing[' . max($count, 1) . ']');
        foreach ($replies as $reply) {
            if (!$reply instanceof Reply) {
                // An answer alone is iterable too: its rows are no replies, and all would pass for not answered.
                throw new \TypeError('replies must be replies that were read, and not of type '
                    . get_debug_type($reply));
            }
            if ($reply instanceof Answer) {
                Library::call('reply_standings', $reply->raw(), $rows->raw(), $told, $count);
            }
        }
        $standings = [];
        for ($index = 0; $index < $count; $index++) {
            $standings[] = Library::standing($told[$index]);
        }
        return $standings;
    }

    public function count(): int
    {
        return $this->rows;
    }

    /** @return \Generator<int, AnswerRow> */
    public function getIterator(): \Generator
    {
        for ($index = 0; $index < $this->rows; $index++) {
            $row = Library::get('stapel_answer_row', 'reply_row', $this->raw(), $index);
            yield new AnswerRow(Library::text($row->canonical) ?? '', Library::text($row->typed),
                Level::from($row->level), Library::standing($row->standing));
        }
    }

    protected function free(CData $handle): void
    {
        Library::ffi()->stapel_reply_free($handle);
    }
}

/** A partner with its folder open. One at a time, of all processes, can have a folder open. */
final class Partner extends Handle
{
    /**
     * Where what is secret is in a folder of its own, `$keys` names that. Where another has the folder open, it is
     * waited for up to about `$wait` seconds, in turn with others that wait; 0 is not at all.
     */
    public function __construct(string $folder, ?string $keys = null, float $wait = 5.0)
    {
        if (!($wait >= 0 && $wait <= 86_400)) {
            throw new \ValueError('wait must be from 0 to 86400 seconds');
        }
        parent::__construct(Library::make('stapel_partner', 'partner_open', $folder, \strlen($folder), $keys,
            \strlen($keys ?? ''), (int) ceil($wait * 1_000)));
    }

    /**
     * Makes the folder of a new partner, with a folder of its own for what is secret where `$keys` names one, so that
     * no copy of the other need hold it. Gives its verifying key, for the coordinator.
     */
    public static function init(string $folder, int $number, ?string $keys = null): string
    {
        Library::refuseUnfit($number, 0xFFFF, 'number');
        return Library::takeBuffer(Library::make('stapel_buffer', 'partner_init', $folder, \strlen($folder), $keys,
            \strlen($keys ?? ''), $number));
    }

    /** Copies a first policy, with the signatures beside it, into the folder. */
    public static function join(string $folder, string $policyFile, ?string $keys = null): void
    {
        Library::call('partner_join', $folder, \strlen($folder), $keys, \strlen($keys ?? ''), $policyFile,
            \strlen($policyFile));
    }

    public function adoptPolicy(string $policyFile, ?int $now = null): void
    {
        Library::call('partner_adopt_policy', $this->raw(), $policyFile, \strlen($policyFile), Library::now($now));
    }

    public function addSecret(string $secretFile): void
    {
        Library::call('partner_add_secret', $this->raw(), $secretFile, \strlen($secretFile));
    }

    /** Its number in the roster. */
    public function number(): int
    {
        return Library::get('uint16_t', 'partner_number', $this->raw())->cdata;
    }

    /**
     * How many of its flags are in no delivery yet: those since the last one, and those that wait for the policy's
     * budgets.
     */
    public function undelivered(): int
    {
        return Library::get('size_t', 'partner_undelivered', $this->raw())->cdata;
    }

    /** The homes that the partner flags. */
    public function flags(): Addresses
    {
        return new Addresses(Library::make('stapel_addresses', 'partner_flags', $this->raw()));
    }

    /** Flags homes, through the latest day that the policy has. */
    public function flag(Addresses $homes, Acting $by, ?int $now = null): Changed
    {
        return self::change('partner_flag', $this->raw(), $homes->raw(), Library::acting($by, $keep),
            Library::now($now));
    }

    /** Flags homes through a month's last day, such as "2027-05-31". */
    public function flagUntil(Addresses $homes, string $lastDay, Acting $by, ?int $now = null): Changed
    {
        $who = Library::acting($by, $keep);
        return self::change('partner_flag_until', $this->raw(), $homes->raw(), $lastDay, \strlen($lastDay), $who,
            Library::now($now));
    }

    /** `$reason`: observed_again, being_acted_on, procedure_pending or under_supervision. */
    public function renew(Addresses $homes, string $reason, Acting $by, ?int $now = null): Changed
    {
        $who = Library::acting($by, $keep);
        return self::change('partner_renew', $this->raw(), $homes->raw(), $reason, \strlen($reason), $who,
            Library::now($now));
    }

    /**
     * Says that somebody saw that the clock is right, where calls fail with `clock` or `clock_ahead`. How many flags
     * end with that, because their last valid day has passed.
     */
    public function acceptClock(Acting $by, ?int $now = null): int
    {
        return Library::get('size_t', 'partner_accept_clock', $this->raw(), Library::acting($by, $keep),
            Library::now($now))->cdata;
    }

    public function withdraw(Addresses $homes, Acting $by, ?int $now = null): Changed
    {
        return self::change('partner_withdraw', $this->raw(), $homes->raw(), Library::acting($by, $keep),
            Library::now($now));
    }

    /**
     * Makes the flags exactly those of the homes: a full set.
     *
     * @param bool $allowShrink
     */
    public function replaceAll(Addresses $homes, Acting $by, mixed $allowShrink = false, ?int $now = null): Changed
    {
        $meant = Library::flag($allowShrink, 'allowShrink');
        $who = Library::acting($by, $keep);
        return self::change('partner_replace_all', $this->raw(), $homes->raw(), $meant, $who,
            Library::now($now));
    }

    /**
     * The messages that bring the broker up to date, in the order in which it must get them.
     *
     * @return list<string>
     */
    public function deliver(?int $now = null): array
    {
        return self::messages('partner_deliver', $this->raw(), Library::now($now));
    }

    /** @return list<string> */
    public function confirm(?int $now = null): array
    {
        return self::messages('partner_confirm', $this->raw(), Library::now($now));
    }

    /**
     * The questions for the standings of rows.
     *
     * @return list<string>
     */
    public function ask(Addresses $rows, Acting $by, ?int $now = null): array
    {
        return self::messages('partner_ask', $this->raw(), $rows->raw(), Library::acting($by, $keep),
            Library::now($now));
    }

    /** @return list<string> */
    public function askOwn(Acting $by, ?int $now = null): array
    {
        return self::messages('partner_ask_own', $this->raw(), Library::acting($by, $keep), Library::now($now));
    }

    /** @return list<string> */
    public function sweep(Addresses $rows, string $reason, Acting $by, ?int $now = null): array
    {
        $who = Library::acting($by, $keep);
        return self::messages('partner_sweep', $this->raw(), $rows->raw(), $reason, \strlen($reason), $who,
            Library::now($now));
    }

    /**
     * The request where the partner stands with the broker: one message.
     *
     * @return list<string>
     */
    public function status(?int $now = null): array
    {
        return self::messages('partner_status', $this->raw(), Library::now($now));
    }

    /**
     * The messages whose replies were not read yet: to send them after a program ended in between.
     *
     * @return list<string>
     */
    public function inFlight(): array
    {
        return self::messages('partner_in_flight', $this->raw());
    }

    /** Reads a reply of the broker. A Rejection is a reply, and throws nothing. */
    public function read(string $reply, ?int $now = null): Reply
    {
        $bytes = Library::bytes($reply);
        return self::reply(Library::make('stapel_reply', 'partner_read', $this->raw(), $bytes, \strlen($reply),
            Library::now($now)));
    }

    public function giveUp(string $message, ?int $now = null): void
    {
        Library::call('partner_give_up', $this->raw(), Library::bytes($message), \strlen($message), Library::now($now));
    }

    /**
     * What changed between the answers that were read when this was called last, and those read since.
     *
     * @return list<News>
     */
    public function news(): array
    {
        $news = Library::make('stapel_news', 'partner_news', $this->raw());
        try {
            $rows = [];
            for ($index = 0, $count = Library::get('size_t', 'news_count', $news)->cdata; $index < $count; $index++) {
                $row = Library::get('stapel_news_row', 'news_get', $news, $index);
                $rows[] = new News(
                    Library::text($row->canonical) ?? '',
                    Library::text($row->typed),
                    Level::from($row->level),
                    Change::from($row->change),
                    Library::standing($row->before),
                    Library::standing($row->now),
                );
            }
            return $rows;
        } finally {
            Library::ffi()->stapel_news_free($news);
        }
    }

    /** Puts own flags forward, until they are taken back or end. How many were not put forward yet. */
    public function putForward(Addresses $homes, Acting $by, ?int $now = null): int
    {
        return Library::get('size_t', 'partner_put_forward', $this->raw(), $homes->raw(), Library::acting($by, $keep),
            Library::now($now))->cdata;
    }

    /** Takes back what was put forward; who was introduced stays so. How many were. */
    public function takeBack(Addresses $homes, Acting $by, ?int $now = null): int
    {
        return Library::get('size_t', 'partner_take_back', $this->raw(), $homes->raw(), Library::acting($by, $keep),
            Library::now($now))->cdata;
    }

    /**
     * What is put forward, for a person to be shown, whom the journal has.
     *
     * @return list<PutForward>
     */
    public function forwarded(Acting $by, ?int $now = null): array
    {
        $who = Library::acting($by, $keep);
        return self::rows('forwarded', Library::make('stapel_forwarded', 'partner_forwarded', $this->raw(), $who,
            Library::now($now)), fn(CData $row) => new PutForward(
                Library::text($row->canonical) ?? '',
                Library::text($row->typed),
                Level::from($row->level),
                Library::text($row->since) ?? '',
                $row->epoch,
                $row->ended !== 0,
                self::names($row->more),
                Library::text($row->stands_until),
            ));
    }

    /**
     * What others put forward that this partner flags too, for a person to be shown, whom the journal has.
     *
     * @return list<PutForwardByOther>
     */
    public function asked(Acting $by, ?int $now = null): array
    {
        $who = Library::acting($by, $keep);
        return self::rows('asked', Library::make('stapel_asked', 'partner_asked', $this->raw(), $who,
            Library::now($now)), fn(CData $row) => new PutForwardByOther(
                Library::text($row->canonical) ?? '',
                Library::text($row->typed),
                Level::from($row->level),
                Library::text($row->day) ?? '',
                Library::text($row->answer_by) ?? '',
                Library::text($row->answer),
                Library::text($row->answered),
                $row->is_put_forward !== 0,
            ));
    }

    /** Answers where another put an own flag forward: `join` puts it forward too; `not_now`, `review`. */
    public function answer(string $canonical, string $answer, Acting $by, ?int $now = null): void
    {
        Library::call('partner_answer', $this->raw(), $canonical, \strlen($canonical), $answer, \strlen($answer),
            Library::acting($by, $keep), Library::now($now));
    }

    /**
     * The next message of what comes after a hit, or null: call it until then, after deliver(), once a day or more
     * often. Carry each message, and read its reply before the next call.
     */
    public function talk(?int $now = null): ?string
    {
        return self::messages('partner_talk', $this->raw(), Library::now($now))[0] ?? null;
    }

    /**
     * What is new of what comes after a hit, told once, for a person to be shown, whom the journal has. At most 500 at
     * a time, the oldest first: where there are as many, call it again.
     *
     * @return list<TalkNews>
     */
    public function talkNews(Acting $by, ?int $now = null): array
    {
        $who = Library::acting($by, $keep);
        return self::rows('talk_news', Library::make('stapel_talk_news', 'partner_talk_news', $this->raw(), $who,
            Library::now($now)), fn(CData $row) => new TalkNews(
                TalkNewsKind::from($row->kind),
                $row->conversation ?: null,
                $row->partner ?: null,
                Library::text($row->name),
                Library::text($row->canonical),
                Library::text($row->typed),
                Library::text($row->answer_by),
                Library::text($row->actor),
                Library::text($row->case_reference),
                self::names($row->more),
            ));
    }

    /**
     * All conversations, or that of a number, for a person to be shown, whom the journal has.
     *
     * @return list<Conversation>
     */
    public function conversations(Acting $by, int $number = 0, ?int $now = null): array
    {
        Library::refuseUnfit($number, 0xFFFFFFFF, 'number');
        $made = Library::make('stapel_conversations', 'partner_conversations', $this->raw(), $number,
            Library::acting($by, $keep), Library::now($now));
        return self::rows('conversations', $made, fn(CData $row, int $at) => new Conversation(
            $row->number,
            $row->epoch,
            Library::text($row->canonical),
            Library::text($row->typed),
            Library::text($row->began) ?? '',
            $row->lead ?: null,
            Library::text($row->outcome),
            Library::text($row->decision),
            $row->decided_at ?: null,
            Library::text($row->next),
            Library::text($row->left),
            self::parts($row->introduced,
                fn(int $who) => self::introduced('conversations_introduced', $made, $at, $who)),
            self::parts($row->notes, fn(int $note) => self::note($made, $at, $note)),
        ));
    }

    /** Writes a text in a conversation, to all of it or to one partner. */
    public function writeText(int $conversation, string $text, Acting $by, ?int $to = null, ?int $now = null): void
    {
        Library::refuseUnfit($conversation, 0xFFFFFFFF, 'conversation');
        Library::call('partner_write_text', $this->raw(), $conversation, self::partner($to, 'to'), $text,
            \strlen($text), Library::acting($by, $keep), Library::now($now));
    }

    /** Says who leads: this partner, where nobody does, or whom it hands the lead over to. */
    public function writeLead(int $conversation, int $lead, Acting $by, string $text = '', ?int $now = null): void
    {
        Library::refuseUnfit($conversation, 0xFFFFFFFF, 'conversation');
        Library::call('partner_write_lead', $this->raw(), $conversation, self::partner($lead, 'lead'), $text,
            \strlen($text), Library::acting($by, $keep), Library::now($now));
    }

    /** `$outcome`: taken_up_together, taken_up_by_one, not_taken_up, nothing_found or wrong_signal. */
    public function writeOutcome(int $conversation, string $outcome, Acting $by, string $text = '',
        ?int $now = null): void
    {
        Library::refuseUnfit($conversation, 0xFFFFFFFF, 'conversation');
        Library::call('partner_write_outcome', $this->raw(), $conversation, $outcome, \strlen($outcome), $text,
            \strlen($text), Library::acting($by, $keep), Library::now($now));
    }

    /** Writes what the coordinator decides; `$next` is the day on which it is looked at next, such as "2027-05-31". */
    public function writeDecision(int $conversation, string $text, Acting $by, ?int $lead = null, ?string $next = null,
        ?int $now = null): void
    {
        Library::refuseUnfit($conversation, 0xFFFFFFFF, 'conversation');
        Library::call('partner_write_decision', $this->raw(), $conversation, self::partner($lead, 'lead'), $next,
            \strlen($next ?? ''), $text, \strlen($text), Library::acting($by, $keep), Library::now($now));
    }

    /** Leaves a conversation: nobody can write to this partner there any more. */
    public function leave(int $conversation, Acting $by, ?int $now = null): void
    {
        Library::refuseUnfit($conversation, 0xFFFFFFFF, 'conversation');
        Library::call('partner_leave', $this->raw(), $conversation, Library::acting($by, $keep), Library::now($now));
    }

    /**
     * The coordinator's agenda, for a person to be shown, whom the journal has.
     *
     * @return list<AgendaItem>
     */
    public function agenda(Acting $by, ?int $now = null): array
    {
        $made = Library::make('stapel_agenda', 'partner_agenda', $this->raw(), Library::acting($by, $keep),
            Library::now($now));
        return self::rows('agenda', $made, fn(CData $row, int $at) => new AgendaItem(
            $row->conversation,
            $row->is_new !== 0,
            Library::text($row->began) ?? '',
            Library::text($row->waiting_since),
            Library::text($row->waits_for),
            Library::text($row->ended),
            Library::text($row->ended_on),
            $row->lead ?: null,
            Library::text($row->decision),
            Library::text($row->next),
            Library::text($row->outcome),
            self::parts($row->joined, fn(int $who) => self::introduced('agenda_joined', $made, $at, $who)),
            self::parts($row->left, fn(int $who) => self::introduced('agenda_left', $made, $at, $who)),
            self::parts($row->addresses, function (int $one) use ($made, $at) {
                $place = Library::get('stapel_agenda_place', 'agenda_address', $made, $at, $one);
                return new AgendaPlace(Library::text($place->canonical) ?? '', Library::text($place->typed));
            }),
        ));
    }

    /**
     * The request how many of the organisation's flags are stacked, where the policy answers no more: one message.
     *
     * @return list<string>
     */
    public function totals(?int $now = null): array
    {
        return self::messages('partner_totals', $this->raw(), Library::now($now));
    }

    /**
     * How the conversations went that began in a year, as reportYear() reports it.
     *
     * @return list<YearCell>
     */
    public function yearCells(int $year): array
    {
        Library::refuseUnfit($year, 0xFFFF, 'year');
        $cells = Library::ffi()->new('stapel_year_cell[5]');
        $first = Library::ffi()->cast('stapel_year_cell *', FFI::addr($cells));
        $count = Library::get('size_t', 'partner_year_cells', $this->raw(), $year, $first, 5)->cdata;
        $ways = ['open', 'taken_up_together', 'taken_up_by_one', 'not_taken_up', 'nothing_found'];
        $of = fn(int $bits) => array_values(array_filter($ways, fn(int $bit) => ($bits >> $bit & 1) === 1,
            ARRAY_FILTER_USE_KEY));
        return self::parts($count, fn(int $at) => new YearCell($of($cells[$at]->ways), $cells[$at]->number));
    }

    /**
     * The report of a year that is over, which is made once: one message.
     *
     * @return list<string>
     */
    public function reportYear(int $year, ?int $now = null): array
    {
        Library::refuseUnfit($year, 0xFFFF, 'year');
        return self::messages('partner_report_year', $this->raw(), $year, Library::now($now));
    }

    protected function free(CData $handle): void
    {
        Library::ffi()->stapel_partner_free($handle);
    }

    /** A partner's number, of which the library's 0 stands for none. */
    private static function partner(?int $number, string $name): int
    {
        Library::refuseUnfit($number ?? 0, 0xFFFF, $name);
        return $number ?? 0;
    }

    /**
     * The rows of a list, which is then freed.
     *
     * @template T
     * @param callable(CData, int): T $of
     * @return list<T>
     */
    private static function rows(string $kind, CData $made, callable $of): array
    {
        try {
            $row = $kind === 'conversations' ? 'stapel_conversation' : "stapel_{$kind}_row";
            return self::parts(Library::get('size_t', "{$kind}_count", $made)->cdata,
                fn(int $at) => $of(Library::get($row, "{$kind}_get", $made, $at), $at));
        } finally {
            Library::ffi()->{"stapel_{$kind}_free"}($made);
        }
    }

    /**
     * So many parts, each by its index.
     *
     * @template T
     * @param callable(int): T $of
     * @return list<T>
     */
    private static function parts(int $count, callable $of): array
    {
        $parts = [];
        for ($at = 0; $at < $count; $at++) {
            $parts[] = $of($at);
        }
        return $parts;
    }

    /**
     * Names that have a space between.
     *
     * @return list<string>
     */
    private static function names(CData $text): array
    {
        return array_values(array_filter(explode(' ', Library::text($text) ?? '')));
    }

    private static function introduced(string $function, CData $made, int $at, int $who): Introduced
    {
        $one = Library::get('stapel_introduced', $function, $made, $at, $who);
        return new Introduced(
            $one->partner,
            Library::text($one->name),
            Library::text($one->organisation),
            Library::text($one->since),
            Library::text($one->left),
            $one->misses_note !== 0,
        );
    }

    private static function note(CData $made, int $at, int $number): Note
    {
        $note = Library::get('stapel_note', 'conversations_note', $made, $at, $number);
        return new Note(
            NoteKind::from($note->kind),
            $note->from ?: null,
            $note->lead ?: null,
            $note->time,
            Library::text($note->text),
            Library::text($note->canonical),
            Library::text($note->typed),
            Library::text($note->outcome),
            Library::text($note->next),
            self::parts($note->copies, function (int $copy) use ($made, $at, $number) {
                $to = Library::get('stapel_note_copy', 'conversations_copy', $made, $at, $number, $copy);
                return new NoteCopy($to->to, NoteProgress::from($to->progress), Library::text($to->put_off),
                    Library::text($to->reason));
            }),
        );
    }

    private static function totalsOf(CData $reply): Totals
    {
        $totals = Library::get('stapel_totals', 'reply_totals', $reply);
        $cells = self::parts($totals->cells, function (int $at) use ($reply) {
            $cell = Library::get('stapel_totals_cell', 'reply_totals_cell', $reply, $at);
            return new TotalsCell($cell->from, $cell->to ?: null, $cell->number);
        });
        return new Totals($totals->release, $totals->as_of, $totals->year, $totals->quarter, $totals->flags, $cells);
    }

    private static function change(string $function, mixed ...$arguments): Changed
    {
        $changed = Library::get('stapel_changed', $function, ...$arguments);
        return new Changed($changed->added, $changed->changed, $changed->withdrawn, $changed->unchanged,
            $changed->lapsed, $changed->refused, $changed->repeated);
    }

    /** @return list<string> */
    private static function messages(string $function, mixed ...$arguments): array
    {
        $made = Library::make('stapel_messages', $function, ...$arguments);
        try {
            $messages = [];
            $count = Library::get('size_t', 'messages_count', $made)->cdata;
            for ($index = 0; $index < $count; $index++) {
                $messages[] = Library::takeBytes('messages_get', $made, $index);
            }
            return $messages;
        } finally {
            Library::ffi()->stapel_messages_free($made);
        }
    }

    /** What a reply says. An answer keeps the handle; of all else it is freed here. */
    private static function reply(CData $handle): Reply
    {
        $ffi = Library::ffi();
        $kind = Library::get('stapel_kind', 'reply_kind', $handle)->cdata;
        if ($kind === $ffi->STAPEL_KIND_ANSWER) {
            return new Answer($handle);
        }
        try {
            if ($kind === $ffi->STAPEL_KIND_RECEIPT) {
                $r = Library::get('stapel_receipt', 'reply_receipt', $handle);
                return new Receipt(
                    $r->release,
                    $r->added,
                    $r->changed,
                    $r->withdrawn,
                    $r->held,
                    $r->part,
                    $r->parts,
                    Library::log($r->log),
                );
            }
            if ($kind === $ffi->STAPEL_KIND_STATUS) {
                $p = Library::get('stapel_position', 'reply_status', $handle);
                return new Position(
                    $p->release,
                    $p->as_of,
                    $p->until,
                    $p->accepted_state,
                    $p->highest_state,
                    $p->highest_question,
                    $p->held,
                    $p->new_flags_left,
                    $p->first_sets_left,
                    $p->held_left,
                    $p->asked_left_today,
                    $p->asked_left_epoch,
                    $p->swept_left_today,
                    $p->status_left_today,
                    $p->full_set_required !== 0,
                    $p->complaint === 0 ? null : Library::code($p->complaint),
                    Library::text($p->complaint_text),
                    Library::log($p->log),
                );
            }
            $talked = TalkedKind::tryFrom($kind);
            if ($talked !== null) {
                $t = Library::get('stapel_talked', 'reply_talked', $handle);
                return new Talked(
                    $talked,
                    $t->kept,
                    $t->unflagged,
                    $t->added,
                    $t->new_left,
                    $t->held_left,
                    $t->news,
                    $t->passed_over,
                    $t->more !== 0,
                    $t->complaint === 0 ? null : Library::code($t->complaint),
                    Library::text($t->complaint_text),
                    Library::log($t->log),
                    $talked === TalkedKind::Totals ? self::totalsOf($handle) : null,
                );
            }
            $r = Library::get('stapel_rejection', 'reply_rejection', $handle);
            return new Rejection(
                Library::code($r->status),
                Next::from($r->next),
                $r->number,
                Library::text($r->sentence) ?? '',
                $kind === $ffi->STAPEL_KIND_LATE,
                $kind === $ffi->STAPEL_KIND_HINT,
                Library::log($r->log),
            );
        } finally {
            $ffi->stapel_reply_free($handle);
        }
    }
}

/** A broker with its store open. */
final class Broker extends Handle
{
    public function __construct(string $folder, string $keys)
    {
        parent::__construct(Library::make('stapel_broker', 'broker_open', $folder, \strlen($folder), $keys,
            \strlen($keys)));
    }

    /**
     * Draws a broker's keys. Gives the verifying key and the checkpoint key, for the policy.
     *
     * @return array{string, string}
     */
    public static function initKeys(string $keys): array
    {
        $verifying = Library::ffi()->new('stapel_buffer *');
        $checkpoint = Library::ffi()->new('stapel_buffer *');
        Library::call('broker_init_keys', $keys, \strlen($keys), FFI::addr($verifying), FFI::addr($checkpoint));
        return [Library::takeBuffer($verifying), Library::takeBuffer($checkpoint)];
    }

    /** Makes a broker in a folder, and closes it: to be opened then. */
    public static function create(string $folder, string $keys, string $policyFile, ?int $now = null): void
    {
        $paths = [$folder, \strlen($folder), $keys, \strlen($keys), $policyFile, \strlen($policyFile)];
        Library::ffi()->stapel_broker_free(Library::make('stapel_broker', 'broker_create', ...$paths,
            ...[Library::now($now)]));
    }

    /** Takes a message, and gives the reply to carry back. Whatever the bytes, there is a reply. */
    public function handle(string $message, ?int $now = null): string
    {
        $bytes = Library::bytes($message);
        $reply = Library::make('stapel_buffer', 'broker_handle', $this->raw(), $bytes, \strlen($message),
            Library::now($now));
        return Library::takeBuffer($reply);
    }

    /** Keeps a certificate or a suspension of a partner. One that was kept before is no error. */
    public function certify(string $file, ?int $now = null): void
    {
        Library::call('broker_certify', $this->raw(), $file, \strlen($file), Library::now($now));
    }

    /**
     * Makes the releases that are due: once a day.
     *
     * @param bool $acceptClock
     * @return list<array<string, mixed>>
     */
    public function release(mixed $acceptClock = false, ?int $now = null): array
    {
        $accepted = Library::flag($acceptClock, 'acceptClock');
        $json = Library::make('stapel_buffer', 'broker_release', $this->raw(), Library::now($now), $accepted);
        return json_decode(Library::takeBuffer($json), true, flags: JSON_THROW_ON_ERROR);
    }

    /**
     * Numbers for the operator.
     *
     * @return array<string, mixed>
     */
    public function status(): array
    {
        $json = Library::takeBuffer(Library::make('stapel_buffer', 'broker_status', $this->raw()));
        return json_decode($json, true, flags: JSON_THROW_ON_ERROR);
    }

    protected function free(CData $handle): void
    {
        Library::ffi()->stapel_broker_free($handle);
    }
}

/** The library, and how values go to it and come back. */
final class Library
{
    private const ABI_VERSION = 1;

    private static ?FFI $ffi = null;

    /** @var array<int, Standing> by their two bytes: a million of them are so many references to few objects */
    private static array $standings = [];

    /** The version of the library. */
    public static function version(): string
    {
        return self::ffi()->stapel_version();
    }

    /** How many handles are open, of all kinds. */
    public static function openHandles(): int
    {
        return self::get('size_t', 'open_handles')->cdata;
    }

    /** @internal */
    public static function ffi(): FFI
    {
        return self::$ffi ??= self::load();
    }

    /**
     * A time as it was given, or the computer's.
     *
     * @internal
     */
    public static function now(?int $now): int
    {
        $now ??= time();
        self::refuseUnfit($now, PHP_INT_MAX, 'now');
        return $now;
    }

    /**
     * True or false, as C has them. The type `bool` would not do: in a program without strict types PHP makes `true` of
     * the text "false".
     *
     * @internal
     */
    public static function flag(mixed $flag, string $name): int
    {
        if (!\is_bool($flag)) {
            throw new \TypeError("$name must be true or false, and not of type " . get_debug_type($flag));
        }
        return (int) $flag;
    }

    /**
     * Refuses a number that C would take for another one.
     *
     * @internal
     */
    public static function refuseUnfit(int $number, int $most, string $name): void
    {
        if ($number < 0 || $number > $most) {
            throw new \ValueError("$name must be from 0 to $most");
        }
    }

    /** @internal */
    public static function code(int $status): string
    {
        return self::ffi()->stapel_status_code($status);
    }

    /** @internal */
    public static function call(string $function, mixed ...$arguments): void
    {
        $status = self::ffi()->{"stapel_$function"}(...$arguments);
        if ($status !== 0) {
            throw new StapelException(self::ffi()->stapel_last_error_message(), $status);
        }
    }

    /**
     * Calls a function whose last argument is a handle that it makes.
     *
     * @internal
     */
    public static function make(string $type, string $function, mixed ...$arguments): CData
    {
        $made = self::ffi()->new("$type *");
        self::call($function, ...$arguments, ...[FFI::addr($made)]);
        return $made;
    }

    /**
     * Calls a function whose last argument is a value that it fills in.
     *
     * @internal
     */
    public static function get(string $type, string $function, mixed ...$arguments): CData
    {
        $value = self::ffi()->new($type);
        self::call($function, ...$arguments, ...[FFI::addr($value)]);
        return $value;
    }

    /** @internal */
    public static function takeBytes(string $function, mixed ...$arguments): string
    {
        $start = self::ffi()->new('const uint8_t *');
        $length = self::ffi()->new('size_t');
        self::call($function, ...$arguments, ...[FFI::addr($start), FFI::addr($length)]);
        return $length->cdata === 0 ? '' : FFI::string($start, $length->cdata);
    }

    /** @internal */
    public static function takeBuffer(CData $buffer): string
    {
        try {
            return self::takeBytes('buffer_bytes', $buffer);
        } finally {
            self::ffi()->stapel_buffer_free($buffer);
        }
    }

    /** @internal */
    public static function takeFindings(CData $findings): Findings
    {
        try {
            $entries = [];
            $names = ['canonical', 'street', 'town', 'postcode', 'letter', 'addition', 'id', 'object', 'building'];
            $count = self::get('size_t', 'findings_count', $findings)->cdata;
            for ($index = 0; $index < $count; $index++) {
                $e = self::get('stapel_register_entry', 'findings_get', $findings, $index);
                $texts = [];
                foreach ($names as $name) {
                    $texts[$name] = self::text($e->$name) ?? '';
                }
                $degrees = is_nan($e->latitude) ? [null, null] : [$e->latitude, $e->longitude];
                $entries[] = new RegisterEntry(...$texts, number: $e->number, latitude: $degrees[0],
                    longitude: $degrees[1], isSecondary: $e->is_secondary !== 0, isWithdrawn: $e->is_withdrawn !== 0);
            }
            return new Findings($entries, self::text(self::get('stapel_str', 'findings_now', $findings)));
        } finally {
            self::ffi()->stapel_findings_free($findings);
        }
    }

    /**
     * A copy of bytes in the library's reach; never of none, so that there is a place to point to.
     *
     * @internal
     */
    public static function bytes(string $bytes, string $type = 'uint8_t'): CData
    {
        $copy = self::ffi()->new($type . '[' . max(\strlen($bytes), 1) . ']');
        FFI::memcpy($copy, $bytes, \strlen($bytes));
        return $copy;
    }

    /** @internal */
    public static function text(CData $text): ?string
    {
        // Not compared with null, for which PHP would make a string of all that follows, up to a NUL somewhere.
        return match (true) {
            FFI::isNull($text->ptr) => null,
            $text->len === 0 => '',
            default => FFI::string($text->ptr, $text->len),
        };
    }

    /**
     * A column in one piece. It is good as long as `$keep` is.
     *
     * @internal
     * @param list<string> $texts
     */
    public static function packed(array $texts, mixed &$keep): CData
    {
        $ffi = self::ffi();
        $ends = $ffi->new('uint64_t[' . max(\count($texts), 1) . ']');
        $end = 0;
        foreach (array_values($texts) as $row => $text) {
            $end += \strlen($text);
            $ends[$row] = $end;
        }
        $bytes = self::bytes(implode('', $texts), 'char');
        $column = $ffi->new('stapel_packed');
        $column->bytes = $ffi->cast('char *', FFI::addr($bytes));
        $column->bytes_len = $end;
        $column->ends = $ffi->cast('uint64_t *', FFI::addr($ends));
        $keep = [$bytes, $ends, $column];
        return $column;
    }

    /**
     * @internal
     * @param list<string>|null $references
     */
    public static function references(?array $references, int $count, mixed &$keep): ?CData
    {
        if ($references === null) {
            return null;
        }
        if (\count($references) !== $count) {
            throw new \ValueError('there must be a reference for each row, or none');
        }
        return FFI::addr(self::packed($references, $keep));
    }

    /**
     * Good as long as `$keep` is.
     *
     * @internal
     */
    public static function acting(Acting $by, mixed &$keep): CData
    {
        $case = self::ffi()->new('stapel_case');
        $keep = [$case];
        foreach (['actor', 'reference'] as $part) {
            self::put($case->$part, $by->$part, $keep[$part]);
        }
        return FFI::addr($case);
    }

    /**
     * A text in a place for one. It is good as long as `$keep` is.
     *
     * @internal
     */
    public static function put(CData $place, string $text, mixed &$keep): void
    {
        $keep = self::bytes($text, 'char');
        $place->ptr = self::ffi()->cast('char *', FFI::addr($keep));
        $place->len = \strlen($text);
    }

    /** @internal */
    public static function standing(CData $standing): Standing
    {
        $kind = $standing->kind;
        $count = $standing->count;
        return self::$standings[$kind | $count << 8] ??= new Standing(StandingKind::from($kind), $count);
    }

    /** @internal */
    public static function log(CData $entry): LogEntry
    {
        return new LogEntry($entry->index, FFI::string($entry->leaf, 32));
    }

    private static function load(): FFI
    {
        $named = match (PHP_OS_FAMILY) {
            'Windows' => 'stapel.dll',
            'Darwin' => 'libstapel.1.dylib',
            default => 'libstapel.so.1',
        };
        $file = getenv('STAPEL_LIBRARY') ?: $named;
        $ffi = FFI::cdef((string) file_get_contents(__DIR__ . '/stapel.ffi.h'), $file);
        $version = $ffi->stapel_abi_version();
        if ($version !== self::ABI_VERSION) {
            throw new \RuntimeException("the library has ABI version $version; this file needs " . self::ABI_VERSION);
        }
        return $ffi;
    }
}

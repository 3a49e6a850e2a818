<?php

/**
 * A partner's folder through `stapel partner serve`, for PHP 8.2 and later: one file, over the extension curl.
 *
 *     $desk = new StapelClient\Client('/run/stapel/police.sock');
 *     $by = new StapelClient\Acting('j.jansen', '2026-0117');
 *     $desk->flag(['Dam 1-A, 1012 JS Amsterdam'], $by);
 *     $question = $desk->ask(['Dam 1-A, 1012 JS Amsterdam'], $by);  // its answer comes after the server's next sync
 *     foreach ($desk->answers($question->request, $by)->answers as $answer) {
 *         foreach ($answer->rows as $row) {
 *             echo "$row->address: {$row->inWords()}\n";
 *         }
 *     }
 *
 * The server owns the folder, so that any number of processes use it at once; who calls needs no libstapel, no keys and
 * no rights in the folder. It is reached through its Unix socket, or with Client::loopback() and a token. An address is
 * a text as people write it, or a Row.
 *
 * What fails throws ClientException, whose code() is stable. A request whose reply was lost, or that comes while the
 * server starts anew or is busy, is made again by itself for up to `wait` seconds: within one call nothing is flagged
 * or asked twice. Where ask() or askOwn() fails all the same, the exception's request() has the name of the question:
 * ask again under that name, since under another it would be a second question. A reply of status 500 is not asked for
 * again: whether that helps depends on its code, as docs/partner-serve.md says, which has also what each request does.
 *
 * Values that a later server knows and this file does not are no error: of an enumeration the text is kept, and all
 * else is passed over. So a field that has one of QuestionState's values, say, is a text, which is compared with them.
 */

declare(strict_types=1);

namespace StapelClient;

/**
 * A request failed. code() is stable: the server's or the library's, such as "rows_refused"; "unreachable" where no
 * reply came in time, and "bad_reply" where what came is none of the server's.
 */
final class ClientException extends \RuntimeException
{
    /**
     * @param list<Refusal> $rows
     * @internal
     */
    public function __construct(
        private readonly string $stableCode,
        string $detail,
        int $status = 0,
        private readonly array $rows = [],
        private readonly ?string $request = null,
    ) {
        parent::__construct($detail, $status);
    }

    public function code(): string
    {
        return $this->stableCode;
    }

    /** That of HTTP, 0 without a reply; as getCode(). */
    public function status(): int
    {
        return $this->getCode();
    }

    /** @return list<Refusal> with "rows_refused", for each row that was given */
    public function rows(): array
    {
        return $this->rows;
    }

    /** The name of the question that was asked, by ask() and askOwn(); else null. */
    public function request(): ?string
    {
        return $this->request;
    }
}

/** How much of an address a row names: one home, or one postcode and house number. */
final class Level
{
    public const UNIT = 'unit';
    public const NUMBER = 'number';
}

/** What is answered about an address. */
final class Standing
{
    public const BELOW_THRESHOLD = 'below_threshold';
    public const NO_OWN_FLAG = 'no_own_flag';
    public const STACKED = 'stacked';
}

/** What became of a question. */
final class QuestionState
{
    /** It waits for the broker's answer. */
    public const WAITING = 'waiting';
    public const ANSWERED = 'answered';
    /** By the broker, or it was given up: `notAccepted` has the code. */
    public const NOT_ACCEPTED = 'not_accepted';
    /** There was no address to ask about. */
    public const NOTHING = 'nothing';
}

/** How the standing of an own flag changed. */
final class Change
{
    public const NEWLY_STACKED = 'newly_stacked';
    public const COUNT_CHANGED = 'count_changed';
    public const NO_LONGER_STACKED = 'no_longer_stacked';
}

/** Why a flag may stand longer. A policy allows some of these. */
final class RenewalReason
{
    /** The partner itself observed again what it flagged. */
    public const OBSERVED_AGAIN = 'observed_again';
    /** An investigation, a visit or a measure of its own is under way. */
    public const BEING_ACTED_ON = 'being_acted_on';
    /** Of a court, an objection or a permit. */
    public const PROCEDURE_PENDING = 'procedure_pending';
    /** A measure was imposed or agreed, and it is watched whether it is kept. */
    public const UNDER_SUPERVISION = 'under_supervision';
}

/**
 * What is printed of these objects, as into a log, are the names of their fields alone: no address, no user, no case
 * and no standing.
 */
trait Discreet
{
    /** @return list<string> */
    public function __debugInfo(): array
    {
        return array_keys(get_object_vars($this));
    }
}

/**
 * Who acts, and for which case; each 1 to 200 characters on one line. Stays in the partner's own journal.
 *
 * `$traceparent` is that of the action of the caller's own program (W3C Trace Context), for its logs: the records of
 * what is done here name it as theirs. One that is in no such form counts for none.
 */
final readonly class Acting
{
    use Discreet;

    public function __construct(public string $actor, public string $case, public ?string $traceparent = null)
    {
    }
}

/** An address as it is handed over, where it is no text. */
final readonly class Row
{
    use Discreet;

    /**
     * @param array<string, string> $sent
     * @internal
     */
    private function __construct(public array $sent)
    {
    }

    /**
     * Separate fields, each by its name: `Row::fields(postcode: '1012JS', number: '1', letter: 'A')`. They are
     * postcode, number, letter, addition, street and town, and the number must be there. Without a postcode the server
     * needs a register, and street and town.
     *
     * @throws \ArgumentCountError where one has no name or another name, or there is no number
     */
    public static function fields(string ...$fields): self
    {
        $names = ['postcode', 'number', 'letter', 'addition', 'street', 'town'];
        if (array_diff(array_keys($fields), $names) !== [] || !isset($fields['number'])) {
            throw new \ArgumentCountError('give each field by its name, and a number: ' . implode(', ', $names));
        }
        return new self(array_filter($fields, fn(string $text) => $text !== '') + ['number' => '']);
    }

    /** The BAG id of an address, where the server has a register. */
    public static function bagId(string $number): self
    {
        return new self(['bag_id' => $number]);
    }

    /** An address as results have it, such as 1012JS|1|A: docs/partner-serve.md has its form. */
    public static function address(string $canonical): self
    {
        return new self(['address' => $canonical]);
    }
}

/** Why a row is no address, or none that can be used. */
final readonly class Refusal
{
    /** `$field` is what of the row is at fault. */
    public function __construct(public string $code, public string $field, public string $message)
    {
    }

    /**
     * Without the message, which may have the address in it.
     *
     * @return array<string, string>
     */
    public function __debugInfo(): array
    {
        return ['code' => $this->code, 'field' => $this->field];
    }
}

/** What became of a row: it was refused, or it is an address. What there is nothing to say of is null. */
final readonly class RowResult
{
    use Discreet;

    /** @param list<string> $stay */
    public function __construct(
        public ?Refusal $refused = null,
        public ?string $address = null,
        /** Of Level. */
        public ?string $level = null,
        /** How it was found: "read" without a register. */
        public ?string $how = null,
        /** Why it is no home, where it counts for its house number alone. */
        public ?Refusal $onlyNumber = null,
        /** The last valid day of its flag, as 2027-05-31. */
        public ?string $lastDay = null,
        /** It is not flagged: its flag ended within the last 30 days, and only a renewal lets it go on. */
        public bool $lapsed = false,
        /** Before it was withdrawn. */
        public bool $wasFlagged = false,
        /** Own flags that stay when it is withdrawn, and that may be meant too. */
        public array $stay = [],
    ) {
    }
}

/** What a call changed over the partner's flags. */
final readonly class FlagResult
{
    /** @param list<RowResult> $rows in the order in which they were given */
    public function __construct(
        public int $added,
        public int $changed,
        public int $unchanged,
        public int $lapsed,
        public int $repeated,
        public int $refused,
        public array $rows,
        /** Where that was asked for, how many are put forward and were not before, or are anew. */
        public ?int $putForward = null,
    ) {
    }
}

/** What was withdrawn. */
final readonly class WithdrawResult
{
    /** @param list<RowResult> $rows in the order in which they were given */
    public function __construct(
        public int $withdrawn,
        public int $unchanged,
        public int $repeated,
        public int $refused,
        public array $rows,
    ) {
    }
}

/** What was answered about an address. `count` is exact, `atLeast` a lower bound; both null where neither is shown. */
final readonly class AnswerRow
{
    use Discreet;

    public function __construct(
        public string $address,
        /** Of Level. */
        public string $level,
        public ?string $typed,
        /** Of Standing. */
        public string $standing,
        public ?int $count,
        public ?int $atLeast,
    ) {
    }

    /** The standing, such as "stacked at least 3". */
    public function inWords(): string
    {
        return match (true) {
            $this->count !== null => "stacked $this->count",
            $this->atLeast !== null => "stacked at least $this->atLeast",
            default => strtr($this->standing, '_', ' '),
        };
    }
}

/** The broker's answer to a question, or to a part of a large one. */
final readonly class Answer
{
    /** @param list<AnswerRow> $rows */
    public function __construct(
        public int $epoch,
        public int $release,
        public \DateTimeImmutable $asOf,
        /** Until then the same question has the same answer. */
        public \DateTimeImmutable $until,
        /** How many organisations may flag. */
        public int $organisations,
        /** How many of them were fresh at that release. */
        public int $fresh,
        public array $rows,
    ) {
    }
}

/** Why a question was not accepted: the broker's code; "dropped" where a person gave it up, or it never left. */
final readonly class NotAccepted
{
    public function __construct(public string $code)
    {
    }
}

/** A question, and what came of it so far. */
final readonly class Question
{
    /**
     * @param list<Answer> $answers
     * @param list<RowResult> $rows those of ask(), in their order
     */
    public function __construct(
        public string $request,
        /** Of QuestionState. */
        public string $state,
        public array $answers,
        public ?NotAccepted $notAccepted,
        public int $repeated,
        public int $refused,
        public array $rows,
    ) {
    }
}

/** How many organisations flag an address: exactly, or at least; both null where that is not shown. */
final readonly class Told
{
    use Discreet;

    public function __construct(public ?int $count, public ?int $atLeast)
    {
    }
}

/** An own flag whose standing changed. */
final readonly class NewsRow
{
    use Discreet;

    public function __construct(
        public string $address,
        /** Of Level. */
        public string $level,
        public ?string $typed,
        /** Of Change. */
        public string $change,
        /** Null where it was not stacked. */
        public ?Told $before,
        /** Null where it is not stacked. */
        public ?Told $now,
    ) {
    }
}

/** What changed, until it is marked as seen. */
final readonly class NewsResult
{
    /** @param list<NewsRow> $news */
    public function __construct(public ?string $mark, public array $news)
    {
    }
}

/** What was done with an address once. What an event does not have is null. */
final readonly class DossierEntry
{
    use Discreet;

    public function __construct(
        public int $record,
        public \DateTimeImmutable $time,
        public string $event,
        public string $address,
        /** Of Level. */
        public string $level,
        public ?string $typed,
        public ?string $actor,
        public ?string $case,
        /** How the call came in. */
        public ?string $caller,
        /** Of the local user, where the kernel named one. */
        public ?int $uid,
        public ?string $lastDay,
        public ?string $reason,
        public ?int $epoch,
        public ?int $number,
        public ?string $sweep,
        /** Of Standing. */
        public ?string $standing,
        public ?int $count,
        public ?int $atLeast,
        public ?int $release,
        public ?\DateTimeImmutable $asOf,
        /** @var list<int>|null After a hit: in which of this partner's. */
        public ?array $conversations,
        /** @var list<int>|null The partners that a note was written to. */
        public ?array $to,
    ) {
    }
}

/** The records that the journal no longer has: how many, and when the first and the last were written. */
final readonly class Pruned
{
    public function __construct(public int $records, public \DateTimeImmutable $from, public \DateTimeImmutable $to)
    {
    }
}

/** What was done with an address, oldest first. `pruned` is null where the journal has all its records. */
final readonly class DossierResult
{
    /** @param list<DossierEntry> $entries */
    public function __construct(public array $entries, public ?Pruned $pruned)
    {
    }
}

/** Messages whose replies are waited for. */
final readonly class Waiting
{
    public function __construct(
        public int $flags,
        public int $questions,
        public int $status,
        public int $talk,
    ) {
    }
}

/** How the exchange with the broker goes. */
final readonly class Sync
{
    public function __construct(
        /** "off", "waiting" or "running". */
        public string $state,
        public ?\DateTimeImmutable $lastRun,
        /** Of what went wrong in it. */
        public ?string $lastCode,
        public ?\DateTimeImmutable $lastDone,
    ) {
    }
}

/** What waits after a hit: numbers and days alone. A day is null where nothing waits. */
final readonly class Due
{
    public function __construct(
        /** What others put forward and nobody here answered. */
        public int $unanswered,
        /** Since when the oldest of these waits. */
        public ?string $unansweredSince,
        /** How many of these are past their day. */
        public int $late,
        /** The first day by which one of them was or is to be answered. */
        public ?string $answerBy,
        /** Notes and decisions that nobody was shown. */
        public int $unreadNotes,
        /** What was put forward before today and does not stand at the broker. */
        public int $notAtBroker,
        /** When the oldest of these was put forward. */
        public ?string $notAtBrokerSince,
        /** Whether the organisation's budget of what is put forward was spent, when the broker last said so. */
        public bool $rowsSpent,
        /** Own notes that the broker does not have, each counted for each whom it is for. */
        public int $notesWaiting,
        /** When the oldest of these was written. */
        public ?string $notesWaitingSince,
        /** How many of these the broker put off because the organisation's notes of the day were spent. */
        public int $notesDaySpent,
        /** How many of these the broker put off because as many wait for the other as may. */
        public int $notesTooManyWait,
        /** At the coordinator, conversations that wait for it. */
        public int $undecided,
        /** Since when the oldest of these waits. */
        public ?string $undecidedSince,
    ) {
    }
}

/** How it goes; numbers and days alone. */
final readonly class StatusResult
{
    public function __construct(
        public int $partner,
        public int $policyVersion,
        public string $policy,
        public int $flags,
        public int $undelivered,
        public Waiting $waiting,
        public int $journalRecords,
        public string $journalHead,
        public int $complaints,
        public bool $hasRegister,
        public bool $countsHouseNumbers,
        public Sync $sync,
        public Due $afterHit,
    ) {
    }
}

/** A partner's folder that `stapel partner serve` owns. */
final class Client
{
    /** The server's limit. Whoever sends more is cut off, which would look like a lost reply. */
    private const MOST_BYTES = 16 * 1024 * 1024;

    /** That of W3C Trace Context. Whatever has another form counts for none, there as here. */
    private const TRACEPARENT = '/\A[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\z/';

    private string $url = 'http://localhost';
    private ?string $token = null;

    /**
     * Through the Unix socket at `$path`. Nothing is sent yet. `$wait` is for how many seconds a request is made again
     * that gets no reply, `$timeout` how long one may take.
     */
    public function __construct(
        private readonly string $path,
        private readonly float $wait = 5.0,
        private readonly float $timeout = 60.0,
    ) {
    }

    /** At a port of 127.0.0.1, with the token that is in the server's configuration. */
    public static function loopback(
        int $port,
        #[\SensitiveParameter] string $token,
        float $wait = 5.0,
        float $timeout = 60.0,
    ): self {
        $client = new self('', $wait, $timeout);
        [$client->url, $client->token] = ["http://127.0.0.1:$port", $token];
        return $client;
    }

    /**
     * Nothing of the token.
     *
     * @return array<string, string>
     */
    public function __debugInfo(): array
    {
        return ['at' => $this->path ?: $this->url];
    }

    /**
     * Flags addresses, to the latest day that the policy allows, or `$until` one, such as 2027-05-31, which is the last
     * of a month. `$renew` lets flags stand longer, for a RenewalReason. With `$numberOnly` an address that is in order
     * but for what follows its house number is flagged as that house number, instead of being refused; for policies
     * that count house numbers. With `$forward` what is flagged now is put forward too. A row that is refused is not
     * flagged, and says why. Where all are, that throws "rows_refused".
     *
     * @param list<string|Row> $rows
     */
    public function flag(
        array $rows,
        Acting $by,
        ?string $until = null,
        ?string $renew = null,
        bool $numberOnly = false,
        bool $forward = false,
    ): FlagResult {
        $given = ['rows' => self::sent($rows), 'until' => $until, 'renew' => $renew,
            'number_only' => $numberOnly ?: null, 'forward' => $forward ?: null];
        return $this->post('/v1/flag', $by, $given, fn(array $found) => new FlagResult($found['added'],
            $found['changed'], $found['unchanged'], $found['lapsed'], $found['repeated'], $found['refused'],
            self::rows($found), $found['put_forward'] ?? null));
    }

    /**
     * Withdraws the flags of addresses. One that is not flagged stays so.
     *
     * @param list<string|Row> $rows
     */
    public function withdraw(array $rows, Acting $by, bool $numberOnly = false): WithdrawResult
    {
        $given = ['rows' => self::sent($rows), 'number_only' => $numberOnly ?: null];
        return $this->post('/v1/withdraw', $by, $given, fn(array $found) => new WithdrawResult($found['withdrawn'],
            $found['unchanged'], $found['repeated'], $found['refused'], self::rows($found)));
    }

    /**
     * Asks about addresses. The question goes to the broker with the server's next sync; answers() has what came.
     *
     * `$request` is the caller's own name of it, by default a random one, which the result has, and the exception where
     * it fails: under the same name, the same question is never asked twice. A caller that may be ended meanwhile keeps
     * a name of its own first. `$sweep` is a reason of the policy, for what the partner need not flag itself; with
     * `$numbers` the house number of each address is asked about too.
     *
     * @param list<string|Row> $rows
     */
    public function ask(
        array $rows,
        Acting $by,
        ?string $request = null,
        ?string $sweep = null,
        bool $numbers = false,
        bool $numberOnly = false,
    ): Question {
        return $this->question('/v1/ask', $by, $request, ['rows' => self::sent($rows), 'sweep' => $sweep,
            'numbers' => $numbers ?: null, 'number_only' => $numberOnly ?: null]);
    }

    /** Asks about all that the partner flags. `$request` is as for ask(). */
    public function askOwn(Acting $by, ?string $request = null): Question
    {
        return $this->question('/v1/ask-own', $by, $request, []);
    }

    /** What came of a question, for the actor and the case that asked it; to others it is "not_asked". */
    public function answers(string $request, Acting $by): Question
    {
        return $this->post('/v1/answers', $by, ['request' => $request], self::asked(...));
    }

    /** What changed over own flags. It is given again until seen() marks it as seen. */
    public function news(Acting $by): NewsResult
    {
        $told = fn(?array $told) => $told === null
            ? null
            : new Told($told['count'] ?? null, $told['at_least'] ?? null);
        return $this->post('/v1/news', $by, [], fn(array $found) => new NewsResult($found['mark'] ?? null, array_map(
            fn(array $row) => new NewsRow($row['address'], $row['level'], $row['typed'] ?? null, $row['change'],
                $told($row['before'] ?? null), $told($row['now'] ?? null)),
            $found['news'],
        )));
    }

    /**
     * Marks news as seen, and gives how much. "news_changed" where other news came since, or where this was marked
     * before, perhaps by a request whose reply was lost: then read the news again.
     */
    public function seen(NewsResult $news, Acting $by): int
    {
        if ($news->mark === null) {
            return 0;
        }
        return $this->post('/v1/news/seen', $by, ['mark' => $news->mark], fn(array $found) => $found['seen']);
    }

    /** What was done with an address. The journal has first who looked. */
    public function dossier(string|Row $row, Acting $by): DossierResult
    {
        return $this->post('/v1/dossier', $by, ['row' => self::sent([$row])[0]], self::entries(...));
    }

    /**
     * What people do after a hit: $call is the last part of a path of /v1/after-hit in partner-openapi.json, such as
     * "forward" or "news/seen", and $given what its request has besides actor and case. Gives the result as that
     * document has it. A note that is written again after a lost reply is written once.
     *
     * @param array<string, mixed> $given
     * @return array<string, mixed>
     */
    public function afterHit(string $call, Acting $by, array $given = []): array
    {
        return $this->post("/v1/after-hit/$call", $by, $given, fn(array $found) => $found);
    }

    /** How it goes, without addresses and cases. */
    public function status(): StatusResult
    {
        return $this->request('/v1/status', null, null, fn(array $found) => new StatusResult($found['partner'],
            $found['policy_version'], $found['policy'], $found['flags'], $found['undelivered'],
            new Waiting(
                $found['waiting']['flags'],
                $found['waiting']['questions'],
                $found['waiting']['status'],
                $found['waiting']['talk'],
            ),
            $found['journal_records'], $found['journal_head'], $found['complaints'], $found['has_register'],
            $found['counts_house_numbers'], new Sync($found['sync']['state'],
                self::time($found['sync']['last_run'] ?? null), $found['sync']['last_code'] ?? null,
                self::time($found['sync']['last_done'] ?? null)), self::due($found['after_hit'])));
    }

    /** @param array<string, mixed> $found */
    private static function due(array $found): Due
    {
        return new Due(
            $found['unanswered'],
            $found['unanswered_since'] ?? null,
            $found['late'],
            $found['answer_by'] ?? null,
            $found['unread_notes'],
            $found['not_at_broker'],
            $found['not_at_broker_since'] ?? null,
            $found['rows_spent'],
            $found['notes_waiting'],
            $found['notes_waiting_since'] ?? null,
            $found['notes_day_spent'],
            $found['notes_too_many_wait'],
            $found['undecided'],
            $found['undecided_since'] ?? null,
        );
    }

    /** @param array<string, mixed> $given */
    private function question(string $path, Acting $by, ?string $request, array $given): Question
    {
        $name = $request ?? bin2hex(random_bytes(16));
        try {
            return $this->post($path, $by, ['request' => $name] + $given, self::asked(...));
        } catch (ClientException $error) {
            throw new ClientException($error->code(), $error->getMessage(), $error->status(), $error->rows(), $name);
        }
    }

    /** @param array<string, mixed> $given */
    private function post(string $path, Acting $by, array $given, callable $made): mixed
    {
        $given = ['actor' => $by->actor, 'case' => $by->case]
            + array_filter($given, fn(mixed $value) => $value !== null);
        try {
            $body = json_encode($given, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
        } catch (\JsonException) {
            throw new \ValueError('a text is not UTF-8; nothing was done');
        }
        if (\strlen($body) > self::MOST_BYTES) {
            $finding = 'the request has more than 16 MiB; nothing was done: hand over fewer rows';
            throw new ClientException('too_large', $finding);
        }
        return $this->request($path, $body, $by->traceparent, $made);
    }

    /** Makes a request, again and again until a reply came or the time is over. */
    private function request(string $path, ?string $body, ?string $traceparent, callable $made): mixed
    {
        // No `Expect`, which makes the server wait.
        $headers = ['Content-Type: application/json', 'Expect:'];
        if ($this->token !== null) {
            $headers[] = "Authorization: Bearer $this->token";
        }
        if ($traceparent !== null && preg_match(self::TRACEPARENT, $traceparent) === 1) {
            $headers[] = "traceparent: $traceparent";
        }
        $until = hrtime(true) / 1e9 + $this->wait;
        for ($pause = 0.05;; $pause = min(2 * $pause, 1.0)) {
            try {
                $found = $this->attempt($path, $body, $headers);
                break;
            } catch (ClientException $error) {
                $comes = \in_array($error->code(), ['unreachable', 'busy'], true);
                if (!$comes || hrtime(true) / 1e9 + $pause > $until) {
                    throw $error;
                }
            }
            usleep((int) ($pause * 1_000_000));
        }
        return self::made($found, $made, 200);
    }

    /** @param array<string, mixed> $found */
    private static function made(array $found, callable $made, int $status): mixed
    {
        // What is not there is a warning in PHP, and here it is an error.
        set_error_handler(fn() => throw self::badReply($status));
        try {
            return $made($found);
        } catch (\TypeError | \ValueError | \Exception) {
            throw self::badReply($status);
        } finally {
            restore_error_handler();
        }
    }

    /**
     * @param list<string> $headers
     * @return array<string, mixed>
     */
    private function attempt(string $path, ?string $body, array $headers): array
    {
        $curl = curl_init($this->url . $path);
        // No proxy, whatever the environment says.
        curl_setopt_array($curl, [CURLOPT_RETURNTRANSFER => true, CURLOPT_HTTPHEADER => $headers, CURLOPT_PROXY => '',
            CURLOPT_TIMEOUT_MS => (int) ($this->timeout * 1_000), CURLOPT_FORBID_REUSE => true,
            CURLOPT_NOSIGNAL => true]);
        if ($this->token === null) {
            curl_setopt($curl, CURLOPT_UNIX_SOCKET_PATH, $this->path);
        }
        if ($body !== null) {
            curl_setopt($curl, CURLOPT_POSTFIELDS, $body);
        }
        $content = curl_exec($curl);
        $status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
        if ($content === false) {
            $where = $this->path ?: $this->url;
            $finding = "no reply came through $where (" . curl_error($curl) . '): see whether stapel partner serve '
                . 'runs there';
            throw new ClientException('unreachable', $finding);
        }
        $found = json_decode($content, true);
        if (!\is_array($found)) {
            throw self::badReply($status);
        }
        if ($status === 200) {
            return $found;
        }
        if (!\is_string($found['code'] ?? null)) {
            throw self::badReply($status);
        }
        $refusals = fn(array $found) => array_map(
            fn(array $row) => self::refusal($row['refused']),
            $found['rows'] ?? [],
        );
        $rows = self::made($found, $refusals, $status);
        throw new ClientException($found['code'], $found['detail'] ?? '', $status, $rows);
    }

    private static function badReply(int $status): ClientException
    {
        $finding = "the reply, with status $status, is none of stapel partner serve's: see whether another program has "
            . 'its socket or port';
        return new ClientException('bad_reply', $finding, $status);
    }

    /**
     * @param array<mixed> $rows
     * @return list<array<string, string>>
     */
    private static function sent(array $rows): array
    {
        $sent = fn(mixed $row) => match (true) {
            $row instanceof Row => $row->sent,
            \is_string($row) => ['text' => $row],
            default => throw new \TypeError('each row must be a text or a Row'),
        };
        return array_map($sent, array_values($rows));
    }

    /** @param ?array<string, string> $found */
    private static function refusal(?array $found): ?Refusal
    {
        return $found === null ? null : new Refusal($found['code'], $found['field'], $found['message']);
    }

    private static function time(?string $found): ?\DateTimeImmutable
    {
        return $found === null ? null : new \DateTimeImmutable($found);
    }

    /**
     * @param array<string, mixed> $found
     * @return list<RowResult>
     */
    private static function rows(array $found): array
    {
        return array_map(fn(array $row) => isset($row['refused'])
            ? new RowResult(self::refusal($row['refused']))
            : new RowResult(null, $row['address'], $row['level'], $row['how'],
                self::refusal($row['only_number'] ?? null), $row['last_day'] ?? null, $row['lapsed'] ?? false,
                $row['was_flagged'] ?? false, $row['stay'] ?? []), $found['rows']);
    }

    /** @param array<string, mixed> $found */
    private static function asked(array $found): Question
    {
        $answers = array_map(fn(array $answer) => new Answer($answer['epoch'], $answer['release'],
            new \DateTimeImmutable($answer['as_of']), new \DateTimeImmutable($answer['until']),
            $answer['organisations'], $answer['fresh'], array_map(
                fn(array $row) => new AnswerRow($row['address'], $row['level'], $row['typed'] ?? null,
                    $row['standing'], $row['count'] ?? null, $row['at_least'] ?? null),
                $answer['rows'],
            )), $found['answers']);
        return new Question($found['request'], $found['state'], $answers,
            isset($found['not_accepted']) ? new NotAccepted($found['not_accepted']['code']) : null,
            $found['repeated'] ?? 0, $found['refused'] ?? 0, isset($found['rows']) ? self::rows($found) : []);
    }

    /** @param array<string, mixed> $found */
    private static function entries(array $found): DossierResult
    {
        $entries = array_map(fn(array $entry) => new DossierEntry($entry['record'],
            new \DateTimeImmutable($entry['time']), $entry['event'], $entry['address'], $entry['level'],
            $entry['typed'] ?? null, $entry['actor'] ?? null, $entry['case'] ?? null, $entry['caller'] ?? null,
            $entry['uid'] ?? null, $entry['last_day'] ?? null, $entry['reason'] ?? null, $entry['epoch'] ?? null,
            $entry['number'] ?? null, $entry['sweep'] ?? null, $entry['standing'] ?? null,
            $entry['count'] ?? null, $entry['at_least'] ?? null, $entry['release'] ?? null,
            self::time($entry['as_of'] ?? null), $entry['conversations'] ?? null, $entry['to'] ?? null),
            $found['entries']);
        $pruned = isset($found['pruned']) ? new Pruned($found['pruned']['records'],
            new \DateTimeImmutable($found['pruned']['from']), new \DateTimeImmutable($found['pruned']['to'])) : null;
        return new DossierResult($entries, $pruned);
    }
}

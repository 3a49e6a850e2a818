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
 *             echo "$row->address: $row\n";
 *         }
 *     }
 *
 * The server owns the folder, so that any number of processes use it at once; who calls needs no libstapel, no keys and
 * no rights in the folder. It is reached through its Unix socket, or with Client::loopback() and a token. An address is
 * a text as people write it, or a Row.
 *
 * What fails throws ClientException, whose code is stable. A request whose reply was lost, or that comes while the
 * server starts anew or is busy, is made again by itself for up to `wait` seconds, because each may be: nothing is
 * flagged or asked twice by it. docs/partner-serve.md says what each request does.
 */

declare(strict_types=1);

namespace StapelClient;

/**
 * A request failed. code() is stable: the server's or the library's, such as "rows_refused"; "unreachable" where no
 * reply came in time, and "bad_reply" where what came is none of the server's. getCode() is the status of HTTP, 0
 * without a reply.
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
    ) {
        parent::__construct($detail, $status);
    }

    public function code(): string
    {
        return $this->stableCode;
    }

    /** @return list<Refusal> with "rows_refused", for each row that was given */
    public function rows(): array
    {
        return $this->rows;
    }
}

/** How much of an address a row names: one home, or one postcode and house number. */
enum Level: string
{
    case Unit = 'unit';
    case Number = 'number';
}

/** What a standing says. */
enum StandingKind: string
{
    case BelowThreshold = 'below_threshold';
    case NoOwnFlag = 'no_own_flag';
    case Stacked = 'stacked';
}

/** What became of a question. */
enum QuestionState: string
{
    /** It waits for the broker's answer. */
    case Waiting = 'waiting';
    case Answered = 'answered';
    /** By the broker, or it was given up: `notAccepted` has the code. */
    case NotAccepted = 'not_accepted';
    /** There was no address to ask about. */
    case Nothing = 'nothing';
}

/** How the standing of an own flag changed. */
enum Change: string
{
    case NewlyStacked = 'newly_stacked';
    case CountChanged = 'count_changed';
    case NoLongerStacked = 'no_longer_stacked';
}

/** What is printed of these objects, as for a log, leaves out what people wrote and the caller's references. */
trait Discreet
{
    /** @return array<string, mixed> */
    public function __debugInfo(): array
    {
        return array_diff_key(get_object_vars($this), ['typed' => 0, 'reference' => 0, 'case' => 0, 'sent' => 0,
            'message' => 0]);
    }
}

/** Who acts, and for which case. Stays in the partner's own journal. */
final readonly class Acting
{
    use Discreet;

    public function __construct(public string $actor, public string $reference)
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

    /** Separate fields. Without a postcode the server needs a register, and street and town. */
    public static function fields(
        string $number,
        string $postcode = '',
        string $letter = '',
        string $addition = '',
        string $street = '',
        string $town = '',
    ): self {
        $given = ['postcode' => $postcode, 'letter' => $letter, 'addition' => $addition, 'street' => $street,
            'town' => $town];
        return new self(['number' => $number] + array_filter($given, fn(string $text) => $text !== ''));
    }

    /** The BAG id of an address, where the server has a register. */
    public static function bagId(string $number): self
    {
        return new self(['bag_id' => $number]);
    }

    /** An address as results have it, such as 1012JS|1|A. */
    public static function address(string $canonical): self
    {
        return new self(['address' => $canonical]);
    }
}

/** Why a row is no address, or none that can be used. */
final readonly class Refusal
{
    use Discreet;

    /** `$field` is what of the row is at fault. */
    public function __construct(public string $code, public string $field, public string $message)
    {
    }
}

/** What became of a row: it was refused, or it is an address. */
final readonly class RowResult
{
    /** @param list<string> $stay */
    public function __construct(
        public ?Refusal $refused = null,
        public ?string $address = null,
        public ?Level $level = null,
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
final readonly class Flagged
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
    ) {
    }
}

/** What was withdrawn. */
final readonly class Withdrawn
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
final readonly class Standing
{
    use Discreet;

    public function __construct(
        public string $address,
        public Level $level,
        public ?string $typed,
        public StandingKind $kind,
        public ?int $count,
        public ?int $atLeast,
    ) {
    }

    public function __toString(): string
    {
        return match (true) {
            $this->count !== null => "stacked $this->count",
            $this->atLeast !== null => "stacked at least $this->atLeast",
            default => strtr($this->kind->value, '_', ' '),
        };
    }
}

/** The broker's answer to a question, or to a part of a large one. */
final readonly class Answer
{
    /** @param list<Standing> $rows */
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

/** A question, and what came of it so far. */
final readonly class Question
{
    /**
     * @param list<Answer> $answers
     * @param list<RowResult> $rows those of ask(), in their order
     */
    public function __construct(
        public string $request,
        public QuestionState $state,
        public array $answers,
        /** The code. */
        public ?string $notAccepted,
        public int $repeated,
        public int $refused,
        public array $rows,
    ) {
    }
}

/** An own flag whose standing changed. Counts are null where they are not shown. */
final readonly class NewsRow
{
    use Discreet;

    public function __construct(
        public string $address,
        public Level $level,
        public ?string $typed,
        public Change $change,
        public ?int $before,
        public ?int $beforeAtLeast,
        public ?int $now,
        public ?int $nowAtLeast,
    ) {
    }
}

/** What changed, until it is marked as seen. */
final readonly class News
{
    /** @param list<NewsRow> $rows */
    public function __construct(public ?string $mark, public array $rows)
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
        public Level $level,
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
        public ?StandingKind $standing,
        public ?int $count,
        public ?int $atLeast,
        public ?int $release,
        public ?\DateTimeImmutable $asOf,
    ) {
    }
}

/** The records that the journal no longer has. */
final readonly class Pruned
{
    public function __construct(
        public int $records,
        public \DateTimeImmutable $begin,
        public \DateTimeImmutable $end,
    ) {
    }
}

/** What was done with an address, oldest first. */
final readonly class Dossier
{
    /** @param list<DossierEntry> $entries */
    public function __construct(public array $entries, public ?Pruned $pruned)
    {
    }
}

/** How it goes; numbers alone. */
final readonly class Status
{
    public function __construct(
        public int $partner,
        public int $policyVersion,
        public string $policy,
        public int $flags,
        public int $undelivered,
        public int $waitingFlags,
        public int $waitingQuestions,
        public int $waitingStatus,
        public int $journalRecords,
        public string $journalHead,
        public int $complaints,
        public bool $hasRegister,
        public bool $countsHouseNumbers,
        /** "off", "waiting" or "running". */
        public string $sync,
        public ?\DateTimeImmutable $lastRun,
        /** Of what went wrong in it. */
        public ?string $lastCode,
        public ?\DateTimeImmutable $lastDone,
    ) {
    }
}

/** A partner's folder that `stapel partner serve` owns. */
final class Client
{
    /** The server's limit. Whoever sends more is cut off, which would look like a lost reply. */
    private const MOST_BYTES = 16 * 1024 * 1024;

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
     * Flags addresses, until a last valid day such as 2027-05-31; or with `$renew`, a reason of the policy, lets flags
     * stand longer. A row that is refused is not flagged, and says why. Where all are, that throws "rows_refused".
     *
     * @param list<string|Row> $rows
     */
    public function flag(
        array $rows,
        Acting $by,
        ?string $until = null,
        ?string $renew = null,
        bool $numberOnly = false,
    ): Flagged {
        $given = ['rows' => self::sent($rows), 'until' => $until, 'renew' => $renew,
            'number_only' => $numberOnly ?: null];
        return $this->post('/v1/flag', $by, $given, fn(array $found) => new Flagged($found['added'], $found['changed'],
            $found['unchanged'], $found['lapsed'], $found['repeated'], $found['refused'], self::rows($found)));
    }

    /**
     * Withdraws the flags of addresses. One that is not flagged stays so.
     *
     * @param list<string|Row> $rows
     */
    public function withdraw(array $rows, Acting $by, bool $numberOnly = false): Withdrawn
    {
        $given = ['rows' => self::sent($rows), 'number_only' => $numberOnly ?: null];
        return $this->post('/v1/withdraw', $by, $given, fn(array $found) => new Withdrawn($found['withdrawn'],
            $found['unchanged'], $found['repeated'], $found['refused'], self::rows($found)));
    }

    /**
     * Asks about addresses. The question goes to the broker with the server's next sync; answers() has what came.
     *
     * `$request` is the caller's own name of it, by default a random one. A caller that may end before it has the reply
     * keeps a name of its own first: under it, the same question is never asked twice.
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
        $given = ['request' => $request ?? self::name(), 'rows' => self::sent($rows), 'sweep' => $sweep,
            'numbers' => $numbers ?: null, 'number_only' => $numberOnly ?: null];
        return $this->post('/v1/ask', $by, $given, self::question(...));
    }

    /** Asks about all that the partner flags. */
    public function askOwn(Acting $by, ?string $request = null): Question
    {
        return $this->post('/v1/ask-own', $by, ['request' => $request ?? self::name()], self::question(...));
    }

    /** What came of a question, for the actor and the case that asked it; to others it is "not_found". */
    public function answers(string $request, Acting $by): Question
    {
        return $this->post('/v1/answers', $by, ['request' => $request], self::question(...));
    }

    /** What changed over own flags. It is given again until seen() marks it as seen. */
    public function news(Acting $by): News
    {
        return $this->post('/v1/news', $by, [], fn(array $found) => new News($found['mark'] ?? null, array_map(
            fn(array $row) => new NewsRow($row['address'], Level::from($row['level']), $row['typed'] ?? null,
                Change::from($row['change']), $row['before']['count'] ?? null, $row['before']['at_least'] ?? null,
                $row['now']['count'] ?? null, $row['now']['at_least'] ?? null),
            $found['news'],
        )));
    }

    /**
     * Marks news as seen, and gives how much. "news_changed" where other news came since, or where this was marked
     * before, perhaps by a request whose reply was lost: then read the news again.
     */
    public function seen(News $news, Acting $by): int
    {
        if ($news->mark === null) {
            return 0;
        }
        return $this->post('/v1/news/seen', $by, ['mark' => $news->mark], fn(array $found) => $found['seen']);
    }

    /** What was done with an address. The journal has first who looked. */
    public function dossier(string|Row $row, Acting $by): Dossier
    {
        return $this->post('/v1/dossier', $by, ['row' => self::sent([$row])[0]], self::entries(...));
    }

    /** How it goes, without addresses and cases. */
    public function status(): Status
    {
        return $this->request('/v1/status', null, fn(array $found) => new Status($found['partner'],
            $found['policy_version'], $found['policy'], $found['flags'], $found['undelivered'],
            $found['waiting']['flags'], $found['waiting']['questions'], $found['waiting']['status'],
            $found['journal_records'], $found['journal_head'], $found['complaints'], $found['has_register'],
            $found['counts_house_numbers'], $found['sync']['state'], self::time($found['sync']['last_run'] ?? null),
            $found['sync']['last_code'] ?? null, self::time($found['sync']['last_done'] ?? null)));
    }

    /** @param array<string, mixed> $given */
    private function post(string $path, Acting $by, array $given, callable $made): mixed
    {
        $given = ['actor' => $by->actor, 'case' => $by->reference]
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
        return $this->request($path, $body, $made);
    }

    /** Makes a request, again and again until a reply came or the time is over. */
    private function request(string $path, ?string $body, callable $made): mixed
    {
        $until = hrtime(true) / 1e9 + $this->wait;
        for ($pause = 0.05;; $pause = min(2 * $pause, 1.0)) {
            try {
                $found = $this->attempt($path, $body);
                break;
            } catch (ClientException $error) {
                $comes = \in_array($error->code(), ['unreachable', 'busy'], true);
                if (!$comes || hrtime(true) / 1e9 + $pause > $until) {
                    throw $error;
                }
            }
            usleep((int) ($pause * 1_000_000));
        }
        // What is not there is a warning in PHP, and here it is an error.
        set_error_handler(fn() => throw self::badReply(200));
        try {
            return $made($found);
        } catch (\TypeError | \ValueError | \Exception) {
            throw self::badReply(200);
        } finally {
            restore_error_handler();
        }
    }

    /** @return array<string, mixed> */
    private function attempt(string $path, ?string $body): array
    {
        $curl = curl_init($this->url . $path);
        // No `Expect`, which makes the server wait; no proxy, whatever the environment says.
        $headers = ['Content-Type: application/json', 'Expect:'];
        if ($this->token !== null) {
            $headers[] = "Authorization: Bearer $this->token";
        }
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
        $rows = array_map(fn(array $row) => self::refusal($row['refused']), $found['rows'] ?? []);
        throw new ClientException($found['code'], $found['detail'] ?? '', $status, $rows);
    }

    private static function badReply(int $status): ClientException
    {
        $finding = "the reply, with status $status, is none of stapel partner serve's: see whether another program has "
            . 'its socket or port';
        return new ClientException('bad_reply', $finding, $status);
    }

    /** A random name of a request. */
    private static function name(): string
    {
        return bin2hex(random_bytes(16));
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
            : new RowResult(null, $row['address'], Level::from($row['level']), $row['how'],
                self::refusal($row['only_number'] ?? null), $row['last_day'] ?? null, $row['lapsed'] ?? false,
                $row['was_flagged'] ?? false, $row['stay'] ?? []), $found['rows']);
    }

    /** @param array<string, mixed> $found */
    private static function question(array $found): Question
    {
        $answers = array_map(fn(array $answer) => new Answer($answer['epoch'], $answer['release'],
            new \DateTimeImmutable($answer['as_of']), new \DateTimeImmutable($answer['until']),
            $answer['organisations'], $answer['fresh'], array_map(
                fn(array $row) => new Standing($row['address'], Level::from($row['level']), $row['typed'] ?? null,
                    StandingKind::from($row['standing']), $row['count'] ?? null, $row['at_least'] ?? null),
                $answer['rows'],
            )), $found['answers']);
        return new Question($found['request'], QuestionState::from($found['state']), $answers,
            $found['not_accepted']['code'] ?? null, $found['repeated'] ?? 0, $found['refused'] ?? 0,
            isset($found['rows']) ? self::rows($found) : []);
    }

    /** @param array<string, mixed> $found */
    private static function entries(array $found): Dossier
    {
        $entries = array_map(fn(array $entry) => new DossierEntry($entry['record'],
            new \DateTimeImmutable($entry['time']), $entry['event'], $entry['address'], Level::from($entry['level']),
            $entry['typed'] ?? null, $entry['actor'] ?? null, $entry['case'] ?? null, $entry['caller'] ?? null,
            $entry['uid'] ?? null, $entry['last_day'] ?? null, $entry['reason'] ?? null, $entry['epoch'] ?? null,
            $entry['number'] ?? null, $entry['sweep'] ?? null,
            isset($entry['standing']) ? StandingKind::from($entry['standing']) : null, $entry['count'] ?? null,
            $entry['at_least'] ?? null, $entry['release'] ?? null, self::time($entry['as_of'] ?? null)),
            $found['entries']);
        $pruned = isset($found['pruned']) ? new Pruned($found['pruned']['records'],
            new \DateTimeImmutable($found['pruned']['from']), new \DateTimeImmutable($found['pruned']['to'])) : null;
        return new Dossier($entries, $pruned);
    }
}

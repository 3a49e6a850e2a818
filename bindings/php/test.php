<?php

/** What the example does not show, on a fresh sandbox: php test.php SANDBOX_DIR. */

declare(strict_types=1);

require __DIR__ . '/Stapel.php';

use Stapel\Acting;
use Stapel\Address;
use Stapel\Addresses;
use Stapel\Answer;
use Stapel\AnswerRow;
use Stapel\Broker;
use Stapel\Change;
use Stapel\ClosedException;
use Stapel\Fields;
use Stapel\How;
use Stapel\HowCounts;
use Stapel\Level;
use Stapel\Library;
use Stapel\News;
use Stapel\Next;
use Stapel\NoteKind;
use Stapel\NoteProgress;
use Stapel\Partner;
use Stapel\Position;
use Stapel\Receipt;
use Stapel\Register;
use Stapel\RegisterEntry;
use Stapel\Rejection;
use Stapel\Standing;
use Stapel\StandingKind;
use Stapel\StapelException;
use Stapel\Talked;
use Stapel\TalkedKind;
use Stapel\TalkNewsKind;

[, $sandbox] = $argv;
if (isset($argv[2])) {
    flagOneByOne($sandbox, (int) $argv[2]);
    exit;
}
testAddresses();
testNumberOfARefusedHome();
testNothingPrintsWhatPeopleWrote();
testRegister($sandbox);
testProcesses($sandbox);
testPartnerAndBroker($sandbox);
testNewFolders($sandbox);
testNumbers($sandbox);
testOtherTypes($sandbox);
testAConversationAfterAHit("$sandbox/meeting");
testTotals("$sandbox/meeting/totals");
same(0, Library::openHandles());

function same(mixed $expected, mixed $found): void
{
    if ($expected !== $found) {
        $line = debug_backtrace()[0]['line'] ?? 0;
        fwrite(STDERR,
            "test.php:$line: expected " . var_export($expected, true) . ', found ' . var_export($found, true) . "\n");
        exit(1);
    }
}

function codeOf(callable $call): string
{
    try {
        $call();
        return 'went through';
    } catch (StapelException $error) {
        return $error->getMessage() === '' ? 'no message' : $error->code();
    } catch (ClosedException) {
        return 'closed';
    } catch (ValueError) {
        return 'value';
    }
}

function testAddresses(): void
{
    $texts = ['Dam 1-a, 1012 JS Amsterdam', 'geen adres', "\xff", '', '1012JS|1|A'];
    $rows = Addresses::fromTexts($texts, ['a', 'b', '', 'd', 'é']);
    same(['1012JS|1|A', null, null, null, '1012JS|1|A'], $rows->canonical());
    same(5, count($rows));
    same([null, 'no_postcode', 'not_utf8', 'empty', null], array_map(fn($row) => $row->code, iterator_to_array($rows)));
    same([1, 2, 3], array_map(fn($row) => $row->index, iterator_to_array($rows->refused())));
    same(['é', ''], [$rows->row(4)->reference, $rows->row(2)->reference]);
    same(['1012JS|1', Level::Number], [$rows->numbers()->row(0)->canonical, $rows->numbers()->row(0)->level]);
    same('invalid_argument', codeOf(fn() => $rows->row(5)));
    $rows->close();
    same('closed', codeOf(fn() => count($rows)));
    // Nothing at all stands where these begin.
    same('', Addresses::fromTexts(['1012JS 1'], [''])->row(0)->reference);

    $rows = Addresses::fromFields([new Fields('1012JS', '1', 'a'), new Fields('1012JS', '0')]);
    same(['1012JS|1|A', null], $rows->canonical());
    $refused = $rows->row(1);
    same(['number_zero', 'huisnummer', null, true],
        [$refused->code, $refused->field, $refused->reference, $refused->message !== '']);
    same(0, count(Addresses::fromTexts([])));
    same([], Addresses::fromTexts([], [])->canonical());
    same('value', codeOf(fn() => Addresses::fromTexts(['a'], ['b', 'c'])));
    same('not_utf8', codeOf(fn() => Addresses::fromTexts(['a'], ["\xff"])));
    $address = Address::fromText('Dam 1-a, 1012 JS Amsterdam');
    same(['1012JS|1|A', '1012JS|1', How::None], [$address->unit, $address->number, $address->how]);
    same('1012JS|1|A', Address::fromFields(new Fields('1012 js', '1', 'a'))->unit);
    same('no_postcode', codeOf(fn() => Address::fromText('Dam 1')));
}

function testNumberOfARefusedHome(): void
{
    $numberOf = function (callable $call): ?string {
        try {
            $call();
            return 'went through';
        } catch (StapelException $error) {
            return $error->number();
        }
    };
    same('1012JS|1', $numberOf(fn() => Address::fromText('Dam 1, 2e verdieping, 1012 JS')));
    same('1012JS|1', $numberOf(fn() => Address::fromFields(new Fields('1012JS', '1', 'AB'))));
    same(null, $numberOf(fn() => Address::fromText('Dam 1')));
    $rows = Addresses::fromTexts(['Dam 1, 2e verdieping, 1012 JS', 'Dam 1', 'Dam 1-a, 1012 JS']);
    foreach ([$rows, $rows->numbers()] as $each) {
        same(['1012JS|1', null, '1012JS|1'], array_map(fn($row) => $row->number, iterator_to_array($each)));
    }
    $picked = $rows->pick(2, 0);
    same([['1012JS|1|A', null], 'Dam 1-a, 1012 JS', 0],
        [$picked->canonical(), $picked->row(0)->typed, count($rows->pick())]);
    same(['invalid_argument', 'value'], [codeOf(fn() => $rows->pick(3)), codeOf(fn() => $rows->pick(-1))]);
    [$alone] = iterator_to_array($rows->refusedNumbers());
    same([1, '1012JS|1', Level::Number, How::None, 'Dam 1, 2e verdieping, 1012 JS'],
        [count($rows->refusedNumbers()), $alone->canonical, $alone->level, $alone->how, $alone->typed]);
}

function testNothingPrintsWhatPeopleWrote(): void
{
    $rows = Addresses::fromTexts(['Dam 1-a, 1012 JS Buurvrouw'], ['Zaak-7']);
    $standing = new Standing(StandingKind::Stacked, 0);
    $text = 'Dam 1, Buurvrouw';
    $all = [
        $rows->row(0),
        new AnswerRow('1012JS|1|B', $text, Level::Unit, $standing),
        new News('1012JS|1|C', $text, Level::Unit, Change::NewlyStacked, $standing, $standing),
        new Fields('1012JS', '1', '', '', $text),
        new Acting('j.jansen', 'Zaak-7'),
    ];
    ob_start();
    var_dump($all);
    print_r($all);
    $printed = (string) ob_get_clean();
    same([false, false], [str_contains($printed, 'Buurvrouw'), str_contains($printed, 'Zaak-7')]);
    foreach (['1012JS|1|A', '1012JS|1|B', '1012JS|1|C', 'j.jansen'] as $form) {
        same(2, substr_count($printed, $form));
    }
}

function testRegister(string $sandbox): void
{
    $register = new Register("$sandbox/bag.stapel");
    $garage = '9999200000000014';
    same([19, 1, 10], [count($register), $register->withdrawn(), strlen($register->sourceDay())]);
    foreach ([
        ['Kerkplein 5, 9999 XB', '9999XB|5|', How::Registered],
        ['9999200000000001', '9999XA|12|A', How::ById],
        ['Kerkplein 5, Voorbeeldstad', '9999XB|5|', How::Completed],
        ['Kotter 38-2, 9999 XG', '9999XG|2|', How::Street],
        ['Havenweg 105-hs, 9999 XC', '9999XC|105|H', How::OtherSpelling],
        ['Kerkplein 99, 9999 XB', '9999XB|99|', How::Unregistered],
        ['Kerkplein 7, 9999 XB', '9999XB|7|', How::Withdrawn],
    ] as [$text, $unit, $how]) {
        $read = Address::fromText($text, $register);
        same([$unit, $how], [$read->unit, $read->how]);
    }
    $read = Address::fromFields(new Fields('', '16', '', 'g1', 'Lindelaan', 'Voorbeeldstad'), $register);
    same([$garage, null, How::Completed], [$read->unit, $read->number, $read->how]);
    $alone = new Fields('', '5', '', '', 'Kerkplein', 'Voorbeeldstad');
    same('no_postcode', codeOf(fn() => Address::fromFields($alone)));
    foreach ([
        '9999200000000099' => 'bag_id_unknown',
        '9999200000000005' => 'bag_id_withdrawn',
        'Kerkplein 99, Voorbeeldstad' => 'not_in_register',
        'Dorpsstraat 3, Voorbeeldstad' => 'several_in_register',
    ] as $text => $code) {
        same($code, codeOf(fn() => Address::fromText((string) $text, $register)));
    }

    $texts = ['Kerkplein 5, Voorbeeldstad', 'Dorpsstraat 3, Voorbeeldstad', 'Kerkplein 99, 9999 XB'];
    $fields = [$alone, new Fields('', '3', '', '', 'Dorpsstraat', 'Voorbeeldstad'), new Fields('9999XB', '99')];
    $references = ['Z-1', 'Z-2', 'Z-3'];
    foreach ([
        Addresses::fromTexts($texts, $references, $register),
        Addresses::fromFields($fields, $references, $register),
    ] as $rows) {
        $all = iterator_to_array($rows);
        same(['9999XB|5|', null, '9999XB|99|'], array_map(fn($row) => $row->canonical, $all));
        same([How::Completed, How::None, How::Unregistered], array_map(fn($row) => $row->how, $all));
        same(['9999XB|5', null, '9999XB|99'], array_map(fn($row) => $row->number, $all));
        same(['Kerkplein 5 Voorbeeldstad', null], [str_replace(',', '', $all[0]->typed), $all[1]->typed]);
        same(['several_in_register', 'line', 'Z-2'], [$all[1]->code, $all[1]->field, $all[1]->reference]);
        same(true, $rows->howCounts() == new HowCounts(0, 0, 1, 0, 0, 1, 0));
    }
    $floors = ['Kerkplein 5, 2e verdieping, 9999 XB', 'Kerkplein 99, 2e verdieping, 9999 XB'];
    $alone = iterator_to_array(Addresses::fromTexts($floors, ['Z-1', 'Z-2'], $register)->refusedNumbers());
    same([1, '9999XB|5', How::Registered, 'Z-1'],
        [count($alone), $alone[0]->canonical, $alone[0]->how, $alone[0]->reference]);
    $rows = Addresses::fromFields($fields, $references);
    same(['no_postcode', true],
        [$rows->row(0)->code, $rows->howCounts() == new HowCounts(0, 0, 0, 0, 0, 0, 0)]);

    $found = $register->lookUp('9999XB|7|');
    same(['9999XB|5|', 1], [$found->now, count($found->entries)]);
    same(true, $found->entries[0] == new RegisterEntry('9999XB|7|', 'Kerkplein', 'Voorbeeldstad', '9999XB', 7, '', '',
        '9999200000000005', '9999010000000004', '9999100000000001', 53.25, 4.5, false, true));
    same(true, $register->lookUp('9999XB|9|')->entries[0]->isSecondary);
    [$entry] = $register->lookUp($garage)->entries;
    same([null, null, 'G1', ''], [$entry->latitude, $entry->longitude, $entry->addition, $entry->postcode]);
    same([[], null], [$register->lookUp('9999XB|99|')->entries, $register->lookUp('9999XB|99|')->now]);
    same('not_canonical', codeOf(fn() => $register->lookUp('Kerkplein 5, 9999 XB')));
    $rows = Addresses::fromTexts($texts, $references, $register);
    $register->close();
    same('closed', codeOf(fn() => $register->lookUp('9999XB|7|')));
    same('closed', codeOf(fn() => Address::fromText('9999XB|7|', $register)));
    same('9999XB|5|', $rows->row(0)->canonical);
    same('register', codeOf(fn() => new Register("$sandbox/policy.toml")));
    same('io', codeOf(fn() => new Register("$sandbox/no.stapel")));
}

/** Numbers that do not fit are errors: C would take them for others. */
function testNumbers(string $sandbox): void
{
    $partner = new Partner("$sandbox/partner");
    $folder = sys_get_temp_dir() . '/stapel-none-' . getmypid();
    foreach ([-1, 65_536, 4_294_967_297, PHP_INT_MAX, PHP_INT_MIN] as $number) {
        same('value', codeOf(fn() => Partner::init($folder, $number)));
    }
    same(false, file_exists($folder));
    same('value', codeOf(fn() => $partner->status(-1)));
    same('value', codeOf(fn() => $partner->status(PHP_INT_MIN)));
    same('clock_ahead', codeOf(fn() => $partner->status(PHP_INT_MAX)));
    same([], $partner->inFlight());
    foreach ([1.5, true, '1', 2.0 ** 65] as $wrong) {
        try {
            $partner->status($wrong);
            same('a TypeError', $wrong);
        } catch (TypeError) {
        }
    }
    $rows = Addresses::fromTexts(['Molenstraat 12-A, 9999 XA', '9999XA|12|A']);
    same('value', codeOf(fn() => $rows->row(-1)));
    same(1, $partner->withdraw($rows, new Acting('tester', 'T-1'))->repeated);
    $rows->close();
    $partner->close();
}

/** What a program without strict types, as most are, hands over in the place of what is asked for. */
function testOtherTypes(string $sandbox): void
{
    $weak = eval('return fn(callable $call, mixed ...$arguments) => $call(...$arguments);');
    $refuses = function (string $class, callable $call, mixed ...$arguments) use ($weak): void {
        try {
            $weak($call, ...$arguments);
            same($class, 'no exception');
        } catch (\Error $error) {
            same($class, $error::class);
        }
    };
    $by = new Acting('tester', 'T-1');
    $partner = new Partner("$sandbox/partner");
    $broker = new Broker("$sandbox/broker", "$sandbox/broker/keys");
    $none = Addresses::fromTexts([]);
    $flags = $partner->flags()->canonical();
    foreach (['false', '', 0, 1, 0.5, null, []] as $flag) {
        $refuses(TypeError::class, $broker->release(...), $flag);
        $refuses(TypeError::class, $partner->replaceAll(...), $none, $by, $flag);
    }
    foreach ([null, 7, true, 1.5, []] as $wrong) {
        $refuses(TypeError::class, Addresses::fromTexts(...), ['1012JS 1A', $wrong]);
        $refuses(TypeError::class, Addresses::fromTexts(...), ['1012JS 1A'], [$wrong]);
    }
    $refuses(TypeError::class, Addresses::fromTexts(...), '1012JS 1A');
    $refuses(TypeError::class, Answer::standings(...), $none, [null]);
    $refuses(TypeError::class, Answer::standings(...), $none, new ArrayIterator([7]));
    same($flags, $partner->flags()->canonical());
    $partner->close();
    $broker->close();
}

function testPartnerAndBroker(string $sandbox): void
{
    $by = new Acting('é. tester', 'T-1');
    $rows = Addresses::fromTexts(['Molenstraat 12-A, 9999 XA', 'Kerkplein 5, 9999 XB', 'Nieuwweg 1, 9999 XX']);
    $none = Addresses::fromTexts([]);
    $partner = new Partner("$sandbox/partner");
    $broker = new Broker("$sandbox/broker", "$sandbox/broker/keys");
    $carry = fn(array $messages) => array_map(fn($message) => $partner->read($broker->handle($message)), $messages);

    same([1, 0], [$partner->number(), count($partner->flags())]);
    same('not_flagged', codeOf(fn() => $partner->renew($rows, 'being_acted_on', $by)));
    same('last_day', codeOf(fn() => $partner->flagUntil($rows, '2020-01-31', $by)));
    same('invalid_argument', codeOf(fn() => $partner->flagUntil($rows, '', $by)));
    same('case', codeOf(fn() => $partner->flag($rows, new Acting('', 'T-1'))));
    same(3, $partner->flag($rows, $by)->added);
    same(3, $partner->undelivered());
    same(0, $partner->renew($rows, 'being_acted_on', $by)->added);
    same(['9999XA|12|A', '9999XB|5|', '9999XX|1|'], $partner->flags()->canonical());
    $typed = array_map(fn($row) => $row->typed, iterator_to_array($rows));
    same(['Molenstraat 12-A, 9999 XA', 'Kerkplein 5, 9999 XB', 'Nieuwweg 1, 9999 XX'], $typed);
    same($typed, array_map(fn($row) => $row->typed, iterator_to_array($partner->flags())));
    [$receipt] = $carry($partner->deliver());
    same([true, 6, 32], [$receipt instanceof Receipt, $receipt->held, strlen($receipt->log->leaf)]);

    [$own] = $carry($partner->askOwn($by));
    same([true, 4, 4, 6, 'é. tester'],
        [$own instanceof Answer, $own->organisations, $own->fresh, count($own), $own->by->actor]);
    $told = [];
    foreach ($own as $row) {
        $told[$row->canonical] = (string) $row->standing;
        $asked[$row->canonical] = $row->typed;
    }
    same(['stacked at least 3', 'stacked 2', 'below threshold'],
        [$told['9999XA|12|A'], $told['9999XB|5|'], $told['9999XX|1|']]);
    same(array_fill(0, 2, 'Molenstraat 12-A, 9999 XA'), [$asked['9999XA|12|A'], $asked['9999XA|12']]);
    $more = Addresses::fromTexts(['x', 'Kerkplein 5, 9999 XB', 'Elders 1, 9999 XY']);
    same(['refused', 'stacked 2', 'not answered'], array_map(strval(...), Answer::standings($more, [$own])));
    same([], Answer::standings($none, [$own]));
    $news = $partner->news();
    same([4, '9999XB|5|', Change::NewlyStacked], [count($news), $news[3]->canonical, $news[3]->change]);
    same([$typed[0], $typed[1]], [$news[0]->typed, $news[3]->typed]);
    same([], $partner->news());

    same('not_permitted', codeOf(fn() => $partner->sweep($more, 'verhuizing', $by)));
    $question = $partner->ask($more, $by);
    same($question, $partner->inFlight());
    $partner->giveUp($question[0]);
    same([], $partner->inFlight());
    same('unexpected_reply', codeOf(fn() => $partner->read($broker->handle($question[0]))));
    $hint = $partner->read($broker->handle('nothing'));
    same([true, 'malformed', true, false], [$hint instanceof Rejection, $hint->code, $hint->hint, $hint->late]);
    [$confirmed] = $carry($partner->confirm());
    [$position] = $carry($partner->status());
    same([true, true], [$confirmed instanceof Receipt, $position instanceof Position]);
    same([6, false, null], [$position->held, $position->fullSetRequired, $position->complaint]);
    [$question] = $partner->ask($rows, $by, time() + 2 * 86_400);
    // The clock was two days ahead, and is set right: somebody says so.
    $reply = $broker->handle($question);
    same('clock', codeOf(fn() => $partner->read($reply)));
    same(0, $partner->acceptClock($by));
    $rejected = $partner->read($reply);
    same(['clock', Next::SetClock, false], [$rejected->code, $rejected->next, $rejected->hint]);

    same('shrink', codeOf(fn() => $partner->replaceAll($none, $by)));
    same(3, $partner->replaceAll($none, $by, allowShrink: true)->withdrawn);
    same(0, $partner->withdraw($rows, $by)->withdrawn);
    same(1, $broker->status()['policy_version']);
    same(true, array_is_list($broker->release()));
    same('policy_successor', codeOf(fn() => $partner->adoptPolicy("$sandbox/policy.toml")));
    same('io', codeOf(fn() => $partner->addSecret("$sandbox/no.secret")));
    $broker->close();
    same('closed', codeOf(fn() => $broker->handle('')));
}

/** What one of many processes does: each address with the folder opened and closed. */
function flagOneByOne(string $folder, int $number): void
{
    foreach (range(1, 50) as $at) {
        // As long as other processes of a busy machine may take.
        $partner = new Partner($folder, wait: 600);
        $rows = Addresses::fromTexts(['Dam ' . (100 * $number + $at) . ', 9999 XZ']);
        same(1, $partner->flag($rows, new Acting('tester', 'T-1'))->added);
        $partner->close();
    }
}

/** Processes that share a folder all get through. */
function testProcesses(string $sandbox): void
{
    $shared = "$sandbox/shared";
    mkdir($shared, 0700);
    foreach (array_filter(glob("$sandbox/partner/*"), is_file(...)) as $file) {
        copy($file, "$shared/" . basename($file));
        chmod("$shared/" . basename($file), 0600);
    }
    $processes = array_map(
        fn(int $number) => proc_open([PHP_BINARY, __FILE__, $shared, (string) $number], [], $pipes),
        range(0, 7),
    );
    same(array_fill(0, 8, 0), array_map(proc_close(...), $processes));
    $partner = new Partner($shared);
    same(400, count($partner->flags()));
    // This process has it itself, so that waiting is in vain.
    foreach ([0, 0.02] as $wait) {
        same('folder_in_use', codeOf(fn() => new Partner($shared, wait: $wait)));
    }
    foreach ([-1, -0.001, 86_401, INF, NAN] as $wait) {
        same('value', codeOf(fn() => new Partner($shared, wait: $wait)));
    }
    $partner->close();
}

function testNewFolders(string $sandbox): void
{
    $here = "$sandbox/new";
    mkdir($here);
    same(64, strlen(Partner::init("$here/nieuw", 9)));
    same('partner_folder', codeOf(fn() => Partner::init("$here/nieuw", 9)));
    same('not_in_roster', codeOf(fn() => Partner::join("$here/nieuw", "$sandbox/policy.toml")));
    same(64, strlen(Partner::init("$here/data", 9, "$here/apart")));
    same([true, false], [file_exists("$here/apart/partner.key"), file_exists("$here/data/partner.key")]);
    same('partner_folder', codeOf(fn() => new Partner("$here/data")));
    same('not_in_roster', codeOf(fn() => Partner::join("$here/data", "$sandbox/policy.toml", "$here/apart")));
    same('io', codeOf(fn() => new Partner("$here/data", "$here/apart")));
    same([64, 64], array_map(strlen(...), Broker::initKeys("$here/keys")));
    same('policy_operator', codeOf(fn() => Broker::create("$here/broker", "$here/keys", "$sandbox/policy.toml")));
}

/** A consortium in which police (1) and tax office (2) meet directly, and others by the coordinator (6). */
final class Meeting
{
    /** Noon on its first day. */
    public int $now = 1_796_126_400;
    /** @var array<int, Partner> */
    public array $all = [];
    public Broker $broker;

    public function __construct(string $folder)
    {
        $this->broker = new Broker("$folder/broker", "$folder/keys");
        foreach (range(1, 6) as $number) {
            $this->all[$number] = new Partner("$folder/$number");
        }
    }

    public function carry(Partner $partner, string $message): Stapel\Reply
    {
        return $partner->read($this->broker->handle($message, $this->now), $this->now);
    }

    /** Days pass, with what each partner sends in each, until something is so. */
    public function until(callable $isSo): void
    {
        for ($day = 0; $day < 8; $day++) {
            $this->run();
            if ($isSo()) {
                return;
            }
            $this->now += 86_400;
        }
        same('so', 'not so after eight days');
    }

    private function run(): void
    {
        foreach (range(1, 5) as $number) {
            foreach ($this->all[$number]->confirm($this->now) as $message) {
                $this->carry($this->all[$number], $message);
            }
        }
        foreach ($this->all as $partner) {
            while (($message = $partner->talk($this->now)) !== null) {
                $reply = $this->carry($partner, $message);
                same([Talked::class, null], [$reply::class, $reply->complaint ?? null]);
            }
        }
    }
}

function testAConversationAfterAHit(string $folder): void
{
    $by = new Acting('é. tester', 'T-1');
    $town = new Meeting($folder);
    [1 => $police, 2 => $tax, 6 => $coordinator] = $town->all;
    [$key, $home] = ['1012JS|1|A', 'Dam 1-A, 1012 JS Amsterdam'];
    $homes = Addresses::fromTexts([$home]);
    same('no_flag', codeOf(fn() => $police->putForward($homes, $by, $town->now)));
    foreach ([1, 2, 3] as $number) {
        $town->all[$number]->flag($homes, $by, $town->now);
    }
    $first = $town->now;
    $town->until(fn() => $town->now > $first);
    same([1, 0], [$police->putForward($homes, $by, $town->now), $police->putForward($homes, $by, $town->now)]);
    [$mine] = $police->forwarded($by, $town->now);
    same([$key, $home, null, gmdate('Y-m-d', $town->now)], [$mine->canonical, $mine->typed, $mine->standsUntil,
        $mine->since]);
    same([1, false, []], [$mine->epoch, $mine->ended, $mine->more]);
    $has = fn(Partner $who, TalkNewsKind $kind) => in_array($kind,
        array_map(fn($row) => $row->kind, $who->talkNews($by, $town->now)), true);

    $town->until(fn() => $tax->asked($by, $town->now) !== []);
    same(true, $police->forwarded($by, $town->now)[0]->standsUntil > $mine->since);
    [$news] = $tax->talkNews($by, $town->now);
    same([TalkNewsKind::Asked, $key, null], [$news->kind, $news->canonical, $news->conversation]);
    same([], $tax->talkNews($by, $town->now));
    [$one] = $tax->asked($by, $town->now);
    same([$home, null, false], [$one->typed, $one->answer, $one->isPutForward]);
    same('invalid_argument', codeOf(fn() => $tax->answer($key, 'yes', $by, $town->now)));
    $tax->answer($one->canonical, 'join', $by, $town->now);
    [$one] = $tax->asked($by, $town->now);
    same(['join', gmdate('Y-m-d', $town->now), true], [$one->answer, $one->answered, $one->isPutForward]);

    $town->until(fn() => $tax->conversations($by, now: $town->now) !== []);
    $town->until(fn() => count($coordinator->agenda($by, $town->now)[0]->joined) === 2);
    [$item] = $coordinator->agenda($by, $town->now);
    same([true, null, null, 1], [$item->isNew, $item->lead, $item->decision, count($item->addresses)]);
    same([$key, $home], [$item->addresses[0]->canonical, $item->addresses[0]->typed]);
    same(['first_decision', null, []], [$item->waitsFor, $item->ended, $item->left]);
    same(['politie', 'System 1'], [$item->joined[0]->organisation, $item->joined[0]->name]);
    [$talk] = $police->conversations($by, now: $town->now);
    same([$key, $home, null, 2], [$talk->canonical, $talk->typed, $talk->left, count($talk->introduced)]);
    same([NoteKind::Address, 6], [$talk->notes[0]->kind, $talk->notes[0]->copies[0]->to]);
    $theirs = $tax->conversations($by, now: $town->now)[0]->number;

    same('no_conversation', codeOf(fn() => $police->writeText(99, 'x', $by, now: $town->now)));
    same('note_text', codeOf(fn() => $police->writeText($talk->number, '', $by, now: $town->now)));
    same('value', codeOf(fn() => $police->writeText($talk->number, 'x', $by, to: 65_536, now: $town->now)));
    same('not_permitted', codeOf(fn() => $police->writeDecision($talk->number, 'x', $by, now: $town->now)));
    $police->writeText($talk->number, 'Wij gaan kijken', $by, to: 2, now: $town->now);
    $police->writeLead($talk->number, 1, $by, now: $town->now);
    $notes = $police->conversations($by, $talk->number, $town->now)[0]->notes;
    $own = $notes[count($notes) - 2];
    same([NoteKind::Text, null, 'Wij gaan kijken'], [$own->kind, $own->from, $own->text]);
    same([1, 2, NoteProgress::Waiting], [count($own->copies), $own->copies[0]->to, $own->copies[0]->progress]);
    same(false, str_contains(print_r($own, true), 'kijken'));
    $town->until(fn() => $tax->conversations($by, $theirs, $town->now)[0]->lead === 1);
    $isNote = fn($row) => $row->kind === TalkNewsKind::Note;
    [$news] = array_values(array_filter($tax->talkNews($by, $town->now), $isNote));
    same([$key, $home, $by->actor, $by->reference, []],
        [$news->canonical, $news->typed, $news->actor, $news->caseReference, $news->more]);
    $heard = array_filter($tax->conversations($by, $theirs, $town->now)[0]->notes, fn($note) => $note->from === 1);
    same(['Wij gaan kijken', null], array_values(array_map(fn($note) => $note->text, $heard)));
    $coordinator->writeDecision($item->conversation, 'Belasting leidt', $by, 2, '2027-01-31', $town->now);
    $town->until(fn() => $police->conversations($by, now: $town->now)[0]->decision !== null);
    [$talk] = $police->conversations($by, now: $town->now);
    same(['Belasting leidt', 2, '2027-01-31', true], [$talk->decision, $talk->lead, $talk->next, $talk->decidedAt > 0]);
    same('invalid_argument', codeOf(fn() => $tax->writeOutcome($theirs, 'done', $by, now: $town->now)));
    $tax->writeOutcome($theirs, 'nothing_found', $by, now: $town->now);
    $town->until(fn() => $police->conversations($by, now: $town->now)[0]->outcome === 'nothing_found');
    $tax->leave($theirs, $by, $town->now);
    same(gmdate('Y-m-d', $town->now), $tax->conversations($by, now: $town->now)[0]->left);
    $town->until(fn() => $has($police, TalkNewsKind::Left));
    same('no_conversation', codeOf(fn() => $police->writeText($talk->number, 'x', $by, to: 2, now: $town->now)));
    same([1, []], [$police->takeBack($homes, $by, $town->now), $police->forwarded($by, $town->now)]);

    [$cell] = $police->yearCells(2026);
    same([['open', 'taken_up_together', 'taken_up_by_one', 'not_taken_up', 'nothing_found'], 0],
        [$cell->ways, $cell->number]);
    same('not_permitted', codeOf(fn() => $police->reportYear(2026, $town->now)));
    $town->now += 30 * 86_400;
    $town->broker->release(true, $town->now);
    $kept = $town->carry($police, $police->reportYear(2026, $town->now)[0]);
    same([TalkedKind::Kept, 0, null], [$kept->kind, $kept->kept, $kept->totals]);
    same('year_reported', codeOf(fn() => $police->reportYear(2026, $town->now)));
    same('not_permitted', codeOf(fn() => $police->totals($town->now)));
    foreach ([$homes, $town->broker, ...$town->all] as $open) {
        $open->close();
    }
}

function testTotals(string $folder): void
{
    [$partner, $broker] = [new Partner("$folder/1"), new Broker("$folder/broker", "$folder/keys")];
    $later = 1_796_126_400 + 86_400;
    $reply = $partner->read($broker->handle($partner->totals($later)[0], $later), $later);
    same([TalkedKind::Totals, 2026, 4, 240], [$reply->kind, $reply->totals->year, $reply->totals->quarter,
        $reply->totals->flags]);
    same([[2, null, 70]], array_map(fn($cell) => [$cell->from, $cell->to, $cell->number], $reply->totals->cells));
    $partner->close();
    $broker->close();
}

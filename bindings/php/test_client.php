<?php

/** What the example does not show, on ../clients/stub: php test_client.php SOCKET PORT. */

declare(strict_types=1);

require __DIR__ . '/StapelClient.php';

use StapelClient\Acting;
use StapelClient\AnswerRow;
use StapelClient\Change;
use StapelClient\Client;
use StapelClient\ClientException;
use StapelClient\Due;
use StapelClient\Level;
use StapelClient\NewsResult;
use StapelClient\NotAccepted;
use StapelClient\QuestionState;
use StapelClient\Refusal;
use StapelClient\RenewalReason;
use StapelClient\Row;
use StapelClient\RowResult;
use StapelClient\Standing;
use StapelClient\StatusResult;
use StapelClient\Sync;
use StapelClient\Told;
use StapelClient\Waiting;

const HOME = '9999XA|12|A';
if ($argv[1] === 'names') {
    names();
    exit;
}
[, $socket, $port] = $argv;
$desk = new Client($socket);
$by = new Acting('j.jansen', '2026-0117');
$moment = new DateTimeImmutable('2026-12-01T09:00:00Z');
testFlags($desk, $by);
testQuestions($desk, $by, $moment);
testLooks($desk, $by, $moment);
testErrors($desk, $by, $socket, (int) $port);
testRequests($desk, $by, $socket);
testTraces($desk, (int) $port);
testWhatALaterServerKnowsIsNoError($desk);
testWhatComesAfterAHit($desk, $by);
testNothingThatIsPrintedSaysOfWhomOrWhat($desk, $by, (int) $port);

function same(mixed $expected, mixed $found): void
{
    // Objects are the same where their classes and fields are.
    if (var_export($expected, true) !== var_export($found, true)) {
        $line = debug_backtrace()[0]['line'] ?? 0;
        fwrite(STDERR, "test_client.php:$line: expected " . var_export($expected, true) . ', found '
            . var_export($found, true) . "\n");
        exit(1);
    }
}

/** @return array{string, int} */
function failure(callable $call): array
{
    try {
        $call();
        return ['went through', 0];
    } catch (ClientException $error) {
        return [$error->getMessage() === '' ? 'no message' : $error->code(), $error->getCode()];
    } catch (\Error $error) {
        return [$error::class, 0];
    }
}

function testFlags(Client $desk, Acting $by): void
{
    $rows = [HOME, 'nowhere', 'x|number', Row::bagId('0363010012345678'), Row::address(HOME),
        Row::fields(number: '1', postcode: '1012JS', letter: 'A', addition: '2', street: 'Dam', town: 'Amsterdam'),
        Row::fields(number: '1', postcode: '1012JS')];
    $flagged = $desk->flag($rows, $by, until: '2027-03-31');
    same([6, 2, 3, 1, 4, 1], [$flagged->added, $flagged->changed, $flagged->unchanged, $flagged->lapsed,
        $flagged->repeated, $flagged->refused]);
    $home = fn(string $address, string $how) => new RowResult(null, $address, Level::UNIT, $how, null, '2027-03-31');
    same([
        $home(HOME, 'read'),
        new RowResult(new Refusal('no_postcode', 'line', 'as it is')),
        new RowResult(null, '9999XA|12', Level::NUMBER, 'read', new Refusal('x', 'line', 'as it is'), '2027-03-31'),
        $home('0363010012345678', 'bag_id'),
        $home(HOME, 'address'),
        $home('1012JS|1|A|2|Dam|Amsterdam', 'fields'),
        $home('1012JS|1||||', 'fields'),
    ], $flagged->rows);
    $renewed = $desk->flag([HOME, HOME], $by, renew: RenewalReason::OBSERVED_AGAIN, numberOnly: true);
    same([0, true, null], [$renewed->added, $renewed->rows[1]->lapsed, $renewed->rows[1]->lastDay]);
    $withdrawn = $desk->withdraw([HOME, HOME], $by);
    same([1, 2, 3, 0],
        [$withdrawn->withdrawn, $withdrawn->unchanged, $withdrawn->repeated, $withdrawn->refused]);
    same([true, ['9999XA|12'], false],
        [$withdrawn->rows[0]->wasFlagged, $withdrawn->rows[0]->stay, $withdrawn->rows[1]->wasFlagged]);
}

function testQuestions(Client $desk, Acting $by, DateTimeImmutable $moment): void
{
    $question = $desk->ask([HOME, 'nowhere'], $by, sweep: 'verhuizing', numbers: true);
    same([1, QuestionState::ANSWERED, 1, 1, [HOME, null]],
        [preg_match('/^[0-9a-f]{32}$/', $question->request), $question->state, $question->repeated, $question->refused,
            array_column($question->rows, 'address')]);
    [$answer] = $question->answers;
    same([1, 7, $moment, $moment, 4, 3], [$answer->epoch, $answer->release, $answer->asOf, $answer->until,
        $answer->organisations, $answer->fresh]);
    [$first, $second, $third] = $answer->rows;
    same([HOME, Level::UNIT, 'Molenstraat 12-A, é', Standing::STACKED, null, 3],
        [$first->address, $first->level, $first->typed, $first->standing, $first->count, $first->atLeast]);
    same([null, 2, null, Level::NUMBER], [$second->typed, $second->count, $third->count, $third->level]);
    same(['stacked at least 3', 'stacked 2', 'stacked', 'below threshold', 'no own flag'],
        array_map(fn(AnswerRow $row) => $row->inWords(), $answer->rows));
    $waiting = $desk->ask([HOME], $by, request: 'a-question-waiting');
    same(['a-question-waiting', QuestionState::WAITING, null],
        [$waiting->request, $waiting->state, $waiting->notAccepted]);
    $refused = $desk->answers('a-question-refused', $by);
    same([QuestionState::NOT_ACCEPTED, new NotAccepted('gap')], [$refused->state, $refused->notAccepted]);
    same(QuestionState::ANSWERED, $desk->askOwn($by)->state);
    same(['not_asked', 404], failure(fn() => $desk->answers('nobody-asked-this', $by)));
    same(['bad_request', 400], failure(fn() => $desk->ask([HOME], $by, request: 'short')));
}

function testLooks(Client $desk, Acting $by, DateTimeImmutable $moment): void
{
    $news = $desk->news($by);
    same([
        [HOME, null, Change::COUNT_CHANGED, new Told(2, null), new Told(null, 3)],
        ['9999XB|5|', 'Kerkplein 5', Change::NEWLY_STACKED, null, new Told(2, null)],
        ['9999XC|7', null, Change::NO_LONGER_STACKED, new Told(null, null), null],
    ], array_map(fn($row) => [$row->address, $row->typed, $row->change, $row->before, $row->now], $news->news));
    same([3, 0], [$desk->seen($news, $by), $desk->seen(new NewsResult(null, []), $by)]);
    same(['news_changed', 409], failure(fn() => $desk->seen(new NewsResult(str_repeat('0', 64), []), $by)));
    $dossier = $desk->dossier(HOME, $by);
    [$flagged, $renewed, $asked, $answered, $shown, $written] = $dossier->entries;
    same(['flagged', 1, $moment, 'j.jansen', '2026-0117', 'local_user', 1001], [$flagged->event, $flagged->record,
        $flagged->time, $flagged->actor, $flagged->case, $flagged->caller, $flagged->uid]);
    same(['renewed', 'observed_again', '2027-06-30'], [$renewed->event, $renewed->reason, $renewed->lastDay]);
    same(['asked', 1, 9, 'verhuizing', null],
        [$asked->event, $asked->epoch, $asked->number, $asked->sweep, $asked->lastDay]);
    same(['answered', Standing::STACKED, 3, 7, $moment, null], [$answered->event, $answered->standing,
        $answered->atLeast, $answered->release, $answered->asOf, $answered->actor]);
    same(['news_shown', 2, null], [$shown->event, $shown->count, $shown->to]);
    same(['lead_written', [2], [3, 5]], [$written->event, $written->conversations, $written->to]);
    same([6, new DateTimeImmutable('2026-01-01T00:00:00Z'), $moment],
        [$dossier->pruned->records, $dossier->pruned->from, $dossier->pruned->to]);
    same(new StatusResult(1, 2, str_repeat('12', 32), 3, 4, new Waiting(5, 6, 7, 10), 8, str_repeat('34', 32), 9,
        true, false, new Sync('waiting', $moment, 'unreachable', null), new Due(11, '2026-11-02', 12, null, 13, 14,
            null, true, 15, '2026-11-03', 16, 17, 18, null)), $desk->status());
    same([5, null], [$desk->flag([HOME], $by, forward: true)->putForward, $desk->flag([HOME], $by)->putForward]);
}

/** @param callable(): mixed $call */
function error(callable $call): ClientException
{
    try {
        $call();
    } catch (ClientException $error) {
        return $error;
    }
    throw new RuntimeException('went through');
}

function testRequests(Client $desk, Acting $by, string $socket): void
{
    $nowhere = new Client("$socket.none", wait: 0);
    foreach ([fn() => $nowhere->ask([HOME], $by), fn() => $nowhere->askOwn($by)] as $ask) {
        $error = error($ask);
        same(['unreachable', 1], [$error->code(), preg_match('/^[0-9a-f]{32}$/', (string) $error->request())]);
    }
    $error = error(fn() => $desk->ask([HOME], new Acting('', '2026-0117'), request: 'a-name-of-the-caller'));
    same(['case', 422, 'a-name-of-the-caller'], [$error->code(), $error->status(), $error->request()]);
    same(null, error(fn() => $nowhere->news($by))->request());
}

function testTraces(Client $desk, int $port): void
{
    $action = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    foreach ([[$action, $action], [null, 'by nobody'], ["$action\r\nX: y", 'by nobody']] as [$given, $sent]) {
        foreach ([$desk, Client::loopback($port, 'token')] as $one) {
            $error = error(fn() => $one->news(new Acting('traced', '2026-0117', $given)));
            same(['traced', $sent], [$error->code(), $error->getMessage()]);
        }
    }
}

function testWhatALaterServerKnowsIsNoError(Client $desk): void
{
    $later = new Acting('a later server', '2026-0117');
    [$home, $refused] = $desk->flag([HOME, 'nowhere'], $later)->rows;
    same(['of_later', 'of_later', new Refusal('no_postcode', 'line', 'as it is')],
        [$home->level, $home->how, $refused->refused]);
    $question = $desk->ask([HOME], $later);
    $row = $question->answers[0]->rows[3];
    same(['of_later', 'of_later', 'of_later', 'of later'],
        [$question->state, $row->level, $row->standing, $row->inWords()]);
    same(array_fill(0, 3, 'of_later'), array_column($desk->news($later)->news, 'change'));
    $entry = $desk->dossier(HOME, $later)->entries[3];
    same(['of_later', 'of_later', 'of_later'], [$entry->event, $entry->level, $entry->standing]);
    same(['rows_refused', 422], failure(fn() => $desk->flag(['nowhere'], $later)));
}

function testWhatComesAfterAHit(Client $desk, Acting $by): void
{
    same(['conversations' => [['conversation' => 3, 'typed' => 'Molenstraat 12-A, é']]],
        $desk->afterHit('conversations', $by, ['conversation' => 3]));
    same(['news' => [], 'given' => []], $desk->afterHit('news', $by));
    same(['no_conversation', 409], failure(fn() => $desk->afterHit('conversations', $by, ['conversation' => 7])));
}

/** Prints what there is, for ../clients/names. */
function names(): void
{
    $snake = fn(string $name) => strtolower((string) preg_replace('/(?<=[a-z])[A-Z]/', '_$0', $name));
    foreach (get_declared_classes() as $class) {
        $one = new ReflectionClass($class);
        $name = $one->getShortName();
        if ($one->getNamespaceName() !== 'StapelClient' || $name === 'Row') {
            continue;
        }
        $isOwn = fn(ReflectionMethod $method) => $method->class === $class && !$method->isStatic()
            && !str_starts_with($method->name, '__');
        $methods = array_filter($one->getMethods(ReflectionMethod::IS_PUBLIC), $isOwn);
        $told = match (true) {
            $name === 'Client', $name === 'ClientException' => array_column($methods, 'name'),
            $one->getConstants() !== [] => $one->getConstants(),
            default => array_column($one->getProperties(ReflectionProperty::IS_PUBLIC), 'name'),
        };
        $told = array_map($snake, $told);
        sort($told);
        echo strtr($name, ['Exception' => 'Error']), ': ', implode(' ', $told), "\n";
    }
}

function testErrors(Client $desk, Acting $by, string $socket, int $port): void
{
    try {
        $desk->flag(['nowhere'], $by);
        same('rows_refused', 'went through');
    } catch (ClientException $error) {
        same(['rows_refused', 422, [new Refusal('no_postcode', 'line', 'as it is')]],
            [$error->code(), $error->getCode(), $error->rows()]);
    }
    same(['case', 422], failure(fn() => $desk->news(new Acting('', '2026-0117'))));
    same(['bad_reply', 200], failure(fn() => $desk->news(new Acting('another server', '2026-0117'))));
    same(['bad_reply', 200], failure(fn() => $desk->dossier(HOME, new Acting('another calendar', '2026-0117'))));
    same(['unreachable', 0], failure(fn() => (new Client("$socket.none", wait: 0))->status()));
    same(['too_large', 0], failure(fn() => $desk->flag([str_repeat('x', 17 * 1024 * 1024)], $by)));
    same([ValueError::class, 0], failure(fn() => $desk->flag(["\xff"], $by)));
    same([TypeError::class, 0], failure(fn() => $desk->flag([7], $by)));
    same([ArgumentCountError::class, 0], failure(fn() => Row::fields('1012JS', '1')));
    same([ArgumentCountError::class, 0], failure(fn() => Row::fields(postcode: '1012JS')));
    same([ArgumentCountError::class, 0], failure(fn() => Row::fields(number: '1', huisletter: 'A')));
    same(1, Client::loopback($port, 'token')->status()->partner);
    same(['unauthorized', 401], failure(fn() => Client::loopback($port, 'another')->status()));
}

function testNothingThatIsPrintedSaysOfWhomOrWhat(Client $desk, Acting $by, int $port): void
{
    $flagged = $desk->flag([HOME, 'nowhere'], $by);
    $printed = print_r([$flagged, $flagged->rows[1]->refused, $desk->withdraw([HOME], $by), $desk->ask([HOME], $by),
        $desk->dossier(HOME, $by), $desk->news($by), $by, Row::fields(number: 'Molenstraat 12-A, é'),
        Client::loopback($port, 'a-token')], true);
    $secrets = ['Molenstraat', 'Kerkplein', '9999X', 'j.jansen', '2026-0117', 'stacked', 'a-token'];
    foreach ($secrets as $secret) {
        same(false, str_contains($printed, $secret));
    }
    same(true, str_contains($printed, '=> standing') && str_contains($printed, '[code] => no_postcode'));
}

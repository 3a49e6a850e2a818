<?php

/**
 * Flags the addresses of a file, tells the broker, asks about them, and prints what came back.
 *
 *     php stack.php SANDBOX_DIR ADDRESSES_CSV [all|send|read|errors [PARTNER]]
 *
 * README.md in the folder above says what each step does, and what it prints.
 */

declare(strict_types=1);

require __DIR__ . '/Stapel.php';

use Stapel\Acting;
use Stapel\Addresses;
use Stapel\Answer;
use Stapel\Broker;
use Stapel\ClosedException;
use Stapel\Partner;
use Stapel\Rejection;
use Stapel\StapelException;

/** The broker did not accept a message. */
final class Rejected extends RuntimeException
{
}

exit(main(array_slice($argv, 1)));

/** @param list<string> $arguments */
function main(array $arguments): int
{
    $step = $arguments[2] ?? 'all';
    if (count($arguments) < 2 || count($arguments) > 4 || !in_array($step, ['all', 'send', 'read', 'errors'], true)) {
        fwrite(STDERR, "usage: stack.php SANDBOX_DIR ADDRESSES_CSV [all|send|read|errors [PARTNER]]\n");
        return 2;
    }
    [$sandbox, $csv] = $arguments;
    $folder = $sandbox . '/' . ($arguments[3] ?? 'partner');
    try {
        if ($step === 'errors') {
            showErrors($folder);
            return 0;
        }
        $by = new Acting('example', 'examples');
        $rows = readCsv($csv);
        $partner = new Partner($folder);
        $broker = new Broker("$sandbox/broker", "$sandbox/broker/keys");
        if ($step === 'send') {
            $partner->flag($rows, $by);
            foreach ([...$partner->deliver(), ...$partner->ask($rows, $by)] as $message) {
                $broker->handle($message);
            }
        } elseif ($step === 'read') {
            printStack($rows, carry($partner, $broker, $partner->inFlight()));
        } else {
            $partner->flag($rows, $by);
            carry($partner, $broker, $partner->deliver());
            printStack($rows, carry($partner, $broker, $partner->ask($rows, $by)));
        }
        return 0;
    } catch (StapelException $error) {
        fwrite(STDERR, "{$error->code()}: {$error->getMessage()}\n");
    } catch (Rejected $error) {
        fwrite(STDERR, "{$error->getMessage()}\n");
    } catch (RuntimeException $error) {
        fwrite(STDERR, "error: {$error->getMessage()}\n");
    }
    return 1;
}

function readCsv(string $file): Addresses
{
    $lines = @fopen($file, 'rb') ?: throw new RuntimeException("$file cannot be read");
    fgets($lines);
    $references = $texts = [];
    while (($fields = fgetcsv($lines, null, ';', '"', '')) !== false) {
        if ($fields !== [null]) {
            [$references[], $texts[]] = $fields;
        }
    }
    fclose($lines);
    return Addresses::fromTexts($texts, $references);
}

/**
 * Carries messages to the broker, and reads its replies. A real program sends the bytes over HTTPS.
 *
 * @param list<string> $messages
 * @return list<Answer>
 */
function carry(Partner $partner, Broker $broker, array $messages): array
{
    $answers = [];
    foreach ($messages as $message) {
        $reply = $partner->read($broker->handle($message));
        if ($reply instanceof Rejection) {
            throw new Rejected("$reply->code: $reply->sentence");
        }
        if ($reply instanceof Answer) {
            $answers[] = $reply;
        }
    }
    return $answers;
}

/** @param list<Answer> $answers */
function printStack(Addresses $rows, array $answers): void
{
    $last = end($answers) ?: throw new RuntimeException('no question was in flight');
    $standings = Answer::standings($rows, $answers);
    echo "organisations $last->organisations, fresh $last->fresh\n";
    foreach ($rows as $index => $row) {
        echo $row->code === null
            ? "$row->reference\t$row->canonical\t$standings[$index]\n"
            : "$row->reference\t-\trefused $row->code\n";
    }
}

function showErrors(string $folder): void
{
    $partner = new Partner($folder);
    echo "open twice\t", codeOf(fn() => new Partner($folder, wait: 0)), "\n";
    echo "reply of garbage\t", codeOf(fn() => $partner->read('garbage')), "\n";
    echo "empty reply\t", codeOf(fn() => $partner->read('')), "\n";
    $partner->close();
    $partner->close();
    echo "close twice\tharmless\n";
    try {
        $partner->number();
        echo "use after close\twent through\n";
    } catch (ClosedException) {
        echo "use after close\trefused\n";
    }
}

function codeOf(callable $call): string
{
    try {
        $call();
        return 'went through';
    } catch (StapelException $error) {
        return $error->code();
    }
}

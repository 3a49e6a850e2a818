<?php

/**
 * What a program at a desk does through `stapel partner serve`: flags addresses, asks, looks, and withdraws them.
 *
 *     php desk.php SOCKET ADDRESS...
 */

declare(strict_types=1);

require __DIR__ . '/StapelClient.php';

use StapelClient\Acting;
use StapelClient\Client;
use StapelClient\ClientException;

if ($argc < 3) {
    fwrite(STDERR, "usage: desk.php SOCKET ADDRESS...\n");
    exit(2);
}
try {
    atDesk($argv[1], array_slice($argv, 2));
} catch (ClientException $error) {
    fwrite(STDERR, "{$error->code()}: {$error->getMessage()}\n");
    exit(1);
}

/** @param list<string> $addresses */
function atDesk(string $socket, array $addresses): void
{
    $desk = new Client($socket);
    $by = new Acting('example', 'examples');

    $flagged = $desk->flag($addresses, $by);
    echo "flagged $flagged->added, refused $flagged->refused\n";
    foreach ($flagged->rows as $row) {
        echo $row->address ?? "refused {$row->refused->code}", "\n";
    }

    // Where the broker was not asked yet, answers() has the answer after the server's next sync.
    $question = $desk->ask($addresses, $by);
    echo "question $question->state\n";
    foreach ($desk->answers($question->request, $by)->answers as $answer) {
        echo "organisations $answer->organisations, fresh $answer->fresh\n";
        foreach ($answer->rows as $standing) {
            echo "$standing->address\t{$standing->inWords()}\n";
        }
    }

    $news = $desk->news($by);
    foreach ($news->news as $row) {
        echo "news $row->address\n";
    }
    echo "seen {$desk->seen($news, $by)}\n";
    foreach ($desk->dossier($addresses[0], $by)->entries as $entry) {
        echo "$entry->event\t", $entry->actor ?? '-', "\n";
    }
    echo "withdrawn {$desk->withdraw($addresses, $by)->withdrawn}\n";
    echo "flags {$desk->status()->flags}\n";
}

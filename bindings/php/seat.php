<?php

/**
 * What people of a partner do after a hit, for tests/month: php seat.php FOLDER.
 *
 * A line of standard input is a job, a JSON list of its name, what it is given and the moment; a line of standard
 * output is what came of it, with the names that `stapel partner ... --json` has. The folder is open for the job alone.
 */

declare(strict_types=1);

require __DIR__ . '/Stapel.php';

use Stapel\Acting;
use Stapel\Addresses;
use Stapel\Conversation;
use Stapel\Partner;

$by = new Acting('month', 'month');
$name = fn(UnitEnum $one): string => strtolower(preg_replace('/(?<!^)[A-Z]/', '_$0', $one->name));
$underscored = fn(string $word): string => str_replace('-', '_', $word);
$jobs = [
    'flag' => fn(Partner $partner, array $lines, int $now) =>
        $partner->flag(Addresses::fromTexts($lines), $by, $now),
    'forward' => fn(Partner $partner, array $lines, int $now) =>
        $partner->putForward(Addresses::fromTexts($lines), $by, $now),
    'asked' => fn(Partner $partner, int $now) => array_map(fn($one) => ['address' => $one->canonical,
        'typed' => $one->typed, 'day' => $one->day, 'answer' => $one->answer, 'put_forward' => $one->isPutForward,
    ], $partner->asked($by, $now)),
    'answer' => fn(Partner $partner, string $canonical, string $answer, int $now) =>
        $partner->answer($canonical, $underscored($answer), $by, $now),
    'note' => fn(Partner $partner, int $number, string $text, int $now) =>
        $partner->writeText($number, $text, $by, now: $now),
    'outcome' => fn(Partner $partner, int $number, string $way, int $now) =>
        $partner->writeOutcome($number, $underscored($way), $by, now: $now),
    'conversations' => fn(Partner $partner, int $now) => array_map(fn(Conversation $one) => [
        'conversation' => $one->number, 'typed' => $one->typed, 'lead' => $one->lead, 'decision' => $one->decision,
        'outcome' => $one->outcome,
        'introduced' => array_map(fn($other) => ['partner' => $other->partner, 'since' => $other->since,
            'misses_note' => $other->missesNote], $one->introduced),
        'notes' => array_map(fn($note) => ['kind' => $name($note->kind), 'from' => $note->from,
            'copies' => array_map(fn($copy) => ['progress' => $name($copy->progress)], $note->copies)], $one->notes),
    ], $partner->conversations($by, now: $now)),
];

while (($line = fgets(STDIN)) !== false) {
    $job = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    $partner = new Partner($argv[1], wait: 5.0);
    $did = $jobs[array_shift($job)]($partner, ...$job);
    $partner->close();
    echo json_encode(is_array($did) ? $did : null, JSON_THROW_ON_ERROR), "\n";
}

"""What a program at a desk does through `stapel partner serve`: flags addresses, asks, looks, and withdraws them.

    desk.py SOCKET ADDRESS...
"""

from __future__ import annotations

import sys

import stapel_client


def main(socket: str, addresses: list[str]) -> None:
    desk = stapel_client.Client(socket)
    by = stapel_client.Acting("example", "examples")

    flagged = desk.flag(addresses, by)
    print(f"flagged {flagged.added}, refused {flagged.refused}")
    for found in flagged.rows:
        print(f"refused {found.refused.code}" if found.refused else found.address)

    # Where the broker was not asked yet, `answers` has the answer after the server's next sync.
    question = desk.ask(addresses, by)
    print(f"question {question.state}")
    for answer in desk.answers(question.request, by).answers:
        print(f"organisations {answer.organisations}, fresh {answer.fresh}")
        for standing in answer.rows:
            print(f"{standing.address}\t{standing.in_words()}")

    news = desk.news(by)
    for row in news.news:
        print(f"news {row.address}")
    print(f"seen {desk.seen(news, by)}")
    for entry in desk.dossier(addresses[0], by).entries:
        print(f"{entry.event}\t{entry.actor or '-'}")
    print(f"withdrawn {desk.withdraw(addresses, by).withdrawn}")
    print(f"flags {desk.status().flags}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: desk.py SOCKET ADDRESS...")
    try:
        main(sys.argv[1], sys.argv[2:])
    except stapel_client.ClientError as error:
        sys.exit(str(error))

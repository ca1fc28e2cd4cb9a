"""A journal as text for other accounting programs, so that they can check the books.

`books.read_books` takes what is needed from a server; `hledger.lines` and `beancount.lines` are
pure and give the text line by line.
"""

from ledger_client.plain_text.books import PlainBooks, read_books, transactions_up_to

__all__ = ["PlainBooks", "read_books", "transactions_up_to"]

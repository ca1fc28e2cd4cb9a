"""Protobuf's wire form, where bytes are put together that are not encoded again."""

from typing import Final

#: The last byte of a number, and those before it.
_LAST: Final = [bytes([number]) for number in range(0x80)]
_MORE: Final = [bytes([number | 0x80]) for number in range(0x80)]
#: The numbers of two bytes: most lengths, and what is left of most sequences.
SMALL: Final = _LAST + [
    _MORE[number & 0x7F] + _LAST[number >> 7] for number in range(0x80, 0x80 * 0x80)
]

#: The encoding of texts of which each character is a byte.
CHARS: Final = "latin-1"
SMALL_CHARS: Final = [number.decode(CHARS) for number in SMALL]
_SMALL_COUNT: Final = len(SMALL)

#: The wire types of whole numbers, and of what has a length: texts, bytes, messages.
_NUMBER: Final = 0
_LENGTH: Final = 2


def varint(number: int) -> bytes:
    """Encode a number that is not negative."""
    if number < _SMALL_COUNT:
        return SMALL[number]
    return _MORE[number & 0x7F] + varint(number >> 7)


def chars(raw: bytes) -> str:
    """Return bytes as a text of which each character is a byte, to be encoded by `CHARS`."""
    return raw.decode(CHARS)


def varint_chars(number: int) -> str:
    """Encode a number that is not negative as such a text."""
    return SMALL_CHARS[number] if number < _SMALL_COUNT else chars(varint(number))


def tag(field_number: int) -> bytes:
    """Return what begins a field that has a length."""
    return varint(field_number << 3 | _LENGTH)


def number_tag(field_number: int) -> bytes:
    """Return what begins a field that is a whole number."""
    return varint(field_number << 3 | _NUMBER)


def field(field_tag: bytes, body: bytes) -> bytes:
    """Return a field: its `tag`, its length, its bytes."""
    size = len(body)
    return field_tag + (SMALL[size] if size < _SMALL_COUNT else varint(size)) + body

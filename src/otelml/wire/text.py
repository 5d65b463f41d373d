"""Messages with text that is not UTF-8.

A Collector passes it on, and Python's protobuf reads no part of a request that has some.
"""

from functools import cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass


def parsed(kind: Any, body: bytes) -> Any:
    r"""A message of some kind; U+FFFD stands in its text for what is not UTF-8.

    Raises:
        google.protobuf.message.DecodeError: the bytes are none.

    >>> from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    >>> ascii(parsed(KeyValue, b"\n\2a\xff").key)
    "'a\\ufffd'"
    """
    try:
        return kind.FromString(body)
    except DecodeError:
        message = raw(kind).FromString(body)
        _mend(message, kind.DESCRIPTOR)
        return kind.FromString(message.SerializeToString())


@cache
def raw(kind: Any) -> Any:
    """The class of the same messages whose text is bytes."""
    pool = DescriptorPool()
    _add(pool, kind.DESCRIPTOR.file, set())
    return GetMessageClass(pool.FindMessageTypeByName(kind.DESCRIPTOR.full_name))


def _add(pool: DescriptorPool, file: FileDescriptor, known: set[str]) -> None:
    if file.name in known:
        return
    known.add(file.name)
    for needed in file.dependencies:
        _add(pool, needed, known)
    copy = FileDescriptorProto()
    file.CopyToProto(copy)
    for message in copy.message_type:
        _as_bytes(message)
    pool.Add(copy)


def _as_bytes(message: Any) -> None:
    for field in message.field:
        if field.type == FieldDescriptorProto.TYPE_STRING:
            field.type = FieldDescriptorProto.TYPE_BYTES
    for nested in message.nested_type:
        _as_bytes(nested)


def _mend(message: Any, like: Any) -> None:
    """Replace what is not UTF-8 where `like` has text."""
    for field, value in message.ListFields():
        meant = like.fields_by_name[field.name]
        if meant.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in (value,) if isinstance(value, Message) else value:
                _mend(inner, meant.message_type)
        elif meant.type == FieldDescriptor.TYPE_STRING:
            if isinstance(value, bytes):
                setattr(message, field.name, _mended(value))
            else:
                value[:] = map(_mended, value)


def _mended(text: bytes) -> bytes:
    return text.decode(errors="replace").encode()

// Protobuf messages put together from bytes that are already encoded: fields of a message may stand
// in any order, and a repeated field is the sequence of its entries.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kgw::envoy {

void append_varint(std::uint64_t value, std::string& out);
std::size_t varint_size(std::uint64_t value);

// Field `number` of a message: a string or a serialized message.
void append_field(int number, std::string_view content, std::string& out);
// The tag and length only; the content, of that size, is appended by the caller.
void append_field_header(int number, std::size_t size, std::string& out);
std::size_t field_size(int number, std::size_t content_size);

}  // namespace kgw::envoy

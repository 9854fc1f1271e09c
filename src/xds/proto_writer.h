// Appends single fields in the protobuf wire format, for messages that are spliced from parts which
// are encoded already. All fields here are length-delimited.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kgw::xds {

inline void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

// Tag and length of a field whose `length` bytes follow.
inline void put_length(std::string& out, std::uint32_t field, std::size_t length) {
  put_varint(out, field << 3 | 2);
  put_varint(out, length);
}

// Nothing for an empty text, as proto3 does.
inline void put_string(std::string& out, std::uint32_t field, std::string_view text) {
  if (text.empty()) return;
  put_length(out, field, text.size());
  out.append(text);
}

}  // namespace kgw::xds
